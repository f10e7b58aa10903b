// Who belongs to the ensemble, and which sets of voters are a quorum.
//
// The quorum rule is always asked of this object. A standalone server is an ensemble of one voter.
#pragma once

#include "wire/ids.hpp"

#include <map>
#include <set>

namespace zabd::zab {

class Membership {
public:
    /// Majority of `voters`, of which there is at least one.
    explicit Membership(std::set<ServerId> voters);

    [[nodiscard]] const std::set<ServerId>& voters() const { return voters_; }
    [[nodiscard]] bool has_quorum(const std::set<ServerId>& servers) const;
    /// The highest zxid that a quorum has, given how far each voter's log is durable (absent: nothing).
    /// Servers that are no voters do not count.
    [[nodiscard]] Zxid committed(const std::map<ServerId, Zxid>& durable) const;

private:
    std::set<ServerId> voters_;
};

}  // namespace zabd::zab
