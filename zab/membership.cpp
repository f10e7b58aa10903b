#include "zab/membership.hpp"

#include "wire/assert.hpp"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

namespace zabd::zab {

Membership::Membership(std::set<ServerId> voters) : voters_(std::move(voters)) { ZABD_ASSERT(!voters_.empty()); }

bool Membership::has_quorum(const std::set<ServerId>& servers) const {
    const auto votes = std::ranges::count_if(voters_, [&](ServerId voter) { return servers.contains(voter); });
    return static_cast<std::size_t>(votes) > voters_.size() / 2;
}

Zxid Membership::committed(const std::map<ServerId, Zxid>& durable) const {
    std::vector<Zxid> reached;
    reached.reserve(voters_.size());
    for (const auto voter : voters_) {
        const auto at = durable.find(voter);
        reached.push_back(at == durable.end() ? Zxid{} : at->second);
    }
    // Of n voters, n / 2 + 1 are a majority: what the last of these has, highest first, all of them have.
    const auto least_of_majority = reached.begin() + static_cast<std::ptrdiff_t>(voters_.size() / 2);
    std::ranges::nth_element(reached, least_of_majority, std::greater());
    return *least_of_majority;
}

}  // namespace zabd::zab
