#include "znode/overlay.hpp"

#include "znode/owner.hpp"
#include "znode/path.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace zabd;
using namespace zabd::znode;

namespace {

constexpr SessionId kSession{7};

/// A state with some nodes, and an overlay on it.
struct Fixture {
    Fixture() {
        create("/a", 0);
        create("/a/b", 0);
        create("/mine", static_cast<std::int64_t>(kSession));
    }
    void create(std::string_view path, std::int64_t owner) {
        const auto parent = path.substr(0, path.rfind('/'));
        ++applied.value;
        state.tree.create({.path = path,
                           .data = Bytes::copy_of(std::string_view("12")),
                           .owner = owner,
                           .zxid = applied,
                           .parent_creations = state.tree.find(parent)->creations + 1});
    }

    void add(std::string_view path, PendingNode node) {
        const auto above = parent_path(path);
        const auto parent = overlay.find(above);
        REQUIRE(parent);
        overlay.create(path, std::move(node), above, *parent);
    }

    State state;
    Overlay overlay{state};
    Zxid applied;
};

PendingNode fresh(std::int64_t owner = kPersistentOwner) {
    PendingNode node;
    node.exists = true;
    node.owner = owner;
    return node;
}

constexpr auto kOwner = static_cast<std::int64_t>(kSession);

}  // namespace

TEST_CASE("an empty overlay shows the tree", "[znode][overlay]") {
    Fixture f;
    const auto node = f.overlay.find("/a");
    REQUIRE(node);
    CHECK(node->exists);
    CHECK(node->creations == 1);
    CHECK(node->child_count == 1);
    CHECK(node->data_bytes == 2);
    CHECK(f.overlay.acl_of(*node) == wire::AclList{{wire::kAllPermissions, {"world", "anyone"}}});
    CHECK_FALSE(f.overlay.find("/none"));
    CHECK(f.overlay.size() == 0);
}

TEST_CASE("changes in flight hide the tree until they are applied", "[znode][overlay]") {
    Fixture f;
    f.overlay.begin(Zxid{10});
    auto node = *f.overlay.find("/a/b");
    node.version = 1;
    f.overlay.change("/a/b", node);
    f.overlay.commit();
    CHECK(f.overlay.find("/a/b")->version == 1);
    f.overlay.applied(Zxid{9});
    CHECK(f.overlay.find("/a/b")->version == 1);
    f.overlay.applied(Zxid{10});
    CHECK(f.overlay.find("/a/b")->version == 0);  // what the tree says, to which nobody has applied anything here
    CHECK(f.overlay.size() == 0);
}

TEST_CASE("a node changed by two transactions stays until the younger one is applied", "[znode][overlay]") {
    Fixture f;
    for (const auto version : {1, 2}) {
        f.overlay.begin(Zxid{static_cast<std::uint64_t>(10 + version)});
        auto node = *f.overlay.find("/a");
        node.version = version;
        f.overlay.change("/a", node);
        f.overlay.commit();
    }
    f.overlay.applied(Zxid{11});
    CHECK(f.overlay.find("/a")->version == 2);
    f.overlay.applied(Zxid{12});
    CHECK(f.overlay.size() == 0);
}

TEST_CASE("creations and deletions in flight count at the parent", "[znode][overlay]") {
    Fixture f;
    f.overlay.begin(Zxid{10});
    f.add("/a/c", fresh());
    CHECK(f.overlay.find("/a")->child_count == 2);
    CHECK(f.overlay.find("/a")->creations == 2);
    f.overlay.remove("/a/b", *f.overlay.find("/a/b"));
    f.overlay.commit();
    CHECK(f.overlay.find("/a/c"));
    CHECK_FALSE(f.overlay.find("/a/b"));
    CHECK(f.overlay.find("/a")->child_count == 1);
    CHECK(f.overlay.find("/a")->creations == 2);
}

TEST_CASE("a transaction that is rolled back leaves no trace", "[znode][overlay]") {
    Fixture f;
    f.overlay.begin(Zxid{10});
    f.add("/a/c", fresh(kOwner));
    f.overlay.commit();

    f.overlay.begin(Zxid{11});
    f.add("/a/d", fresh(kOwner));
    f.overlay.remove("/a/c", *f.overlay.find("/a/c"));
    f.overlay.remove("/mine", *f.overlay.find("/mine"));
    f.add("/a/c", fresh());
    f.overlay.rollback();

    CHECK(f.overlay.find("/a/c")->owner == kOwner);
    CHECK_FALSE(f.overlay.find("/a/d"));
    CHECK(f.overlay.find("/a")->creations == 2);
    CHECK(f.overlay.find("/a")->child_count == 2);
    CHECK(f.overlay.ephemerals_of(kSession) == std::vector<std::string>{"/a/c", "/mine"});
    f.overlay.applied(Zxid{10});
    CHECK(f.overlay.size() == 0);
}

TEST_CASE("the counter of creations wraps as ZooKeeper's does", "[znode][overlay]") {
    Fixture f;
    f.overlay.begin(Zxid{10});
    auto node = *f.overlay.find("/a");
    node.creations = INT32_MAX;
    f.overlay.change("/a", node);
    f.add("/a/c", fresh());
    CHECK(f.overlay.find("/a")->creations == INT32_MIN);
    f.overlay.rollback();
}

TEST_CASE("a session's ephemerals are those of the tree and those in flight, by path", "[znode][overlay]") {
    Fixture f;
    f.create("/z", kOwner);
    f.create("/other", 8);
    f.overlay.begin(Zxid{10});
    f.add("/a/c", fresh(kOwner));
    f.add("/a/d", fresh(kOwner));
    f.add("/b", fresh());
    f.overlay.remove("/a/d", *f.overlay.find("/a/d"));
    f.overlay.remove("/mine", *f.overlay.find("/mine"));
    f.overlay.change("/z", *f.overlay.find("/z"));
    f.overlay.commit();
    CHECK(f.overlay.ephemerals_of(kSession) == std::vector<std::string>{"/a/c", "/z"});
    CHECK(f.overlay.ephemerals_of(SessionId{8}) == std::vector<std::string>{"/other"});
    CHECK(f.overlay.ephemerals_of(SessionId{9}).empty());
}

TEST_CASE("the bytes of a session's ephemerals follow creations, deletions and rollbacks", "[znode][overlay]") {
    Fixture f;
    const bool asked_before = GENERATE(true, false);
    CAPTURE(asked_before);
    if (asked_before) CHECK(f.overlay.ephemeral_bytes_of(kSession) == 5);

    f.overlay.begin(Zxid{10});
    f.add("/a/c", fresh(kOwner));
    f.overlay.commit();
    if (asked_before) CHECK(f.overlay.ephemeral_bytes_of(kSession) == 9);

    f.overlay.begin(Zxid{11});
    f.overlay.remove("/a/c", *f.overlay.find("/a/c"));
    f.overlay.remove("/mine", *f.overlay.find("/mine"));
    CHECK(f.overlay.ephemeral_bytes_of(kSession) == 0);
    f.add("/e", fresh(kOwner));
    CHECK(f.overlay.ephemeral_bytes_of(kSession) == 2);
    f.overlay.rollback();
    CHECK(f.overlay.ephemeral_bytes_of(kSession) == 9);
}

TEST_CASE("a cleared overlay shows the tree again", "[znode][overlay]") {
    Fixture f;
    f.overlay.begin(Zxid{10});
    f.add("/e", fresh(kOwner));
    f.overlay.commit();
    f.overlay.clear();
    CHECK_FALSE(f.overlay.find("/e"));
    CHECK(f.overlay.ephemerals_of(kSession) == std::vector<std::string>{"/mine"});
    f.overlay.begin(Zxid{5});  // a new leader's epoch may begin anywhere
    f.add("/e", fresh());
    f.overlay.commit();
    f.overlay.applied(Zxid{5});
    CHECK(f.overlay.size() == 0);
}
