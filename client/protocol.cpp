#include "client/protocol.hpp"

#include "client/error.hpp"
#include "client/request_frame.hpp"
#include "wire/assert.hpp"
#include "wire/requests.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

namespace zabd::client {
namespace {

using wire::OpCode;

// As ZooKeeper's own clients number what is none of the requests.
constexpr Xid kXidAuth = -4;
constexpr Xid kXidSetWatches = -8;

constexpr std::size_t kRearmingBytesMax = 128 << 10;  // of paths in one setWatches, as Java's client has it
constexpr std::size_t kRequestHeaderBytes = 8;
constexpr std::size_t kTrimBytes = 64 << 10;  // answered requests' bytes that are worth being moved over

std::error_code as_error(wire::ErrorCode code) {
    return code == wire::ErrorCode::kOk ? std::error_code() : std::error_code(static_cast<int>(code), category());
}

void append_framed(std::string& out, std::string_view frame) { wire::Encoder(out).put_counted(frame); }

std::optional<EventType> type_of(wire::EventType type) {
    switch (type) {
        case wire::EventType::kNodeCreated: return EventType::kCreated;
        case wire::EventType::kNodeDeleted: return EventType::kDeleted;
        case wire::EventType::kNodeDataChanged: return EventType::kDataChanged;
        case wire::EventType::kNodeChildrenChanged: return EventType::kChildrenChanged;
    }
    return std::nullopt;
}

}  // namespace

Protocol::Protocol(const Options& options, std::string chroot)
    : options_(options),
      splitter_(options_.reply_bytes_max),
      watches_(std::move(chroot)),
      session_(options_.session.value_or(Session())),
      timeout_(options_.session_timeout) {}

Protocol::~Protocol() = default;

bool Protocol::over() const {
    return state_ == State::kClosed || state_ == State::kAuthFailed ||
           (state_ == State::kLost && !options_.renew_session);
}

// --- requests --------------------------------------------------------------------------------------------------------

std::error_code Protocol::refusal(const Request& request) const {
    if (closing_ || state_ == State::kClosed) return Errc::kClosed;
    if (state_ == State::kAuthFailed) return Errc::kAuthFailed;
    if (over()) return Errc::kSessionExpired;
    if (request.error) return request.error;
    if (request.frame.size() > options_.request_bytes_max) return Errc::kRequestTooLarge;
    if (entries_.size() >= options_.requests_max || stream_.size() + request.frame.size() > options_.queued_bytes_max) {
        return Errc::kTooManyRequests;
    }
    return {};
}

Protocol::Number Protocol::submit(Request request, std::unique_ptr<Call> call, Instant now) {
    const auto deadline = now + (request.timeout > Millis(0) ? request.timeout : options_.operation_timeout);
    first_deadline_ = std::min(first_deadline_, deadline);
    if (request.op == OpCode::kAuth) {
        wire::InPlaceEncoder(request.frame.data()).put_int(kXidAuth);
        if (greeted()) append_raw(request.frame);
        identities_.push_back({++last_number_, std::move(request.frame), std::move(call), deadline});
        return last_number_;
    }
    if (request.after_sync) {
        auto& guard = append(frame_of(0, OpCode::kSync, wire::PathRequest{request.path}), OpCode::kSync, now);
        guard.deadline = deadline;
        guard.repeatable = guard.guards_next = true;
    }
    auto& entry = append(request.frame, request.op, now);
    entry.deadline = deadline;
    entry.repeatable = request.repeatable;
    entry.guarded = request.after_sync;
    entry.call = std::move(call);
    if (!request.watch.expired()) {
        entry.arming = std::make_unique<Arming>(request.watch_kind, std::move(request.path), std::move(request.watch));
    }
    return entry.number;
}

Protocol::Entry& Protocol::append(std::string_view frame, OpCode op, Instant now) {
    last_xid_ = last_xid_ == std::numeric_limits<Xid>::max() ? 1 : last_xid_ + 1;
    const auto begin = base_ + stream_.size();
    append_raw(frame);
    wire::InPlaceEncoder(stream_.data() + (begin - base_) + wire::kFramePrefixBytes).put_int(last_xid_);
    return entries_.emplace_back(Entry{.number = ++last_number_,
                                       .begin = begin,
                                       .end = base_ + stream_.size(),
                                       .asked = now,
                                       .deadline = Instant::max(),
                                       .xid = last_xid_,
                                       .op = op});
}

void Protocol::append_raw(std::string_view frame) { append_framed(stream_, frame); }

void Protocol::give_up(const std::vector<Number>& numbers, std::error_code error) {
    struct GivenUp {
        std::unique_ptr<Call> call;
        std::error_code error;
    };
    std::vector<GivenUp> given_up;
    std::vector<Number> unsent;
    for (const auto number : numbers) {
        const auto entry = std::ranges::lower_bound(entries_, number, {}, &Entry::number);
        if (entry == entries_.end() || entry->number != number || !entry->call) continue;
        const bool left = was_sent(*entry);
        if (!left) unsent.push_back(number);
        const bool harmless = !left && error == Errc::kOperationTimeout;
        given_up.push_back({std::move(entry->call), harmless ? make_error_code(Errc::kNotSent) : error});
    }
    for (auto& identity : identities_) {
        if (identity.call && std::ranges::binary_search(numbers, identity.number)) {
            given_up.push_back({std::move(identity.call), error});
        }
    }
    if (!unsent.empty()) {
        take_out(
            [&](const Entry& entry) {
                return !was_sent(entry) &&
                       std::ranges::binary_search(unsent, entry.guards_next ? entry.number + 1 : entry.number);
            },
            Between::kKeep);
    }
    for (const auto& [call, outcome] : given_up) call->finish(outcome, {});
}

std::vector<Protocol::Entry> Protocol::take_out(const std::function<bool(const Entry&)>& which, Between between) {
    std::vector<Entry> taken;
    std::deque<Entry> kept;
    std::string stream;
    auto copied_to = base_;
    const auto copy_up_to = [&](std::uint64_t end) {
        stream.append(stream_, static_cast<std::size_t>(copied_to - base_), static_cast<std::size_t>(end - copied_to));
        copied_to = end;
    };
    const auto copy_between_up_to = [&](std::uint64_t end) {
        between == Between::kKeep ? copy_up_to(end) : void(copied_to = end);
    };
    for (auto& entry : entries_) {
        copy_between_up_to(entry.begin);
        if (which(entry)) {
            ZABD_ASSERT(!was_sent(entry));  // what has left in part must go on to its end
            copied_to = entry.end;
            taken.push_back(std::move(entry));
            continue;
        }
        const auto begin = base_ + stream.size();
        copy_up_to(entry.end);
        entry.begin = begin;
        entry.end = base_ + stream.size();
        kept.push_back(std::move(entry));
    }
    copy_between_up_to(base_ + stream_.size());
    stream_ = std::move(stream);
    entries_ = std::move(kept);
    return taken;
}

void Protocol::close(std::unique_ptr<Call> call, Instant now) {
    ZABD_ASSERT(!closing_);
    closing_ = true;
    const auto waiting = abandon();
    for (auto& entry : entries_) entry.arming.reset();
    take_out([this](const Entry& entry) { return !was_sent(entry); }, Between::kKeep);
    if (greeted()) append_close(now);
    close_call_ = std::move(call);
    set_state(State::kClosed);
    for (const auto& each : waiting) each->finish(Errc::kClosed, {});
    if (phase_ != Phase::kDown) return;  // until the server has answered, or hung up
    if (const auto closed = std::move(close_call_)) closed->finish({}, {});
}

void Protocol::append_close(Instant now) {
    close_number_ = append(frame_of(0, OpCode::kCloseSession), OpCode::kCloseSession, now).number;
}

/// Whoever waits, for an answer or for an identity.
void Protocol::fail_all(std::error_code error) {
    for (const auto& call : abandon()) call->finish(error, {});
}

std::vector<std::unique_ptr<Call>> Protocol::abandon() {
    std::vector<std::unique_ptr<Call>> waiting;
    const auto take = [&](std::unique_ptr<Call>& call) {
        if (call) waiting.push_back(std::move(call));
    };
    for (auto& entry : entries_) take(entry.call);
    for (auto& identity : identities_) take(identity.call);
    take(close_call_);
    return waiting;
}

// --- watches ---------------------------------------------------------------------------------------------------------

void Protocol::add_sink(EventSink& sink) { sinks_.push_back(&sink); }

void Protocol::drop_sink(EventSink& sink, Instant now) {
    std::erase(sinks_, &sink);
    remove_watches(watches_.drop(sink), now);
}

void Protocol::remove_watches(const std::vector<WatchRegistry::Removal>& removals, Instant now) {
    if (!greeted() || closing_) return;  // the next connection arms only what is wanted
    // What is being armed just now, by another, would go too: better an event that nobody hears than one that never comes.
    const auto being_armed = [&](const std::string& path) {
        return std::ranges::any_of(entries_, [&](const Entry& entry) {
            return entry.arming && entry.arming->path == path && listens(entry.arming->sink.lock().get());
        });
    };
    for (const auto& [path, type] : removals) {
        if (being_armed(path)) continue;
        const auto frame = frame_of(0, OpCode::kRemoveWatches, wire::WatchesRequest{path, type});
        append(frame, OpCode::kRemoveWatches, now);
    }
}

void Protocol::arm(const Arming& arming, std::error_code error, Instant now) {
    auto kind = arming.kind;
    if (kind == WatchKind::kExists && !error) kind = WatchKind::kData;
    const bool armed = !error || (kind == WatchKind::kExists && error == Errc::kNoNode);
    const auto sink = arming.sink.lock();
    if (!armed) return;
    if (listens(sink.get())) {
        watches_.add(kind, arming.path, *sink);
    } else if (!watches_.watches(arming.path)) {  // closed in the meantime
        remove_watches({{arming.path, WatcherType::kAny}}, now);
    }
}

void Protocol::set_state(State state) {
    if (state_ == state || state_ == State::kClosed) return;
    state_ = state;
    tell(std::vector(sinks_), {.type = EventType::kState, .state = state});
}

bool Protocol::listens(const EventSink* sink) const { return std::ranges::find(sinks_, sink) != sinks_.end(); }

void Protocol::tell(const std::vector<EventSink*>& sinks, const Event& event) {
    for (auto* sink : sinks) {
        if (listens(sink)) sink->take(event);
    }
}

// --- the connection --------------------------------------------------------------------------------------------------

void Protocol::connected(Instant now) {
    splitter_ = wire::FrameSplitter(options_.reply_bytes_max);
    phase_ = Phase::kGreeting;
    served_ = false;
    fault_ = nullptr;
    heard_ = spoke_ = now;
    ping_out_ = false;
    identities_answered_ = 0;
    guard_error_ = {};
    const bool take_up = session_global_ && session_.id != SessionId::kNone;
    const auto password = take_up ? session_.password : wire::Password();
    wire::ConnectRequest request{.last_zxid_seen = last_zxid_,
                                 .timeout_ms = static_cast<std::int32_t>(options_.session_timeout.count()),
                                 .session = take_up ? session_.id : SessionId::kNone,
                                 .password = std::string_view(password.data(), password.size()),
                                 .read_only = options_.allow_read_only};
    std::string frame;
    wire::Encoder out(frame);
    wire::encode(out, request);
    preface_.clear();
    append_framed(preface_, frame);
}

void Protocol::disconnected(Instant now) {
    if (phase_ == Phase::kDown) return;
    phase_ = Phase::kDown;
    preface_.clear();
    const auto sent = std::exchange(sent_, base_);  // on the next connection nothing is sent
    const auto is_lost = [&](const Entry& entry) {
        const bool left = entry.begin < sent;
        return !entry.call || (left && !(entry.repeatable && options_.retry_reads));
    };
    auto failed = take_out(
        [&](const Entry& entry) {
            const auto* decisive = entry.guards_next ? guarded_by(entry) : &entry;
            return !decisive || is_lost(*decisive);
        },
        Between::kDrop);
    if (closing_) {
        if (const auto call = std::move(close_call_)) call->finish({}, {});
        return;
    }
    if (state_ == State::kConnected || state_ == State::kConnectedReadOnly) set_state(State::kSuspended);
    for (const auto& entry : failed) {
        if (entry.call) entry.call->finish(Errc::kConnectionLoss, {});
    }
    tick(now);
}

const Protocol::Entry* Protocol::guarded_by(const Entry& guard) const {
    const auto next = std::ranges::lower_bound(entries_, guard.number + 1, {}, &Entry::number);
    return next != entries_.end() && next->guarded && next->number == guard.number + 1 ? &*next : nullptr;
}

void Protocol::greet(std::string_view frame, Instant now) {
    const auto reply = wire::decode_connect_reply(frame);
    if (!reply) {
        fault_ = "the server's greeting does not decode";
        return;
    }
    if (reply->timeout_ms <= 0 || reply->session == SessionId::kNone) return refused();
    phase_ = Phase::kGreeted;
    session_.id = reply->session;
    session_.password = reply->password;
    timeout_ = Millis(reply->timeout_ms);
    known_heard_ = spoke_;
    if (closing_) return append_close(now);
    const bool read_only = reply->read_only.value_or(false);
    if (!read_only) {
        session_global_ = true;
    } else if (state_ == State::kConnecting || state_ == State::kLost) {
        session_global_ = false;
    }
    for (const auto& identity : identities_) append_framed(preface_, identity.frame);
    for (const auto& rearming : watches_.rearming(last_zxid_, kXidSetWatches, kRearmingBytesMax)) {
        append_framed(preface_, rearming);
    }
    set_state(read_only ? State::kConnectedReadOnly : State::kConnected);
}

/// The session is over: nothing of it is left, here or there.
void Protocol::refused() {
    fault_ = "the session is over";
    session_ = {};
    watches_.forget_one_shots();
    const auto failed = take_out([](const Entry&) { return true; }, Between::kDrop);
    set_state(State::kLost);
    for (const auto& entry : failed) {
        if (entry.call) entry.call->finish(Errc::kNotSent, {});
    }
    if (!options_.renew_session) fail_all(Errc::kSessionExpired);
}

void Protocol::receive(std::string_view bytes, Instant now) {
    heard_ = now;
    splitter_.feed(bytes);
    while (!fault_ && phase_ != Phase::kDown) {
        const auto frame = splitter_.next();
        if (!frame) break;
        phase_ == Phase::kGreeting ? greet(*frame, now) : take(*frame, now);
    }
    if (splitter_.failed()) fault_ = "the server sent a frame that is larger than reply_bytes_max, or none";
    trim();
}

void Protocol::take(std::string_view frame, Instant now) {
    wire::Decoder in(frame);
    wire::ReplyHeader header;
    wire::decode(in, header);
    if (in.failed()) {
        fault_ = "the server's answer does not decode";
        return;
    }
    served_ = true;
    switch (header.xid) {
        case wire::kXidWatchEvent: return take_event(in.rest(), header.zxid);
        case wire::kXidPing:
            if (std::exchange(ping_out_, false)) known_heard_ = std::max(known_heard_, pinged_);
            return;
        case kXidAuth: return take_identity(as_error(header.error));
        case kXidSetWatches: return;
        default: break;
    }
    if (entries_.empty() || entries_.front().xid != header.xid) {
        fault_ = "the server answered what was not asked";
        return;
    }
    if (header.zxid.value != kZxidUnknown.value) last_zxid_ = std::max(last_zxid_, header.zxid);
    auto entry = std::move(entries_.front());
    entries_.pop_front();
    known_heard_ = std::max(known_heard_, entry.asked);
    auto error = as_error(header.error);
    if (entry.guards_next) {
        guard_error_ = error;
    } else if (entry.guarded) {
        if (const auto guard_error = std::exchange(guard_error_, {})) error = guard_error;
    }
    answer(std::move(entry), error, in.rest(), now);
}

void Protocol::answer(Entry entry, std::error_code error, std::string_view body, Instant now) {
    if (entry.number == close_number_) {
        fault_ = "closed";
        if (const auto call = std::move(close_call_)) call->finish({}, {});
        return;
    }
    if (entry.arming) arm(*entry.arming, error, now);
    if (entry.op == OpCode::kRemoveWatches && !error) {
        const auto at = static_cast<std::size_t>(entry.begin - base_) + wire::kFramePrefixBytes + kRequestHeaderBytes;
        const auto removed = wire::decoded<wire::WatchesRequest>(std::string_view(stream_).substr(at));
        watches_.forget(removed->path, removed->type);
    }
    if (entry.call) entry.call->finish(error, body);
}

void Protocol::take_event(std::string_view body, Zxid zxid) {
    const auto event = wire::decoded<wire::WatcherEvent>(body);
    const auto type = event ? type_of(event->type) : std::nullopt;
    if (!event || !event->path.starts_with('/')) {
        fault_ = "the server's event does not decode";
        return;
    }
    if (!type || closing_) return;
    const auto sinks = watches_.fire(*type, event->path);
    const Event told{.type = *type,
                     .path = std::string(watches_.within_chroot(event->path)),
                     .zxid = zxid == kZxidUnknown ? Zxid() : zxid};
    tell(sinks, told);
}

void Protocol::take_identity(std::error_code error) {
    if (identities_answered_ >= identities_.size()) return;
    const auto call = std::move(identities_[identities_answered_++].call);
    if (error) {
        // As ZooKeeper's own clients have it: final, since whatever was to be done as somebody must not be done as nobody.
        fault_ = "the server refused the credentials";
        set_state(State::kAuthFailed);
        fail_all(Errc::kAuthFailed);
    }
    if (call) call->finish(error ? make_error_code(Errc::kAuthFailed) : error, {});
}

std::string_view Protocol::to_send() const {
    if (!preface_.empty()) return preface_;
    if (phase_ != Phase::kGreeted) return {};
    return std::string_view(stream_).substr(static_cast<std::size_t>(sent_ - base_));
}

void Protocol::sent(std::size_t bytes, Instant now) {
    if (bytes != 0) spoke_ = now;
    const auto of_preface = std::min(bytes, preface_.size());
    preface_.erase(0, of_preface);
    sent_ += bytes - of_preface;
    ZABD_ASSERT(sent_ <= base_ + stream_.size());
    trim();
}

/// Lets go of the bytes of what is answered.
void Protocol::trim() {
    const auto keep = entries_.empty() ? sent_ : std::min(sent_, entries_.front().begin);
    const auto gone = static_cast<std::size_t>(keep - base_);
    if (gone == stream_.size()) {
        stream_.clear();
        if (stream_.capacity() > 4 * kTrimBytes) stream_.shrink_to_fit();
    } else if (gone < kTrimBytes || gone < stream_.size() / 2) {
        return;
    } else {
        stream_.erase(0, gone);
    }
    base_ = keep;
}

void Protocol::tick(Instant now) {
    if (phase_ == Phase::kGreeted) {
        if (now - heard_ >= timeout_ * 2 / 3) {
            fault_ = "the server is silent";
        } else if (!ping_out_ && !closing_ && now - spoke_ >= timeout_ / 3) {
            append_raw(frame_of(wire::kXidPing, OpCode::kPing));
            ping_out_ = true;
            pinged_ = now;
        }
    }
    if (now < first_deadline_) return;
    first_deadline_ = Instant::max();
    std::vector<Number> late;
    const auto look_at = [&](const auto& waiting) {
        if (!waiting.call) return;
        if (waiting.deadline <= now) {
            late.push_back(waiting.number);
        } else {
            first_deadline_ = std::min(first_deadline_, waiting.deadline);
        }
    };
    for (const auto& entry : entries_) look_at(entry);
    for (const auto& identity : identities_) look_at(identity);
    std::ranges::sort(late);
    give_up(late, Errc::kOperationTimeout);
}

Instant Protocol::next_wakeup() const {
    const bool waiting = !entries_.empty() || std::ranges::any_of(identities_, [](auto& each) { return !!each.call; });
    auto wakeup = waiting ? first_deadline_ : Instant::max();
    if (phase_ == Phase::kGreeted) {
        wakeup = std::min(wakeup, heard_ + timeout_ * 2 / 3);
        if (!ping_out_) wakeup = std::min(wakeup, spoke_ + timeout_ / 3);
    }
    return wakeup;
}

}  // namespace zabd::client
