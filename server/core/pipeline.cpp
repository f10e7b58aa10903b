#include "server/core/pipeline.hpp"

#include "wire/assert.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace zabd::core {
namespace {

/// Images are handed on when so many nodes wait, in the middle of a long recovery.
constexpr std::size_t kImagesPerOutput = 4096;
constexpr std::size_t kDigestSamplesMax = 1024;
constexpr Counter kDigestSampleInterval = 128;

template <class T>
void append(std::vector<T>& to, std::vector<T>& from) {
    std::ranges::move(from, std::back_inserter(to));
    from.clear();
}

}  // namespace

Pipeline::Pipeline(const Options& options, Recovered recovered, OnApplied on_applied)
    : state_(std::move(recovered.state)),
      sessions_(std::move(recovered.sessions)),
      zab_(
          {.self = options.server, .membership = zab::Membership({options.server}), .counter_max = options.counter_max},
          recovered.zxid),
      preparer_(state_, options.prepare),
      on_applied_(std::move(on_applied)),
      zxid_applied_(recovered.zxid),
      log_overhead_bytes_max_(options.log_overhead_bytes_max) {
    if (recovered.fresh) images_ = state_.images();
}

bool Pipeline::accepts(SessionId session) const { return sessions_.is_open(session) && !closing_.contains(session); }

// --- in --------------------------------------------------------------------------------------------------------------

void Pipeline::submit(const Asker& asker, wire::OpCode op, std::string_view body, Outputs& out) {
    preparer_.prepare(op, body, begin(asker), txn_);
    propose(asker, out);
}

void Pipeline::submit_error(const Asker& asker, wire::ErrorCode error, Outputs& out) {
    preparer_.prepare_error(error, begin(asker), txn_);
    propose(asker, out);
}

void Pipeline::submit_create_session(const Asker& asker, Millis timeout, Outputs& out) {
    preparer_.prepare_create_session(static_cast<std::int32_t>(timeout.count()), begin(asker), txn_);
    propose(asker, out);
}

void Pipeline::submit_close_session(const Asker& asker, Outputs& out) {
    closing_.insert(asker.session);
    preparer_.prepare_close_session(begin(asker), txn_);
    propose(asker, out);
}

znode::WriteContext Pipeline::begin(const Asker& asker) {
    txn_.clear();
    return {asker.session, asker.xid, zab_.next_zxid(), asker.time, asker.identities};
}

void Pipeline::propose(const Asker& asker, Outputs& out) {
    const auto zxid = zab_.next_zxid();
    if (zxid.epoch() != zab_.zxid_proposed().epoch())
        out.items.emplace_back(Event{Event::Kind::kEpochAdvanced, SessionId::kNone, zxid, {}});
    in_flight_.push_back({zxid, asker.connection, txn_.size() + log_overhead_bytes_max_});
    in_flight_bytes_ += in_flight_.back().log_bytes;
    drive(zab::Submit{zxid, Bytes::copy_of(txn_)}, out);
}

bool Pipeline::has_room(std::uint64_t txn_bytes, std::uint64_t reserve_bytes) const {
    if (room_bytes_ == kUnlimitedRoom) return true;
    return in_flight_bytes_ + txn_bytes + log_overhead_bytes_max_ + reserve_bytes <= room_bytes_;
}

// --- through ---------------------------------------------------------------------------------------------------------

void Pipeline::on(const LogRecovered& recovered, Outputs& out) {
    ZABD_ASSERT(in_flight_.empty());
    drive(zab::Logged{recovered.zxid, recovered.txn}, out);
    if (images_.nodes.size() >= kImagesPerOutput) put_checkpoint(out);
}

void Pipeline::on(const LogDurable& durable, Outputs& out) { drive(zab::LogDurable{durable.up_to}, out); }

void Pipeline::drive(const zab::Input& input, Outputs& out) {
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

void Pipeline::deliver(const zab::Deliver& committed, Outputs& out) {
    ZABD_ASSERT(committed.zxid > zxid_applied_ && committed.zxid <= zab_.zxid_committed());
    wire::Decoder in(committed.txn.view());
    wire::TxnHeader header;
    wire::decode(in, header);
    ZABD_ASSERT(!in.failed() && header.zxid == committed.zxid);
    if (!znode::apply(header, in.rest(), state_, changes_))
        fatal("a transaction of the log does not decode: is it a newer version's?");
    apply_to_sessions(header, in.rest());
    zxid_applied_ = header.zxid;
    preparer_.applied(header.zxid);
    sample_digest();
    collect_images(committed.txn.size());

    auto asked = ConnectionId::kNone;
    if (!in_flight_.empty()) {  // empty while the log is replayed
        ZABD_ASSERT(in_flight_.front().zxid == committed.zxid);
        asked = in_flight_.front().connection;
        in_flight_bytes_ -= in_flight_.front().log_bytes;
        in_flight_.pop_front();
    }
    on_applied_(header, asked, out);
}

void Pipeline::apply_to_sessions(const wire::TxnHeader& header, std::string_view body) {
    if (header.type == wire::OpCode::kCreateSession) {
        const auto created = wire::decoded<wire::CreateSessionTxn>(body);
        ZABD_ASSERT(created);
        sessions_.open(header.session, Millis(created->timeout_ms));
        images_.sessions.push_back({header.session, created->timeout_ms});
    } else if (header.type == wire::OpCode::kCloseSession) {
        sessions_.close(header.session);
        closing_.erase(header.session);
        images_.sessions.push_back({header.session, std::nullopt});
    }
}

// --- out -------------------------------------------------------------------------------------------------------------

void Pipeline::sample_digest() {
    if (zxid_applied_.counter() % kDigestSampleInterval != 0) return;
    digests_.push_back({zxid_applied_, state_.tree.digest()});
    if (digests_.size() > kDigestSamplesMax) digests_.pop_front();
}

void Pipeline::collect_images(std::size_t txn_bytes) {
    images_.log_bytes += txn_bytes;
    append(images_.nodes, changes_.images.nodes);
    append(images_.acls, changes_.images.acls);
    images_due_ = true;
}

void Pipeline::put_checkpoint(Outputs& out) {
    if (!std::exchange(images_due_, false)) return;
    images_.zxid = zxid_applied_;
    images_.digest = state_.tree.digest();
    images_.next_node = state_.tree.next_id();
    out.items.emplace_back(PutCheckpoint{std::exchange(images_, {})});
}

void Pipeline::check_invariants() const {
    state_.check_invariants();
    ZABD_ASSERT(in_flight_.size() == zab_.in_flight());
    ZABD_ASSERT(zxid_applied_ <= zab_.zxid_committed());
    state_.tree.for_each_ephemeral_owner([&](SessionId owner) { ZABD_ASSERT(sessions_.is_open(owner)); });
    for (const auto session : closing_) ZABD_ASSERT(sessions_.is_open(session));
}

}  // namespace zabd::core
