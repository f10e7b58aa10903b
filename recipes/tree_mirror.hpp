// A copy of a tree of znodes, made of what reads have said of single nodes, one after another.
//
// Effects   none.
// Order     what is told must have been read in that order, by one session. A node made anew is told by its czxid, which
//           its version does not show: what stood below the old one goes.
// Costs     memory for paths and data; children() is logarithmic for each child.
#pragma once

#include "client/types.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::recipes {

struct TreeChange {
    enum class Type : std::uint8_t { kAdded, kChanged, kRemoved };  // kChanged: of the data
    Type type{};
    std::string path;

    friend bool operator==(const TreeChange&, const TreeChange&) = default;
};
using TreeChanges = std::vector<TreeChange>;

class TreeMirror {
public:
    /// Each says what was read, and gives what that has changed here.
    TreeChanges take_node(std::string_view path, client::NodeData node);
    TreeChanges take_absence(std::string_view path);
    /// All children of a node that is here.
    TreeChanges take_children(std::string_view path, const std::set<std::string>& names);

    /// nullptr: none. Until the next change.
    [[nodiscard]] const client::NodeData* find(std::string_view path) const;
    /// Names, in order.
    [[nodiscard]] std::vector<std::string> children(std::string_view path) const;
    [[nodiscard]] std::size_t size() const { return nodes_.size(); }
    /// Of paths and data.
    [[nodiscard]] std::size_t bytes() const { return bytes_; }

private:
    using Nodes = std::map<std::string, client::NodeData, std::less<>>;

    void erase_below(std::string_view path, TreeChanges& changes);
    Nodes::iterator erase(Nodes::iterator node, TreeChanges& changes);

    Nodes nodes_;
    std::size_t bytes_ = 0;
};

}  // namespace zabd::recipes
