// Clients, links, disks and servers at random; then the faults end, and accounts are settled.
#include "tests/unit/core/ensemble.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using namespace zabd;
using namespace zabd::core::test;
using wire::CreateMode;
using wire::ErrorCode;
using wire::OpCode;

namespace {

constexpr int kServers = 3;

/// A session with a connection, and what it was answered.
struct Asker {
    int server = 0;
    Server::Session session;
    std::string prefix;
    std::vector<Xid> asked;  // and not answered
    std::size_t creates = 0;
    std::size_t created = 0;  // answered so
    bool lost = false;        // its connection ended: what was in flight may have happened
};

class Run {
public:
    explicit Run(std::uint32_t seed) : random_(seed), ensemble_(kServers, options(seed)) {
        REQUIRE(ensemble_.elect());
        const auto session = ensemble_[1].connect(40'000);
        REQUIRE(ensemble_[1].create(session, "/q") == ErrorCode::kOk);
    }

    void step() {
        const auto what = below(40);
        if (what < 4) {
            connect();
        } else if (what < 24) {
            ask();
        } else if (what < 27) {
            ensemble_.delay(any(), any(), true);
        } else if (what < 30) {
            undelay();
        } else if (what == 30) {
            ensemble_.isolate(any());
        } else if (what < 33) {
            for (int n = 1; n <= kServers; ++n) ensemble_.rejoin(n);
        } else if (what == 33) {
            restart(any());
        } else if (what < 36) {
            ensemble_[any()].set_disk_syncs(below(3) != 0);
        } else {
            ensemble_.pass(Millis(20 + below(400)));
        }
        collect();
    }

    void settle() {
        undelay();
        for (int n = 1; n <= kServers; ++n) {
            ensemble_.rejoin(n);
            ensemble_[n].set_disk_syncs(true);
        }
        REQUIRE(ensemble_.elect());
        ensemble_.pass(2s);
        collect();
        CHECK(ensemble_.same_state());
        const auto session = ensemble_[ensemble_.leader()].connect();
        const auto names = children(session);
        for (const auto& asker : askers_) {
            const auto count = static_cast<std::size_t>(
                std::ranges::count_if(names, [&](const std::string& name) { return name.starts_with(asker.prefix); }));
            CHECK(count >= asker.created);
            CHECK(count <= asker.creates);
            if (asker.lost) continue;
            CHECK(asker.asked.empty());
            CHECK(count == asker.creates);
        }
    }

private:
    static core::Options options(std::uint32_t seed) {
        auto options = default_options();
        options.hold_max = seed % 3 == 0 ? Millis(2000) : Millis(600'000);
        options.session_timeout_max = Millis(4'000'000);
        options.linearizable_reads = seed % 2 == 0;
        options.window_bytes_max = seed % 5 == 0 ? 0 : 1 << 20;
        return options;
    }
    std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random_() % bound); }
    int any() { return 1 + static_cast<int>(below(kServers)); }
    void undelay() {
        for (int n = 1; n <= kServers; ++n)
            for (int m = 1; m <= kServers; ++m) ensemble_.delay(n, m, false);
    }

    void connect() {
        Asker asker;
        asker.server = any();
        auto& server = ensemble_[asker.server];
        auto* before =
            askers_.empty() || below(2) == 0 ? nullptr : &askers_[below(static_cast<std::uint32_t>(askers_.size()))];
        if (before && before->session.id != SessionId::kNone) {
            before->lost = true;
            asker.session = server.reattach(before->session);
        } else {
            asker.session = server.connect(4'000'000);
        }
        asker.prefix = "c" + std::to_string(askers_.size()) + "-";
        asker.lost = asker.session.id == SessionId::kNone;
        askers_.push_back(asker);
    }
    void ask() {
        if (askers_.empty()) return;
        auto& asker = askers_[below(static_cast<std::uint32_t>(askers_.size()))];
        auto& server = ensemble_[asker.server];
        if (asker.lost || server.closed(asker.session)) return;
        const auto xid = ++xid_last_;
        const auto kind = below(8);
        if (kind < 5) {
            const auto path = "/q/" + asker.prefix;
            server.ask(asker.session, xid, OpCode::kCreate,
                       Server::create_request(path, CreateMode::kPersistentSequential));
            creates_.insert({xid, true});
            ++asker.creates;
        } else if (kind == 5) {
            server.ask(asker.session, xid, OpCode::kSync, wire::NullablePathRequest{"/q"});
        } else {
            server.ask(asker.session, xid, OpCode::kExists, wire::ReadRequest{"/q", false});
        }
        asker.asked.push_back(xid);
    }
    void restart(int n) {
        for (auto& asker : askers_)
            if (asker.server == n) asker.lost = true;
        ensemble_.restart(n);
    }
    /// Replies come in the order of the requests.
    void collect() {
        for (auto& asker : askers_) {
            if (asker.lost) continue;
            auto& server = ensemble_[asker.server];
            while (server.pending(asker.session) != 0) {
                const auto reply = server.next(asker.session);
                REQUIRE_FALSE(asker.asked.empty());
                REQUIRE(reply.header.xid == asker.asked.front());
                REQUIRE(reply.header.error == ErrorCode::kOk);
                if (creates_.contains(reply.header.xid)) ++asker.created;
                asker.asked.erase(asker.asked.begin());
            }
            if (server.closed(asker.session)) asker.lost = true;
        }
    }
    std::vector<std::string> children(const Server::Session& session) {
        auto& server = ensemble_[ensemble_.leader()];
        server.ask(session, 1, OpCode::kGetChildren, wire::ReadRequest{"/q", false});
        const auto reply = server.next_reply(session);
        const auto names = reply.as<wire::NamesReply>().names;
        return {names.begin(), names.end()};
    }

    std::mt19937 random_;
    Ensemble ensemble_;
    std::vector<Asker> askers_;
    std::map<Xid, bool> creates_;
    Xid xid_last_ = 0;
};

}  // namespace

TEST_CASE("whatever fails meanwhile, what was asked happens once and in order, and all servers agree",
          "[core][ensemble][random]") {
    const auto seed = GENERATE(range(1u, 41u));
    CAPTURE(seed);
    Run run(seed);
    for (int i = 0; i < 300; ++i) run.step();
    run.settle();
}
