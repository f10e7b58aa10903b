// Any bytes as a notification. What decodes must encode to bytes that decode to the same again.
#include "wire/assert.hpp"
#include "wire/election.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace zabd::wire;
    const std::string_view payload(reinterpret_cast<const char*>(data), size);
    if (const auto notification = decode_notification(payload)) {
        ZABD_ASSERT(notification->config.size() <= size);
        ZABD_ASSERT(decode_notification(encoded_notification(*notification)) == notification);
    }
    return 0;
}
