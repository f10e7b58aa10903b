#include "tests/sim/partitions.hpp"

#include <algorithm>
#include <cstdint>

namespace zabd::sim {

namespace {

template <class T>
void shuffle(std::vector<T>& items, Random& random) {
    for (std::size_t n = items.size(); n > 1; --n) std::swap(items[n - 1], items[random.below(n)]);
}

/// Of all pairs of positions those that `apart` says.
template <class Apart>
std::vector<Cut> cuts(const std::vector<ServerId>& servers, const Apart& apart) {
    std::vector<Cut> all;
    for (std::size_t from = 0; from < servers.size(); ++from)
        for (std::size_t to = 0; to < servers.size(); ++to)
            if (from != to && apart(from, to)) all.emplace_back(servers[from], servers[to]);
    return all;
}

}  // namespace

std::vector<Cut> cuts_of(Shape shape, std::vector<ServerId> servers, ServerId first, Random& random) {
    shuffle(servers, random);
    std::iter_swap(servers.begin(), std::ranges::find(servers, first));
    const auto count = servers.size();
    const auto edge = 1 + random.below(count - 1);
    std::vector<Cut> result;
    switch (shape) {
        case Shape::kMajority:
            result = cuts(servers, [&](auto from, auto to) { return (from < edge) != (to < edge); });
            break;
        case Shape::kBridge:
            result = cuts(servers, [&](auto from, auto to) {
                return from != 0 && to != 0 && (from < count / 2 + 1) != (to < count / 2 + 1);
            });
            break;
        case Shape::kRing:
            result = cuts(servers, [&](auto from, auto to) {
                const auto apart = (from + count - to) % count;
                return apart != 1 && apart != count - 1;
            });
            break;
        case Shape::kOneWay:
            result = cuts(servers, [&](auto from, auto to) { return from < edge && to >= edge && random.coin(); });
            break;
        case Shape::kAlone: result = cuts(servers, [&](auto from, auto to) { return from == 0 || to == 0; }); break;
    }
    shuffle(result, random);
    return result;
}

Fault fault_of(Shape shape) {
    switch (shape) {
        case Shape::kBridge: return Fault::kBridgePartition;
        case Shape::kRing: return Fault::kRingPartition;
        case Shape::kOneWay: return Fault::kOneWayCut;
        case Shape::kMajority:
        case Shape::kAlone: break;
    }
    return Fault::kMajorityCut;
}

}  // namespace zabd::sim
