#include "wire/election.hpp"

#include "wire/assert.hpp"
#include "wire/jute.hpp"
#include "wire/stream_decoder.hpp"

#include <algorithm>

namespace zabd::wire {
namespace {

constexpr std::int32_t kVersionWithConfig = 2;
constexpr std::size_t kBytesWithoutEpoch = 28;
constexpr std::size_t kBytesWithoutVersion = 40;  // the last four mean nothing

constexpr std::int64_t kHelloOneAddress = -65536;
constexpr std::int64_t kHelloAddresses = -65535;
constexpr char kBetweenAddresses = '|';

bool known(std::int32_t state) {
    return state >= static_cast<std::int32_t>(PeerState::kLooking) &&
           state <= static_cast<std::int32_t>(PeerState::kObserving);
}

std::string joined(const std::vector<std::string>& addresses) {
    std::string text;
    for (const auto& address : addresses) {
        if (!text.empty()) text += kBetweenAddresses;
        text += address;
    }
    return text;
}

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> addresses;
    while (!text.empty()) {
        const auto size = std::min(text.find(kBetweenAddresses), text.size());
        if (size != 0) addresses.emplace_back(text.substr(0, size));
        text.remove_prefix(std::min(size + 1, text.size()));
    }
    return addresses;
}

Hello get_hello(StreamDecoder& in) {
    Hello hello;
    const auto version = in.get_long();
    if (version >= 0) {
        hello.server = version;
        return hello;
    }
    if (version != kHelloOneAddress && version != kHelloAddresses) in.fail();
    hello.server = in.get_long();
    const auto text = in.get_counted();
    if (in.whole() && text.value_or("").empty()) in.fail();
    if (!in.whole()) return hello;
    if (version == kHelloAddresses) {
        hello.addresses = split(*text);
    } else {
        hello.addresses.emplace_back(*text);
    }
    return hello;
}

}  // namespace

std::string encoded_notification(const Notification& notification) {
    std::string out;
    Encoder encoder(out);
    encode(encoder, notification.state);
    encode(encoder, notification.leader);
    encode(encoder, notification.zxid);
    encode(encoder, notification.round);
    encode(encoder, notification.epoch);
    encode(encoder, notification.version);
    encode(encoder, notification.config);
    return out;
}

std::optional<Notification> decode_notification(std::string_view payload) {
    Decoder in(payload);
    Notification notification;
    const auto state = in.get_int();
    if (!known(state)) return std::nullopt;
    notification.state = static_cast<PeerState>(state);
    notification.leader = in.get_long();
    notification.zxid = in.get_long();
    notification.round = in.get_long();
    notification.version = 0;
    if (payload.size() == kBytesWithoutEpoch) {
        notification.epoch = Zxid{static_cast<std::uint64_t>(notification.zxid)}.epoch();
    } else {
        notification.epoch = in.get_long();
        if (payload.size() != kBytesWithoutVersion) notification.version = in.get_int();
        if (notification.version >= kVersionWithConfig) decode(in, notification.config);
    }
    return in.failed() ? std::nullopt : std::optional(std::move(notification));
}

std::string encoded_hello(const Hello& hello) {
    ZABD_ASSERT(!hello.addresses.empty());
    const auto text = joined(hello.addresses);
    ZABD_ASSERT(!text.empty() && text.size() <= kHelloAddressBytesMax);
    std::string out;
    Encoder encoder(out);
    encoder.put_long(hello.addresses.size() == 1 ? kHelloOneAddress : kHelloAddresses);
    encoder.put_long(hello.server);
    encoder.put_counted(text);
    return out;
}

HelloOutcome decode_hello(std::string_view bytes) {
    StreamDecoder in(bytes, kHelloAddressBytesMax);
    auto hello = get_hello(in);
    if (in.status() == StreamDecoder::Status::kIncomplete) return {};
    if (!in.whole()) return {.kind = HelloOutcome::Kind::kMalformed, .hello = {}};
    return {.kind = HelloOutcome::Kind::kWhole, .hello = std::move(hello), .bytes = in.bytes()};
}

}  // namespace zabd::wire
