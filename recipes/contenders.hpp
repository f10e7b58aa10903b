// Contenders: the nodes that queue up below one path for a lock or for leadership, known by their names.
//
// Effects   none; names in, order out.
// Forms     N is what the server appends to a sequential node: ten digits, or a sign and digits when negative.
//             _c_<uuid>-lock-N, latch-N, __READ__N, __WRIT__N   Curator, with or without the protecting prefix
//             _c_<32 hex>-lock-N                                go-zk
//             <32 hex>__lock__N, <32 hex>__rlock__N             kazoo
//             x-<session>-N, n_N                                the lock and election of ZooKeeper's own recipes
//           Any other name is a stranger's and does not count.
// Order     by N. It comes from the parent's signed 32-bit counter, which ends at 2147483647; after that numbers are
//           negative or are met twice, and only the nodes' czxids tell who came first.
#pragma once

#include "wire/ids.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::recipes {

/// Whose conventions a name follows, and so who else understands it.
enum class Dialect : std::uint8_t { kCurator, kGoZk, kKazoo, kZooKeeper };

/// What a contender wants: to be alone, or to be among those that share.
enum class Share : std::uint8_t { kExclusive, kShared };

struct Contender {
    std::string name;
    Dialect dialect{};
    Share share{};
    std::int32_t number = 0;
    Zxid czxid{};  // filled in by who needs order_by_czxid()

    friend bool operator==(const Contender&, const Contender&) = default;
};

/// nullopt: a stranger.
std::optional<Contender> parse_contender(std::string_view name);

/// The contenders among a node's children, ordered by number.
std::vector<Contender> parse_contenders(const std::vector<std::string>& children);

/// False once the counter has wrapped: then the czxids are needed. (A reader and a writer of one number are no sign of
/// that: Curator gives a read lock that is taken under a write lock the write lock's number.)
bool numbers_tell_order(const std::vector<Contender>& contenders);

void order_by_czxid(std::vector<Contender>& contenders);

/// Curator and kazoo do not see each other's names: where both contend, two of them may hold the lock at once.
bool mixes_blind_dialects(const std::vector<Contender>& contenders);

std::optional<std::size_t> place_of(const std::vector<Contender>& ordered, std::string_view name);

/// The one that the contender at `place` waits for: the one in front of it, or, if it wants to share, the nearest in
/// front that does not. nullptr: nobody.
const Contender* blocker_of(const std::vector<Contender>& ordered, std::size_t place);

/// Which names we write: those of Curator, which go-zk reads too, or those of kazoo.
enum class Flavor : std::uint8_t { kCurator, kKazoo };

enum class Purpose : std::uint8_t { kLock, kRead, kWrite, kLatch };

/// What stands in a contender's name between its unique prefix and its number.
std::string_view base_name(Flavor flavor, Purpose purpose);

}  // namespace zabd::recipes
