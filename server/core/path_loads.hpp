// Which paths are used most, estimated in bounded memory from a sample of the requests.
//
// Method    one request in kSampleInterval on average, at distances from a fixed sequence, so that a client's rhythm does
//           not hide a path; counted by the Space-Saving algorithm (Metwally, Agrawal, El Abbadi: Efficient Computation of
//           Frequent and Top-k Elements in Data Streams, 2005): of all paths seen, the kPathsMax used most are kept; one that comes
//           in takes over the count of the least used, so that counts are never too low and at most by that too high.
// Bounds    kPathsMax paths of at most kPathBytesMax; longer ones are not counted.
#pragma once

#include "server/core/inspect.hpp"
#include "wire/opcodes.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::core {

class PathLoads {
public:
    static constexpr std::uint32_t kSampleInterval = 64;
    static constexpr std::size_t kPathsMax = 256;
    static constexpr std::size_t kPathBytesMax = 1024;

    /// Whether this request is one of the sample.
    [[nodiscard]] bool due() {
        if (--until_next_ != 0) return false;
        random_ = random_ * 1664525 + 1013904223;  // Numerical Recipes' generator: the high bits are good enough
        until_next_ = 1 + (random_ >> 16) % (2 * kSampleInterval - 1);
        return true;
    }
    /// Of the sample. `bytes` of data that came or went.
    void count(std::string_view path, bool write, std::size_t bytes);
    void reset() { loads_.clear(); }

    /// Scaled up to all requests; those used most first.
    [[nodiscard]] std::vector<PathLoad> top() const;

private:
    struct Load {
        std::uint64_t reads = 0, writes = 0, bytes = 0;
        std::uint64_t inherited = 0;  // counted for paths that were here before

        [[nodiscard]] std::uint64_t uses() const { return reads + writes + inherited; }
    };
    std::map<std::string, Load, std::less<>> loads_;
    std::uint32_t until_next_ = kSampleInterval;
    std::uint32_t random_ = 1;
};

}  // namespace zabd::core
