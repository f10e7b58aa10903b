// The ensemble as this member sees it: every member's role and how far it is, the last elections, and stepping down.
#include "server/ensemble.hpp"

#include "server/admin/ask.hpp"
#include "server/admin/body.hpp"
#include "server/admin/history.hpp"
#include "server/admin/members.hpp"
#include "server/admin/reply.hpp"
#include "server/admin/services.hpp"
#include "server/version.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

namespace zabd::server::admin {
namespace {

namespace asio = boost::asio;
using nlohmann::json;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr auto as_value = asio::as_tuple(asio::use_awaitable);
constexpr milliseconds kSampleEvery{100};
constexpr milliseconds kSampledFor{10'000};  // after somebody asked last
constexpr std::size_t kElectionsShown = 100;

bool leads(const core::Status& status) { return status.serving && status.state == core::ServerState::kLeading; }

struct Own {
    core::Status status;
    std::vector<core::LearnerView> learners;
};

/// Lives as long as the routes, and as what they have begun.
struct Overview : std::enable_shared_from_this<Overview> {
    explicit Overview(Services& given)
        : services(given), members(given.io, others_of(given.config)), sample_timer(given.io) {}

    static std::map<ServerId, Endpoint> others_of(const Config& config) {
        std::map<ServerId, Endpoint> others;
        if (!config.ensemble) return others;
        for (const auto& [id, server] : config.ensemble->servers)
            if (id != config.ensemble->self) others.emplace(id, client_endpoint(server, config.client_port));
        return others;
    }

    asio::awaitable<Own> look() {
        auto question = [](Inside& inside) { return Own{inside.core().status(), inside.core().learners()}; };
        auto own = co_await ask(services.desk, std::move(question));
        proposals.note(Clock::now(), own.status.zxid_proposed);
        if (!leads(own.status)) acked.clear();
        for (const auto& learner : own.learners)
            if (learner.up_to_date || learner.acked != Zxid{}) acked[learner.server] = learner.acked;
        co_return own;
    }

    /// A leader's proposals are timed while somebody looks, and for a while after that.
    void keep_sampling() {
        sampled_until = Clock::now() + kSampledFor;
        if (std::exchange(sampling, true)) return;
        asio::co_spawn(services.io, sample(shared_from_this()), asio::detached);
    }
    static asio::awaitable<void> sample(std::shared_ptr<Overview> self) {
        while (Clock::now() < self->sampled_until) {
            self->sample_timer.expires_after(kSampleEvery);
            const auto [stopped] = co_await self->sample_timer.async_wait(as_value);
            if (stopped) break;
            auto question = [](Inside& inside) { return inside.core().status().zxid_proposed; };
            const auto proposed = co_await ask(self->services.desk, std::move(question));
            self->proposals.note(Clock::now(), proposed);
        }
        self->sampling = false;
    }

    Services& services;
    Members members;
    ProposalTimes proposals;
    std::map<ServerId, Zxid> acked;  // leader: what its learners have, or had when they were gone
    asio::steady_timer sample_timer;
    Clock::time_point sampled_until;
    bool sampling = false;
};

std::string_view role_of(core::ServerState state) {
    switch (state) {
        case core::ServerState::kStandalone: return "standalone";
        case core::ServerState::kLooking: return "looking";
        case core::ServerState::kLeading: return "leader";
        case core::ServerState::kFollowing: return "follower";
        case core::ServerState::kObserving: return "observer";
        case core::ServerState::kReadOnly: return "read-only";
    }
    return "looking";
}

json number_of(ServerId server) { return static_cast<int>(server); }
json number_of(std::optional<ServerId> server) { return server ? number_of(*server) : json(nullptr); }
template <class Value>
json or_null(const std::optional<Value>& value) {
    return value ? json(*value) : json(nullptr);
}

/// Transactions that it lacks; of an older epoch at least so many.
std::uint64_t txns_behind(Zxid ahead, Zxid behind) {
    if (behind >= ahead) return 0;
    return behind.epoch() == ahead.epoch() ? ahead.counter() - behind.counter() : ahead.counter();
}

// --- members ---------------------------------------------------------------------------------------------------------

json blank_row(ServerId id, const EnsembleServer& server, const Endpoint& client) {
    json row{{"id", number_of(id)},
             {"host", server.host},
             {"quorum_port", server.quorum_port},
             {"election_port", server.election_port},
             {"client_port", client.port},
             {"observer", server.observer},
             {"self", false},
             {"reachable", false}};
    for (const auto* name : {"role", "zxid", "epoch", "lag_txns", "lag_ms", "connections", "outstanding",
                             "latency_avg_ms", "version", "checked_ms_ago"})
        row[name] = nullptr;
    return row;
}

void put_own(json& row, const core::Status& status) {
    row["self"] = row["reachable"] = true;
    row["role"] = role_of(status.state);
    row["zxid"] = hex(status.zxid_applied);
    row["epoch"] = status.epoch;
    row["connections"] = status.connections;
    row["outstanding"] = status.outstanding;
    row["latency_avg_ms"] = 0.0;
    if (status.traffic.requests != 0)
        row["latency_avg_ms"] =
            static_cast<double>(status.traffic.latency_ms_sum) / static_cast<double>(status.traffic.requests);
    row["version"] = zookeeper_version_text().substr(0, zookeeper_version_text().find(','));
    row["checked_ms_ago"] = 0;
}

void put_report(json& row, const MemberReport& report) {
    row["checked_ms_ago"] = std::chrono::duration_cast<milliseconds>(Clock::now() - report.checked).count();
    if (!report.answer) return;
    const auto& answer = *report.answer;
    row["reachable"] = true;
    row["role"] = answer.role;
    if (answer.zxid) {
        row["zxid"] = hex(*answer.zxid);
        row["epoch"] = answer.zxid->epoch();
    }
    row["connections"] = or_null(answer.connections);
    row["outstanding"] = or_null(answer.outstanding);
    row["latency_avg_ms"] = or_null(answer.latency_avg_ms);
    row["version"] = or_null(answer.version);
}

/// What a leader knows of its learners, to the transaction.
void put_lag(json& row, ServerId id, const Own& own, const Overview& overview) {
    const auto acked = overview.acked.find(id);
    if (acked == overview.acked.end()) return;
    row["lag_txns"] = txns_behind(own.status.zxid_proposed, acked->second);
    row["lag_ms"] = overview.proposals.lag(Clock::now(), acked->second).count();
}

using Reports = std::map<ServerId, MemberReport>;

std::optional<Zxid> zxid_told(const Reports& reports, ServerId server) {
    const auto report = reports.find(server);
    if (report == reports.end() || !report->second.answer) return std::nullopt;
    return report->second.answer->zxid;
}

/// Elsewhere than on the leader it is an estimate: the members were asked one after the other.
void put_estimated_lags(json& rows, const Config& config, const core::Status& status, const Reports& reports) {
    if (!status.leader) return;
    const auto ahead = zxid_told(reports, *status.leader);
    if (!ahead) return;
    for (auto& row : rows) {
        const auto id = ServerId{row["id"].get<std::uint8_t>()};
        const auto zxid = id == config.ensemble->self ? std::optional(status.zxid_applied) : zxid_told(reports, id);
        if (zxid) row["lag_txns"] = txns_behind(*ahead, *zxid);
    }
}

json rows_of(const Overview& overview, const Own& own, const Reports& reports) {
    const auto& config = overview.services.config;
    auto rows = json::array();
    const bool leading = leads(own.status);
    for (const auto& [id, server] : config.ensemble->servers) {
        auto row = blank_row(id, server, client_endpoint(server, config.client_port));
        if (id == config.ensemble->self) {
            put_own(row, own.status);
            if (leading) row["lag_txns"] = row["lag_ms"] = 0;
        } else {
            if (const auto report = reports.find(id); report != reports.end()) put_report(row, report->second);
            if (leading) put_lag(row, id, own, overview);
        }
        rows.push_back(std::move(row));
    }
    if (!leading) put_estimated_lags(rows, config, own.status, reports);
    return rows;
}

json row_alone(const Config& config, const core::Status& status) {
    EnsembleServer server;
    server.host = config.client_address;
    auto row = blank_row(ServerId{}, server, {server.host, config.client_port});
    row["quorum_port"] = row["election_port"] = nullptr;
    row["id"] = 0;
    put_own(row, status);
    row["lag_txns"] = row["lag_ms"] = 0;
    return json::array({std::move(row)});
}

// --- the whole -------------------------------------------------------------------------------------------------------

json quorum_of(const Config& config, const Own& own) {
    if (!config.ensemble) return {{"voters", 1}, {"needed", 1}, {"in_touch", 1}, {"has", true}};
    const auto& membership = config.ensemble->membership;
    const auto voters = membership.voters().size();
    json quorum{{"voters", voters}, {"needed", voters / 2 + 1}, {"in_touch", nullptr}};
    quorum["has"] = own.status.serving;
    if (!leads(own.status)) return quorum;
    std::set<ServerId> in_touch{config.ensemble->self};
    for (const auto& learner : own.learners)
        if (!learner.observer && learner.up_to_date) in_touch.insert(learner.server);
    quorum["in_touch"] = in_touch.size();
    quorum["has"] = membership.has_quorum(in_touch);
    return quorum;
}

json elections_of(const History& history) {
    auto elections = json::array();
    for (const auto& change : history.roles()) {
        if (elections.size() == kElectionsShown) break;
        elections.push_back({{"at_ms", static_cast<std::int64_t>(change.at)},
                             {"role", change.role},
                             {"leader", number_of(change.leader)},
                             {"epoch", change.epoch},
                             {"detail", change.detail}});
    }
    return elections;
}

asio::awaitable<net::HttpResponse> show(std::shared_ptr<Overview> overview) {
    const auto& config = overview->services.config;
    overview->keep_sampling();
    const auto reports = co_await overview->members.reports();
    const auto own = co_await overview->look();
    const auto& status = own.status;
    json body{{"self", config.ensemble ? number_of(config.ensemble->self) : json(0)},
              {"role", role_of(status.state)},
              {"serving", status.serving},
              {"leader", number_of(status.leader)},
              {"epoch", status.epoch},
              {"zxid", hex(status.zxid_applied)},
              {"zxid_proposed", hex(status.zxid_proposed)},
              {"uptime_ms", status.uptime.count()},
              {"version", zabd_version_text()}};
    body["quorum"] = quorum_of(config, own);
    body["servers"] = config.ensemble ? rows_of(*overview, own, reports) : row_alone(config, status);
    body["elections"] = elections_of(overview->services.history);
    co_return json_reply(body);
}

asio::awaitable<net::HttpResponse> show_ensemble(std::shared_ptr<Overview> overview, Call call) {
    try {
        Parameters(call.request).finish();
    } catch (const BadRequest& wrong) {
        co_return bad_request_reply(wrong);
    }
    co_return co_await show(std::move(overview));
}

// --- stepping down ---------------------------------------------------------------------------------------------------

asio::awaitable<net::HttpResponse> step_down(Services& services, Call call) {
    try {
        Parameters(call.request).finish();
    } catch (const BadRequest& wrong) {
        co_return bad_request_reply(wrong);
    }
    enum class Answer : std::uint8_t { kDone, kNotLeader, kNoFollower };
    auto question = [](Inside& inside) {
        if (!leads(inside.core().status())) return Answer::kNotLeader;
        if (!inside.core().can_step_down()) return Answer::kNoFollower;
        inside.give(core::StepDown{});
        return Answer::kDone;
    };
    switch (co_await ask(services.desk, std::move(question))) {
        case Answer::kNotLeader: co_return error_reply(409, "NotLeader", "this server does not lead an ensemble");
        case Answer::kNoFollower:
            co_return error_reply(409, "NoFollower", "no follower that may lead is up to date: nobody could take over");
        case Answer::kDone: break;
    }
    co_return json_reply({{"role", "leader"}}, 202);
}

}  // namespace

void add_ensemble_routes(Router& router, Services& services) {
    const auto overview = std::make_shared<Overview>(services);
    router.add({"GET", "/api/v1/ensemble", Role::kReader,
                [overview](Call call) { return show_ensemble(overview, std::move(call)); }});
    router.add({"POST", "/api/v1/step-down", Role::kOperator,
                [&services](Call call) { return step_down(services, std::move(call)); }});
}

}  // namespace zabd::server::admin
