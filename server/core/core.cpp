#include "server/core/core.hpp"

#include "server/core/core_impl.hpp"
#include "wire/assert.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace zabd::core {
namespace {

/// Images are handed on when so many nodes wait, also in the middle of a long recovery.
constexpr std::size_t kImagesPerOutput = 4096;
constexpr std::size_t kDigestSamplesMax = 1024;
constexpr Counter kDigestSampleInterval = 128;

template <class T>
void append(std::vector<T>& to, std::vector<T>& from) {
    std::ranges::move(from, std::back_inserter(to));
    from.clear();
}

}  // namespace

Core::Core(const Options& options, Recovered recovered)
    : impl_(std::make_unique<Impl>(options, std::move(recovered))) {}
Core::~Core() = default;

void Core::step(const Input& input, Outputs& out) {
    std::visit([&](const auto& event) { impl_->on(event, out); }, input);
    ZABD_ASSERT(impl_->zxid_applied_ <= impl_->zab_.zxid_committed());
}

Core::Impl::Impl(const Options& options, Recovered recovered)
    : options_(options),
      state_(std::move(recovered.state)),
      sessions_(std::move(recovered.sessions)),
      expiry_(options.tick),
      credentials_(options.secret),
      zab_(
          {.self = options.server, .membership = zab::Membership({options.server}), .counter_max = options.counter_max},
          recovered.zxid),
      preparer_(state_, options.prepare),
      reaper_(options),
      zxid_applied_(recovered.zxid) {
    if (recovered.fresh) images_ = state_.images();
}

// --- time ------------------------------------------------------------------------------------------------------------

void Core::Impl::on(const TimeIs& time, Outputs& out) {
    ZABD_ASSERT(time.now.monotonic >= now_.monotonic);
    // ctime and mtime never go back while we run, whatever the wall clock does.
    now_ = {time.now.monotonic, std::max(now_.wall, time.now.wall)};
    if (!started_) start(out);
    expire_sessions(out);
    reap(out);
    if (images_due_) flush_images(out);
}

void Core::Impl::start(Outputs& out) {
    started_ = true;
    started_at_ = now_.monotonic;
    session_ids_.emplace(options_.server, options_.start, sessions_.highest());
    // Nobody could be heard while we were down: every session gets its full timeout from here.
    for (const auto& [session, timeout] : sessions_.all()) expiry_.touch(session, timeout, now_.monotonic);
    // An ephemeral whose session is not open would stay for ever; our own history never has one.
    state_.tree.for_each_ephemeral_owner([&](SessionId owner) { ZABD_ASSERT(sessions_.is_open(owner)); });
    flush_images(out);
}

void Core::Impl::expire_sessions(Outputs& out) {
    std::vector<SessionId> expired;
    expiry_.advance(now_.monotonic, expired);
    for (const auto session : expired) {
        if (closing_.contains(session)) continue;
        ++status_.sessions_expired;
        out.items.emplace_back(Event{Event::Kind::kSessionExpired, session, zxid_applied_, {}});
        close_session({.session = session}, out);
    }
}

void Core::Impl::reap(Outputs& out) {
    while (const auto path = reaper_.next(state_.tree, now_)) {
        const Origin reaper;
        preparer_.prepare(wire::OpCode::kDeleteContainer, wire::encoded(wire::PathRequest{*path}), begin(reaper), txn_);
        propose(reaper, out);
        out.items.emplace_back(Event{Event::Kind::kReaped, SessionId::kNone, zab_.zxid_proposed(), *path});
    }
}

void Core::Impl::close_session(const Origin& origin, Outputs& out) {
    closing_.insert(origin.session);
    preparer_.prepare_close_session(begin(origin), txn_);
    propose(origin, out);
}

// --- a transaction's way ---------------------------------------------------------------------------------------------

znode::WriteContext Core::Impl::begin(const Origin& origin, znode::Identities identities) {
    ZABD_ASSERT(started_);
    txn_.clear();
    return {origin.session, origin.xid, zab_.next_zxid(), now_.wall, identities};
}

void Core::Impl::propose(const Origin& origin, Outputs& out) {
    const auto zxid = zab_.next_zxid();
    if (zxid.epoch() != zab_.zxid_proposed().epoch())
        out.items.emplace_back(Event{Event::Kind::kEpochAdvanced, SessionId::kNone, zxid, {}});
    in_flight_.push_back({zxid, origin.connection});
    drive(zab::Submit{zxid, Bytes::copy_of(std::string_view(txn_))}, out);
}

void Core::Impl::on(const LogRecovered& recovered, Outputs& out) {
    ZABD_ASSERT(!started_);
    drive(zab::Logged{recovered.zxid, recovered.txn}, out);
    if (images_.nodes.size() >= kImagesPerOutput) flush_images(out);
}

void Core::Impl::on(const LogDurable& durable, Outputs& out) { drive(zab::LogDurable{durable.up_to}, out); }

void Core::Impl::drive(const zab::Input& input, Outputs& out) {
    // Applying may propose anew (a request that waited its turn), so each call has outputs of its own.
    auto outputs = std::exchange(zab_outputs_, {});
    outputs.clear();
    zab_.step(input, outputs);
    for (auto& output : outputs) {
        if (auto* append_to_log = std::get_if<zab::AppendToLog>(&output)) {
            out.items.emplace_back(AppendToLog{append_to_log->zxid, std::move(append_to_log->txn)});
        } else {
            deliver(std::get<zab::Deliver>(output), out);
        }
    }
    zab_outputs_ = std::move(outputs);
}

void Core::Impl::deliver(const zab::Deliver& committed, Outputs& out) {
    ZABD_ASSERT(committed.zxid > zxid_applied_);
    wire::Decoder in(committed.txn.view());
    wire::TxnHeader header;
    wire::decode(in, header);
    ZABD_ASSERT(!in.failed() && header.zxid == committed.zxid);
    apply(header, in.rest());
    if (!started_) return;

    ZABD_ASSERT(!in_flight_.empty() && in_flight_.front().zxid == committed.zxid);
    auto* client = find(in_flight_.front().connection);
    in_flight_.pop_front();
    notify_watchers(out);
    if (client && client->phase != Client::Phase::kClosing) answer_write(*client, header.type, out);
    if (header.type == wire::OpCode::kCloseSession) close_owner(header.session, out);
    release_syncs(out);
    resume_clients(out);
}

void Core::Impl::apply(const wire::TxnHeader& header, std::string_view body) {
    if (!znode::apply(header, body, state_, changes_))
        fatal("a transaction of the log does not decode: newer version?");
    apply_to_sessions(header, body);
    zxid_applied_ = header.zxid;
    preparer_.applied(header.zxid);
    sample_digest();
    collect_images();
}

void Core::Impl::apply_to_sessions(const wire::TxnHeader& header, std::string_view body) {
    if (header.type == wire::OpCode::kCreateSession) {
        const auto created = wire::decoded<wire::CreateSessionTxn>(body);
        ZABD_ASSERT(created);
        sessions_.open(header.session, Millis(created->timeout_ms));
        images_.sessions.push_back({header.session, created->timeout_ms});
        // From here on, not from the answer: its client may have left before that.
        if (started_) expiry_.touch(header.session, Millis(created->timeout_ms), now_.monotonic);
    } else if (header.type == wire::OpCode::kCloseSession) {
        sessions_.close(header.session);
        expiry_.remove(header.session);
        closing_.erase(header.session);
        images_.sessions.push_back({header.session, std::nullopt});
    }
}

void Core::Impl::sample_digest() {
    if (zxid_applied_.counter() % kDigestSampleInterval != 0) return;
    digests_.push_back({zxid_applied_, state_.tree.digest()});
    if (digests_.size() > kDigestSamplesMax) digests_.pop_front();
}

// --- checkpoint ------------------------------------------------------------------------------------------------------

void Core::Impl::collect_images() {
    append(images_.nodes, changes_.images.nodes);
    append(images_.acls, changes_.images.acls);
    images_due_ = true;
}

void Core::Impl::flush_images(Outputs& out) {
    images_.zxid = zxid_applied_;
    images_.digest = state_.tree.digest();
    images_.next_node = state_.tree.next_id();
    out.items.emplace_back(PutCheckpoint{std::exchange(images_, {})});
    images_due_ = false;
}

}  // namespace zabd::core
