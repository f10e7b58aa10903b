// The entries of a queue: the names of their nodes, their order, and the messages in their data.
//
// Effects   none.
// Names     N is what the server appends to a sequential node.
//             queue-N                  plain: in order of N
//             queue-1<8 hex>N          priority 0 and above, as two's complement in upper case
//             queue-0<8 hex>N          priority below 0
//             queue-|<hex>|N           delay: ms since 1970 when it is due, at least 8 digits
//           Any other name is a stranger's and does not count.
// Data      version 0x00010001, for each message 0x01, its length in 4 bytes and itself, at the end 0x02; big-endian.
// Source    Curator's DistributedQueue, DistributedPriorityQueue and DistributedDelayQueue, and its multi items.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::recipes {

enum class QueueForm : std::uint8_t { kPlain, kPriority, kDelay };

struct QueueEntry {
    std::string name;
    std::int64_t rank = 0;  // lower ones first: 0, the priority, or ms since 1970
    std::int32_t number = 0;

    friend bool operator==(const QueueEntry&, const QueueEntry&) = default;
};

/// The name without its number.
[[nodiscard]] std::string entry_base(QueueForm form, std::int64_t rank);

/// nullopt: a stranger.
[[nodiscard]] std::optional<QueueEntry> parse_entry(QueueForm form, std::string_view name);

/// The entries among a node's children, in the order in which they are to be taken. When the server's counter passes
/// 2147483647 it goes on with negative numbers: those then are the later ones.
[[nodiscard]] std::vector<QueueEntry> parse_entries(QueueForm form, const std::vector<std::string>& children);

using Messages = std::vector<std::string>;

[[nodiscard]] std::string encode_messages(const Messages& messages);
/// Data of another form are one message, as they are.
[[nodiscard]] Messages decode_messages(std::string_view data);

}  // namespace zabd::recipes
