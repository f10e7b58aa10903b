#include "tests/sim/scenario/scene.hpp"

#include "storage/log_format.hpp"
#include "tests/sim/checkers/all.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace zabd::sim::scenario {

namespace {

constexpr Duration kOneWay = milliseconds(1);
constexpr Duration kLeaderMax = minutes(1);
constexpr Duration kServeMax = minutes(2);
constexpr Duration kSettle = milliseconds(50);  // learners hear that they are up to date

ServerId id_of(std::size_t number) { return ServerId{static_cast<std::uint8_t>(number)}; }

/// Checks nothing, but hears what is sent before it leaves.
class Listener final : public Checker {
public:
    using Hear = std::function<void(ServerId from, ServerId to, const wire::QuorumPacket&)>;
    explicit Listener(Hear hear) : hear_(std::move(hear)) {}
    void on_packet_sent(ServerId from, ServerId to, const wire::QuorumPacket& packet, const DiskFacts&) override {
        hear_(from, to, packet);
    }

private:
    Hear hear_;
};

}  // namespace

// --- making it -------------------------------------------------------------------------------------------------------

void Scene::set_up(const Setup& setup) {
    std::set<ServerId> voters, observers;
    for (std::size_t n = 1; n <= setup.voters + setup.observers; ++n)
        (n <= setup.voters ? voters : observers).insert(id_of(n));
    ServerOptions options;
    auto& core = options.core;
    core.membership = zab::Membership(voters, observers);
    core.tick = setup.tick;
    core.session_timeout_min = setup.tick * 2;
    core.session_timeout_max = setup.tick * 20;
    core.hold_max = setup.hold_max;
    core.counter_max = setup.counter_max;
    core.prepare.extended_types = true;
    core.log_overhead_bytes_max = storage::kRecordOverheadBytesMax;
    for (std::size_t n = 1; n <= setup.voters; ++n)
        core.config_text += fmt::format("server.{}=127.0.0.1:{}\n", n, 2888 + n);
    core.config_text += "version=0";
    options.store.member = true;
    if (setup.short_log) {
        options.store.checkpoint.transactions = 1;
        core.window_bytes_max = 500;
    } else {
        options.store.retain_bytes = 64 << 20;
    }
    core.log_reserve_bytes = options.store.segment_bytes / 4;

    checkers_ = checkers_of_world(stage_.queue, core.tick);
    checkers_.push_back(std::make_unique<Listener>(
        [this](ServerId from, ServerId to, const wire::QuorumPacket& packet) { on_packet(from, to, packet); }));
    for (std::size_t n = 1; n <= setup.voters + setup.observers; ++n) {
        members_.insert(id_of(n));
        if (setup.javas.contains(id_of(n))) {
            add_java(options, setup, id_of(n));
            continue;
        }
        core.server = id_of(n);
        options.store.secret.front() = static_cast<unsigned char>(n);
        add_server(options);
    }
}

void Scene::add_server(const ServerOptions& options) {
    auto& server = *servers_.emplace_back(
        std::make_unique<Server>(stage_, options, static_cast<Network&>(*this), mesh_, history_, checkers_));
    server.own_checkers() = checkers_of_server(options.core, stage_.random);
    listen_to(server);
}

void Scene::add_java(const ServerOptions& options, const Setup& setup, ServerId id) {
    const JavaOptions java{.id = id,
                           .voters = options.core.membership.voters(),
                           .javas = setup.javas,
                           .tick = setup.tick,
                           .init_limit = options.core.init_limit,
                           .sync_limit = options.core.sync_limit,
                           .config_text = options.core.config_text,
                           .prepare = options.core.prepare,
                           .early_acks = setup.java_early,
                           .node_time = setup.java_node_time,
                           .window_max = setup.java_window};
    auto& peer = *javas_.emplace_back(std::make_unique<JavaPeer>(stage_, java, mesh_, history_, checkers_));
    peer.on_told = [this, id](const std::string& what) { tell(fmt::format("{}: {}", number(id), what)); };
    peer.on_untold_packet = [this, id](ServerId to, const wire::QuorumPacket& packet) { on_packet(id, to, packet); };
    peer.on_notification = [this, id](const wire::Notification& notification) { votes_[id] = notification; };
}

void Scene::listen_to(Server& server) {
    const auto id = server.id();
    server.on_death = [this, &server](bool) {
        tell(fmt::format("{}: stops: {}", number(server.id()), server.reason().where));
    };
    server.on_notification = [this, id](ServerId, std::string_view payload) {
        if (auto notification = wire::decode_notification(payload)) votes_[id] = std::move(*notification);
    };
    server.on_event = [this, id](const core::Event& event) {
        using Kind = core::Event::Kind;
        if (event.kind == Kind::kRole) return tell(fmt::format("{}: {}", number(id), event.detail));
        if (event.kind == Kind::kSessionExpired)
            tell(fmt::format("{}: the session of {} expires", number(id), text_of(event.session, names_)));
    };
}

Server* Scene::server(std::size_t id) {
    const auto found = std::ranges::find_if(servers_, [&](const auto& one) { return number(one->id()) == id; });
    return found == servers_.end() ? nullptr : found->get();
}

JavaPeer* Scene::java(std::size_t id) {
    const auto found = std::ranges::find_if(javas_, [&](const auto& one) { return number(one->id()) == id; });
    return found == javas_.end() ? nullptr : found->get();
}

Client* Scene::client(std::string_view name) {
    const auto found = clients_.find(name);
    return found == clients_.end() ? nullptr : found->second.get();
}

void Scene::add_client(const std::string& name, Duration timeout) {
    const Client::Around around{stage_, checkers_, names_, [this](std::string line) { tell(std::move(line)); }};
    clients_[name] = std::make_unique<Client>(around, name, clients_.size(), timeout);
}

// --- running ---------------------------------------------------------------------------------------------------------

bool Scene::run_until(Duration time, const std::function<bool()>& done) {
    const auto end = stage_.queue.now() + time;
    if (done()) return true;
    while (!stage_.queue.empty() && stage_.queue.next_at() <= end) {
        stage_.queue.run_next();
        if (done()) return true;
    }
    stage_.queue.pass_to(end);
    return false;
}

std::optional<ServerId> Scene::run_until_leader() {
    std::optional<ServerId> leader;
    Epoch epoch = 0;
    run_until(kLeaderMax, [&] {
        for (const auto& server : servers_) {
            if (!server->accepts()) continue;
            const auto status = server->status();
            const bool leads = status.serving && status.state == core::ServerState::kLeading;
            if (leads && status.epoch > epoch_last_) leader = server->id(), epoch = status.epoch;
        }
        for (const auto& java : javas_)
            if (java->leading() && java->serving() && java->current_epoch() > epoch_last_)
                leader = java->id(), epoch = java->current_epoch();
        return leader.has_value();
    });
    if (leader) epoch_last_ = epoch;
    run_for(kSettle);
    return leader;
}

bool Scene::run_until_all_serve() {
    return run_until(kServeMax, [&] {
        return std::ranges::all_of(servers_,
                                   [](const auto& server) { return server->accepts() && server->status().serving; }) &&
               std::ranges::all_of(javas_, [](const auto& java) { return java->serving(); });
    });
}

// --- what goes wrong -------------------------------------------------------------------------------------------------

void Scene::start(Server& server) {
    if (server.start() != Start::kServing)
        tell(fmt::format("{}: does not start: {}", number(server.id()), server.reason().where));
}

void Scene::lose_disk(Server& server) {
    if (server.up()) server.cut_power();
    server.store().wipe();
    server.disk_was_lost(true);
}

void Scene::put_image_back(Server& server) {
    if (server.up()) server.cut_power();
    server.store().put_image_back();
    server.disk_was_lost(false);
}

void Scene::on_packet(ServerId from, ServerId to, const wire::QuorumPacket& packet) {
    packets_.push_back({from, to, packet});
    if (to_hold_.erase({packet.type, {from, to}}) == 0) return;
    held_.insert({from, to});
    mesh_.hold(from, to);
}

void Scene::release_all() {
    to_hold_.clear();
    for (const auto& [from, to] : std::exchange(held_, {})) mesh_.release(from, to);
}

// --- clients' connections --------------------------------------------------------------------------------------------

void Scene::send(const Server& from, ConnectionId connection, std::string_view bytes) {
    stage_.queue.after(kOneWay, [this, &from, connection, bytes = std::string(bytes)] {
        for (const auto& [name, client] : clients_)
            if (client->is_at(from, connection)) return client->hear(bytes);
    });
}

void Scene::close(const Server& from, ConnectionId connection) {
    stage_.queue.after(kOneWay, [this, &from, connection] {
        for (const auto& [name, client] : clients_)
            if (client->is_at(from, connection)) return client->hear_close();
    });
}

/// Told at once, though a machine without power tells nobody: a script waits for nothing that it does not show.
void Scene::server_down(const Server& server, bool) {
    votes_.erase(server.id());
    for (const auto& [name, client] : clients_)
        if (client->is_at(server)) client->hear_close();
}

}  // namespace zabd::sim::scenario
