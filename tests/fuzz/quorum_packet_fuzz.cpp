// Any byte stream, cut anywhere, gives the packets that it gives in one piece; they encode to bytes that split to the
// same again; and what their data hold is decoded as each kind that it could be.
// The first byte says the size of the pieces, the rest is the stream.
#include "wire/assert.hpp"
#include "wire/jute.hpp"
#include "wire/packet_splitter.hpp"
#include "wire/quorum.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace zabd::wire;

constexpr std::size_t kDataBytesMax = 64;

struct Outcome {
    std::vector<std::string> packets;  // encoded again
    bool failed;
    bool operator==(const Outcome&) const = default;
};

Outcome split(std::string_view stream, std::size_t piece_bytes) {
    PacketSplitter splitter(kDataBytesMax);
    Outcome outcome{};
    while (!stream.empty() && !splitter.failed()) {
        splitter.feed(stream.substr(0, piece_bytes));
        stream.remove_prefix(std::min(stream.size(), piece_bytes));
        while (const auto packet = splitter.next()) {
            ZABD_ASSERT(packet->data.size() <= kDataBytesMax);
            encode(outcome.packets.emplace_back(), *packet);
        }
    }
    outcome.failed = splitter.failed();
    return outcome;
}

void check_again(const Outcome& outcome) {
    std::string stream;
    for (const auto& packet : outcome.packets) stream += packet;
    const auto again = split(stream, stream.size() + 1);
    ZABD_ASSERT(again.packets == outcome.packets);
    ZABD_ASSERT(!again.failed);
}

void check_data(std::string_view data) {
    if (const auto info = decode_learner_info(data)) {
        const auto bytes = encoded_info(*info);
        const auto again = decode_learner_info(bytes.view());
        ZABD_ASSERT(again && encoded_info(*again).view() == bytes.view());
    }
    if (const auto info = decode_leader_info(data)) {
        ZABD_ASSERT(decode_leader_info(encoded_info(*info).view())->secret == info->secret);
    }
    if (const auto request = decode_request(data)) ZABD_ASSERT(encoded_request(*request).view() == data);
    std::string touches;
    for (const auto& touch : decode_touches(data)) touches += encoded(touch);
    ZABD_ASSERT(data.starts_with(touches) && data.size() - touches.size() < 12);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
    const auto outcome = split(stream, stream.size() + 1);
    ZABD_ASSERT(split(stream, 1 + data[0]) == outcome);
    check_again(outcome);
    check_data(stream);
    return 0;
}
