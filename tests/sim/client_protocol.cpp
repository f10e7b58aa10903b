#include "tests/sim/client_protocol.hpp"

#include "wire/assert.hpp"

namespace zabd::sim {

using wire::ErrorCode;
using wire::EventType;
using wire::OpCode;

std::string framed(std::string_view content) {
    std::string frame;
    wire::Encoder(frame).put_counted(content);
    return frame;
}

std::string connect_frame(SessionId session, const wire::Password& password, Zxid zxid_seen, std::int32_t timeout_ms) {
    wire::ConnectRequest request;
    request.last_zxid_seen = zxid_seen;
    request.timeout_ms = timeout_ms;
    request.session = session;
    request.password = std::string_view(password.data(), password.size());
    request.read_only = false;
    std::string content;
    wire::Encoder out(content);
    wire::encode(out, request);
    return framed(content);
}

Heard decode_heard(std::string_view frame) {
    Heard heard;
    wire::Decoder in(frame);
    wire::decode(in, heard.header);
    ZABD_ASSERT(!in.failed());
    heard.body = in.rest();
    if (heard.header.xid != wire::kXidWatchEvent) return heard;
    heard.event = wire::decoded<wire::WatcherEvent>(heard.body);
    ZABD_ASSERT(heard.event.has_value());
    return heard;
}

void ClientWatches::learn(const ClientRequest& asked, ErrorCode error) {
    const bool ok = error == ErrorCode::kOk;
    const auto watch = [&](Kind kind) {
        if (asked.watches) watches_.emplace(asked.path, kind);
    };
    if (asked.op == OpCode::kExists && (ok || error == ErrorCode::kNoNode)) watch(ok ? Kind::kData : Kind::kExist);
    if (!ok) return;
    switch (asked.op) {
        case OpCode::kGetData: return watch(Kind::kData);
        case OpCode::kGetChildren:
        case OpCode::kGetChildren2: return watch(Kind::kChild);
        case OpCode::kAddWatch:
            // The mode is the request's last field.
            watches_.emplace(asked.path, asked.body.back() == 0 ? Kind::kPersistent : Kind::kRecursive);
            return;
        default: return;
    }
}

void ClientWatches::spend(const wire::WatcherEvent& event) {
    const auto spent = [&](Kind kind) { watches_.erase({std::string(event.path), kind}); };
    if (event.type == EventType::kNodeChildrenChanged) return void(spent(Kind::kChild));
    spent(Kind::kData);
    spent(Kind::kExist);
    if (event.type == EventType::kNodeDeleted) spent(Kind::kChild);
}

wire::SetWatches2Request ClientWatches::request(Zxid zxid_seen) const {
    wire::SetWatches2Request request;
    request.relative_zxid = zxid_seen;
    for (const auto& [path, kind] : watches_) {
        switch (kind) {
            case Kind::kData: request.data.push_back(path); break;
            case Kind::kExist: request.exist.push_back(path); break;
            case Kind::kChild: request.child.push_back(path); break;
            case Kind::kPersistent: request.persistent.push_back(path); break;
            case Kind::kRecursive: request.persistent_recursive.push_back(path); break;
        }
    }
    return request;
}

}  // namespace zabd::sim
