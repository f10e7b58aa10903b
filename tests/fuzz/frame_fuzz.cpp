// Any byte stream, cut anywhere, gives the frames that it gives in one piece.
// The first byte says the size of the pieces and the limit of a frame, the rest is the stream.
#include "wire/assert.hpp"
#include "wire/frame.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct Outcome {
    std::vector<std::string> frames;
    bool failed;
    bool operator==(const Outcome&) const = default;
};

Outcome split(std::string_view stream, std::size_t piece_bytes, std::size_t frame_bytes_max) {
    zabd::wire::FrameSplitter splitter(frame_bytes_max);
    Outcome outcome{};
    while (!stream.empty() && !splitter.failed()) {
        // A copy, so that a view that outlives its piece is found.
        const std::string piece(stream.substr(0, piece_bytes));
        stream.remove_prefix(piece.size());
        splitter.feed(piece);
        while (const auto frame = splitter.next()) {
            ZABD_ASSERT(frame->size() <= frame_bytes_max);
            outcome.frames.emplace_back(*frame);
        }
    }
    outcome.failed = splitter.failed();
    return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::size_t piece_bytes = 1 + data[0] % 16;
    const std::size_t frame_bytes_max = 1u << (data[0] / 16);
    const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
    ZABD_ASSERT(split(stream, piece_bytes, frame_bytes_max) == split(stream, stream.size() + 1, frame_bytes_max));
    return 0;
}
