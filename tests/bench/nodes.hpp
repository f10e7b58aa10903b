// The tree that workloads run over: nodes of equal size under several parents, at paths that follow from their numbers.
//
//   /bench/p17/n0000117   node 117, with 100 parents
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace zabd::bench {

inline constexpr std::string_view kRoot = "/bench";

struct Tree {
    std::size_t parents = 100;
    std::size_t nodes = 1000;
    std::size_t data_bytes = 100;
};

/// Path of a parent, in `buffer`.
std::string_view parent_path(std::size_t parent, std::string& buffer);
/// Path of a node, in `buffer`.
std::string_view node_path(const Tree& tree, std::size_t node, std::string& buffer);

/// Draws nodes uniformly. The same seed draws the same, so that each server is asked the same things.
class Draw {
public:
    explicit Draw(std::uint64_t seed) : random_(seed) {}
    /// 0 to count - 1; count is below 2^32.
    std::size_t below(std::size_t count) { return ((random_() >> 32) * count) >> 32; }

private:
    std::mt19937_64 random_;
};

}  // namespace zabd::bench
