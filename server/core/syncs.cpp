#include "server/core/syncs.hpp"

#include "wire/assert.hpp"

#include <utility>

namespace zabd::core {

Syncs::Members& Syncs::next() {
    if (next_.number == 0) next_.number = ++given_;
    return next_;
}

Syncs::Group Syncs::join(ConnectionId connection) {
    auto& group = next();
    group.connections.push_back(connection);
    return group.number;
}

void Syncs::join(LinkId link) { next().links.push_back(link); }

Syncs::Group Syncs::join_settled(ConnectionId connection, Zxid bound) {
    ZABD_ASSERT(asked_.number == 0 && next_.number == 0);
    if (settled_.empty() || settled_.back().bound != bound) settled_.push_back({++given_, bound, {}, {}});
    settled_.back().connections.push_back(connection);
    return settled_.back().number;
}

ConnectionId Syncs::ask() {
    ZABD_ASSERT(must_ask());
    asked_ = std::exchange(next_, {});
    return asked_.connections.empty() ? ConnectionId::kNone : asked_.connections.front();
}

std::vector<LinkId> Syncs::settle(Zxid bound) {
    ZABD_ASSERT(asking());
    ZABD_ASSERT(settled_.empty() || settled_.back().bound <= bound);
    auto group = std::exchange(asked_, {});
    auto links = std::exchange(group.links, {});
    group.bound = bound;
    settled_.push_back(std::move(group));
    return links;
}

std::vector<ConnectionId> Syncs::pass(Zxid applied) {
    while (!settled_.empty() && settled_.front().bound <= applied) {
        const auto group = std::move(settled_.front());
        settled_.pop_front();
        passed_ = group.number;
        if (!group.connections.empty()) return group.connections;
    }
    return {};
}

void Syncs::clear() {
    next_ = {};
    asked_ = {};
    settled_.clear();
}

}  // namespace zabd::core
