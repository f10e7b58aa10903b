#include "wire/frame.hpp"

#include "wire/assert.hpp"
#include "wire/jute.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace zabd::wire {
namespace {

/// Length that a prefix announces; a negative one becomes larger than any limit.
std::size_t announced_bytes(std::string_view prefix) { return static_cast<std::uint32_t>(Decoder(prefix).get_int()); }

}  // namespace

FrameSplitter::FrameSplitter(std::size_t frame_bytes_max) : frame_bytes_max_(frame_bytes_max) {
    ZABD_ASSERT(frame_bytes_max <= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()));
}

void FrameSplitter::feed(std::string_view bytes) {
    ZABD_ASSERT(fed_.empty() || failed_);
    fed_ = bytes;
}

std::optional<std::string_view> FrameSplitter::next() {
    if (std::exchange(kept_given_, false)) std::string().swap(kept_);  // an idle client holds no memory
    if (failed_) return std::nullopt;
    if (!kept_.empty()) return next_of_kept();
    if (fed_.size() >= kFramePrefixBytes) {
        const auto size = announced_bytes(fed_);
        if (size > frame_bytes_max_) return failed_ = true, std::nullopt;
        if (fed_.size() - kFramePrefixBytes >= size) {
            const auto frame = fed_.substr(kFramePrefixBytes, size);
            fed_.remove_prefix(kFramePrefixBytes + size);
            return frame;
        }
    }
    kept_.assign(fed_);
    fed_ = {};
    return std::nullopt;
}

std::optional<std::string_view> FrameSplitter::next_of_kept() {
    const auto take_until = [this](std::size_t size) {
        const auto part = fed_.substr(0, size - std::min(size, kept_.size()));
        kept_.append(part);
        fed_.remove_prefix(part.size());
        return kept_.size() >= size;
    };
    if (!take_until(kFramePrefixBytes)) return std::nullopt;
    const auto size = announced_bytes(kept_);
    if (size > frame_bytes_max_) return failed_ = true, std::nullopt;
    if (!take_until(kFramePrefixBytes + size)) return std::nullopt;
    kept_given_ = true;
    return std::string_view(kept_).substr(kFramePrefixBytes);
}

}  // namespace zabd::wire
