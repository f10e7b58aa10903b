#include "server/printable.hpp"

#include <fmt/format.h>

namespace zabd::server {
namespace {

constexpr std::size_t kBytesMax = 200;

}  // namespace

std::string printable(std::string_view text) {
    std::string shown;
    for (const char one : text.substr(0, kBytesMax)) {
        const auto byte = static_cast<unsigned char>(one);
        if (byte < 0x20 || byte >= 0x7f) {
            shown += fmt::format("\\x{:02x}", byte);
        } else {
            shown.push_back(one);
        }
    }
    return text.size() > kBytesMax ? shown + "..." : shown;
}

}  // namespace zabd::server
