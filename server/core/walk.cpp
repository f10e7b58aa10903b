#include "server/core/walk.hpp"

#include "znode/node.hpp"
#include "znode/path.hpp"
#include "znode/tree.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

namespace zabd::core {
namespace {

using wire::ErrorCode;
using znode::kNoSlot;
using znode::Node;
using znode::Slot;
using znode::Tree;

/// Text form: "generation skip id/id/id path", ids from below the walk's root on, of which the last is the node's own.
struct Cursor {
    std::uint64_t generation = 0;
    std::uint64_t skip = 0;  // of the node's siblings: those up to this id have been seen
    std::vector<std::uint64_t> ids;
    std::string path;
};

std::optional<std::uint64_t> take_number(std::string_view& text, char end) {
    std::uint64_t number = 0;
    const auto [stopped, code] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
    if (code != std::errc() || stopped == text.data() + text.size() || *stopped != end) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(stopped - text.data()) + 1);
    return number;
}

std::optional<Cursor> parse(std::string_view text) {
    Cursor cursor;
    const auto generation = take_number(text, ' ');
    const auto skip = generation ? take_number(text, ' ') : std::nullopt;
    if (!skip) return std::nullopt;
    cursor.generation = *generation;
    cursor.skip = *skip;
    while (const auto id = take_number(text, '/')) cursor.ids.push_back(*id);
    const auto last = take_number(text, ' ');
    if (!last || !text.starts_with('/')) return std::nullopt;
    cursor.ids.push_back(*last);
    cursor.path = text;
    return cursor;
}

void append_hex(std::string& text, std::uint64_t number, char end) {
    char digits[16];
    const auto [stopped, code] = std::to_chars(digits, digits + sizeof digits, number, 16);
    text.append(digits, stopped).push_back(end);
}

class Walker {
public:
    Walker(const WalkContext& context, const WalkQuery& query, const Node& root)
        : context_(context), tree_(context.state.tree), query_(query), root_(root) {
        answer_.total = root.child_count;
    }

    WalkAnswer from(const std::optional<Cursor>& cursor) {
        bool there = cursor ? stand_behind(*cursor) : step_down_into(root_);
        while (there) {
            const bool seen = id_of(*node_) <= skip_;
            if (!seen) take();
            const bool enough = ++answer_.looked_at >= query_.nodes_max || bytes_ >= query_.bytes_max;
            if (enough) answer_.next = cursor_text();
            // What is below a node that is passed over was passed over before.
            there = (query_.deep && !seen && step_down_into(*node_)) || step_aside_or_up();
            if (!there) answer_.next.clear();
            if (enough) break;
        }
        return std::move(answer_);
    }

private:
    static std::uint64_t id_of(const Node& node) { return static_cast<std::uint64_t>(node.id); }

    void take() {
        skip_ = 0;
        answer_.nodes.push_back(view_of(context_, *node_, query_.with_data, query_.with_acl));
        const auto& view = answer_.nodes.back();
        bytes_ += view.path.size() + view.data.size();
    }

    bool step_down_into(const Node& node) {
        if (node.first_child == kNoSlot || !may(context_, node, wire::kRead)) return false;
        node_ = &tree_.at(node.first_child);
        return true;
    }

    bool step_aside_or_up() {
        while (node_ != &root_) {
            if (node_->next_sibling != kNoSlot) return node_ = &tree_.at(node_->next_sibling), true;
            skip_ = 0;
            node_ = &tree_.at(node_->parent);
        }
        return false;
    }

    [[nodiscard]] std::string cursor_text() const {
        std::string text;
        append_hex(text, context_.generation, ' ');
        append_hex(text, skip_, ' ');
        std::vector<std::uint64_t> ids;
        for (const auto* node = node_; node != &root_; node = &tree_.at(node->parent)) ids.push_back(id_of(*node));
        for (auto id = ids.rbegin(); id != ids.rend(); ++id) append_hex(text, *id, id + 1 == ids.rend() ? ' ' : '/');
        return text + tree_.path_of(*node_);
    }

    /// At the first node that comes behind the cursor's, if there is one.
    bool stand_behind(const Cursor& cursor) {
        const auto [depth, node] = deepest_still_there(cursor);
        node_ = node;
        if (depth == cursor.ids.size()) {
            skip_ = cursor.skip;
            if (skip_ != 0) return step_aside_or_up();
            return (query_.deep && step_down_into(*node_)) || step_aside_or_up();
        }
        // It is gone, and what was below it too.
        skip_ = cursor.ids[depth];
        if (depth + 1 == cursor.ids.size()) skip_ = std::max(skip_, cursor.skip);
        return step_down_into(*node_) || (skip_ = 0, step_aside_or_up());
    }

    /// How many of the cursor's nodes are there still, and the last of them: where one is, so is all above it.
    std::pair<std::size_t, const Node*> deepest_still_there(const Cursor& cursor) const {
        std::vector<std::size_t> ends;  // of the paths, one for each id
        for (auto slash = query_.below.size() > 1 ? query_.below.size() : 0; slash < cursor.path.size();) {
            slash = std::min(cursor.path.find('/', slash + 1), cursor.path.size());
            ends.push_back(slash);
        }
        std::size_t low = 0;
        std::size_t high = std::min(ends.size(), cursor.ids.size());
        const Node* found = &root_;
        while (low < high) {
            const auto middle = (low + high + 1) / 2;
            const auto* node = tree_.find(std::string_view(cursor.path).substr(0, ends[middle - 1]));
            if (node && id_of(*node) == cursor.ids[middle - 1]) {
                low = middle;
                found = node;
            } else {
                high = middle - 1;
            }
        }
        return {low, found};
    }

    const WalkContext& context_;
    const Tree& tree_;
    const WalkQuery& query_;
    const Node& root_;
    const Node* node_ = nullptr;
    std::uint64_t skip_ = 0;
    std::size_t bytes_ = 0;
    WalkAnswer answer_;
};

}  // namespace

bool may(const WalkContext& context, const Node& node, std::int32_t permissions) {
    if (!context.check_acls || node.acl == znode::AclId::kOpen) return true;
    return znode::allowed(context.state.acls.list(node.acl), permissions, context.who);
}

NodeView view_of(const WalkContext& context, const Node& node, bool with_data, bool with_acl) {
    NodeView view;
    view.path = context.state.tree.path_of(node);
    view.readable = may(context, node, wire::kRead);
    if (with_acl && may(context, node, wire::kRead | wire::kAdmin)) {
        const auto& list = context.state.acls.list(node.acl);
        view.acl = may(context, node, wire::kAdmin) ? list : znode::redacted(list);
    }
    if (!view.readable) return view;
    view.stat = znode::stat_of(node);
    view.kind = znode::kind_of(node.owner);
    if (view.kind == znode::Kind::kTtl) view.ttl_ms = znode::ttl_of(node.owner);
    if (with_data) view.data = node.data;
    return view;
}

WalkAnswer walk(const WalkContext& context, const WalkQuery& query) {
    const auto refused = [](ErrorCode error) { return WalkAnswer{.error = error}; };
    if (!znode::valid_path(query.below)) return refused(ErrorCode::kBadArguments);
    std::optional<Cursor> cursor;
    if (!query.cursor.empty()) {
        cursor = parse(query.cursor);
        const auto root_size = query.below == znode::kRootPath ? 0 : query.below.size();
        const bool ours = cursor && cursor->generation == context.generation && cursor->path.size() > root_size + 1 &&
                          cursor->path.starts_with(query.below) && cursor->path[root_size] == '/';
        if (!ours) return refused(ErrorCode::kBadArguments);
    }
    const auto* root = context.state.tree.find(query.below);
    if (!root) return refused(ErrorCode::kNoNode);
    if (!may(context, *root, wire::kRead)) return refused(ErrorCode::kNoAuth);
    return Walker(context, query, *root).from(cursor);
}

}  // namespace zabd::core
