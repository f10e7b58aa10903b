// Several servers without shells, wired together in memory: links and frames are carried in order, at once or when told to.
#pragma once

#include "tests/unit/core/server.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>

namespace zabd::core::test {

class Ensemble {
public:
    using Number = int;

    explicit Ensemble(Number voters, Options options = default_options()) {
        std::set<ServerId> ids;
        for (Number n = 1; n <= voters; ++n) ids.insert(id_of(n));
        options.membership = zab::Membership(ids);
        options.config_text = "server.1=one:2:3:participant\nversion=0";
        options.prepare.extended_types = true;
        for (Number n = 1; n <= voters; ++n) {
            options.server = id_of(n);
            servers_[n] = std::make_unique<Server>(options, now_, hooks(n));
        }
    }

    Ensemble(const Ensemble&) = delete;
    Ensemble& operator=(const Ensemble&) = delete;

    [[nodiscard]] Server& operator[](Number n) { return *servers_.at(n); }
    [[nodiscard]] Number leader() const {
        for (const auto& [n, server] : servers_) {
            const auto status = server->core().status();
            if (server_is_up(n) && status.serving && status.state == ServerState::kLeading) return n;
        }
        return 0;
    }
    /// Any of those that follow.
    [[nodiscard]] Number follower(Number besides = 0) const {
        for (const auto& [n, server] : servers_) {
            const auto status = server->core().status();
            if (n != besides && status.serving && status.state == ServerState::kFollowing) return n;
        }
        return 0;
    }
    [[nodiscard]] bool serves(Number n) const { return servers_.at(n)->core().status().serving; }

    /// Time passes for all, in small steps.
    void pass(Millis time) {
        for (const auto end = now_.monotonic + time; now_.monotonic < end;) tick();
    }
    [[nodiscard]] bool await(const std::function<bool()>& condition, Millis longest = Millis(30'000)) {
        for (const auto end = now_.monotonic + longest; now_.monotonic < end; tick())
            if (condition()) return true;
        return condition();
    }
    /// Until all that can reach each other serve.
    [[nodiscard]] bool elect() {
        return await([&] {
            for (const auto& [n, server] : servers_)
                if (server_is_up(n) && !isolated_.contains(n) && !serves(n)) return false;
            return leader() != 0;
        });
    }

    /// It reaches nobody, and nobody reaches it: links break.
    void isolate(Number n) {
        isolated_.insert(n);
        for (auto link = links_.begin(); link != links_.end();) {
            const auto& [id, end] = *link;
            const bool cut = end.owner == n || end.peer == n;
            if (cut) due_.push_back({end.owner, [link_id = id](Server& server) { server.step(PeerClosed{link_id}); }});
            link = cut ? links_.erase(link) : std::next(link);
        }
        run();
    }
    void rejoin(Number n) { isolated_.erase(n); }
    /// What leaves this server for that one waits, or goes on.
    void delay(Number from, Number to, bool on) {
        if (on) {
            delayed_.insert({from, to});
        } else {
            delayed_.erase({from, to});
            run();
        }
    }
    /// A power cut, and a start from what was durable.
    void restart(Number n) {
        isolate(n);
        rejoin(n);
        std::erase_if(due_, [&](const Due& due) { return due.to == n; });
        running_ = true;  // nothing reaches the old one any more
        auto& server = servers_.at(n);
        server = std::make_unique<Server>(*server, now_, hooks(n));
        running_ = false;
        run();
    }
    [[nodiscard]] bool same_state() const {
        std::set<std::pair<std::uint64_t, std::size_t>> states;
        for (const auto& [n, server] : servers_) {
            const auto status = server->core().status();
            server->core().check_invariants();
            states.insert({status.digest, status.sessions});
        }
        return states.size() == 1;
    }

private:
    struct End {
        Number owner = 0;
        Number peer = 0;
        LinkId other{};
    };
    struct Due {
        Number to = 0;
        std::function<void(Server&)> happens;
        Number from = 0;
    };

    static ServerId id_of(Number n) { return ServerId{static_cast<std::uint8_t>(n)}; }
    static Number number_of(ServerId id) { return static_cast<Number>(id); }
    [[nodiscard]] bool server_is_up(Number n) const { return servers_.contains(n); }
    [[nodiscard]] bool reach(Number a, Number b) const {
        return servers_.contains(b) && !isolated_.contains(a) && !isolated_.contains(b);
    }

    Server::Hooks hooks(Number n) {
        return {[this, n](Output& output, const std::string& bytes) {
                    std::visit([&](auto& asked) { carry_out(n, asked, bytes); }, output);
                },
                [this] { run(); }};
    }
    void tick() {
        now_.monotonic += Millis(20);
        now_.wall = WallTime{static_cast<std::int64_t>(now_.wall) + 20};
        for (auto& [n, server] : servers_) server->advance(Millis(20));
    }
    void run() {
        if (std::exchange(running_, true)) return;
        for (auto next = due_.begin(); next != due_.end();) {
            if (delayed_.contains({next->from, next->to})) {
                ++next;
                continue;
            }
            const auto due = std::move(*next);
            due_.erase(next);
            if (servers_.contains(due.to)) due.happens(*servers_.at(due.to));
            next = due_.begin();
        }
        running_ = false;
    }

    void carry_out(Number from, DialLeader& dial, const std::string&) {
        const auto to = number_of(dial.server);
        if (!reach(from, to)) {
            due_.push_back({from, [](Server& server) { server.step(PeerUnreachable{}); }});
            return;
        }
        const LinkId ours{++links_last_};
        const LinkId theirs{++links_last_};
        links_[ours] = {from, to, theirs};
        links_[theirs] = {to, from, ours};
        open(to, theirs, false, from);
        open(from, ours, true, 0);
    }
    void open(Number to, LinkId link, bool dialled, Number from) {
        due_.push_back({to,
                        [this, link, dialled](Server& server) {
                            if (links_.contains(link)) server.step(PeerOpened{link, dialled});
                        },
                        from});
    }
    void send(LinkId link, std::string bytes) {
        const auto end = links_.find(link);
        if (end == links_.end()) return;
        const auto other = end->second.other;
        due_.push_back({end->second.peer,
                        [this, other, bytes = std::move(bytes)](Server& server) {
                            if (links_.contains(other)) server.step(PeerBytes{other, bytes});
                        },
                        end->second.owner});
    }
    void carry_out(Number, SendToPeer& sent, const std::string& bytes) {
        send(sent.link, bytes.substr(sent.begin, sent.size));
    }
    void carry_out(Number, ClosePeer& closed, const std::string&) {
        const auto end = links_.find(closed.link);
        if (end == links_.end()) return;
        const auto other = end->second.other;
        due_.push_back({end->second.peer,
                        [this, other](Server& server) {
                            if (links_.erase(other) != 0) server.step(PeerClosed{other});
                        },
                        end->second.owner});
        links_.erase(end);
    }
    void carry_out(Number from, SendElection& sent, const std::string& bytes) {
        const auto to = number_of(sent.to);
        const bool reached = reach(from, to);
        due_.push_back({from, [id = sent.to, reached](Server& server) { server.step(ElectionLink{id, reached}); }});
        if (!reached) return;
        due_.push_back({to,
                        [id = id_of(from), payload = bytes.substr(sent.begin, sent.size)](Server& server) {
                            server.step(ElectionFrame{id, payload});
                        },
                        from});
    }
    void carry_out(Number from, OpenSnapshot& open, const std::string&) {
        due_.push_back({from, [link = open.link](Server& server) {
                            server.step(SnapshotOpened{link, server.checkpoint().zxid()});
                        }});
    }
    void carry_out(Number from, StreamSnapshot& stream, const std::string&) {
        // In pieces that fit nothing.
        const auto bytes = servers_.at(from)->checkpoint().stream();
        for (std::size_t at = 0; at < bytes.size(); at += 7) send(stream.link, bytes.substr(at, 7));
        due_.push_back({from, [link = stream.link](Server& server) { server.step(SnapshotStreamed{link}); }});
    }
    void carry_out(Number, auto&, const std::string&) { fatal("no other output is for peers"); }

    Now now_{Instant(Millis(1'000'000)), WallTime{1'700'000'000'000}};
    std::map<Number, std::unique_ptr<Server>> servers_;
    std::map<LinkId, End> links_;
    std::uint64_t links_last_ = 0;
    std::deque<Due> due_;
    std::set<Number> isolated_;
    std::set<std::pair<Number, Number>> delayed_;
    bool running_ = false;
};

}  // namespace zabd::core::test
