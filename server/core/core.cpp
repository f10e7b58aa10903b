#include "server/core/core.hpp"

#include "server/core/core_impl.hpp"
#include "wire/assert.hpp"

#include <algorithm>
#include <utility>

namespace zabd::core {

Core::Core(const Options& options, Recovered recovered)
    : impl_(std::make_unique<Impl>(options, std::move(recovered))) {}
Core::~Core() = default;

void Core::step(const Input& input, Outputs& out) {
    std::visit([&](const auto& event) { impl_->on(event, out); }, input);
}

Core::Impl::Impl(const Options& options, Recovered recovered)
    : options_(options),
      pipeline_(
          options, std::move(recovered),
          [this](const wire::TxnHeader& header, ConnectionId asked, Outputs& out) { applied(header, asked, out); }),
      expiry_(options.tick),
      credentials_(options.secret),
      reaper_(options) {}

void Core::Impl::on(const LogRecovered& recovered, Outputs& out) {
    ZABD_ASSERT(!started_);
    pipeline_.on(recovered, out);
}

void Core::Impl::on(const LogDurable& durable, Outputs& out) { pipeline_.on(durable, out); }

void Core::Impl::on(const LogRoom& room, Outputs&) { pipeline_.on(room); }

void Core::Impl::on(const TimeIs& time, Outputs& out) {
    ZABD_ASSERT(time.now.monotonic >= now_.monotonic);
    // ctime and mtime never go back while we run, whatever the wall clock does.
    now_ = {time.now.monotonic, std::max(now_.wall, time.now.wall)};
    if (!started_) start(out);
    expire_sessions(out);
    reap(out);
    pipeline_.put_checkpoint(out);
}

void Core::Impl::start(Outputs& out) {
    started_ = true;
    started_at_ = now_.monotonic;
    session_ids_.emplace(options_.server, options_.start, pipeline_.sessions().highest());
    // Nobody could be heard while we were down: every session gets its full timeout from here.
    for (const auto& [session, timeout] : pipeline_.sessions().all()) expiry_.touch(session, timeout, now_.monotonic);
    // An ephemeral whose session is not open would stay for ever; our own history never has one.
    pipeline_.state().tree.for_each_ephemeral_owner(
        [&](SessionId owner) { ZABD_ASSERT(pipeline_.sessions().is_open(owner)); });
    pipeline_.put_checkpoint(out);
}

void Core::Impl::expire_sessions(Outputs& out) {
    std::vector<SessionId> expired;
    expiry_.advance(now_.monotonic, expired);
    for (const auto session : expired) {
        if (!pipeline_.accepts(session)) continue;  // it is being closed already
        ++status_.sessions_expired;
        out.items.emplace_back(Event{Event::Kind::kSessionExpired, session, zxid_applied(), {}});
        pipeline_.submit_close_session({.session = session, .time = now_.wall}, out);
    }
}

void Core::Impl::reap(Outputs& out) {
    while (pipeline_.has_room(0, options_.log_reserve_bytes)) {
        const auto path = reaper_.next(pipeline_.state().tree, now_);
        if (!path) return;
        const auto body = wire::encoded(wire::PathRequest{*path});
        pipeline_.submit({.time = now_.wall}, wire::OpCode::kDeleteContainer, body, out);
        out.items.emplace_back(Event{Event::Kind::kReaped, SessionId::kNone, pipeline_.zxid_proposed(), *path});
    }
}

void Core::Impl::applied(const wire::TxnHeader& header, ConnectionId asked, Outputs& out) {
    if (!started_) return;
    if (header.type == wire::OpCode::kCreateSession) {
        // Timed from here, not from the answer: its client may have left before that.
        expiry_.touch(header.session, pipeline_.sessions().all().at(header.session), now_.monotonic);
    } else if (header.type == wire::OpCode::kCloseSession) {
        expiry_.remove(header.session);
    }
    notify_watchers(out);
    auto* client = find(asked);
    if (client && client->phase != Client::Phase::kClosing) answer_write(*client, header.type, out);
    if (header.type == wire::OpCode::kCloseSession) close_owner(header.session, out);
    release_syncs(out);
    resume_clients(out);
}

}  // namespace zabd::core
