// Any bytes as a handshake, read by a server and by a client.
// What decodes must encode to bytes that decode to the same again.
#include "wire/assert.hpp"
#include "wire/connect.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using namespace zabd::wire;

template <class Record>
std::string bytes_of(const Record& record) {
    std::string bytes;
    Encoder out(bytes);
    encode(out, record);
    return bytes;
}

void round_trip(std::string_view in, auto decode) {
    const auto record = decode(in);
    if (!record) return;
    const auto bytes = bytes_of(*record);
    const auto again = decode(bytes);
    ZABD_ASSERT(again.has_value());
    ZABD_ASSERT(bytes_of(*again) == bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view in(reinterpret_cast<const char*>(data), size);
    round_trip(in, decode_connect_request);
    round_trip(in, decode_connect_reply);
    return 0;
}
