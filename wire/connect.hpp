// The session handshake: the first frame each way, which has no header.
#pragma once

#include "wire/ids.hpp"
#include "wire/jute.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace zabd::wire {

inline constexpr std::size_t kPasswordBytes = 16;
using Password = std::array<char, kPasswordBytes>;

struct ConnectRequest {
    std::int32_t protocol_version = 0;
    Zxid last_zxid_seen;                       // highest that the client saw in a reply; 0: none
    std::int32_t timeout_ms = 0;               // wanted; the server clamps it
    SessionId session = SessionId::kNone;      // kNone: a new session
    std::optional<std::string_view> password;  // 16 bytes; anything goes for a new session
    std::optional<bool> read_only;             // client accepts a read-only server; absent from clients before 3.4

    static void fields(auto& self, auto&& visit) {
        visit(self.protocol_version, self.last_zxid_seen, self.timeout_ms, self.session, self.password);
    }
};

struct ConnectReply {
    std::int32_t protocol_version = 0;
    std::int32_t timeout_ms = 0;           // negotiated; 0: the session is refused
    SessionId session = SessionId::kNone;  // kNone: refused
    Password password{};                   // always 16 bytes on the wire: the C client reads no other length
    std::optional<bool> read_only;         // present iff the request had it
};

/// nullopt for bytes that are no connect request. Bytes behind it are ignored.
std::optional<ConnectRequest> decode_connect_request(std::string_view frame);
std::optional<ConnectReply> decode_connect_reply(std::string_view frame);
void encode(Encoder& out, const ConnectRequest& request);
void encode(Encoder& out, const ConnectReply& reply);

}  // namespace zabd::wire
