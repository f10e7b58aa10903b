// Frames from a byte stream: a 4-byte big-endian length, then as many bytes.
//
// Bounds    a length below zero or above the limit ends the stream; nothing is allocated for a length before its bytes
//           arrive, so a half-open frame holds at most what was received of it.
// Borrowing next() answers a view that is good until the next call of feed() or next().
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace zabd::wire {

/// Bytes of a frame's length prefix.
inline constexpr std::size_t kFramePrefixBytes = 4;

class FrameSplitter {
public:
    /// `frame_bytes_max` is below 2^31.
    explicit FrameSplitter(std::size_t frame_bytes_max);

    /// Takes what was read. The view must stay good until next() has answered nullopt, which keeps the unfinished rest.
    void feed(std::string_view bytes);
    /// The next whole frame without its prefix; nullopt when more bytes are needed or the stream has failed.
    std::optional<std::string_view> next();

    [[nodiscard]] bool failed() const { return failed_; }
    /// True between the first byte of a frame and its last.
    [[nodiscard]] bool mid_frame() const { return !kept_.empty() && !kept_given_; }

private:
    std::optional<std::string_view> next_of_kept();

    std::size_t frame_bytes_max_;
    std::string_view fed_;     // not yet looked at
    std::string kept_;         // start of a frame that came in an earlier feed
    bool kept_given_ = false;  // kept_ was answered by the last next() and is to be dropped
    bool failed_ = false;
};

}  // namespace zabd::wire
