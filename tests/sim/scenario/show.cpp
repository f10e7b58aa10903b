#include "tests/sim/scenario/show.hpp"

#include "tests/sim/scenario/describe.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace zabd::sim::scenario {

namespace {

std::string role_of(const core::Status& status) {
    const auto leader = status.leader ? number(*status.leader) : 0;
    if (!status.serving) return "looks";
    switch (status.state) {
        case core::ServerState::kLeading: return "leads";
        case core::ServerState::kFollowing: return fmt::format("follows {}", leader);
        case core::ServerState::kObserving: return fmt::format("observes {}", leader);
        default: return "serves";
    }
}

std::string role_of(const JavaPeer& peer) {
    if (!peer.serving()) return "looks";
    return peer.leading() ? "leads" : fmt::format("follows {}", number(*peer.followed()));
}

struct Shown {
    std::string role;
    Epoch accepted = 0;
    Epoch current = 0;
    Zxid logged{};
    Zxid applied{};
};

Shown shown(Server& server) {
    const auto status = server.status();
    const auto& state = server.hard_state();
    return {role_of(status), state.accepted_epoch, state.current_epoch, server.store().log().progress().zxid_durable,
            status.zxid_applied};
}

Shown shown(const JavaPeer& peer) {
    const auto logged = peer.log().empty() ? Zxid{} : peer.log().back().zxid;
    return {role_of(peer), peer.accepted_epoch(), peer.current_epoch(), logged, peer.tree().last};
}

void show_servers(Scene& scene) {
    const auto show_one = [&](auto& member, std::string_view kind) {
        if (!member.up()) return scene.tell(fmt::format("{} is down", number(member.id())));
        const auto one = shown(member);
        scene.tell(fmt::format("{} {:<10}  epoch accepted {} current {}  logged {}  applied {}{}", number(member.id()),
                               one.role, one.accepted, one.current, text_of(one.logged), text_of(one.applied), kind));
    };
    for (const auto id : scene.members()) {
        if (auto* server = scene.server(number(id))) {
            show_one(*server, "");
        } else {
            show_one(*scene.java(number(id)), "  (java)");
        }
    }
}

/// Pings are left out: there is always one.
void show_packets(Scene& scene, Words& words) {
    const bool all = words.empty();
    const auto way = all ? "" : words.next();
    for (const auto& [from, to, packet] : scene.take_packets()) {
        if (packet.type == wire::PacketType::kPing) continue;
        const auto there = fmt::format("{}->{}", number(from), number(to));
        const auto both = fmt::format("{}-{}", std::min(number(from), number(to)), std::max(number(from), number(to)));
        if (!all && way != there && way != both) continue;
        scene.tell(fmt::format("{} -> {}  {}", number(from), number(to), text_of(packet, scene.names())));
    }
}

void show_log(Scene& scene, const JavaPeer& peer) {
    for (const auto& [zxid, txn] : peer.log())
        scene.tell(fmt::format("{}  {}", text_of(zxid), text_of_txn(txn.view(), scene.names())));
}

void show_log(Scene& scene, Server& server) {
    if (!server.up()) throw BadWords("it is down");
    const auto& log = server.store().log();
    const auto begin = log.progress().zxid_begin;
    if (begin != Zxid{}) scene.tell(fmt::format("(begins behind {})", text_of(begin)));
    const auto records = log.segments().read(begin, 1 << 20);
    if (!records) throw BadWords("the log cannot be read: " + records.error().where);
    for (const auto& [zxid, txn] : *records)
        scene.tell(fmt::format("{}  {}", text_of(zxid), text_of_txn(txn.view(), scene.names())));
}

void show_sessions(Scene& scene, const Server& server) {
    if (!server.up()) throw BadWords("it is down");
    scene.tell(fmt::format("{} open", server.status().sessions));
    for (const auto& [id, paths] : server.core().sessions().ephemerals)
        scene.tell(fmt::format("{} owns {}", text_of(id, scene.names()), fmt::join(paths, " ")));
}

void show_votes(Scene& scene) {
    constexpr std::array<std::string_view, 4> kStates{"looks", "follows", "leads", "observes"};
    for (const auto& [server, vote] : scene.votes()) {
        const auto& state = kStates.at(static_cast<std::size_t>(vote.state));
        const auto zxid = Zxid{static_cast<std::uint64_t>(vote.zxid)};
        scene.tell(fmt::format("{} {:<7}  for {}  epoch {}  log ends at {}", number(server), state, vote.leader,
                               vote.epoch, text_of(zxid)));
    }
}

}  // namespace

void show(Scene& scene, Words& words) {
    if (words.take("servers")) return show_servers(scene);
    if (words.take("packets")) return show_packets(scene, words);
    if (words.take("votes")) return show_votes(scene);
    const bool log = words.take("log");
    if (!log) words.expect("sessions");
    const auto id = words.number();
    const auto* java = scene.java(id);
    if (java && log) return show_log(scene, *java);
    auto* server = scene.server(id);
    if (!server) throw BadWords("there is no such server");
    log ? show_log(scene, *server) : show_sessions(scene, *server);
}

}  // namespace zabd::sim::scenario
