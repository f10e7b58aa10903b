// Any bytes as a hello: whole, or still to come, or never one, and none of these changes by what follows. One that names
// addresses must encode to bytes that decode to the same again.
#include "wire/assert.hpp"
#include "wire/election.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace zabd::wire;
    using Kind = HelloOutcome::Kind;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto outcome = decode_hello(bytes);
    if (outcome.kind == Kind::kMalformed) ZABD_ASSERT(decode_hello(std::string(bytes) + "more").kind == outcome.kind);
    if (outcome.kind != Kind::kWhole) return 0;
    ZABD_ASSERT(decode_hello(bytes.substr(0, outcome.bytes)).hello == outcome.hello);
    ZABD_ASSERT(decode_hello(bytes.substr(0, outcome.bytes - 1)).kind == Kind::kIncomplete);
    if (!outcome.hello.addresses.empty()) {
        ZABD_ASSERT(decode_hello(encoded_hello(outcome.hello)).hello == outcome.hello);
    }
    return 0;
}
