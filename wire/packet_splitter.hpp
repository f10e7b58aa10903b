// Quorum packets from a byte stream that has no length prefixes, and raw bytes where a snapshot follows.
//
// Use       feed(), then next() until nullopt. Once a SNAP packet was answered the caller takes the snapshot itself:
//           take_raw() hands over what has been fed and not been read, put_back() returns what lies behind the snapshot.
// Bounds    a packet's data are at most `data_bytes_max`, and so are its identities together, of which there are at most
//           kIdentitiesMax; nothing is allocated for a length before its bytes arrive. Beyond, or on bytes that are no
//           packet, the stream has failed: what is fed from then on is dropped.
#pragma once

#include "wire/quorum.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace zabd::wire {

/// Of one packet. More than a client's connection may have.
inline constexpr std::size_t kIdentitiesMax = 1024;

class PacketSplitter {
public:
    explicit PacketSplitter(std::size_t data_bytes_max) : data_bytes_max_(data_bytes_max) {}

    void feed(std::string_view bytes);
    [[nodiscard]] std::optional<QuorumPacket> next();
    /// All that has been fed and not been read.
    [[nodiscard]] std::string take_raw();
    /// Only right behind take_raw().
    void put_back(std::string_view bytes) { feed(bytes); }
    [[nodiscard]] bool failed() const { return failed_; }

private:
    std::size_t data_bytes_max_;
    std::string kept_;
    std::size_t begin_ = 0;  // of what of kept_ has not been read
    bool failed_ = false;
};

}  // namespace zabd::wire
