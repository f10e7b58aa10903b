#include "tests/unit/zab/ensemble.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <iterator>

namespace zabd::zab {
namespace {

ServerId id_of(int id) { return ServerId{static_cast<std::uint8_t>(id)}; }

Ensemble::History upto(const Ensemble::History& history, Zxid zxid) {
    Ensemble::History prefix;
    std::ranges::copy_if(history, std::back_inserter(prefix), [&](const Record& r) { return r.zxid <= zxid; });
    return prefix;
}

Zxid last_of(const Ensemble::History& history) { return history.empty() ? Zxid{} : history.back().zxid; }

}  // namespace

Ensemble::Ensemble(const Setup& setup) : setup_(setup), random_(setup.seed) {
    for (int id = 1; id <= setup.voters + setup.observers; ++id) servers_[id_of(id)].id = id_of(id);
    for (int id = 1; id <= setup.voters + setup.observers; ++id) start(id);
}

void Ensemble::start(int id) {
    auto& it = server(id);
    REQUIRE(!it.up());
    std::set<ServerId> voters, observers;
    for (int n = 1; n <= setup_.voters + setup_.observers; ++n)
        (n <= setup_.voters ? voters : observers).insert(id_of(n));
    Options options;
    options.self = it.id;
    options.membership = Membership(voters, observers);
    options.config_text = "version=0";
    options.counter_max = setup_.counter_max;
    options.window_bytes_max = setup_.window_bytes_max;
    options.catch_up_bytes = 200;
    it.state = it.checkpoint;
    it.role = {};
    Recovered recovered{last_of(it.checkpoint), it.log_begin, it.hard, {}};
    for (std::size_t n = 0; n < it.checkpoint.size(); ++n) {
        const bool last = n + 1 == it.checkpoint.size();
        const auto zxid = it.checkpoint[n].zxid;
        if (!last && zxid > it.log_begin && it.checkpoint[n + 1].zxid.epoch() != zxid.epoch())
            recovered.epoch_ends.push_back(zxid);
    }
    it.participant = std::make_unique<Participant>(options, recovered);
    for (const auto& record : it.log)
        if (record.zxid > recovered.applied) input(it, Logged{record.zxid, record.txn});
    input(it, Start{});
}

void Ensemble::crash(int id) {
    auto& it = server(id);
    if (!it.up()) return;
    // What was asked of the disk is done up to some point.
    while (!it.asked.empty() && random_() % 2 == 0) {
        auto next = std::move(it.asked.front());
        it.asked.pop_front();
        if (auto* append = std::get_if<AppendToLog>(&next)) it.log.push_back({append->zxid, append->txn});
        if (auto* cut = std::get_if<TruncateLog>(&next)) it.log = upto(it.log, cut->up_to);
        if (auto* save = std::get_if<SaveHardState>(&next)) it.hard = save->state;
        if (auto* install = std::get_if<InstallSnapshot>(&next)) {
            it.checkpoint = it.received;
            it.log.clear();
            it.log_begin = install->zxid;
        }
    }
    it.asked.clear();
    it.participant.reset();
    std::erase_if(letters_, [&](const Letter& letter) { return letter.from == it.id || letter.to == it.id; });
    close_all(it.id);
    for (auto& [other, peer] : servers_)
        if (peer.up() && !cut(it.id, other)) input(peer, ElectionLink{it.id, false});
}

void Ensemble::lose_disk(int id) {
    auto& it = server(id);
    REQUIRE(!it.up());
    it.log.clear();
    it.checkpoint.clear();
    it.log_begin = {};
    it.hard = {};
}

void Ensemble::checkpoint(int id, Zxid log_begin) {
    auto& it = server(id);
    if (!it.up()) return;
    it.checkpoint = it.state;
    it.log_begin = std::max(it.log_begin, std::min({log_begin, last_of(it.state), last_of(it.log)}));
    std::erase_if(it.log, [&](const Record& record) { return record.zxid <= it.log_begin; });
    input(it, LogBegins{it.log_begin});
}

void Ensemble::cut(int a, int b) {
    cuts_.insert({id_of(a), id_of(b)});
    cuts_.insert({id_of(b), id_of(a)});
}

// --- running ---------------------------------------------------------------------------------------------------------

void Ensemble::input(Server& server, const Input& event) {
    if (!server.up()) return;
    std::vector<Output> out;
    server.participant->step(now_, event, out);
    take(server, out);
}

void Ensemble::pass(Millis time) {
    now_ += time;
    for (auto& [id, server] : servers_) input(server, Tick{});
    // A connection over which nothing comes is given up by TCP, some time.
    for (std::size_t n = 0; n < links_.size(); ++n) {
        if (!cut(links_[n].learner, links_[n].leader) && !cut(links_[n].leader, links_[n].learner)) continue;
        if (++links_[n].cut_for < 400) continue;
        const auto link = links_[n];
        close(servers_[link.learner], link.at_learner);
        input(servers_[link.learner], LinkClosed{link.at_learner});
        input(servers_[link.leader], LinkClosed{link.at_leader});
        break;
    }
}

void Ensemble::run(int steps) {
    for (int n = 0; n < steps; ++n) {
        const auto kind = random_() % 8;
        bool worked = false;
        if (kind < 3 && !links_.empty()) worked = work_link(random_() % links_.size());
        if (kind >= 3 && kind < 5 && !letters_.empty()) worked = work_election(random_() % letters_.size());
        if (kind >= 5) {
            auto at = servers_.begin();
            std::advance(at, random_() % servers_.size());
            worked = work_disk(at->second);
        }
        if (!worked && random_() % 4 == 0) pass(Millis(5));
    }
}

bool Ensemble::run_until(const std::function<bool()>& done, int steps) {
    for (int n = 0; n < steps; n += 10) {
        if (done()) return true;
        run(10);
    }
    return done();
}

bool Ensemble::work_disk(Server& server) {
    if (!server.up() || server.asked.empty()) return false;
    auto next = std::move(server.asked.front());
    server.asked.pop_front();
    if (auto* append = std::get_if<AppendToLog>(&next)) {
        server.log.push_back({append->zxid, append->txn});
        input(server, LogDurable{append->zxid});
    } else if (auto* cut = std::get_if<TruncateLog>(&next)) {
        server.log = upto(server.log, cut->up_to);
        input(server, LogTruncated{cut->up_to});
    } else if (auto* save = std::get_if<SaveHardState>(&next)) {
        CHECK(save->state.accepted_epoch >= server.hard.accepted_epoch);
        CHECK(save->state.current_epoch >= server.hard.current_epoch);
        server.hard = save->state;
        input(server, HardStateSaved{});
    } else if (auto* read = std::get_if<ReadLog>(&next)) {
        LogRead answer{read->tag, {}};
        std::size_t bytes = 0;
        for (const auto& record : server.log) {
            if (record.zxid <= read->after || (bytes > read->bytes_max && bytes != 0)) continue;
            bytes += record.txn.size() + 50;
            answer.records.push_back(record);
        }
        if (read->after < server.log_begin || server.log_unreadable) answer.records.clear();
        input(server, answer);
    } else if (auto* install = std::get_if<InstallSnapshot>(&next)) {
        server.checkpoint = server.state = server.received;
        server.log.clear();
        server.log_begin = install->zxid;
        input(server, SnapshotInstalled{install->zxid});
    }
    return true;
}

bool Ensemble::work_election(std::size_t index) {
    const auto letter = letters_[index];
    letters_.erase(letters_.begin() + static_cast<std::ptrdiff_t>(index));
    auto& to = servers_[letter.to];
    auto& from = servers_[letter.from];
    if (cut(letter.from, letter.to)) return true;
    if (!to.up()) return input(from, ElectionLink{letter.to, false}), true;
    input(to, ElectionLink{letter.from, true});
    input(to, ElectionMessage{letter.from, letter.notification});
    return true;
}

bool Ensemble::work_link(std::size_t index) {
    auto& link = links_[index];
    auto& learner = servers_[link.learner];
    auto& leader = servers_[link.leader];
    if (random_() % 2 == 0 && !link.to_leader.empty()) {
        if (cut(link.learner, link.leader)) return false;
        auto packet = std::move(link.to_leader.front());
        link.to_leader.pop_front();
        input(leader, Packet{link.at_leader, std::move(packet)});
        return true;
    }
    if (link.to_learner.empty() || cut(link.leader, link.learner)) return false;
    auto packet = std::move(link.to_learner.front());
    link.to_learner.pop_front();
    const bool relieved = link.congested && link.to_learner.size() < setup_.congested_at / 2;
    const auto at_leader = link.at_leader;
    const auto at_learner = link.at_learner;
    auto snapshot = packet.type == wire::PacketType::kSnap ? link.snapshot : std::nullopt;
    if (relieved) link.congested = false;
    input(learner, Packet{at_learner, std::move(packet)});
    if (snapshot) {
        const bool broken = random_() % 20 == 0;
        learner.received = *snapshot;
        input(learner, SnapshotProgress{at_learner, SnapshotProgress::Kind::kMore});
        input(learner,
              SnapshotProgress{at_learner, broken ? SnapshotProgress::Kind::kBroken : SnapshotProgress::Kind::kWhole});
    }
    if (relieved) input(leader, LinkCongested{at_leader, false});
    return true;
}

// --- outputs ---------------------------------------------------------------------------------------------------------

void Ensemble::take(Server& server, std::vector<Output>& out) {
    for (auto& output : out) take(server, output);
}

void Ensemble::take(Server& server, Output& output) {
    if (std::holds_alternative<AppendToLog>(output) || std::holds_alternative<TruncateLog>(output) ||
        std::holds_alternative<SaveHardState>(output) || std::holds_alternative<ReadLog>(output) ||
        std::holds_alternative<InstallSnapshot>(output)) {
        server.asked.push_back(std::move(output));
    } else if (auto* deliver = std::get_if<Deliver>(&output)) {
        acknowledge(*deliver);
        server.state.push_back({deliver->zxid, deliver->txn});
    } else if (auto* send = std::get_if<SendNotification>(&output)) {
        for (const auto to : send->to) {
            std::erase_if(letters_, [&](const Letter& old) { return old.from == server.id && old.to == to; });
            letters_.push_back({server.id, to, send->notification});
        }
    } else if (auto* dial = std::get_if<Dial>(&output)) {
        auto& leader = servers_[dial->leader];
        if (!leader.up() || cut(server.id, dial->leader) || cut(dial->leader, server.id))
            return input(server, DialFailed{});
        links_.push_back({server.id, dial->leader, LinkId{++link_last_}, LinkId{++link_last_}, {}, {}, false, {}, 0});
        const auto link = links_.back();
        input(leader, LinkOpened{link.at_leader, false});
        if (link_of(server.id, link.at_learner)) input(server, LinkOpened{link.at_learner, true});
    } else if (auto* packet = std::get_if<SendPacket>(&output)) {
        auto* link = link_of(server.id, packet->link);
        if (!link) return;
        if (link->learner == server.id) return link->to_leader.push_back(std::move(packet->packet));
        if (!setup_.zabd && packet->packet.type == wire::PacketType::kLeaderInfo)
            packet->packet.data = encoded_info(wire::LeaderInfo{});
        link->to_learner.push_back(std::move(packet->packet));
        if (link->to_learner.size() < setup_.congested_at || std::exchange(link->congested, true)) return;
        input(server, LinkCongested{packet->link, true});
    } else if (auto* closed = std::get_if<CloseLink>(&output)) {
        close(server, closed->link);
    } else if (auto* open = std::get_if<OpenSnapshot>(&output)) {
        input(server, SnapshotOpened{open->link, last_of(server.checkpoint)});
    } else if (auto* stream = std::get_if<StreamSnapshot>(&output)) {
        ++snapshots_;
        if (auto* link = link_of(server.id, stream->link)) link->snapshot = server.checkpoint;
        input(server, SnapshotStreamed{stream->link});
    } else if (auto* role = std::get_if<RoleChanged>(&output)) {
        server.role = *role;
        if (role->serving && role->role == Role::kLeading) {
            const bool only = established_.try_emplace(role->epoch, server.id).first->second == server.id;
            CHECK(only);  // I-ONE
        }
    } else if (std::holds_alternative<Confirmed>(output)) {
        ++server.confirmed;
    } else if (auto* ping = std::get_if<AnswerPing>(&output)) {
        auto* link = link_of(server.id, ping->link);
        if (link) link->to_leader.push_back({wire::PacketType::kPing, ping->zxid, Bytes::copy_of("")});
    }
}

Ensemble::Link* Ensemble::link_of(ServerId server, LinkId id) {
    const auto found = std::ranges::find_if(links_, [&](const Link& link) {
        return (link.learner == server && link.at_learner == id) || (link.leader == server && link.at_leader == id);
    });
    return found == links_.end() ? nullptr : &*found;
}

/// This end is closed; the other one hears of it.
void Ensemble::close(Server& server, LinkId id) {
    const auto* found = link_of(server.id, id);
    if (!found) return;
    const auto link = *found;
    std::erase_if(links_, [&](const Link& other) { return other.at_leader == link.at_leader; });
    if (cut(link.learner, link.leader) || cut(link.leader, link.learner)) return;
    if (link.learner == server.id) {
        input(servers_[link.leader], LinkClosed{link.at_leader});
    } else {
        input(servers_[link.learner], LinkClosed{link.at_learner});
    }
}

void Ensemble::close_all(ServerId id) {
    while (true) {
        const auto found =
            std::ranges::find_if(links_, [&](const Link& l) { return l.learner == id || l.leader == id; });
        if (found == links_.end()) return;
        close(servers_[id], found->learner == id ? found->at_learner : found->at_leader);
    }
}

// --- checks ----------------------------------------------------------------------------------------------------------

void Ensemble::acknowledge(const Deliver& delivered) {
    const auto [known, fresh] = acknowledged_.try_emplace(delivered.zxid, delivered.txn.view());
    CHECK(known->second == delivered.txn.view());  // I-PREFIX
}

void Ensemble::check() {
    for (const auto& [id, server] : servers_) {
        if (!server.up()) continue;
        auto known = acknowledged_.begin();
        for (const auto& record : server.state) {
            REQUIRE(known != acknowledged_.end());
            REQUIRE(record.zxid == known->first);  // I-PREFIX: nothing is left out
            ++known;
        }
    }
}

Ensemble::Server* Ensemble::leader() {
    Server* best = nullptr;
    for (auto& [id, server] : servers_)
        if (server.leads() && (!best || server.role.epoch > best->role.epoch)) best = &server;
    return best;
}

Zxid Ensemble::submit(Server& server, const std::string& txn) {
    const auto zxid = server.participant->next_zxid();
    input(server, Submit{zxid, Bytes::copy_of(txn)});
    return zxid;
}

}  // namespace zabd::zab
