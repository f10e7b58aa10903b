// Any bytes as a key or a value of the checkpoint. The first byte chooses which; what decodes encodes to the same bytes.
#include "storage/checkpoint_format.hpp"
#include "tests/fuzz/input.hpp"
#include "wire/assert.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using namespace zabd;
using namespace zabd::storage;

std::string sealed(Database database, std::string_view key, std::string_view content) {
    std::string value;
    seal(database, key, content, value);
    return value;
}

/// Encodes to the same bytes.
void check_same(std::string_view content, auto&& encode) {
    std::string encoded = "left from before";
    encode(encoded);
    ZABD_ASSERT(encoded == content);
}

/// A value is its checksum and its content, and belongs to one key of one database.
void check_value(std::string_view key, std::string_view content) {
    const auto value = sealed(Database::kNodes, key, content);
    ZABD_ASSERT(unsealed(Database::kNodes, key, value) == content);
    ZABD_ASSERT(!unsealed(Database::kSessions, key, value));
    if (const auto other = unsealed(Database::kNodes, key, content))
        ZABD_ASSERT(sealed(Database::kNodes, key, *other) == content);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr NodeId kNode{7};
    fuzz::Input input(data, size);
    const auto kind = input.below(5);
    const auto content = input.rest();
    switch (kind) {
        case 0: {
            const auto meta = decode_meta(content);
            if (meta) check_same(content, [&](auto& out) { encode_meta(*meta, out); });
            break;
        }
        case 1: {
            const auto node = decode_node(kNode, content);
            if (node) {
                ZABD_ASSERT(node->id == kNode);
                check_same(content, [&](auto& out) { encode_node(*node, out); });
            }
            break;
        }
        case 2: {
            const auto timeout_ms = decode_timeout(content);
            if (timeout_ms) check_same(content, [&](auto& out) { encode_timeout(*timeout_ms, out); });
            break;
        }
        case 3: {
            const auto key = decode_key(content);
            if (key) ZABD_ASSERT(encode_key(*key) == content);
            break;
        }
        default: check_value(content.substr(0, 8), content.substr(std::min<std::size_t>(8, content.size())));
    }
    return 0;
}
