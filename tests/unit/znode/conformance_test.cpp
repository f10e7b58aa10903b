// What ZooKeeper's clients rely on, stated once as they see it, on preparing and applying together. Probes that need a
// connection or a session table are elsewhere.

#include "leader.hpp"
#include "znode/owner.hpp"
#include "znode/watches.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <string>
#include <vector>

using namespace zabd;
using namespace zabd::znode;
using wire::CreateMode;
using wire::CreateRequest;
using wire::CreateTtlRequest;
using wire::ErrorCode;
using wire::EventType;
using wire::OpCode;
using wire::SetAclRequest;
using wire::SetDataRequest;
using wire::VersionedRequest;

namespace {

constexpr ConnectionId kClient{1};

std::vector<ErrorCode> errors_of(const std::vector<OperationResult>& results) {
    std::vector<ErrorCode> errors;
    for (const auto& result : results) errors.push_back(result.error);
    return errors;
}

/// What a client that watches is told of, event by event.
std::vector<std::pair<EventType, std::string>> events(Watches& watches, const std::vector<Trigger>& triggers) {
    std::vector<std::pair<EventType, std::string>> seen;
    std::vector<ConnectionId> told;
    for (const auto& trigger : triggers) {
        watches.fire(trigger.type, trigger.path, told);
        for (std::size_t i = 0; i < told.size(); ++i) seen.emplace_back(trigger.type, trigger.path);
    }
    return seen;
}

}  // namespace

// --- checklist -------------------------------------------------------------------------------------------------------

TEST_CASE("a fresh server has ZooKeeper's built-in nodes", "[znode][conformance]") {
    const Leader leader;
    CHECK(leader.stat("/").cversion == -1);
    CHECK(leader.stat("/zookeeper").cversion == -2);
    CHECK(leader.stat("/zookeeper/quota").cversion == 0);
    CHECK(leader.stat("/zookeeper/config").aversion == -1);
    CHECK(leader.state.tree.node_count() == 4);  // the counter that operators see takes the root twice
}

TEST_CASE("three creates and one delete make cversion 4 and the next suffix 3", "[znode][conformance]") {
    Leader leader;
    leader.create("/a");
    for (int i = 0; i < 3; ++i) leader.create("/a/s", CreateMode::kPersistentSequential);
    leader.remove("/a/s0000000001");
    CHECK(leader.stat("/a").cversion == 4);
    CHECK(leader.create("/a/s", CreateMode::kEphemeralSequential).path == "/a/s0000000003");
}

TEST_CASE("plain creates use up sequence numbers too, deletes give none back", "[znode][conformance]") {
    Leader leader;
    leader.create("/a");
    leader.create("/a/plain");
    leader.remove("/a/plain");
    CHECK(leader.create("/a/", CreateMode::kPersistentSequential).path == "/a/0000000001");
}

TEST_CASE("the sequence number wraps below zero", "[znode][conformance]") {
    wire::NodeRecord record;
    record.id = NodeId::kRoot;
    auto tree = Tree::empty();
    REQUIRE(tree.restore(record, {}));
    record.id = NodeId{2};
    record.parent = NodeId::kRoot;
    record.name = "a";
    record.creations = INT32_MAX;
    REQUIRE(tree.restore(record, {}));
    Leader leader;
    leader.state = State({}, std::move(tree));
    CHECK(leader.create("/a/s", CreateMode::kPersistentSequential).path == "/a/s2147483647");
    CHECK(leader.create("/a/s", CreateMode::kPersistentSequential).path == "/a/s-2147483648");
    CHECK(leader.create("/a/s", CreateMode::kPersistentSequential).path == "/a/s-2147483647");
}

TEST_CASE("a failed write takes a zxid", "[znode][conformance]") {
    Leader leader;
    leader.create("/a");
    CHECK(leader.create("/a").error == ErrorCode::kNodeExists);
    CHECK(leader.applied.header.zxid == Zxid{2});
    CHECK(leader.remove("/none").error == ErrorCode::kNoNode);
    CHECK(leader.error_of(OpCode::kSetData, SetDataRequest{"/none", "", -1}) == ErrorCode::kNoNode);
    leader.create("/b");
    CHECK(leader.stat("/b").czxid == Zxid{5});
}

TEST_CASE("a wrong version is told before the children", "[znode][conformance]") {
    Leader leader;
    leader.create("/a");
    leader.create("/a/b");
    CHECK(leader.error_of(OpCode::kDelete, VersionedRequest{"/a", 7}) == ErrorCode::kBadVersion);
}

TEST_CASE("a bad list is told before the missing node", "[znode][conformance]") {
    Leader leader;
    CHECK(leader.error_of(OpCode::kSetAcl, SetAclRequest{"/none", std::nullopt, -1}) == ErrorCode::kInvalidAcl);
}

TEST_CASE("an illegal path below a missing parent is NoNode", "[znode][conformance]") {
    Leader leader;
    leader.create("/x");
    CHECK(leader.create("/x//y").error == ErrorCode::kNoNode);
}

TEST_CASE("NoAuth is told before a wrong version", "[znode][conformance]") {
    Leader leader;
    leader.create("/a");
    leader.write(OpCode::kSetAcl, SetAclRequest{"/a", wire::AclList{{wire::kRead, kWorldId}}, -1});
    CHECK(leader.error_of(OpCode::kSetData, SetDataRequest{"/a", "", 7}) == ErrorCode::kNoAuth);
}

TEST_CASE("a failed multi tells 0, the error, -2, and burns no sequence number", "[znode][conformance]") {
    Leader leader;
    const auto multi = MultiBody()
                           .add(OpCode::kCreate, creation("/s", CreateMode::kPersistentSequential))
                           .add(OpCode::kCreate, creation("/zookeeper"))
                           .add(OpCode::kCreate, creation("/c"))
                           .text();
    leader.write(OpCode::kMulti, std::string_view(multi));
    CHECK(errors_of(leader.changes.results) ==
          std::vector{ErrorCode::kOk, ErrorCode::kNodeExists, ErrorCode::kRuntimeInconsistency});
    CHECK(leader.changes.triggers.empty());
    CHECK(leader.changes.images.nodes.empty());
    CHECK(leader.create("/s", CreateMode::kPersistentSequential).path == "/s0000000000");
}

TEST_CASE("a create2 inside a multi is told as create2, with its stat", "[znode][conformance]") {
    Leader leader;
    const auto multi = MultiBody().add(OpCode::kCreate2, creation("/a")).add(OpCode::kCreate2, creation("/a/b")).text();
    leader.write(OpCode::kMulti, std::string_view(multi));
    REQUIRE(leader.changes.results.size() == 2);
    CHECK(leader.changes.results[0].type == OpCode::kCreate2);
    CHECK(leader.changes.results[1].path == "/a/b");
    CHECK(leader.changes.results[1].stat == leader.stat("/a/b"));
}

TEST_CASE("all of a multi has one zxid and one time", "[znode][conformance]") {
    Leader leader;
    const auto multi = MultiBody().add(OpCode::kCreate, creation("/a")).add(OpCode::kCreate, creation("/b")).text();
    leader.write(OpCode::kMulti, std::string_view(multi));
    CHECK(leader.stat("/a").czxid == leader.stat("/b").czxid);
    CHECK(leader.stat("/a").ctime == leader.stat("/b").ctime);
}

TEST_CASE("a watch set on a missing node tells its creation", "[znode][conformance]") {
    Leader leader;
    Watches watches;
    watches.add({.path = "/a", .connection = kClient, .kind = WatchKind::kData});
    leader.create("/a");
    CHECK(events(watches, leader.changes.triggers) ==
          std::vector<std::pair<EventType, std::string>>{{EventType::kNodeCreated, "/a"}});
}

TEST_CASE("a client with all watches on a node is told of its deletion once", "[znode][conformance]") {
    Leader leader;
    Watches watches;
    leader.create("/p");
    leader.create("/p/c");
    watches.add({.path = "/p/c", .connection = kClient, .kind = WatchKind::kData});
    watches.add({.path = "/p/c", .connection = kClient, .kind = WatchKind::kChild});
    watches.add({.path = "/p", .connection = kClient, .kind = WatchKind::kChild});
    leader.remove("/p/c");
    CHECK(events(watches, leader.changes.triggers) ==
          std::vector<std::pair<EventType, std::string>>{{EventType::kNodeDeleted, "/p/c"},
                                                         {EventType::kNodeChildrenChanged, "/p"}});
}

TEST_CASE("a session's end tells each deletion, a standard child watch the first only", "[znode][conformance]") {
    Leader leader;
    Watches watches;
    leader.create("/p");
    for (const auto path : {"/p/a", "/p/b"}) leader.create(path, CreateMode::kEphemeral);
    const auto persistent = GENERATE(false, true);
    watches.add({.path = "/p", .connection = kClient, .kind = persistent ? WatchKind::kPersistent : WatchKind::kChild});
    for (const auto path : {"/p/a", "/p/b"})
        watches.add({.path = path, .connection = kClient, .kind = WatchKind::kData});
    leader.close_session();
    std::map<EventType, int> counts;
    for (const auto& [type, path] : events(watches, leader.changes.triggers)) ++counts[type];
    CHECK(counts[EventType::kNodeDeleted] == 2);
    CHECK(counts[EventType::kNodeChildrenChanged] == (persistent ? 2 : 1));
}

TEST_CASE("setting a list tells nobody", "[znode][conformance]") {
    Leader leader;
    leader.write(OpCode::kSetAcl, SetAclRequest{"/", kOpen, -1});
    CHECK(leader.changes.triggers.empty());
}

TEST_CASE("identical data still counts and tells", "[znode][conformance]") {
    Leader leader;
    leader.create("/a");
    CHECK(leader.write(OpCode::kSetData, SetDataRequest{"/a", "", -1}).stat.version == 1);
    CHECK(leader.changes.triggers.size() == 1);
}

TEST_CASE("null data stays null", "[znode][conformance]") {
    Leader leader;
    leader.write(OpCode::kCreate, CreateRequest{"/a", std::nullopt, kOpen, CreateMode::kPersistent});
    CHECK(leader.state.tree.find("/a")->data.null());
    leader.write(OpCode::kSetData, SetDataRequest{"/a", "", -1});
    CHECK_FALSE(leader.state.tree.find("/a")->data.null());
}

TEST_CASE("only ephemerals show an owner", "[znode][conformance]") {
    Leader leader;
    CHECK(leader.create("/e", CreateMode::kEphemeral).stat.ephemeral_owner == static_cast<std::int64_t>(kSession));
    CHECK(leader.create("/p").stat.ephemeral_owner == 0);
    leader.write(OpCode::kCreateContainer, creation("/c", CreateMode::kContainer));
    CHECK(leader.stat("/c").ephemeral_owner == 0);
    CHECK(kind_of(leader.state.tree.find("/c")->owner) == Kind::kContainer);
    leader.write(OpCode::kCreateTtl, CreateTtlRequest{"/t", "", kOpen, CreateMode::kPersistentTtl, 77});
    CHECK(leader.stat("/t").ephemeral_owner == 0);
    CHECK(ttl_of(leader.state.tree.find("/t")->owner) == 77);
}

TEST_CASE("the built-in nodes cannot be deleted, even by super", "[znode][conformance]") {
    Leader leader;
    leader.who = {{"super", ""}};
    for (const auto path : {"/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"})
        CHECK(leader.remove(path).error == ErrorCode::kBadArguments);
}

TEST_CASE("the root takes data and a list like any node", "[znode][conformance]") {
    Leader leader;
    CHECK(leader.error_of(OpCode::kSetData, SetDataRequest{"/", "x", 0}) == ErrorCode::kOk);
    CHECK(leader.error_of(OpCode::kSetAcl, SetAclRequest{"/", kOpen, 0}) == ErrorCode::kOk);
    CHECK(leader.error_of(OpCode::kSetData, SetDataRequest{"", "x", -1}) == ErrorCode::kBadArguments);
}

// --- faults of the original that are not ours ---------------------------------------------------------------------------

TEST_CASE("createTTL without a TTL mode is refused instead of killing every server", "[znode][conformance]") {
    Leader leader;
    CHECK(leader.error_of(OpCode::kCreateTtl, CreateTtlRequest{"/t", "", kOpen, CreateMode::kPersistent, -1}) ==
          ErrorCode::kBadArguments);
    CHECK_FALSE(leader.state.tree.find("/t"));
}

TEST_CASE("an operation and a mode of different kinds are refused", "[znode][conformance]") {
    Leader leader;
    CHECK(leader.create("/c", CreateMode::kContainer).error == ErrorCode::kBadArguments);
    for (const auto mode : {CreateMode::kPersistent, CreateMode::kEphemeral})
        CHECK(leader.error_of(OpCode::kCreateContainer, creation("/c", mode)) == ErrorCode::kBadArguments);
}

TEST_CASE("the reaper deletes nothing but containers and TTL nodes", "[znode][conformance]") {
    Leader leader;
    leader.create("/plain");
    CHECK(leader.error_of(OpCode::kDeleteContainer, wire::PathRequest{"/plain"}) == ErrorCode::kBadVersion);
    CHECK(leader.state.tree.find("/plain"));
}

TEST_CASE("quota texts that do not parse stop nobody", "[znode][conformance]") {
    Leader leader({.enforce_quota = true});
    const auto text = GENERATE(as<std::string>{}, "", "garbage", "count=x,bytes=y=;byteHardLimit=99999999999999999999",
                               "count=,bytes=", "=;=;=", "count");
    CAPTURE(text);
    for (const auto path : {"/q", "/zookeeper/quota/q"}) leader.create(path);
    for (const auto path : {"/zookeeper/quota/q/zookeeper_limits", "/zookeeper/quota/q/zookeeper_stats"})
        CHECK(leader.error_of(OpCode::kCreate, CreateRequest{path, text, kOpen, CreateMode::kPersistent}) ==
              ErrorCode::kOk);
    CHECK(leader.error_of(OpCode::kSetData, SetDataRequest{"/zookeeper/quota/q/zookeeper_stats", text, -1}) ==
          ErrorCode::kOk);
    CHECK(leader.create("/q/a").error == ErrorCode::kOk);
    CHECK(leader.error_of(OpCode::kSetData, SetDataRequest{"/q/a", "data", -1}) == ErrorCode::kOk);
    CHECK(leader.remove("/q/a").error == ErrorCode::kOk);
}

TEST_CASE("super may write the configuration's node", "[znode][conformance]") {
    Leader leader;
    CHECK(leader.error_of(OpCode::kSetData, SetDataRequest{"/zookeeper/config", "x", -1}) == ErrorCode::kNoAuth);
    leader.who.push_back({"super", ""});
    CHECK(leader.error_of(OpCode::kSetData, SetDataRequest{"/zookeeper/config", "x", -1}) == ErrorCode::kOk);
}

// --- who may do what --------------------------------------------------------------------------------------------------

namespace {

/// A write on /p/n, and the permission that it needs there or on /p.
struct GuardedWrite {
    const char* name;
    OpCode op;
    std::int32_t needs;
    bool of_parent;
    bool in_multi;
    std::string body;
};

const std::vector<GuardedWrite>& guarded_writes() {
    static const std::vector<GuardedWrite> writes{
        {"create", OpCode::kCreate, wire::kCreate, true, true, wire::encoded(creation("/p/new"))},
        {"create sequential", OpCode::kCreate, wire::kCreate, true, true,
         wire::encoded(creation("/p/new", CreateMode::kEphemeralSequential))},
        {"create2", OpCode::kCreate2, wire::kCreate, true, true, wire::encoded(creation("/p/new"))},
        {"createContainer", OpCode::kCreateContainer, wire::kCreate, true, true,
         wire::encoded(creation("/p/new", CreateMode::kContainer))},
        {"createTTL", OpCode::kCreateTtl, wire::kCreate, true, true,
         wire::encoded(CreateTtlRequest{"/p/new", "", kOpen, CreateMode::kPersistentTtl, 1})},
        {"delete", OpCode::kDelete, wire::kDelete, true, true, wire::encoded(VersionedRequest{"/p/n", -1})},
        {"setData", OpCode::kSetData, wire::kWrite, false, true, wire::encoded(SetDataRequest{"/p/n", "x", -1})},
        {"setACL", OpCode::kSetAcl, wire::kAdmin, false, false, wire::encoded(SetAclRequest{"/p/n", kOpen, -1})},
    };
    return writes;
}

const GuardedWrite kCheck{"check", OpCode::kCheck, wire::kRead,
                          false,   true,           wire::encoded(VersionedRequest{"/p/n", -1})};

struct Scheme {
    const char* name;
    wire::Id entry;
    std::vector<wire::Id> insider;
    std::vector<wire::Id> outsider;
};

const std::vector<Scheme>& schemes() {
    static const std::vector<Scheme> list{
        {"world", kWorldId, {}, {}},
        {"digest", {"digest", "bob:hash"}, {{"digest", "bob:hash"}}, {{"digest", "bob:other"}}},
        {"ip", {"ip", "10.0.0.0/8"}, {{"ip", "10.1.2.3"}}, {{"ip", "11.1.2.3"}}},
        {"super", {"digest", "nobody:hash"}, {{"super", ""}}, {{"digest", "super:"}}},
    };
    return list;
}

/// /p and /p/n with these lists; what `write` by `who` comes to.
ErrorCode outcome(const GuardedWrite& write, const wire::AclList& of_parent, const wire::AclList& of_node,
                  const std::vector<wire::Id>& who, bool in_multi) {
    Leader leader;
    leader.create("/p");
    leader.create("/p/n");
    leader.write(OpCode::kSetAcl, SetAclRequest{"/p/n", of_node, -1});
    leader.write(OpCode::kSetAcl, SetAclRequest{"/p", of_parent, -1});
    leader.who = who;
    if (!in_multi) return leader.write(write.op, std::string_view(write.body)).error;
    const auto multi = wire::encoded(wire::MultiHeader{.op = write.op}) + write.body + wire::encoded(wire::kMultiEnd);
    return leader.write(OpCode::kMulti, std::string_view(multi)).error;
}

void check_permissions(const GuardedWrite& write, const Scheme& scheme, bool in_multi) {
    CAPTURE(write.name, scheme.name, in_multi);
    const auto list = [&](std::int32_t permissions) { return wire::AclList{{permissions, scheme.entry}}; };
    const auto run = [&](std::int32_t on_parent, std::int32_t on_node, const std::vector<wire::Id>& who) {
        return outcome(write, list(on_parent), list(on_node), who, in_multi);
    };
    const auto all = std::int32_t{wire::kAllPermissions};
    const bool super = std::string_view(scheme.name) == "super";
    for (std::int32_t bit = 1; bit <= wire::kAdmin; bit *= 2) {
        CAPTURE(bit);
        const bool granted = super || bit == write.needs;
        const auto expected = granted ? ErrorCode::kOk : ErrorCode::kNoAuth;
        // The bit alone where it counts, and nothing or everything where it does not.
        for (const auto elsewhere : {0, all})
            CHECK((write.of_parent ? run(bit, elsewhere, scheme.insider) : run(elsewhere, bit, scheme.insider)) ==
                  expected);
    }
    if (scheme.entry != kWorldId) CHECK(run(all, all, scheme.outsider) == ErrorCode::kNoAuth);
}

}  // namespace

TEST_CASE("every write asks for its permission, in every scheme, alone and in a multi", "[znode][conformance][acl]") {
    for (const auto& scheme : schemes()) {
        check_permissions(kCheck, scheme, true);
        for (const auto& write : guarded_writes()) {
            check_permissions(write, scheme, false);
            if (write.in_multi) check_permissions(write, scheme, true);
        }
    }
}

TEST_CASE("a list in flight counts at once", "[znode][conformance][acl]") {
    Leader leader;
    leader.create("/a");
    const wire::AclList read_only{{wire::kRead, kWorldId}};
    leader.propose(OpCode::kSetAcl, wire::encoded(SetAclRequest{"/a", read_only, -1}));
    CHECK(leader.propose(OpCode::kCreate, wire::encoded(creation("/a/b"))).header.type == OpCode::kError);
    leader.apply_oldest();
    leader.apply_oldest();
    CHECK(leader.create("/a/b").error == ErrorCode::kNoAuth);
}
