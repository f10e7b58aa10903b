#include "server/core/pipeline.hpp"

#include "wire/assert.hpp"
#include "wire/zookeeper_txn.hpp"

#include <algorithm>
#include <charconv>
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

zab::Options zab_options(const Options& options) {
    return {.self = options.server,
            .membership = options.membership,
            .config_text = options.config_text,
            .tick = options.tick,
            .init_limit = options.init_limit,
            .sync_limit = options.sync_limit,
            .counter_max = options.counter_max,
            .window_bytes_max = options.window_bytes_max};
}

/// Of a configuration's text: its line "version=<hexadecimal>".
Zxid version_of(std::string_view config_text) {
    constexpr std::string_view kKey = "version=";
    Zxid version;
    const auto at = config_text.rfind(kKey);
    if (at == std::string_view::npos) return version;
    const auto number = config_text.substr(at + kKey.size());
    std::from_chars(number.data(), number.data() + number.size(), version.value, 16);
    return version;
}

}  // namespace

Pipeline::Pipeline(const Options& options, Recovered recovered, OnApplied on_applied, OnOutput on_output)
    : state_(std::move(recovered.state)),
      sessions_(std::move(recovered.sessions)),
      zab_(zab_options(options), {.applied = recovered.zxid,
                                  .log_begin = recovered.log_begin,
                                  .hard_state = recovered.hard_state,
                                  .epoch_ends = std::move(recovered.epoch_ends)}),
      alone_(options.membership.voters() == std::set{options.server} && options.membership.observers().empty()),
      preparer_(state_, options.prepare),
      on_applied_(std::move(on_applied)),
      on_output_(std::move(on_output)),
      zxid_applied_(recovered.zxid),
      log_overhead_bytes_max_(options.log_overhead_bytes_max) {
    if (recovered.fresh) images_ = state_.images();
}

bool Pipeline::accepts(SessionId session) const { return knows(session) && !closing_.contains(session); }

bool Pipeline::knows(SessionId session) const { return sessions_.is_open(session) || opening_.contains(session); }

// --- in --------------------------------------------------------------------------------------------------------------

void Pipeline::submit(const Asker& asker, wire::OpCode op, std::string_view body, Outputs& out) {
    preparer_.prepare(op, body, begin(asker), txn_);
    propose(out);
}

void Pipeline::submit_error(const Asker& asker, wire::ErrorCode error, Outputs& out) {
    preparer_.prepare_error(error, begin(asker), txn_);
    propose(out);
}

void Pipeline::submit_create_session(const Asker& asker, Millis timeout, Outputs& out) {
    opening_.insert(asker.session);
    preparer_.prepare_create_session(static_cast<std::int32_t>(timeout.count()), begin(asker), txn_);
    propose(out);
}

void Pipeline::submit_close_session(const Asker& asker, Outputs& out) {
    closing_.insert(asker.session);
    preparer_.prepare_close_session(begin(asker), txn_);
    propose(out);
}

znode::WriteContext Pipeline::begin(const Asker& asker) {
    txn_.clear();
    return {asker.session, asker.xid, zab_.next_zxid(), asker.time, asker.identities};
}

void Pipeline::propose(Outputs& out) {
    const auto zxid = zab_.next_zxid();
    if (alone_ && zxid.epoch() != zab_.zxid_proposed().epoch())
        out.items.emplace_back(Event{Event::Kind::kEpochAdvanced, SessionId::kNone, zxid, {}});
    in_flight_.push_back({zxid, txn_.size() + log_overhead_bytes_max_});
    in_flight_bytes_ += in_flight_.back().log_bytes;
    tell(zab::Submit{zxid, Bytes::copy_of(txn_)}, out);
}

void Pipeline::discard_proposals() {
    preparer_.discard();
    opening_.clear();
    closing_.clear();
    in_flight_.clear();
    in_flight_bytes_ = 0;
}

bool Pipeline::has_room(std::uint64_t txn_bytes, std::uint64_t reserve_bytes) const {
    if (room_bytes_ == kUnlimitedRoom) return true;
    return in_flight_bytes_ + txn_bytes + log_overhead_bytes_max_ + reserve_bytes <= room_bytes_;
}

// --- through ---------------------------------------------------------------------------------------------------------

void Pipeline::on(const LogRecovered& recovered, Outputs& out) {
    tell(zab::Logged{recovered.zxid, recovered.txn}, out);
    if (images_.nodes.size() >= kImagesPerOutput) put_checkpoint(out);
}

void Pipeline::tell(const zab::Input& input, Outputs& out) {
    zab_.step(now_, input, zab_outputs_);
    if (std::exchange(carrying_out_, true)) return;
    for (std::size_t i = 0; i < zab_outputs_.size(); ++i) {
        auto output = std::move(zab_outputs_[i]);
        carry_out(std::move(output), out);
    }
    zab_outputs_.clear();
    carrying_out_ = false;
}

void Pipeline::carry_out(zab::Output&& output, Outputs& out) {
    if (auto* append_to_log = std::get_if<zab::AppendToLog>(&output)) {
        times_.push_back({append_to_log->zxid, now_, now_});
        out.items.emplace_back(AppendToLog{append_to_log->zxid, std::move(append_to_log->txn)});
    } else if (const auto* committed = std::get_if<zab::Deliver>(&output)) {
        deliver(*committed, out);
    } else if (const auto* truncate = std::get_if<zab::TruncateLog>(&output)) {
        while (!times_.empty() && times_.back().zxid > truncate->up_to) times_.pop_back();
        durable_times_ = std::min(durable_times_, times_.size());
        out.items.emplace_back(TruncateLog{truncate->up_to});
    } else if (const auto* read = std::get_if<zab::ReadLog>(&output)) {
        out.items.emplace_back(ReadLog{read->tag, read->after, read->bytes_max});
    } else if (const auto* save = std::get_if<zab::SaveHardState>(&output)) {
        out.items.emplace_back(SaveHardState{save->state});
    } else {
        on_output_(std::move(output), out);
    }
}

void Pipeline::deliver(const zab::Deliver& committed, Outputs& out) {
    ZABD_ASSERT(committed.zxid > zxid_applied_ && committed.zxid <= zab_.zxid_committed());
    wire::Decoder in(committed.txn.view());
    wire::TxnHeader header;
    wire::decode(in, header);
    ZABD_ASSERT(!in.failed() && header.zxid == committed.zxid);
    const bool fuzzy = committed.zxid <= zab_.hard_state().fuzzy_until;
    if (!znode::apply(header, in.rest(), state_, changes_, fuzzy ? znode::Fit::kFuzzy : znode::Fit::kExact))
        fatal("a transaction of the log does not decode: is it a newer version's?");
    if (fuzzy && header.type == wire::OpCode::kCreateSession)
        sessions_.close(header.session);  // it may be there already
    apply_to_sessions(header, in.rest());
    zxid_applied_ = header.zxid;
    take_times(header.zxid);
    preparer_.applied(header.zxid);
    if (!fuzzy) sample_digest();
    if (!fuzzy && zab_.hard_state().mixed()) compare_digest(committed.txn.view(), out);
    collect_images(committed.txn.size());

    if (!in_flight_.empty() && in_flight_.front().zxid == committed.zxid) {
        in_flight_bytes_ -= in_flight_.front().log_bytes;
        in_flight_.pop_front();
    }
    on_applied_(header, out);
}

void Pipeline::on_durable(Zxid up_to) {
    for (; durable_times_ < times_.size() && times_[durable_times_].zxid <= up_to; ++durable_times_)
        times_[durable_times_].durable = now_;
}

void Pipeline::take_times(Zxid applied) {
    while (!times_.empty() && times_.front().zxid <= applied) {
        times_of_applied_ = times_.front();
        times_.pop_front();
        if (durable_times_ != 0) --durable_times_;
    }
}

void Pipeline::apply_to_sessions(const wire::TxnHeader& header, std::string_view body) {
    if (header.type == wire::OpCode::kCreateSession) {
        const auto created = wire::decoded<wire::CreateSessionTxn>(body);
        ZABD_ASSERT(created);
        const bool zookeeper = zab_.hard_state().mixed_at(header.zxid);
        sessions_.open(header.session, Millis(created->timeout_ms), zookeeper);
        opening_.erase(header.session);
        images_.sessions.push_back(wire::SessionImage::open(header.session, created->timeout_ms, zookeeper));
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

/// A ZooKeeper leader says what the tree's digest is to be. Another one is no reason to stop: its own servers count it too.
void Pipeline::compare_digest(std::string_view txn, Outputs& out) {
    const auto told = wire::read_zookeeper_txn(txn);
    if (!told || !told->digest) return;
    ++digests_compared_;
    if (*told->digest == state_.tree.digest()) return;
    if (digest_mismatches_++ != 0) return;
    out.items.emplace_back(
        Event{Event::Kind::kPeer, SessionId::kNone, zxid_applied_,
              "the tree's digest is another one than the ZooKeeper leader's: mntr counts how often"});
}

void Pipeline::collect_images(std::size_t txn_bytes) {
    images_.log_bytes += txn_bytes;
    append(images_.nodes, changes_.images.nodes);
    append(images_.acls, changes_.images.acls);
    images_due_ = true;
}

void Pipeline::put_checkpoint(Outputs& out) {
    if (replacement_ || !std::exchange(images_due_, false)) return;
    images_.zxid = zxid_applied_;
    images_.digest = state_.tree.digest();
    images_.next_node = state_.tree.next_id();
    const auto count = images_.nodes.size();
    out.items.emplace_back(PutCheckpoint{std::exchange(images_, {})});
    images_.nodes.reserve(count);  // about as many come until the next one
}

void Pipeline::begin_replacement(Replacement replacement, Outputs& out) {
    out.items.emplace_back(FinishInstall{replacement.zxid});
    replacement_ = std::move(replacement);
}

void Pipeline::finish_replacement() {
    ZABD_ASSERT(replacement_);
    discard_proposals();
    state_ = std::move(replacement_->state);
    sessions_ = std::move(replacement_->sessions);
    zxid_applied_ = replacement_->zxid;
    replacement_.reset();
    ++replacements_;
    times_.clear();
    durable_times_ = 0;
    images_ = {};  // of what is there no more
    images_due_ = false;
    digests_.clear();
}

void Pipeline::set_config(std::string_view text, WallTime time) {
    constexpr std::string_view kPath = "/zookeeper/config";
    const auto* node = state_.tree.find(kPath);
    if (!node || (!node->data.null() && node->data.view() == text)) return;
    const auto& changed = state_.tree.set_data({.path = kPath,
                                                .data = Bytes::copy_of(text),
                                                .version = -1,
                                                .zxid = version_of(text),
                                                .time_ms = static_cast<std::int64_t>(time)});
    images_.nodes.push_back({.record = state_.tree.record_of(changed), .data_changed = true, .data = changed.data});
    images_due_ = true;
}

void Pipeline::check_invariants() const {
    state_.check_invariants();
    ZABD_ASSERT(in_flight_.size() <= zab_.in_flight());
    ZABD_ASSERT(replacement_ || zxid_applied_ <= zab_.zxid_committed());
    state_.tree.for_each_ephemeral_owner([&](SessionId owner) { ZABD_ASSERT(sessions_.is_open(owner)); });
    for (const auto session : closing_) ZABD_ASSERT(sessions_.is_open(session) || opening_.contains(session));
}

}  // namespace zabd::core
