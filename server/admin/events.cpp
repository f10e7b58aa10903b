// /api/v1/events: what happens, as Server-Sent Events, for pages that stay up to date without asking.
#include "server/admin/ask.hpp"
#include "server/admin/body.hpp"
#include "server/admin/history.hpp"
#include "server/admin/node_follower.hpp"
#include "server/admin/reply.hpp"
#include "server/admin/services.hpp"
#include "server/admin/tree.hpp"
#include "znode/path.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <utility>

namespace zabd::server::admin {
namespace {

namespace asio = boost::asio;
using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr auto as_value = asio::as_tuple(asio::use_awaitable);

constexpr std::size_t kStreamsMax = 32;
constexpr std::size_t kPathsMax = 50;                  // of a stream
constexpr std::size_t kNamesMax = 20'000;              // of children that a stream keeps in mind, over all its paths
constexpr std::size_t kLookedAtMax = 4 * kSliceNodes;  // at one look: with all streams, 4 % of the io thread's time
constexpr std::size_t kEventsMax = 1000;               // of one look, then one reads anew what one shows
constexpr std::chrono::milliseconds kLookEvery{250};
constexpr std::chrono::seconds kSilenceMax{15};  // proxies take a silent connection for a dead one

std::string_view name_of(core::ServerState state) {
    switch (state) {
        case core::ServerState::kStandalone: break;
        case core::ServerState::kLooking: return "looking";
        case core::ServerState::kLeading: return "leader";
        case core::ServerState::kFollowing: return "follower";
        case core::ServerState::kObserving: return "observer";
        case core::ServerState::kReadOnly: return "read-only";
    }
    return "standalone";
}

std::int64_t now_ms() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

json number_or_null(const std::optional<double>& value) { return value ? json(*value) : json(nullptr); }

json json_of(const Sample& sample) {
    return {{"at_ms", static_cast<std::int64_t>(sample.at)},
            {"role", name_of(sample.state)},
            {"zxid", hex(sample.zxid)},
            {"epoch", sample.epoch},
            {"ops_per_s", sample.ops},
            {"outstanding", sample.outstanding},
            {"connections", sample.connections},
            {"nodes", sample.nodes},
            {"sessions", sample.sessions},
            {"watches", sample.watches},
            {"latency_avg_ms", number_or_null(sample.latency_avg_ms)},
            {"latency_max_ms", number_or_null(sample.latency_max_ms)},
            {"sync_avg_us", number_or_null(sample.sync_avg_us)}};
}

/// The looks of one stream, and what they tell.
class Follower {
public:
    Follower(Services& services, const Caller& caller, const std::vector<std::string>& paths)
        : services_(services), who_(std::make_shared<const std::vector<wire::Id>>(caller.identities)) {
        for (const auto& path : paths) nodes_.emplace_back(path, kNamesMax / paths.size());
    }

    /// What there is to be sent; empty: nothing.
    asio::awaitable<std::string> look() {
        auto question = [](Inside& inside) { return inside.core().status(); };
        const auto status = co_await ask(services_.desk, std::move(question));
        add_role(status);
        if (!nodes_.empty()) co_await look_at_nodes(status.zxid_applied);
        add_sample();
        co_return std::exchange(text_, {});
    }

private:
    void add(std::string_view event, const json& data) {
        text_.append("event: ").append(event).append("\ndata: ");
        text_ += data.dump(-1, ' ', false, json::error_handler_t::replace);
        text_ += "\n\n";
    }

    void add_role(const core::Status& status) {
        const Role role{status.state, status.leader, status.epoch};
        if (std::exchange(role_, role) == role) return;
        json data{{"at_ms", now_ms()}, {"role", name_of(role.state)}, {"leader", nullptr}, {"epoch", role.epoch}};
        if (role.leader) data["leader"] = static_cast<unsigned>(*role.leader);
        add("role", data);
    }

    void add_sample() {
        const auto sample = services_.history.newest();
        if (!sample || sample->at == sample_at_) return;
        sample_at_ = sample->at;
        add("server", json_of(*sample));
    }

    asio::awaitable<void> look_at_nodes(Zxid applied) {
        std::vector<NodeEvent> events;
        if (applied != applied_) {
            applied_ = applied;
            co_await look_at_given(events);
            for (auto& node : nodes_) node.begin_sweep(applied);
        }
        for (std::size_t looked_at = 0; looked_at < kLookedAtMax;) {
            const auto slice = co_await look_at_children(events);
            if (slice == 0) break;
            looked_at += slice;
        }
        add_events(events);
    }

    asio::awaitable<void> look_at_given(std::vector<NodeEvent>& events) {
        std::vector<std::string> paths;
        for (const auto& node : nodes_) paths.push_back(node.path());
        auto question = [who = who_, paths = std::move(paths)](Inside& inside) {
            std::vector<core::NodeAnswer> answers;
            for (const auto& path : paths) answers.push_back(inside.core().node(path, *who));
            return answers;
        };
        const auto answers = co_await ask(services_.desk, std::move(question));
        for (std::size_t i = 0; i < answers.size(); ++i) nodes_[i].look(answers[i], events);
    }

    /// One question for as many as fit. Gives how much was looked at; 0: no sweep is under way.
    asio::awaitable<std::size_t> look_at_children(std::vector<NodeEvent>& events) {
        std::vector<NodeFollower*> asked;
        std::vector<core::WalkQuery> queries;
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            auto& node = nodes_[(turn_ + i) % nodes_.size()];
            if (!node.sweeping()) continue;
            asked.push_back(&node);
            queries.push_back(node.query(kSliceNodes));
        }
        if (asked.empty()) co_return 0;
        auto question = [who = who_, queries = std::move(queries)](Inside& inside) {
            std::vector<core::WalkAnswer> answers;
            for (std::size_t looked_at = 0; answers.size() < queries.size() && looked_at < kSliceNodes;) {
                answers.push_back(inside.core().walk(queries[answers.size()], *who));
                looked_at += 1 + answers.back().looked_at;
            }
            return answers;
        };
        const auto answers = co_await ask(services_.desk, std::move(question));
        std::size_t looked_at = 0;
        for (std::size_t i = 0; i < answers.size(); ++i) {
            asked[i]->look(answers[i], events);
            looked_at += 1 + answers[i].looked_at;
        }
        turn_ = (turn_ + answers.size()) % nodes_.size();  // a large directory does not keep the others waiting
        co_return looked_at;
    }

    void add_events(const std::vector<NodeEvent>& events) {
        std::set<std::string> told;  // a node may be among the given and below one of them
        std::size_t count = 0;
        for (const auto& event : events) {
            if (count == kEventsMax) break;
            const json data{{"path", event.path}, {"type", name_of(event.type)}};
            if (!told.insert(data.dump()).second) continue;
            add("node", data);
            ++count;
        }
        if (count < kEventsMax) return;
        for (const auto& node : nodes_) add("node", {{"path", node.path()}, {"type", "children"}});
    }

    struct Role {
        core::ServerState state;
        std::optional<ServerId> leader;
        Epoch epoch;
        bool operator==(const Role&) const = default;
    };

    Services& services_;
    std::shared_ptr<const std::vector<wire::Id>> who_;
    std::vector<NodeFollower> nodes_;
    std::size_t turn_ = 0;
    std::optional<Role> role_;
    std::optional<WallTime> sample_at_;
    std::optional<Zxid> applied_;
    std::string text_;
};

asio::awaitable<void> follow(std::shared_ptr<Follower> follower, net::HttpStream& out) {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    auto written = Clock::now();
    for (;;) {
        auto text = co_await follower->look();
        if (text.empty() && Clock::now() - written >= kSilenceMax) text = ": still there\n\n";
        if (!text.empty()) {
            co_await out.write(text);  // which throws once the client is gone
            written = Clock::now();
        }
        timer.expires_after(kLookEvery);
        if (const auto [stopped] = co_await timer.async_wait(as_value); stopped) co_return;
    }
}

std::vector<std::string> paths_of(const net::HttpRequest& request) {
    std::set<std::string> paths;
    for (const auto& [name, value] : request.query) {
        if (name != "path") throw BadRequest{"unknown parameter: " + name};
        if (!znode::valid_path(value)) throw BadRequest{"not a path: " + value};
        paths.insert(value);
    }
    if (paths.size() > kPathsMax) throw BadRequest{"more than " + std::to_string(kPathsMax) + " paths"};
    return {paths.begin(), paths.end()};
}

/// How many streams there are; each holds its place() until it ends. Outlived by them.
class Places {
public:
    [[nodiscard]] std::shared_ptr<const void> place() const {
        if (*taken_ == kStreamsMax) return nullptr;
        ++*taken_;
        return {taken_.get(), [taken = taken_](const void*) { --*taken; }};
    }

private:
    std::shared_ptr<std::size_t> taken_ = std::make_shared<std::size_t>(0);
};

asio::awaitable<net::HttpResponse> get_events(Services& services, Places places, Call call) {
    try {
        const auto paths = paths_of(call.request);
        auto place = places.place();
        if (!place) co_return error_reply(503, "NotServing", "there are too many streams of events");
        net::HttpResponse response;
        response.content_type = "text/event-stream";
        response.stream = [place, follower = std::make_shared<Follower>(services, call.caller, paths)](
                              net::HttpStream& out) { return follow(follower, out); };
        co_return response;
    } catch (const BadRequest& wrong) {
        co_return bad_request_reply(wrong);
    }
}

}  // namespace

void add_event_routes(Router& router, Services& services) {
    router.add({.method = "GET",
                .pattern = "/api/v1/events",
                .needs = Role::kReader,
                .handler = [&services, places = Places()](Call call) {
                    return get_events(services, places, std::move(call));
                }});
}

}  // namespace zabd::server::admin
