// Any bytes as a slot of the hard state, with a checksum that fits: what decodes encodes to the same bytes.
#include "storage/crc32c.hpp"
#include "storage/hard_state.hpp"
#include "wire/assert.hpp"
#include "wire/jute.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace zabd;
    using namespace zabd::storage;
    constexpr std::size_t kContentBytes = 64;
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    ZABD_ASSERT(!decode_slot(input) || input.size() >= kContentBytes);

    const auto content = input.substr(0, kContentBytes);
    const auto slot_bytes =
        "zabdhard" + wire::encoded(static_cast<std::int32_t>(crc32c(content))) + std::string(content);
    if (const auto slot = decode_slot(slot_bytes)) ZABD_ASSERT(encode_slot(*slot).starts_with(slot_bytes));
    return 0;
}
