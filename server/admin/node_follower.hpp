// What happens to a node and to what is directly below it, told from one look at the tree to the next.
//
// Why       looks, not watches: they cost the server the same however busy it is, work without a quorum, and are not
//           among the watches and sessions that an operator looks at. Two changes between two looks are one event.
// Sweeps    children are looked at slice by slice; a large directory takes several looks. One that was deleted is told
//           by name if there are no more children than `names_max`; else only by kChildren of their parent.
// Effects   none. Threads: one at a time.
#pragma once

#include "server/core/inspect.hpp"
#include "wire/ids.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace zabd::server::admin {

struct NodeEvent {
    enum class Type : std::uint8_t { kCreated, kDeleted, kChanged, kChildren };
    std::string path;
    Type type = Type::kChanged;
    friend bool operator==(const NodeEvent&, const NodeEvent&) = default;
};
/// "created", "deleted", "changed", "children"
[[nodiscard]] std::string_view name_of(NodeEvent::Type type);

class NodeFollower {
public:
    NodeFollower(std::string path, std::size_t names_max) : path_(std::move(path)), names_max_(names_max) {}

    [[nodiscard]] const std::string& path() const { return path_; }

    /// The node as it is. The first look is the beginning, and no event.
    void look(const core::NodeAnswer& answer, std::vector<NodeEvent>& events);

    /// The children are to be looked at anew; `applied` is a zxid that what will be seen includes. No effect during a
    /// sweep.
    void begin_sweep(Zxid applied);
    [[nodiscard]] bool sweeping() const { return sweeping_; }
    /// The next slice's question.
    [[nodiscard]] core::WalkQuery query(std::size_t nodes_max) const;
    /// And its answer.
    void look(const core::WalkAnswer& slice, std::vector<NodeEvent>& events);

private:
    struct Child {
        Zxid czxid, mzxid, pzxid;
        std::uint64_t sweep = 0;  // that saw it last
    };
    enum class Names : std::uint8_t { kNone, kCollecting, kKnown };  // are those of all children in children_?

    void look_at_child(const core::NodeView& child, std::vector<NodeEvent>& events);
    void end_sweep(std::vector<NodeEvent>& events);
    void forget_children(bool told, std::vector<NodeEvent>& events);

    std::string path_;
    std::size_t names_max_;

    bool looked_ = false;
    bool there_ = false;
    wire::Stat stat_{};  // zeros if it may not be seen

    bool sweeping_ = false;
    std::uint64_t sweep_ = 0;
    std::string cursor_;
    Zxid since_{};    // changes up to here have been told
    Zxid applied_{};  // since_ once this sweep is over
    Names names_ = Names::kNone;
    std::unordered_map<std::string, Child> children_;  // by path
};

}  // namespace zabd::server::admin
