// A request's bytes, without the length in front.
#pragma once

#include "wire/ids.hpp"
#include "wire/requests.hpp"

#include <string>

namespace zabd::client {

/// `xid` 0: it is given one with its place in the order of the connection.
template <class... Records>
[[nodiscard]] std::string frame_of(Xid xid, wire::OpCode op, const Records&... body) {
    std::string frame;
    wire::Encoder out(frame);
    wire::encode(out, wire::RequestHeader{xid, op});
    (wire::encode(out, body), ...);
    return frame;
}

}  // namespace zabd::client
