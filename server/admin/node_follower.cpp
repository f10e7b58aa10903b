#include "server/admin/node_follower.hpp"

namespace zabd::server::admin {

using Type = NodeEvent::Type;

std::string_view name_of(Type type) {
    switch (type) {
        case Type::kCreated: return "created";
        case Type::kDeleted: return "deleted";
        case Type::kChanged: break;
        case Type::kChildren: return "children";
    }
    return "changed";
}

void NodeFollower::look(const core::NodeAnswer& answer, std::vector<NodeEvent>& events) {
    const bool there = answer.error == wire::ErrorCode::kOk || answer.error == wire::ErrorCode::kNoAuth;
    const auto& stat = answer.node.stat;
    const auto tell = [&](Type type) { events.push_back({path_, type}); };
    if (looked_) {
        const bool another = there && there_ && stat.czxid != stat_.czxid;
        if (there_ && (!there || another)) tell(Type::kDeleted);
        if (there && (!there_ || another)) tell(Type::kCreated);
        if (there && there_ && !another) {
            if (stat.mzxid != stat_.mzxid || stat.aversion != stat_.aversion) tell(Type::kChanged);
            if (stat.pzxid != stat_.pzxid) tell(Type::kChildren);
        }
    }
    looked_ = true;
    there_ = there;
    stat_ = there ? stat : wire::Stat{};
}

void NodeFollower::begin_sweep(Zxid applied) {
    if (sweeping_) return;
    if (sweep_++ == 0) since_ = applied;
    if (names_ == Names::kNone) names_ = Names::kCollecting;
    applied_ = applied;
    cursor_.clear();
    sweeping_ = true;
}

core::WalkQuery NodeFollower::query(std::size_t nodes_max) const {
    return {.below = path_, .cursor = cursor_, .nodes_max = nodes_max};
}

void NodeFollower::look(const core::WalkAnswer& slice, std::vector<NodeEvent>& events) {
    if (slice.error == wire::ErrorCode::kBadArguments) {  // the whole tree was replaced: from the start
        cursor_.clear();
        return;
    }
    if (slice.error != wire::ErrorCode::kOk) {
        forget_children(slice.error == wire::ErrorCode::kNoNode, events);
        return end_sweep(events);
    }
    for (const auto& child : slice.nodes) look_at_child(child, events);
    cursor_ = slice.next;
    if (cursor_.empty()) end_sweep(events);
}

void NodeFollower::look_at_child(const core::NodeView& child, std::vector<NodeEvent>& events) {
    const auto tell = [&](Type type) { events.push_back({child.path, type}); };
    const auto& stat = child.stat;
    const auto known = children_.find(child.path);
    if (known != children_.end()) {
        auto& before = known->second;
        if (stat.czxid != before.czxid) {
            tell(Type::kDeleted);
            tell(Type::kCreated);
        } else {
            if (stat.mzxid != before.mzxid) tell(Type::kChanged);
            if (stat.pzxid != before.pzxid) tell(Type::kChildren);
        }
        before = {stat.czxid, stat.mzxid, stat.pzxid, sweep_};
        return;
    }
    if (stat.czxid > since_) {
        tell(Type::kCreated);
    } else if (names_ != Names::kKnown) {
        if (stat.mzxid > since_) tell(Type::kChanged);
        if (stat.pzxid > since_) tell(Type::kChildren);
    }
    if (names_ == Names::kNone) return;
    children_.emplace(child.path, Child{stat.czxid, stat.mzxid, stat.pzxid, sweep_});
    if (children_.size() <= names_max_) return;
    children_.clear();
    names_ = Names::kNone;
}

void NodeFollower::end_sweep(std::vector<NodeEvent>& events) {
    const bool told = names_ == Names::kKnown;
    std::erase_if(children_, [&](const auto& entry) {
        const bool gone = entry.second.sweep != sweep_;
        if (gone && told) events.push_back({entry.first, Type::kDeleted});
        return gone;
    });
    if (names_ == Names::kCollecting) names_ = Names::kKnown;
    since_ = applied_;
    sweeping_ = false;
}

void NodeFollower::forget_children(bool told, std::vector<NodeEvent>& events) {
    if (told && names_ == Names::kKnown)
        for (const auto& [path, child] : children_) events.push_back({path, Type::kDeleted});
    children_.clear();
}

}  // namespace zabd::server::admin
