// Any text as a quota: it reads as some numbers, and what the server itself writes reads back.
#include "wire/assert.hpp"
#include "znode/quota.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace zabd::znode;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto quota = parse_quota(text);
    const auto again = parse_quota(usage_text(quota.count, quota.bytes));
    ZABD_ASSERT(again.count == quota.count);
    ZABD_ASSERT(again.bytes == quota.bytes);
    ZABD_ASSERT(again.count_hard == -1 && again.bytes_hard == -1);
    return 0;
}
