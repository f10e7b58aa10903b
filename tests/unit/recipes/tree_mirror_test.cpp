#include "recipes/tree_mirror.hpp"

#include <catch2/catch.hpp>

#include <set>
#include <string>
#include <vector>

namespace zabd::recipes {

namespace {

using Type = TreeChange::Type;

client::NodeData node(std::uint64_t czxid, std::uint64_t mzxid, std::string data = "") {
    client::NodeData read{.data = std::move(data), .stat = {}};
    read.stat.czxid = Zxid{czxid};
    read.stat.mzxid = Zxid{mzxid};
    return read;
}

TreeMirror mirror_of(const std::vector<std::string>& paths) {
    TreeMirror mirror;
    for (const auto& path : paths) mirror.take_node(path, node(1, 1));
    return mirror;
}

}  // namespace

TEST_CASE("a node is added, then changes with its mzxid", "[recipes][tree]") {
    TreeMirror mirror;
    CHECK(mirror.take_node("/a", node(1, 1, "one")) == TreeChanges{{Type::kAdded, "/a"}});
    CHECK(mirror.take_node("/a", node(1, 1, "one")).empty());
    CHECK(mirror.take_node("/a", node(1, 2, "two")) == TreeChanges{{Type::kChanged, "/a"}});
    REQUIRE(mirror.find("/a") != nullptr);
    CHECK(mirror.find("/a")->data == "two");
    CHECK(mirror.bytes() == 5);
    CHECK(mirror.find("/") == nullptr);
}

TEST_CASE("a node made anew has nothing of the old one", "[recipes][tree]") {
    auto mirror = mirror_of({"/a", "/a/b", "/ab"});
    const TreeChanges expected{{Type::kRemoved, "/a/b"}, {Type::kRemoved, "/a"}, {Type::kAdded, "/a"}};
    CHECK(mirror.take_node("/a", node(5, 5)) == expected);
    CHECK(mirror.children("/a").empty());
    CHECK(mirror.size() == 2);
}

TEST_CASE("a node goes with all below it, and nothing else", "[recipes][tree]") {
    auto mirror = mirror_of({"/a", "/a-b", "/a.b", "/a/b", "/a/b/c", "/a0", "/b"});
    const TreeChanges expected{{Type::kRemoved, "/a/b/c"}, {Type::kRemoved, "/a/b"}, {Type::kRemoved, "/a"}};
    CHECK(mirror.take_absence("/a") == expected);
    CHECK(mirror.children("/") == std::vector<std::string>{"a-b", "a.b", "a0", "b"});
    CHECK(mirror.take_absence("/a").empty());
}

TEST_CASE("the root goes with everything", "[recipes][tree]") {
    auto mirror = mirror_of({"/", "/a", "/a/b"});
    CHECK(mirror.take_absence("/").size() == 3);
    CHECK(mirror.size() == 0);
    CHECK(mirror.bytes() == 0);
}

TEST_CASE("children that are not listed go", "[recipes][tree]") {
    auto mirror = mirror_of({"/a", "/a/1", "/a/1/x", "/a/2", "/a/3"});
    const TreeChanges expected{{Type::kRemoved, "/a/1/x"}, {Type::kRemoved, "/a/1"}, {Type::kRemoved, "/a/3"}};
    CHECK(mirror.take_children("/a", {"2", "new"}) == expected);
    CHECK(mirror.children("/a") == std::vector<std::string>{"2"});
}

TEST_CASE("children are told from what is below them, whatever their names", "[recipes][tree]") {
    const auto mirror = mirror_of({"/", "/a", "/a/b", "/a/b!", "/a/b/c", "/a/b/c/d", "/a/b0", "/a/orphan/x", "/z"});
    CHECK(mirror.children("/a") == std::vector<std::string>{"b", "b!", "b0"});
    CHECK(mirror.children("/") == std::vector<std::string>{"a", "z"});
    CHECK(mirror.children("/a/b") == std::vector<std::string>{"c"});
    CHECK(mirror.children("/z").empty());
    CHECK(mirror.children("/none").empty());
}

}  // namespace zabd::recipes
