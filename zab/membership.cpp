#include "zab/membership.hpp"

#include "wire/assert.hpp"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

namespace zabd::zab {

Membership::Membership(std::set<ServerId> voters, std::set<ServerId> observers)
    : voters_(std::move(voters)), observers_(std::move(observers)) {
    ZABD_ASSERT(!voters_.empty());
}

Membership::Membership(const std::map<ServerId, std::int64_t>& group_of_voter,
                       const std::map<ServerId, std::int64_t>& weights, std::set<ServerId> observers)
    : observers_(std::move(observers)) {
    for (const auto& [voter, group] : group_of_voter) {
        const auto weight = weights.find(voter);
        const auto own = weight == weights.end() ? 1 : weight->second;
        voters_.insert(voter);
        groups_[group].weights[voter] = own;
        groups_[group].weight += own;
    }
    std::erase_if(groups_, [](const auto& group) { return group.second.weight == 0; });
    ZABD_ASSERT(!groups_.empty());
}

bool Membership::may_lead(ServerId server) const {
    if (groups_.empty()) return votes(server);
    return std::ranges::any_of(groups_, [&](const auto& group) {
        const auto weight = group.second.weights.find(server);
        return weight != group.second.weights.end() && weight->second != 0;
    });
}

bool Membership::has_quorum(const std::set<ServerId>& servers) const {
    if (groups_.empty()) {
        const auto votes = std::ranges::count_if(voters_, [&](ServerId voter) { return servers.contains(voter); });
        return static_cast<std::size_t>(votes) > voters_.size() / 2;
    }
    const auto carried = std::ranges::count_if(groups_, [&](const auto& group) {
        std::int64_t weight = 0;
        for (const auto& [voter, own] : group.second.weights) weight += servers.contains(voter) ? own : 0;
        return weight > group.second.weight / 2;
    });
    return static_cast<std::size_t>(carried) > groups_.size() / 2;
}

Zxid Membership::committed(const std::map<ServerId, Zxid>& durable) const {
    std::vector<std::pair<Zxid, ServerId>> reached;
    reached.reserve(voters_.size());
    for (const auto voter : voters_) {
        const auto at = durable.find(voter);
        reached.emplace_back(at == durable.end() ? Zxid{} : at->second, voter);
    }
    std::ranges::sort(reached, std::greater());
    if (groups_.empty()) return reached[voters_.size() / 2].first;  // of n voters, n / 2 + 1 are a majority
    std::set<ServerId> furthest;
    for (const auto& [zxid, voter] : reached) {
        furthest.insert(voter);
        if (has_quorum(furthest)) return zxid;
    }
    return {};
}

}  // namespace zabd::zab
