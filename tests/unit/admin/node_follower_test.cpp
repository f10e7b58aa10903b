// From looks at a tree to events, with a tree of its own behind the looks.
#include "server/admin/node_follower.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <ostream>
#include <string>

namespace zabd::server::admin {

static std::ostream& operator<<(std::ostream& out, const NodeEvent& event) {
    return out << event.path << " " << name_of(event.type);
}

namespace {

using Type = NodeEvent::Type;
using Events = std::vector<NodeEvent>;

/// /d and its children, as a core would show them.
class Directory {
public:
    void create(const std::string& name) {
        children_[name] = {.czxid = next(), .mzxid = now_, .pzxid = now_};
        stat_.pzxid = now_;
    }
    void remove(const std::string& name) {
        children_.erase(name);
        stat_.pzxid = next();
    }
    void change(const std::string& name) { children_.at(name).mzxid = next(); }
    void change_below(const std::string& name) { children_.at(name).pzxid = next(); }
    void change_self() { stat_.mzxid = next(); }
    void set_there(bool there) {
        there_ = there;
        children_.clear();
        if (there) stat_ = {.czxid = next(), .mzxid = now_, .pzxid = now_};
    }

    [[nodiscard]] Zxid now() const { return now_; }
    [[nodiscard]] core::NodeAnswer node() const {
        core::NodeAnswer answer;
        answer.error = there_ ? wire::ErrorCode::kOk : wire::ErrorCode::kNoNode;
        if (there_) answer.node.stat = stat_;
        return answer;
    }
    [[nodiscard]] core::WalkAnswer walk(const core::WalkQuery& query) const {
        core::WalkAnswer answer;
        if (!there_) answer.error = wire::ErrorCode::kNoNode;
        auto child = query.cursor.empty() ? children_.begin() : children_.upper_bound(query.cursor);
        for (; child != children_.end() && answer.nodes.size() < query.nodes_max; ++child) {
            core::NodeView view;
            view.path = "/d/" + child->first;
            view.readable = true;
            view.stat = child->second;
            answer.nodes.push_back(view);
            answer.next = child->first;
        }
        if (child == children_.end()) answer.next.clear();
        return answer;
    }

private:
    Zxid next() { return now_ = Zxid{now_.value + 1}; }

    Zxid now_{100};
    bool there_ = true;
    wire::Stat stat_{};
    std::map<std::string, wire::Stat> children_;
};

/// A look at all, by slices of two.
Events look(NodeFollower& follower, const Directory& directory) {
    Events events;
    follower.look(directory.node(), events);
    follower.begin_sweep(directory.now());
    while (follower.sweeping()) follower.look(directory.walk(follower.query(2)), events);
    std::ranges::sort(events, {}, [](const NodeEvent& event) { return std::pair(event.path, event.type); });
    return events;
}

TEST_CASE("the first look tells nothing, and no change nothing more", "[admin][events]") {
    Directory directory;
    for (const auto* name : {"a", "b", "c"}) directory.create(name);
    NodeFollower follower("/d", 100);
    CHECK(look(follower, directory).empty());
    CHECK(look(follower, directory).empty());
}

TEST_CASE("what happens to a node and its children is told once", "[admin][events]") {
    Directory directory;
    for (const auto* name : {"a", "b", "c"}) directory.create(name);
    NodeFollower follower("/d", 100);
    look(follower, directory);

    directory.change("b");
    directory.change_below("c");
    directory.change_self();
    CHECK(look(follower, directory) ==
          Events{{"/d", Type::kChanged}, {"/d/b", Type::kChanged}, {"/d/c", Type::kChildren}});
    directory.remove("a");
    directory.create("e");
    CHECK(look(follower, directory) ==
          Events{{"/d", Type::kChildren}, {"/d/a", Type::kDeleted}, {"/d/e", Type::kCreated}});
    directory.remove("b");
    directory.create("b");
    CHECK(look(follower, directory) ==
          Events{{"/d", Type::kChildren}, {"/d/b", Type::kCreated}, {"/d/b", Type::kDeleted}});
    CHECK(look(follower, directory).empty());
}

TEST_CASE("a node that goes takes its children along, and one that comes brings its own", "[admin][events]") {
    Directory directory;
    directory.create("a");
    NodeFollower follower("/d", 100);
    look(follower, directory);
    directory.set_there(false);
    CHECK(look(follower, directory) == Events{{"/d", Type::kDeleted}, {"/d/a", Type::kDeleted}});
    CHECK(look(follower, directory).empty());
    directory.set_there(true);
    directory.create("a");
    CHECK(look(follower, directory) == Events{{"/d", Type::kCreated}, {"/d/a", Type::kCreated}});
}

TEST_CASE("of a directory with too many names, deletions are told by the parent", "[admin][events]") {
    Directory directory;
    for (const auto* name : {"a", "b", "c", "e"}) directory.create(name);
    NodeFollower follower("/d", 3);
    CHECK(look(follower, directory).empty());
    directory.change("b");
    CHECK(look(follower, directory) == Events{{"/d/b", Type::kChanged}});
    directory.remove("a");
    CHECK(look(follower, directory) == Events{{"/d", Type::kChildren}});
    // Few enough: known from now on.
    CHECK(look(follower, directory).empty());
    directory.remove("b");
    CHECK(look(follower, directory) == Events{{"/d", Type::kChildren}, {"/d/b", Type::kDeleted}});
}

TEST_CASE("what changes between two slices of the first sweep is told", "[admin][events]") {
    Directory directory;
    for (const auto* name : {"a", "b", "c", "e"}) directory.create(name);
    NodeFollower follower("/d", 100);
    Events events;
    follower.look(directory.node(), events);
    follower.begin_sweep(directory.now());
    follower.look(directory.walk(follower.query(2)), events);
    directory.change("c");
    directory.create("f");
    follower.look(directory.walk(follower.query(9)), events);
    CHECK_FALSE(follower.sweeping());
    CHECK(events == Events{{"/d/c", Type::kChanged}, {"/d/f", Type::kCreated}});
}

TEST_CASE("a sweep whose tree was replaced begins anew", "[admin][events]") {
    Directory directory;
    for (const auto* name : {"a", "b", "c"}) directory.create(name);
    NodeFollower follower("/d", 100);
    look(follower, directory);
    directory.change("a");
    Events events;
    follower.begin_sweep(directory.now());
    follower.look(directory.walk(follower.query(2)), events);
    follower.look(core::WalkAnswer{.error = wire::ErrorCode::kBadArguments}, events);
    CHECK(follower.query(2).cursor.empty());
    while (follower.sweeping()) follower.look(directory.walk(follower.query(2)), events);
    CHECK(events == Events{{"/d/a", Type::kChanged}});
}

}  // namespace
}  // namespace zabd::server::admin
