#include "zab/participant.hpp"

#include "wire/assert.hpp"
#include "zab/election.hpp"
#include "zab/leader.hpp"
#include "zab/learner.hpp"
#include "zab/replica.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace zabd::zab {

namespace {

// Between attempts that came to nothing, doubled with each.
constexpr Millis kPauseFirst{50};
constexpr Millis kPauseMax{3200};

/// Nobody lags.
Options without_window(Options options) {
    options.window_bytes_max = 0;
    return options;
}

}  // namespace

struct Participant::Impl {
    Impl(const Options& options, const Recovered& recovered)
        : alone(options.membership.voters() == std::set{options.self} && options.membership.observers().empty()),
          replica(alone ? without_window(options) : options, recovered),
          election(options.self, options.membership, options.config_text) {}

    // --- inputs ---
    void on(const Logged& logged, Outputs& out);
    void on(const Start&, Outputs& out);
    void on(const Tick&, Outputs& out);
    void on(const Submit& submit, Outputs& out) { leader->on(now, submit, out); }
    void on(const Confirm& confirm, Outputs& out);
    void on(const StepDown& step_down, Outputs& out);
    void on(const LogDurable& durable, Outputs& out);
    void on(const LogTruncated& truncated, Outputs& out);
    void on(const LogHeldBack&, Outputs&) { replica.note_disk_alive(now); }
    void on(const LogBegins& begins, Outputs&) { replica.on(begins); }
    void on(const LogRead& read, Outputs& out);
    void on(const HardStateSaved& saved, Outputs& out);
    void on(const LinkOpened& opened, Outputs& out);
    void on(const DialFailed& failed, Outputs& out);
    void on(const LinkClosed& closed, Outputs& out);
    void on(const LinkCongested& congested, Outputs& out);
    void on(const Packet& packet, Outputs& out);
    void on(const SnapshotOpened& opened, Outputs& out);
    void on(const SnapshotStreamed& streamed, Outputs& out);
    void on(const SnapshotProgress& progress, Outputs& out);
    void on(const SnapshotInstalled& installed, Outputs& out);
    void on(const ElectionMessage& message, Outputs& out);
    void on(const ElectionLink& link, Outputs& out);

    // --- roles ---
    void disk_went_on(Outputs& out);
    void settle(Outputs& out);
    void look_for_leader(Outputs& out);
    void take_role(ServerId winner, Outputs& out);
    void promise_again(Outputs& out);
    void begin_serving(Outputs& out);
    void confirm_history(Outputs& out);
    void give_up(std::string reason, Outputs& out);
    /// In a fresh ensemble to have nothing is to have all there is. A snapshot that lacks what makes it whole is no history.
    [[nodiscard]] bool no_history() const {
        const auto last = replica.history().last();
        if (!replica.hard_state().has_history) return !election.fresh_ensemble() || last != Zxid{};
        return last < replica.hard_state().fuzzy_until;
    }

    // --- links of learners while we look ---
    void clear_lobby(Outputs& out);

    bool alone;
    Replica replica;
    Election election;
    bool started = false;
    bool looking = false;  // a round of the election is on
    bool serving = false;
    std::optional<Leader> leader;
    std::optional<Learner> learner;
    std::optional<ServerId> favoured;  // by who has stepped down, in its next round

    /// Whom the others have elected already, perhaps us.
    struct Waiting {
        Instant since;
        std::optional<wire::QuorumPacket> said;
    };
    std::map<LinkId, Waiting> lobby;

    Instant now{};
    std::optional<Instant> look_at;  // when to look again
    Millis pause{0};
};

Participant::Participant(const Options& options, const Recovered& recovered)
    : impl_(std::make_unique<Impl>(options, recovered)) {
    ZABD_ASSERT(options.counter_max > 0);
}
Participant::~Participant() = default;

void Participant::step(Instant now, const Input& input, std::vector<Output>& out) {
    auto& self = *impl_;
    ZABD_ASSERT(now >= self.now);
    self.now = now;
    std::visit([&](const auto& event) { self.on(event, out); }, input);
    if (self.started) self.settle(out);
    ZABD_ASSERT(self.replica.delivered() <= self.replica.committed());
    ZABD_ASSERT(self.replica.committed() <= self.replica.history().last());
    ZABD_ASSERT(self.replica.durable() <= self.replica.history().last());
}

// --- recovery --------------------------------------------------------------------------------------------------------

void Participant::Impl::on(const Logged& logged, Outputs& out) {
    ZABD_ASSERT(!started);
    replica.recover(logged);
    if (!alone) return replica.trim();
    replica.commit(logged.zxid);
    replica.deliver(out);
}

void Participant::Impl::on(const Start&, Outputs& out) {
    ZABD_ASSERT(!started);
    started = true;
    if (!alone) {
        look_at = now;
        return;
    }
    leader.emplace(replica, true);
    leader->begin(now, out);
    if (replica.hard_state().has_history) return;
    auto state = replica.hard_state();
    state.has_history = true;
    replica.save(state, out);
}

// --- the disk --------------------------------------------------------------------------------------------------------

void Participant::Impl::disk_went_on(Outputs& out) {
    if (leader) leader->on_disk(now, out);
    if (learner) learner->on_disk(now, out);
    replica.deliver(out);
}

void Participant::Impl::on(const LogDurable& durable, Outputs& out) {
    replica.on(now, durable);
    disk_went_on(out);
}

void Participant::Impl::on(const LogTruncated& truncated, Outputs& out) {
    replica.on(now, truncated);
    disk_went_on(out);
}

void Participant::Impl::on(const SnapshotInstalled& installed, Outputs& out) {
    replica.on(now, installed);
    disk_went_on(out);
}

void Participant::Impl::on(const HardStateSaved& saved, Outputs& out) {
    replica.on(saved);
    disk_went_on(out);
}

void Participant::Impl::on(const LogRead& read, Outputs& out) {
    if (replica.on(read, out)) {
        replica.deliver(out);
    } else if (leader) {
        leader->on(now, read, out);
    }
}

// --- links -----------------------------------------------------------------------------------------------------------

void Participant::Impl::on(const LinkOpened& opened, Outputs& out) {
    if (leader && !opened.dialled) return leader->on(now, opened);
    if (learner) return learner->on(now, opened, out);
    const auto& options = replica.options();
    const auto members = options.membership.voters().size() + options.membership.observers().size();
    if (opened.dialled || lobby.size() >= 4 * members) {
        out.emplace_back(CloseLink{opened.link, "not leading"});
    } else {
        lobby.emplace(opened.link, Waiting{now, std::nullopt});
    }
}

void Participant::Impl::on(const DialFailed& failed, Outputs&) {
    if (learner) learner->on(failed);
}

void Participant::Impl::on(const LinkClosed& closed, Outputs& out) {
    lobby.erase(closed.link);
    if (leader) leader->on(now, closed, out);
    if (learner) learner->on(closed);
}

void Participant::Impl::on(const LinkCongested& congested, Outputs& out) {
    if (leader) leader->on(now, congested, out);
}

void Participant::Impl::on(const Packet& packet, Outputs& out) {
    if (leader) return leader->on(now, packet, out);
    if (learner) return learner->on(now, packet, out);
    const auto waiting = lobby.find(packet.link);
    if (waiting == lobby.end()) return;
    if (!waiting->second.said) {
        waiting->second.said = packet.packet;
        return;
    }
    lobby.erase(waiting);
    out.emplace_back(CloseLink{packet.link, "it does not wait for LEADERINFO"});
}

void Participant::Impl::clear_lobby(Outputs& out) {
    for (const auto& [link, waiting] : lobby) out.emplace_back(CloseLink{link, "not leading"});
    lobby.clear();
}

void Participant::Impl::on(const SnapshotOpened& opened, Outputs& out) {
    if (leader) leader->on(now, opened, out);
}

void Participant::Impl::on(const SnapshotStreamed& streamed, Outputs& out) {
    if (leader) leader->on(now, streamed, out);
}

void Participant::Impl::on(const SnapshotProgress& progress, Outputs& out) {
    if (learner) learner->on(now, progress, out);
}

void Participant::Impl::on(const Confirm& confirm, Outputs& out) {
    if (leader) leader->on(confirm, out);
}

void Participant::Impl::on(const StepDown& step_down, Outputs&) {
    if (leader && serving) leader->on(now, step_down);
}

// --- election --------------------------------------------------------------------------------------------------------

void Participant::Impl::on(const ElectionMessage& message, Outputs& out) { election.on(now, message, out); }

void Participant::Impl::on(const ElectionLink& link, Outputs& out) {
    if (alone) return;
    election.on(now, link, out);
    if (learner && !link.up && link.peer == learner->leader()) learner->on_leader_lost();
}

void Participant::Impl::on(const Tick&, Outputs& out) {
    if (leader) leader->tick(now, out);
    if (learner) learner->tick(now, out);
    if (looking) election.tick(now, out);
    std::erase_if(lobby, [&](const auto& entry) {
        const bool late = now - entry.second.since > replica.ticks(replica.options().init_limit);
        if (late) out.emplace_back(CloseLink{entry.first, "nobody leads here"});
        return late;
    });
}

/// What follows from a step, whatever it was.
void Participant::Impl::settle(Outputs& out) {
    if (leader && leader->failure()) give_up(*leader->failure(), out);
    if (learner && learner->failure()) give_up(*learner->failure(), out);
    if (!serving && (leader || learner) && election.superseded()) give_up("a quorum follows another server", out);
    if (!leader && !learner && !looking) look_for_leader(out);
    if (looking) {
        if (const auto winner = election.winner()) take_role(*winner, out);
    }
    if (!serving && ((leader && leader->may_serve()) || (learner && learner->may_serve()))) begin_serving(out);
}

/// A vote says what could be read again after a power cut: so all that is on its way to the disk is waited for. A server
/// whose disk stands still takes no part (hazard Z-48).
void Participant::Impl::look_for_leader(Outputs& out) {
    if (now < look_at.value_or(now) || !replica.settled()) return;
    looking = true;
    std::optional<Zxid> zxid;
    if (!no_history()) zxid = replica.history().last();
    election.begin(now,
                   {.zxid = zxid,
                    .current_epoch = replica.hard_state().current_epoch,
                    .favoured = std::exchange(favoured, std::nullopt)},
                   out);
}

void Participant::Impl::take_role(ServerId winner, Outputs& out) {
    looking = false;
    promise_again(out);
    if (winner == replica.options().self) {
        leader.emplace(replica, false);
        leader->begin(now, out);
        for (auto& [link, waiting] : std::exchange(lobby, {})) {
            leader->on(now, LinkOpened{link, false});
            if (waiting.said) leader->on(now, Packet{link, std::move(*waiting.said)}, out);
        }
    } else {
        clear_lobby(out);
        learner.emplace(replica, winner, no_history());
        learner->begin(now, out);
    }
}

/// What a disk has lost may have been the promise that made an epoch, though nothing was ever logged in it.
void Participant::Impl::promise_again(Outputs& out) {
    auto state = replica.hard_state();
    const auto told = election.epoch_told();
    if (told <= state.accepted_epoch || told >= kEpochMax) return;
    state.accepted_epoch = static_cast<Epoch>(told);
    replica.save(state, out);
}

void Participant::Impl::begin_serving(Outputs& out) {
    serving = true;
    pause = Millis(0);
    RoleChanged changed{.serving = true, .leader = replica.options().self};
    if (leader) {
        changed.role = Role::kLeading;
        changed.epoch = leader->epoch();
    } else {
        changed.role = replica.options().membership.votes(replica.options().self) ? Role::kFollowing : Role::kObserving;
        changed.leader = learner->leader();
        changed.epoch = learner->epoch();
        changed.link = learner->link();
    }
    confirm_history(out);
    election.established(changed.epoch);
    out.emplace_back(std::move(changed));
}

void Participant::Impl::confirm_history(Outputs& out) {
    auto state = replica.hard_state();
    if (!std::exchange(state.provisional, false)) return;
    replica.save(state, out);
}

void Participant::Impl::give_up(std::string reason, Outputs& out) {
    if (leader) {
        leader->end(out);
        favoured = leader->successor();
    }
    if (learner) learner->end(out);
    leader.reset();
    learner.reset();
    look_at = now + pause;
    pause = std::exchange(serving, false) ? Millis(0) : std::clamp(pause * 2, kPauseFirst, kPauseMax);
    out.emplace_back(RoleChanged{.role = Role::kLooking, .reason = std::move(reason)});
}

// --- what is --------------------------------------------------------------------------------------------------------

bool Participant::accepts() const { return impl_->serving && impl_->leader && impl_->leader->accepts(); }
Zxid Participant::next_zxid() const { return impl_->leader->next_zxid(); }

Role Participant::role() const {
    if (impl_->leader) return Role::kLeading;
    if (!impl_->learner) return Role::kLooking;
    const auto& options = impl_->replica.options();
    return options.membership.votes(options.self) ? Role::kFollowing : Role::kObserving;
}

bool Participant::hears_quorum() const {
    return impl_->leader && impl_->leader->hears_quorum(impl_->now, impl_->replica.options().tick);
}

bool Participant::serving() const { return impl_->serving; }

std::optional<ServerId> Participant::leader() const {
    if (impl_->leader) return impl_->replica.options().self;
    return impl_->learner ? std::optional(impl_->learner->leader()) : std::nullopt;
}

const HardState& Participant::hard_state() const { return impl_->replica.hard_state(); }
Zxid Participant::zxid_proposed() const { return impl_->replica.history().last(); }
Zxid Participant::zxid_durable() const { return impl_->replica.durable(); }
Zxid Participant::zxid_committed() const { return impl_->replica.committed(); }
std::size_t Participant::in_flight() const { return impl_->replica.in_flight(); }
std::size_t Participant::synced_voters() const { return impl_->leader ? impl_->leader->synced(false) : 0; }
std::size_t Participant::synced_observers() const { return impl_->leader ? impl_->leader->synced(true) : 0; }

std::vector<LearnerStatus> Participant::learners() const {
    return impl_->leader ? impl_->leader->learners() : std::vector<LearnerStatus>{};
}

bool Participant::can_step_down() const { return impl_->serving && impl_->leader && impl_->leader->can_step_down(); }

Zxid Participant::log_needed() const { return impl_->leader ? impl_->leader->log_needed() : kZxidUnknown; }

}  // namespace zabd::zab
