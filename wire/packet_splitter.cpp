#include "wire/packet_splitter.hpp"

#include "wire/stream_decoder.hpp"

#include <utility>

namespace zabd::wire {
namespace {

using Status = StreamDecoder::Status;

bool known(std::int32_t type) {
    return type >= static_cast<std::int32_t>(PacketType::kRequest) &&
           type <= static_cast<std::int32_t>(PacketType::kInformAndActivate);
}

/// A packet as it lies in the bytes.
struct Found {
    std::int32_t type = 0;
    std::int64_t zxid = 0;
    std::optional<std::string_view> data;
    std::optional<std::size_t> identities_count;
    std::size_t identities_begin = 0;
};

void find_identities(StreamDecoder& in, Found& found, std::size_t bytes_max) {
    found.identities_count = in.get_count(kIdentitiesMax);
    found.identities_begin = in.bytes();
    for (std::size_t i = 0; in.whole() && i < found.identities_count.value_or(0); ++i) {
        (void)in.get_counted();
        (void)in.get_counted();
        if (in.whole() && in.bytes() - found.identities_begin > bytes_max) in.fail();
    }
}

std::vector<Id> identities_at(std::string_view bytes, std::size_t count) {
    StreamDecoder in(bytes, bytes.size());
    std::vector<Id> identities(count);
    for (auto& identity : identities) {
        identity.scheme = in.get_counted().value_or(std::string_view());
        identity.id = in.get_counted().value_or(std::string_view());
    }
    return identities;
}

}  // namespace

void PacketSplitter::feed(std::string_view bytes) {
    if (failed_) return;
    // Amortized: a byte is moved at most once for each time that as many have been read before it.
    if (begin_ > kept_.size() / 2) {
        kept_.erase(0, begin_);
        begin_ = 0;
    }
    kept_.append(bytes);
}

std::optional<QuorumPacket> PacketSplitter::next() {
    const auto bytes = std::string_view(kept_).substr(begin_);
    if (failed_ || bytes.empty()) return std::nullopt;
    StreamDecoder in(bytes, data_bytes_max_);
    Found found;
    found.type = in.get_int();
    if (in.whole() && !known(found.type)) in.fail();
    found.zxid = in.get_long();
    found.data = in.get_counted();
    find_identities(in, found, data_bytes_max_);
    if (in.status() == Status::kMalformed) {
        failed_ = true;
        std::string().swap(kept_);
        begin_ = 0;
    }
    if (!in.whole()) return std::nullopt;

    QuorumPacket packet{.type = static_cast<PacketType>(found.type),
                        .zxid = Zxid{static_cast<std::uint64_t>(found.zxid)},
                        .data = Bytes::copy_of(found.data)};
    if (found.identities_count) {
        const auto end = in.bytes();
        packet.identities =
            identities_at(bytes.substr(found.identities_begin, end - found.identities_begin), *found.identities_count);
    }
    begin_ += in.bytes();
    return packet;
}

std::string PacketSplitter::take_raw() {
    kept_.erase(0, std::exchange(begin_, 0));
    return std::exchange(kept_, {});
}

}  // namespace zabd::wire
