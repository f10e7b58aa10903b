#include "wire/connect.hpp"

#include <algorithm>

namespace zabd::wire {
namespace {

std::optional<bool> trailing_flag(Decoder& in) {
    return in.rest().empty() ? std::nullopt : std::optional(in.get_byte() != 0);
}

void put_trailing_flag(Encoder& out, const std::optional<bool>& flag) {
    if (flag) encode(out, *flag);
}

}  // namespace

std::optional<ConnectRequest> decode_connect_request(std::string_view frame) {
    Decoder in(frame);
    ConnectRequest request;
    decode(in, request);
    if (in.failed()) return std::nullopt;
    request.read_only = trailing_flag(in);
    return request;
}

std::optional<ConnectReply> decode_connect_reply(std::string_view frame) {
    Decoder in(frame);
    ConnectReply reply;
    decode(in, reply.protocol_version);
    decode(in, reply.timeout_ms);
    decode(in, reply.session);
    const auto password = in.get_counted();
    if (in.failed() || !password || password->size() != kPasswordBytes) return std::nullopt;
    std::ranges::copy(*password, reply.password.begin());
    reply.read_only = trailing_flag(in);
    return reply;
}

void encode(Encoder& out, const ConnectRequest& request) {
    ConnectRequest::fields(request, [&](const auto&... field) { (encode(out, field), ...); });
    put_trailing_flag(out, request.read_only);
}

void encode(Encoder& out, const ConnectReply& reply) {
    encode(out, reply.protocol_version);
    encode(out, reply.timeout_ms);
    encode(out, reply.session);
    encode(out, std::string_view(reply.password.data(), reply.password.size()));
    put_trailing_flag(out, reply.read_only);
}

}  // namespace zabd::wire
