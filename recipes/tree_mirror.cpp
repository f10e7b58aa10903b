#include "recipes/tree_mirror.hpp"

#include "recipes/paths.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace zabd::recipes {

using client::NodeData;

namespace {

/// What all paths below begin with.
std::string prefix_below(std::string_view path) { return child_of(path, ""); }

/// The first path behind all those that begin with `prefix`, which ends with a slash.
std::string end_of(std::string prefix) {
    ++prefix.back();
    return prefix;
}

}  // namespace

TreeChanges TreeMirror::take_node(std::string_view path, NodeData node) {
    TreeChanges changes;
    auto known = nodes_.find(path);
    if (known != nodes_.end() && known->second.stat.czxid != node.stat.czxid) {
        erase_below(path, changes);
        erase(known, changes);
        known = nodes_.end();
    }
    const bool added = known == nodes_.end();
    if (added) {
        known = nodes_.emplace(path, NodeData()).first;
        bytes_ += path.size();
        changes.push_back({TreeChange::Type::kAdded, std::string(path)});
    } else if (known->second.stat.mzxid != node.stat.mzxid) {
        changes.push_back({TreeChange::Type::kChanged, std::string(path)});
    }
    bytes_ += node.data.size() - known->second.data.size();
    known->second = std::move(node);
    return changes;
}

TreeChanges TreeMirror::take_absence(std::string_view path) {
    TreeChanges changes;
    erase_below(path, changes);
    if (const auto known = nodes_.find(path); known != nodes_.end()) erase(known, changes);
    return changes;
}

TreeChanges TreeMirror::take_children(std::string_view path, const std::set<std::string>& names) {
    TreeChanges changes;
    for (const auto& name : children(path)) {
        if (names.contains(name)) continue;
        auto gone = take_absence(child_of(path, name));
        std::move(gone.begin(), gone.end(), std::back_inserter(changes));
    }
    return changes;
}

const NodeData* TreeMirror::find(std::string_view path) const {
    const auto found = nodes_.find(path);
    return found == nodes_.end() ? nullptr : &found->second;
}

std::vector<std::string> TreeMirror::children(std::string_view path) const {
    const auto prefix = prefix_below(path);
    const auto end = nodes_.lower_bound(end_of(prefix));
    std::vector<std::string> names;
    // The root's own path begins with the prefix of what is below it.
    for (auto node = nodes_.upper_bound(prefix); node != end;) {
        const auto slash = node->first.find('/', prefix.size());
        if (slash == std::string::npos) {
            names.push_back(node->first.substr(prefix.size()));
            ++node;
        } else {  // below a child: on behind all of that child's
            node = nodes_.lower_bound(end_of(node->first.substr(0, slash + 1)));
        }
    }
    return names;
}

/// The lowest first: nobody then hears of a child whose parent has gone.
void TreeMirror::erase_below(std::string_view path, TreeChanges& changes) {
    const auto prefix = prefix_below(path);
    auto node = nodes_.lower_bound(end_of(prefix));
    while (node != nodes_.begin() && std::prev(node)->first.starts_with(prefix) && std::prev(node)->first != path) {
        node = erase(std::prev(node), changes);
    }
}

TreeMirror::Nodes::iterator TreeMirror::erase(Nodes::iterator node, TreeChanges& changes) {
    bytes_ -= node->first.size() + node->second.data.size();
    changes.push_back({TreeChange::Type::kRemoved, node->first});
    return nodes_.erase(node);
}

}  // namespace zabd::recipes
