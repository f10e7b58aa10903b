#include "wire/jute.hpp"

#include "wire/assert.hpp"

#include <limits>

namespace zabd::wire {

void Encoder::put_counted(std::string_view content) {
    ZABD_ASSERT(content.size() <= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()));
    put_int(static_cast<std::int32_t>(content.size()));
    out_.append(content);
}

std::optional<std::string_view> Decoder::get_counted() {
    const auto count = get_int();
    if (failed_ || count == -1) return std::nullopt;
    if (count < 0 || static_cast<std::size_t>(count) > in_.size()) return fail(), std::nullopt;
    const auto content = in_.substr(0, static_cast<std::size_t>(count));
    in_.remove_prefix(content.size());
    return content;
}

std::optional<std::size_t> Decoder::get_count(std::size_t element_bytes_min) {
    const auto count = get_int();
    if (failed_ || count == -1) return std::nullopt;
    if (count < 0) return 0;
    if (static_cast<std::size_t>(count) > in_.size() / element_bytes_min) return fail(), std::nullopt;
    return static_cast<std::size_t>(count);
}

}  // namespace zabd::wire
