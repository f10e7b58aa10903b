#include "znode/path_index.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <random>

using namespace zabd::znode;

namespace {

Slot find(const PathIndex& index, std::uint32_t hash, Slot slot) {
    return index.find(hash, [&](Slot candidate) { return candidate == slot; });
}

}  // namespace

TEST_CASE("entries are found while the index grows and shrinks", "[znode][index]") {
    PathIndex index;
    std::multimap<std::uint32_t, Slot> expected;
    std::mt19937 random(7);
    // Few hashes, so that many are equal and buckets overflow.
    const auto hashes = GENERATE(300u, 100'000u, 0xffffffffu);
    CAPTURE(hashes);
    for (Slot slot = 0; slot < 30'000; ++slot) {
        const auto hash = static_cast<std::uint32_t>(random()) % hashes;
        index.add(hash, slot);
        expected.emplace(hash, slot);
        if (slot % 3 != 0) continue;
        auto gone = expected.lower_bound(static_cast<std::uint32_t>(random()) % hashes);
        if (gone == expected.end()) continue;
        index.remove(gone->first, gone->second);
        REQUIRE(find(index, gone->first, gone->second) == kNoSlot);
        expected.erase(gone);
    }
    REQUIRE(index.size() == expected.size());
    for (const auto& [hash, slot] : expected) REQUIRE(find(index, hash, slot) == slot);
    for (const auto& [hash, slot] : expected) index.remove(hash, slot);
    CHECK(index.size() == 0);
    for (const auto& [hash, slot] : expected) REQUIRE(find(index, hash, slot) == kNoSlot);
}
