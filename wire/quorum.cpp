#include "wire/quorum.hpp"

#include "wire/jute.hpp"

#include <algorithm>

namespace zabd::wire {
namespace {

constexpr std::string_view kExtensionMark = "zabd";
constexpr std::int32_t kFlagZabd = 1;
constexpr std::int32_t kFlagNoHistory = 2;
constexpr std::int32_t kFlagProvisional = 4;
constexpr std::int32_t kFlagMixed = 8;
constexpr std::int32_t kProtocolOldest = 1;

void put_extension(Encoder& out, std::int32_t flags) {
    out.put_raw(kExtensionMark);
    out.put_int(flags);
}

/// The flags, if what is left begins with an extension; else 0.
std::int32_t get_extension(Decoder& in) {
    if (!in.rest().starts_with(kExtensionMark)) return 0;
    in = Decoder(in.rest().substr(kExtensionMark.size()));
    const auto flags = in.get_int();
    return (flags & kFlagZabd) != 0 ? flags : 0;
}

/// Reads a field if there is one.
template <class T>
void decode_if_present(Decoder& in, T& value) {
    if (in.rest().size() >= encoded_bytes_min<T>()) decode(in, value);
}

}  // namespace

void encode(std::string& out, const QuorumPacket& packet) {
    Encoder encoder(out);
    encode(encoder, packet.type);
    encode(encoder, packet.zxid);
    encode(encoder, packet.data.nullable_view());
    encode(encoder, packet.identities);
}

Bytes encoded_info(const LearnerInfo& info) {
    std::string out;
    Encoder encoder(out);
    encoder.put_long(info.server);
    encoder.put_int(info.protocol);
    encoder.put_long(info.config_version);
    if (info.zabd)
        put_extension(encoder, kFlagZabd | (info.no_history ? kFlagNoHistory : 0) |
                                   (info.provisional ? kFlagProvisional : 0) | (info.mixed ? kFlagMixed : 0));
    return Bytes::copy_of(out);
}

Bytes encoded_info(const LeaderInfo& info) {
    std::string out;
    Encoder encoder(out);
    encoder.put_int(info.protocol);
    if (info.secret) {
        put_extension(encoder, kFlagZabd | (info.mixed ? kFlagMixed : 0));
        encoder.put_raw({reinterpret_cast<const char*>(info.secret->data()), info.secret->size()});
    }
    return Bytes::copy_of(out);
}

std::optional<LearnerInfo> decode_learner_info(std::string_view data) {
    Decoder in(data);
    LearnerInfo info{.protocol = kProtocolOldest};
    info.server = in.get_long();
    if (in.failed()) return std::nullopt;
    decode_if_present(in, info.protocol);
    decode_if_present(in, info.config_version);
    const auto flags = get_extension(in);
    info.zabd = (flags & kFlagZabd) != 0;
    info.no_history = (flags & kFlagNoHistory) != 0;
    info.mixed = (flags & kFlagMixed) != 0;
    info.provisional = (flags & kFlagProvisional) != 0;
    return info;
}

std::optional<LeaderInfo> decode_leader_info(std::string_view data) {
    Decoder in(data);
    LeaderInfo info;
    info.protocol = in.get_int();
    if (in.failed()) return std::nullopt;
    const auto flags = get_extension(in);
    if ((flags & kFlagZabd) != 0 && in.rest().size() >= kClusterSecretBytes) {
        info.mixed = (flags & kFlagMixed) != 0;
        std::ranges::copy(in.rest().substr(0, kClusterSecretBytes), info.secret.emplace().begin());
    }
    return info;
}

Bytes encoded_request(const ForwardedRequest& request) {
    std::string out;
    Encoder encoder(out);
    encode(encoder, request.session);
    encode(encoder, request.xid);
    encode(encoder, request.op);
    encoder.put_raw(request.body);
    return Bytes::copy_of(out);
}

std::optional<ForwardedRequest> decode_request(std::string_view data) {
    Decoder in(data);
    ForwardedRequest request;
    decode(in, request.session);
    decode(in, request.xid);
    decode(in, request.op);
    if (in.failed()) return std::nullopt;
    request.body = in.rest();
    return request;
}

std::vector<SessionTouch> decode_touches(std::string_view data) {
    Decoder in(data);
    std::vector<SessionTouch> touches(data.size() / encoded_bytes_min<SessionTouch>());
    for (auto& touch : touches) decode(in, touch);
    return touches;
}

}  // namespace zabd::wire
