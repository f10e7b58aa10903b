#include "server/core/core.hpp"

#include "server/core/core_impl.hpp"
#include "wire/assert.hpp"

#include <algorithm>
#include <utility>

namespace zabd::core {
namespace {

Peers::Bounds bounds_of_packets(const Options& options) {
    // A path of one letter takes three times its own length, with the length before it.
    const auto session_end = 3 * options.prepare.ephemeral_bytes_per_session_max;
    return {.of_learner = options.packet_bytes_max,
            .of_leader = options.packet_bytes_max + session_end,
            .of_snapshot_element = options.packet_bytes_max};
}

}  // namespace

Core::Core(const Options& options, Recovered recovered)
    : impl_(std::make_unique<Impl>(options, std::move(recovered))) {}
Core::~Core() = default;

void Core::step(const Input& input, Outputs& out) {
    std::visit([&](const auto& event) { impl_->on(event, out); }, input);
    impl_->settle(out);
}

Core::Impl::Impl(const Options& options, Recovered recovered)
    : options_(options),
      pipeline_(
          options, std::move(recovered), [this](const wire::TxnHeader& header, Outputs& out) { applied(header, out); },
          [this](zab::Output&& output, Outputs& out) {
              std::visit([&](auto& asked) { carry_out(asked, out); }, output);
          }),
      peers_(bounds_of_packets(options), [this](const zab::Input& input, Outputs& out) { pipeline_.tell(input, out); }),
      sessions_(options.tick),
      session_ids_(options.server, pipeline_.alone() ? options.start : WallTime{}),
      reaper_(options) {}

void Core::Impl::on(const LogRecovered& recovered, Outputs& out) {
    ZABD_ASSERT(!started_);
    pipeline_.on(recovered, out);
}

void Core::Impl::on(const LogRoom& room, Outputs&) { pipeline_.on(room); }

void Core::Impl::on(const TimeIs& time, Outputs& out) {
    ZABD_ASSERT(time.now.monotonic >= now_.monotonic);
    // ctime and mtime never go back while we run, whatever the wall clock does.
    now_ = {time.now.monotonic, std::max(now_.wall, time.now.wall)};
    pipeline_.set_time(now_.monotonic);
    if (!started_) start(out);
    pipeline_.tell(zab::Tick{}, out);
    if (!serving_ && !given_up_ && now_.monotonic - unserved_since_ >= options_.hold_max) give_up(out);
    forget_silent_readers(out);
    expire_sessions(out);
    reap(out);
    pipeline_.put_checkpoint(out);
}

void Core::Impl::start(Outputs& out) {
    started_ = true;
    started_at_ = unserved_since_ = now_.monotonic;
    begin_session_ids();
    // An ephemeral whose session is not open would stay for ever; our own history never has one.
    pipeline_.state().tree.for_each_ephemeral_owner(
        [&](SessionId owner) { ZABD_ASSERT(pipeline_.sessions().is_open(owner)); });
    pipeline_.tell(zab::Start{}, out);
    pipeline_.put_checkpoint(out);
}

void Core::Impl::expire_sessions(Outputs& out) {
    // Whom it does not hear of now may be heard by the others (hazard Z-64).
    if (!available() || !leads() || !zab().hears_quorum()) return;
    for (const auto session : sessions_.expired(now_.monotonic)) {
        if (!available())
            return;  // the epoch's last number is given; the next leader gives all sessions their time anew
        if (!pipeline_.accepts(session)) continue;  // it is being closed already
        ++status_.sessions_expired;
        out.items.emplace_back(Event{Event::Kind::kSessionExpired, session, zxid_applied(), {}});
        expired_here_.insert(session);
        pipeline_.submit_close_session({.session = session, .time = now_.wall}, out);
    }
}

void Core::Impl::reap(Outputs& out) {
    while (available() && leads() && pipeline_.has_room(0, options_.log_reserve_bytes)) {
        const auto path = reaper_.next(pipeline_.state().tree, now_);
        if (!path) return;
        const auto body = wire::encoded(wire::PathRequest{*path});
        const auto zxid = zab().next_zxid();
        pipeline_.submit({.time = now_.wall}, wire::OpCode::kDeleteContainer, body, out);
        out.items.emplace_back(Event{Event::Kind::kReaped, SessionId::kNone, zxid, *path});
    }
}

void Core::Impl::applied(const wire::TxnHeader& header, Outputs& out) {
    if (!started_) return;
    if (header.type == wire::OpCode::kCreateSession) {
        // Timed from here, not from the answer: its client may have left before that.
        sessions_.touch(header.session, pipeline_.sessions().all().at(header.session), now_.monotonic);
        readers_.erase(header.session);
    } else if (header.type == wire::OpCode::kCloseSession) {
        sessions_.remove(header.session);
    }
    if (!forwarded_.empty() && forwarded_.front() == std::pair(header.session, header.xid)) forwarded_.pop_front();
    notify_watchers(out);
    answer_write(header, out);
    audit_own(header, out);
    if (header.type == wire::OpCode::kCloseSession) close_owner(header.session, out);
    if (pipeline_.alone()) release_syncs(out);  // a write behind one may be the next to be applied
}

void Core::Impl::settle(Outputs& out) {
    while (!deferred_.empty() && available()) {
        const auto from = std::move(deferred_.front());
        deferred_.pop_front();
        take_forwarded(from, out);
    }
    while (const auto answer = sessions_.next_answer(zxid_applied()))
        if (auto* client = find(answer->connection)) validated(*client, answer->valid, out);
    release_syncs(out);
    answer_learners(out);
    if (held_back_ && answers()) {
        held_back_ = false;
        for (const auto id : std::exchange(holding_, {}))
            if (auto* client = find(id)) take_up(*client, out);
    }
    resume_clients(out);
}

}  // namespace zabd::core
