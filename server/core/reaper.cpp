#include "server/core/reaper.hpp"

#include "znode/owner.hpp"

#include <utility>

namespace zabd::core {

std::optional<std::string> Reaper::next(const znode::Tree& tree, const Now& now) {
    if (!look_at_) look_at_ = now.monotonic + interval_;
    if (now.monotonic >= *look_at_) {
        look_at_ = now.monotonic + interval_;
        next_at_ = now.monotonic;
        look(tree, now.wall);
    }
    if (found_.empty() || now.monotonic < next_at_) return std::nullopt;
    next_at_ += pause_;
    auto path = std::move(found_.front());
    found_.pop_front();
    return path;
}

void Reaper::look(const znode::Tree& tree, WallTime wall) {
    found_.clear();
    tree.for_each_reapable([&](const znode::Node& node) {
        if (due(node, wall)) found_.push_back(tree.path_of(node));
    });
}

bool Reaper::due(const znode::Node& node, WallTime wall) const {
    if (node.child_count > 0) return false;
    const Millis age{static_cast<std::int64_t>(wall) - node.mtime_ms};
    if (znode::kind_of(node.owner) == znode::Kind::kTtl) return age > Millis(znode::ttl_of(node.owner));
    return node.creations != 0 || (never_used_max_ > Millis(0) && age > never_used_max_);
}

}  // namespace zabd::core
