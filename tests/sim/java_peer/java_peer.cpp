#include "tests/sim/java_peer/java_peer.hpp"

#include "tests/sim/java_peer/java_leader.hpp"
#include "tests/sim/java_peer/java_learner.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace zabd::sim {

using wire::PacketType;
using wire::PeerState;

JavaPeer::JavaPeer(Stage& stage, JavaOptions options, Mesh& mesh, History& history, Checkers& checkers)
    : stage_(stage),
      options_(std::move(options)),
      mesh_(mesh),
      oracle_(options_.id, history, checkers),
      tree_(options_.config_text),
      election_({.stage = stage,
                 .self = options_.id,
                 .voters = options_.voters,
                 .config_text = options_.config_text,
                 .send =
                     [this](ServerId to, const wire::Notification& notification) {
                         if (on_notification) on_notification(notification);
                         mesh_.send_election(id(), to, wire::encoded_notification(notification));
                     },
                 .decided = [this](ServerId leader) { follow(leader); }}) {
    mesh_.attach(id(), *this);
    history.snapshots_are_provisional = true;
}

JavaPeer::~JavaPeer() = default;

// --- life ------------------------------------------------------------------------------------------------------------

void JavaPeer::start() {
    up_ = true;
    ++life_;
    disk_.synced = disk_.log.size();
    load_anew();
    mesh_.server_up(id());
    look();
}

void JavaPeer::kill() { go_down(false); }

void JavaPeer::cut_power() {
    go_down(true);
    disk_.log.resize(disk_.synced);
}

void JavaPeer::go_down(bool power) {
    if (!std::exchange(up_, false)) return;
    ++life_;
    ++role_;
    learner_.reset();
    leader_.reset();
    forget_syncs();
    election_.forget();
    mesh_.server_down(id(), power);
}

/// The newest snapshot, and all that the log holds behind it.
void JavaPeer::load() {
    tree_ = disk_.snapshot ? *disk_.snapshot : JavaTree(options_.config_text);
    window_.clear();
    for (const auto& record : disk_.log)
        if (record.zxid > tree_.last) apply(record);
}

void JavaPeer::load_anew() {
    load();
    std::set<Zxid> log;
    for (const auto& record : disk_.log) log.insert(record.zxid);
    oracle_.starts_anew(std::move(log), disk_.snapshot ? disk_.snapshot->last : Zxid{});
}

bool JavaPeer::serving() const { return (leader_ && leader_->serving()) || (learner_ && learner_->serving()); }

std::optional<ServerId> JavaPeer::followed() const {
    return learner_ ? std::optional(learner_->leader()) : std::nullopt;
}

// --- roles -----------------------------------------------------------------------------------------------------------

void JavaPeer::look() { election_.look(disk_.current_epoch, tree_.last); }

void JavaPeer::follow(ServerId leader) {
    ++role_;
    if (leader == id()) {
        election_.set_state(PeerState::kLeading);
        leader_ = std::make_unique<JavaLeader>(*this);
        leader_->begin();
    } else {
        election_.set_state(PeerState::kFollowing);
        learner_ = std::make_unique<JavaLearner>(*this, leader);
        learner_->begin();
    }
}

void JavaPeer::established(Epoch epoch) {
    election_.established(epoch);
    tell(leader_ ? fmt::format("leading epoch={}", epoch)
                 : fmt::format("following leader={} epoch={}", number(learner_->leader()), epoch));
    if (leader_) oracle_.tell([&](Checker& checker) { checker.on_leads(id(), epoch); });
}

void JavaPeer::look_again(const std::string& reason, bool spoiled) {
    tell("looking: " + reason);
    // Called from within the role.
    ++role_;
    after(Duration(0), [this, spoiled] {
        learner_.reset();
        leader_.reset();
        if (spoiled) {
            load_anew();
        } else {
            for (const auto& record : disk_.log)
                if (record.zxid > tree_.last) apply(record);
        }
        look();
    });
}

void JavaPeer::would_exit(const std::string& why) {
    violated("I-JAVA", fmt::format("the process of server {} would end: {}", number(id()), why));
}

void JavaPeer::blame(ServerId peer, const std::string& why) const {
    if (options_.javas.contains(peer)) return;
    violated("I-JAVA", fmt::format("server {} breaks its connection to {}: {}", number(id()), number(peer), why));
}

void JavaPeer::after(Duration wait, std::function<void()> action) {
    stage_.queue.after(wait, [this, role = role_, life = life_, action = std::move(action)] {
        if (up_ && role == role_ && life == life_) action();
    });
}

void JavaPeer::tell(const std::string& what) {
    stage_.trace.event("server {}, of ZooKeeper's: {}", number(id()), what);
    if (on_told) on_told(what);
}

// --- log and tree ----------------------------------------------------------------------------------------------------

void JavaPeer::append(zab::Record record) {
    oracle_.appended(record.zxid, record.txn);
    disk_.log.push_back(std::move(record));
    begin_sync();
}

void JavaPeer::hold_disk(bool held) {
    disk_held_ = held;
    if (up_) begin_sync();
}

void JavaPeer::begin_sync() {
    if (disk_held_ || syncing_ || disk_.synced == disk_.log.size()) return;
    syncing_ = true;
    const auto time = stage_.random.mostly_short(options_.sync_min, options_.sync_max);
    stage_.queue.after(time, [this, sync = ++sync_, records = disk_.log.size()] {
        if (sync == sync_) finish_sync(records);
    });
}

void JavaPeer::forget_syncs() {
    ++sync_;
    syncing_ = false;
    wait_for_sync_.clear();
}

void JavaPeer::finish_sync(std::size_t records) {
    syncing_ = false;
    while (disk_.synced < records) {
        const auto zxid = disk_.log[disk_.synced++].zxid;
        if (learner_) learner_->on_synced(zxid);
        if (leader_) leader_->on_synced(zxid);
    }
    while (!wait_for_sync_.empty() && wait_for_sync_.front().first <= disk_.synced) {
        const auto action = std::move(wait_for_sync_.front().second);
        wait_for_sync_.erase(wait_for_sync_.begin());
        action();
    }
    begin_sync();
}

void JavaPeer::when_synced(std::function<void()> action) {
    if (disk_.synced == disk_.log.size()) return action();
    wait_for_sync_.emplace_back(disk_.log.size(), [this, role = role_, action = std::move(action)] {
        if (role == role_) action();
    });
}

void JavaPeer::apply(const zab::Record& record) {
    tree_.apply(record.txn.view());
    keep_in_window(record);
}

void JavaPeer::apply_unlogged(const zab::Record& record) {
    if (record.zxid > tree_.last) oracle_.appended(record.zxid, record.txn);
    apply(record);
}

void JavaPeer::keep_in_window(const zab::Record& record) {
    if (!window_.empty() && window_.back().zxid >= record.zxid) return;
    window_.push_back(record);
    if (window_.size() > options_.window_max) window_.pop_front();
}

void JavaPeer::truncate(Zxid zxid) {
    std::erase_if(disk_.log, [&](const auto& record) { return record.zxid > zxid; });
    disk_.synced = std::min(disk_.synced, disk_.log.size());
    forget_syncs();
    oracle_.truncated(zxid);
    begin_sync();
    load();
}

void JavaPeer::installed(Zxid zxid) {
    tree_.last = zxid;
    window_.clear();
    oracle_.replaced(zxid);
}

/// Older files of a log stay where they are in truth; what a start reads begins behind the snapshot.
void JavaPeer::write_snapshot(bool installed) {
    disk_.snapshot = tree_;
    if (!installed) return;
    disk_.log.clear();
    disk_.synced = 0;
    forget_syncs();
}

void JavaPeer::tell_committed() { oracle_.carried_out(tree_.last, tree_.state()->tree.digest()); }

DiskFacts JavaPeer::disk_facts() const {
    DiskFacts facts;
    if (disk_.synced != 0) facts.log_durable = disk_.log[disk_.synced - 1].zxid;
    if (disk_.snapshot) facts.log_durable = std::max(facts.log_durable, disk_.snapshot->last);
    facts.hard_state = {
        .accepted_epoch = disk_.accepted_epoch, .current_epoch = disk_.current_epoch, .has_history = true};
    facts.hard_state_asked = facts.hard_state;
    return facts;
}

// --- links -----------------------------------------------------------------------------------------------------------

void JavaPeer::send(LinkId link, ServerId to, const wire::QuorumPacket& packet) {
    stage_.trace.event("server {} sends {} packet {} {:#x}", number(id()), number(to), static_cast<int>(packet.type),
                       packet.zxid.value);
    if (options_.early_acks && packet.type == PacketType::kAck) {
        on_untold_packet(to, packet);
    } else {
        oracle_.tell([&](Checker& checker) { checker.on_packet_sent(id(), to, packet, disk_facts()); });
    }
    std::string bytes;
    wire::encode(bytes, packet);
    mesh_.send(link, bytes);
}

void JavaPeer::on_peer_opened(LinkId link, bool dialled, ServerId peer) {
    if (dialled && learner_) return learner_->on_opened(link);
    if (!dialled && leader_) return leader_->on_opened(link, peer);
    mesh_.close(link);
}

void JavaPeer::on_peer_unreachable() {
    if (learner_) learner_->on_unreachable();
}

void JavaPeer::on_peer_bytes(LinkId link, std::string bytes) {
    if (learner_) return learner_->on_bytes(link, bytes);
    if (leader_) leader_->on_bytes(link, bytes);
}

void JavaPeer::on_peer_closed(LinkId link) {
    if (learner_) return learner_->on_closed(link);
    if (leader_) leader_->on_closed(link);
}

void JavaPeer::on_election(ServerId from, std::string payload) {
    if (!up_) return;
    if (const auto notification = wire::decode_notification(payload)) election_.hear(from, *notification);
}

}  // namespace zabd::sim
