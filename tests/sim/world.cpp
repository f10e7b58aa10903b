#include "tests/sim/world.hpp"

#include "storage/log_format.hpp"
#include "tests/sim/checkers/all.hpp"
#include "wire/assert.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace zabd::sim {

namespace {

constexpr Duration kConvergenceMax = minutes(3);
constexpr Duration kProgressMax = minutes(3);
constexpr Duration kQuietMax = minutes(3);
constexpr Duration kOnItsWayMax = seconds(20);  // what a link has delayed before it was healed
constexpr Duration kLook = seconds(10);

std::int64_t drawn(Random& random, std::initializer_list<std::int64_t> among) {
    return *(among.begin() + random.below(among.size()));
}

ServerOptions drawn_server(Random& random) {
    ServerOptions options;
    auto& core = options.core;
    core.tick = Millis(drawn(random, {100, 500, 2000}));
    core.session_timeout_min = std::max(core.tick * 2, Millis(500));
    core.session_timeout_max = core.session_timeout_min + Millis(drawn(random, {0, 4000, 40'000}));
    core.outstanding_max = static_cast<std::size_t>(drawn(random, {4, 20, 1000}));
    core.client_queue_bytes_max = static_cast<std::size_t>(drawn(random, {500, 4 << 20}));
    core.reap_interval = Millis(drawn(random, {2000, 20'000}));
    core.reaps_per_minute_max = 600;
    core.never_used_container_max = Millis(drawn(random, {0, 10'000}));
    core.prepare.extended_types = true;
    core.counter_max = static_cast<Counter>(drawn(random, {50, 1000, zab::kCounterMax}));
    auto& store = options.store;
    for (auto& byte : store.secret) byte = static_cast<unsigned char>(random.next());
    store.segment_bytes = static_cast<std::uint64_t>(drawn(random, {32 << 10, 64 << 10, 256 << 10}));
    store.retain_bytes = static_cast<std::uint64_t>(drawn(random, {0, 100'000, 64 << 20}));
    core.log_reserve_bytes = store.segment_bytes / 4;
    core.log_overhead_bytes_max = storage::kRecordOverheadBytesMax;
    auto& checkpoint = store.checkpoint;
    checkpoint.transactions = static_cast<std::uint64_t>(drawn(random, {0, 20, 200}));
    checkpoint.log_bytes = static_cast<std::uint64_t>(drawn(random, {10'000, 512 << 20}));
    checkpoint.bytes = static_cast<std::uint64_t>(drawn(random, {20'000, 128 << 20}));
    checkpoint.bytes_max = checkpoint.bytes * 2;
    checkpoint.age = Millis(drawn(random, {3000, 60'000}));
    checkpoint.quiet = Millis(drawn(random, {500, 2000}));
    options.sync_max = milliseconds(drawn(random, {1, 5, 50}));
    core.init_limit = static_cast<int>(drawn(random, {5, 10}));
    core.sync_limit = static_cast<int>(drawn(random, {3, 5}));
    core.hold_max = Millis(drawn(random, {100, 2000, 10'000}));
    core.window_bytes_max = static_cast<std::size_t>(drawn(random, {500, 20'000, 32 << 20}));
    return options;
}

/// 1: no ensemble.
std::size_t drawn_voters(Random& random) {
    if (random.per_mille(250)) return 1;
    return static_cast<std::size_t>(drawn(random, {3, 3, 3, 5, 5, 7}));
}

/// Long courses are no busier than short ones, so that a seed takes about the same time.
ClientOptions drawn_client(Random& random, Duration course) {
    ClientOptions options;
    options.timeout_ms = static_cast<std::int32_t>(drawn(random, {1000, 4000, 10'000, 30'000}));
    options.pipeline_max = static_cast<std::size_t>(drawn(random, {1, 4, 30}));
    options.think_max = course * 8 / drawn(random, {40, 200, 1000});  // an eighth of it on average
    options.mix.watches = static_cast<std::uint64_t>(drawn(random, {0, 300, 800}));
    options.mix.writes = static_cast<std::uint64_t>(drawn(random, {5, 30, 100}));
    options.mix.data_bytes_max = static_cast<std::uint64_t>(drawn(random, {50, 200, 3000}));
    return options;
}

}  // namespace

World::World(const WorldOptions& options)
    : stage_(options.seed, options.planted, options.trace), options_(options), mesh_(stage_) {
    auto& random = stage_.random;
    make_servers(options.voters != 0 ? options.voters : drawn_voters(random));
    course_ = ensemble() ? seconds(drawn(random, {10, 30, 120})) : seconds(drawn(random, {20, 120, 1200}));
    std::vector<Server*> addresses;
    for (auto& server : servers_) addresses.push_back(server.get());
    const auto clients = 1 + random.below(8);
    for (ClientId id = 0; id < clients; ++id) {
        auto client_options = drawn_client(random, course_);
        client_options.pinned = ensemble() && random.per_mille(100);
        clients_.push_back(std::make_unique<Client>(stage_, id, client_options, addresses, checkers_));
    }
    nemesis_ = std::make_unique<Nemesis>(*this, course_);
}

void World::make_servers(std::size_t voters) {
    auto& random = stage_.random;
    auto options = drawn_server(random);
    const auto observers = voters == 1 ? 0 : random.below(3);
    std::set<ServerId> voting, observing;
    for (std::size_t n = 1; n <= voters + observers; ++n)
        (n <= voters ? voting : observing).insert(ServerId{static_cast<std::uint8_t>(n)});
    options.core.membership = zab::Membership(voting, observing);
    options.store.member = voters > 1;
    if (voters == 1) options.core.window_bytes_max = core::Options{}.window_bytes_max;
    // An epoch has to last for as long as it takes to send a snapshot.
    if (voters > 1) options.core.counter_max = std::max<Counter>(options.core.counter_max, 400);
    for (const auto id : voting)
        options.core.config_text += fmt::format("server.{}=127.0.0.1:{}\n", number(id), 2888 + number(id));
    options.core.config_text += "version=0";

    checkers_ = checkers_of_world(stage_.queue, options.core.tick);
    for (const auto& ids : {voting, observing})
        for (const auto id : ids) {
            options.core.server = id;
            options.store.secret.front() = static_cast<unsigned char>(id);
            auto& server = *servers_.emplace_back(
                std::make_unique<Server>(stage_, options, static_cast<Network&>(*this), mesh_, history_, checkers_));
            server.own_checkers() = checkers_of_server(options.core, random);
            server.on_death = [this, &server](bool power) {
                if (power) stage_.faults.add(Fault::kKill);
                restart(server, stage_.random.mostly_short(milliseconds(20), seconds(10)));
            };
        }
}

void World::run() {
    for (auto& server : servers_) start(*server);
    for (auto& client : clients_) client->start();
    if (options_.faults) nemesis_->start();
    look_now_and_then();
    run_for(course_);
    if (!damaged_) heal();
    if (!damaged_) demand_convergence();
    if (!damaged_) demand_progress();
    if (!damaged_) demand_quiet();
    if (!damaged_) end_sessions();
    if (!damaged_) cut_power_at_last();
    const auto& oracle = servers_.front()->oracle();
    transactions_ = history_.transactions();
    stage_.trace.event("the end at zxid {:#x} nodes {}", oracle.zxid().value, oracle.model().nodes().size());
}

// --- running ---------------------------------------------------------------------------------------------------------

void World::run_for(Duration time) {
    run_until(time, [] { return false; });
}

bool World::run_until(Duration time, const std::function<bool()>& done) {
    const auto end = stage_.queue.now() + time;
    while (!damaged_ && !stage_.queue.empty() && stage_.queue.next_at() <= end) {
        stage_.trace.at(stage_.queue.next_at());
        stage_.queue.run_next();
        if (done()) return true;
    }
    return damaged_;
}

void World::look_now_and_then() {
    stage_.queue.after(kLook, [this] { look_now_and_then(); });
    for (const auto& server : servers_)
        if (server->up()) server->check_invariants();
}

void World::start(Server& server) {
    nemesis_->before_start(server);
    const auto started = server.start();
    if (started == Start::kServing) return void(damaged_ = nemesis_->damaged());
    if (started == Start::kDied) return restart(server, stage_.random.mostly_short(milliseconds(20), seconds(10)));
    const auto& reason = server.reason().where;
    if (!nemesis_->damaged()) violated("I-DUR", "the server refuses to start: " + reason);
    if (!reason.starts_with(Store::log_directory(server.store().generation()).string()))
        violated("I-DUR", "damage is not told where: " + reason);
    damaged_ = true;
}

void World::restart(Server& server, Duration wait) {
    stage_.queue.after(wait, [this, &server] {
        if (!server.up()) start(server);
    });
}

// --- links -----------------------------------------------------------------------------------------------------------

Link* World::link_of(const Server& server, ConnectionId connection) {
    for (auto& client : clients_)
        if (client->link().leads_to(server) && client->link().connection() == connection) return &client->link();
    return nullptr;
}

/// To nobody, if the client has left already.
void World::send(const Server& from, ConnectionId connection, std::string_view bytes) {
    if (auto* link = link_of(from, connection)) link->send_to_client(bytes);
}

void World::close(const Server& from, ConnectionId connection) {
    if (auto* link = link_of(from, connection)) link->close_to_client();
}

void World::server_down(const Server& server, bool power) {
    for (auto& client : clients_)
        if (client->link().leads_to(server)) client->link().server_down(power);
}

// --- the end ---------------------------------------------------------------------------------------------------------

void World::heal() {
    stage_.trace.event("all is healed");
    nemesis_->heal();
    mesh_.heal();
}

Server* World::leader() {
    const auto found = std::ranges::find_if(servers_, [](const auto& server) {
        if (!server->accepts()) return false;
        const auto status = server->status();
        return status.serving && status.state == core::ServerState::kLeading;
    });
    return found == servers_.end() ? nullptr : found->get();
}

bool World::converged() {
    if (!ensemble()) return servers_.front()->accepts();
    const auto* leads = leader();
    return leads && std::ranges::all_of(servers_, [&](const auto& server) {
               if (!server->accepts()) return false;
               const auto status = server->status();
               return status.serving && status.leader == leads->id();
           });
}

void World::demand_convergence() {
    if (!run_until(kConvergenceMax, [&] { return converged(); }))
        violated("I-LIVE", "the servers do not agree on a leader though all is healed");
    for (const auto& checker : checkers_) checker->on_converged();
}

void World::demand_progress() {
    for (auto& client : clients_) client->probe();
    const auto progressed = [&] {
        return std::ranges::all_of(clients_, [](const auto& client) { return client->probes_answered() > 0; });
    };
    if (!run_until(kProgressMax, progressed)) violated("I-LIVE", "a client gets no write done though all is healed");
}

bool World::all_quiet() {
    const auto zxid = servers_.front()->oracle().zxid();
    return std::ranges::all_of(servers_, [&](const auto& server) {
        return server->accepts() && server->status().outstanding == 0 && server->oracle().zxid() == zxid;
    });
}

void World::demand_quiet() {
    for (auto& client : clients_) client->rest();
    const auto quiet = [&] {
        return converged() && all_quiet() &&
               std::ranges::all_of(clients_, [](const auto& client) { return client->idle(); });
    };
    const auto end = virtual_time() + kQuietMax;
    run_for(kOnItsWayMax);
    for (Zxid before = kZxidUnknown; !quiet() || before != servers_.front()->oracle().zxid();) {
        if (virtual_time() > end) violated("I-LIVE", "requests are not answered though all is healed");
        before = servers_.front()->oracle().zxid();
        run_for(seconds(1));  // for its events to arrive
    }
    for (const auto& checker : checkers_) checker->on_quiet(servers_.front()->oracle().model());
    demand_equal_states();
}

/// Of digests the history sees to it, at every zxid.
void World::demand_equal_states() {
    const auto zxid = history_.zxid_committed();
    for (const auto& server : servers_)
        if (server->oracle().zxid() != zxid)
            violated("I-DUR", fmt::format("server {} stands at {:#x} though all is healed, and {:#x} was committed",
                                          number(server->id()), server->oracle().zxid().value, zxid.value));
}

void World::end_sessions() {
    for (auto& client : clients_) {
        client->close_session();
        if (stage_.random.coin()) client->retire();
    }
    run_for(seconds(5));
    for (auto& client : clients_) client->retire();
    const auto ended = [&] {
        return converged() && all_quiet() &&
               std::ranges::all_of(servers_, [](const auto& server) { return server->status().sessions == 0; });
    };
    if (!run_until(kQuietMax, ended)) violated("I-LIVE", "sessions of silent clients do not end");
    for (const auto& server : servers_)
        if (server->status().ephemerals != 0) violated("I-SESS", "ephemerals are left, and no session");
}

void World::cut_power_at_last() {
    const auto told = history_.zxid_committed();
    for (auto& server : servers_) server->cut_power();
    for (auto& server : servers_)
        if (server->start() != Start::kServing)
            violated("I-DUR", "the server refuses to start: " + server->reason().where);
    demand_convergence();
    for (auto& server : servers_) {
        server->check_invariants();
        if (server->oracle().zxid() < told)
            violated("I-DUR", fmt::format("server {} serves at {:#x} after a power cut, and {:#x} was committed",
                                          number(server->id()), server->oracle().zxid().value, told.value));
    }
}

}  // namespace zabd::sim
