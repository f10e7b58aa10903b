// Who belongs to the ensemble, and which sets of voters are a quorum.
//
// Rule      a majority of the voters; or, with groups, more than half of the groups (those of any weight) in each of which
//           more than half of the weight is there. A standalone server is an ensemble of one voter.
// Use       the quorum rule is always asked of this object, never of a count.
#pragma once

#include "wire/ids.hpp"

#include <cstdint>
#include <map>
#include <set>

namespace zabd::zab {

class Membership {
public:
    /// Majority of `voters`, of which there is at least one.
    explicit Membership(std::set<ServerId> voters, std::set<ServerId> observers = {});

    /// Every voter is in exactly one group. Who is not named in `weights` has 1. The sum is above 0.
    Membership(const std::map<ServerId, std::int64_t>& group_of_voter, const std::map<ServerId, std::int64_t>& weights,
               std::set<ServerId> observers = {});

    [[nodiscard]] const std::set<ServerId>& voters() const { return voters_; }
    [[nodiscard]] const std::set<ServerId>& observers() const { return observers_; }
    [[nodiscard]] bool votes(ServerId server) const { return voters_.contains(server); }
    /// One without weight never leads.
    [[nodiscard]] bool may_lead(ServerId server) const;
    /// Servers that are no voters do not count.
    [[nodiscard]] bool has_quorum(const std::set<ServerId>& servers) const;
    /// The highest zxid that a quorum has, given how far each voter's log is durable (absent: nothing).
    [[nodiscard]] Zxid committed(const std::map<ServerId, Zxid>& durable) const;

private:
    struct Group {
        std::map<ServerId, std::int64_t> weights;
        std::int64_t weight = 0;  // of all
    };
    std::set<ServerId> voters_;
    std::set<ServerId> observers_;
    std::map<std::int64_t, Group> groups_;  // empty: by majority
};

}  // namespace zabd::zab
