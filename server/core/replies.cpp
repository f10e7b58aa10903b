#include "server/core/core_impl.hpp"
#include "wire/assert.hpp"
#include "znode/acl_rules.hpp"

#include <algorithm>

namespace zabd::core {
namespace {

std::size_t write_event(wire::EventType type, std::string_view path, Zxid zxid, FrameWriter& writer) {
    wire::encode(writer.encoder(), wire::ReplyHeader{wire::kXidWatchEvent, zxid, wire::ErrorCode::kOk});
    wire::encode(writer.encoder(), wire::WatcherEvent{type, wire::kStateSyncConnected, path});
    return writer.finish();
}

void count_latency(Traffic& traffic, std::uint64_t ms) {
    traffic.latency_ms_min = traffic.requests == 0 ? ms : std::min(traffic.latency_ms_min, ms);
    traffic.latency_ms_max = std::max(traffic.latency_ms_max, ms);
    traffic.latency_ms_sum += ms;
    ++traffic.requests;
}

}  // namespace

void Core::Impl::notify_watchers(Outputs& out) {
    for (const auto& trigger : pipeline_.changes().triggers) {
        watches_.fire(trigger.type, trigger.path, told_);
        if (told_.empty()) continue;
        const auto& list = pipeline_.state().acls.list(trigger.acl);
        FrameWriter writer(out.bytes);
        const auto size = write_event(trigger.type, trigger.path, zxid_applied(), writer);
        for (const auto id : told_) {
            auto* client = find(id);
            ZABD_ASSERT(client);
            // Who may not read the node is not told of it; its one-shot watch is spent all the same.
            const bool may_see = !options_.prepare.check_acls || znode::allowed(list, wire::kRead, client->identities);
            if (may_see) send(*client, writer.begin(), size, out);
        }
    }
}

void Core::Impl::send_event(Client& client, wire::EventType type, std::string_view path, Outputs& out) {
    FrameWriter writer(out.bytes);
    const auto size = write_event(type, path, kZxidUnknown, writer);
    send(client, writer.begin(), size, out);
}

void Core::Impl::send_header(Client& client, const Request& request, Zxid zxid, wire::ErrorCode error, Outputs& out) {
    ReplyWriter writer(out.bytes);
    send_reply(client, writer, {{request.header.xid, zxid, error}, request.since}, out);
}

void Core::Impl::send_reply(Client& client, ReplyWriter& writer, const Answered& answered, Outputs& out) {
    const auto size = writer.finish_reply(answered.header, answered.keep_body);
    send(client, writer.begin(), size, out);

    const auto bytes = static_cast<std::int64_t>(size - wire::kFramePrefixBytes);
    status_.reply_bytes_last = bytes;
    status_.reply_bytes_min = status_.reply_bytes_min < 0 ? bytes : std::min(status_.reply_bytes_min, bytes);
    status_.reply_bytes_max = std::max(status_.reply_bytes_max, bytes);
    const auto latency_ms = static_cast<std::uint64_t>((now_.monotonic - answered.since).count());
    count_latency(status_.traffic, latency_ms);
    latency_ms_max_.add(now_.monotonic, latency_ms);
    count_latency(client.status.traffic, latency_ms);
    client.status.latency_ms_last = latency_ms;
    client.status.responded_last = now_.monotonic;
    client.status.zxid_last = answered.header.zxid;
    const bool slow =
        options_.slow_request.count() != 0 && latency_ms >= static_cast<std::uint64_t>(options_.slow_request.count());
    if (slow) tell_slow(client, answered, Millis(latency_ms), out);
}

/// Of a write: where its time went on this server. Of what is no write all of it was waiting for its turn, or for a leader.
void Core::Impl::tell_slow(const Client& client, const Answered& answered, Millis took, Outputs& out) {
    std::string text = "op=";
    text += wire::name_of(answered.op);
    const auto stage = [&](std::string_view name, Millis time) {
        text.append(" ").append(name).append("_ms=").append(std::to_string(time.count()));
    };
    stage("took", took);
    if (const auto& times = pipeline_.times_of_applied(); is_write(answered.op) && times.zxid == answered.header.zxid) {
        stage("queue", times.logged - answered.since);
        stage("fsync", times.durable - times.logged);
        stage("quorum", now_.monotonic - times.durable);
        const auto& changes = pipeline_.changes();
        if (!changes.triggers.empty()) text.append(" path=").append(changes.triggers.front().path);
    }
    out.items.emplace_back(Event{Event::Kind::kSlowRequest, client.session, answered.header.zxid, std::move(text)});
}

void Core::Impl::send(Client& client, std::size_t begin, std::size_t size, Outputs& out) {
    ++status_.traffic.sent;
    ++client.status.traffic.sent;
    out.items.emplace_back(SendToClient{client.id, begin, size});
}

}  // namespace zabd::core
