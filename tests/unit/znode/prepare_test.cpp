#include "znode/prepare.hpp"

#include "leader.hpp"
#include "znode/owner.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <string>
#include <vector>

using namespace zabd;
using namespace zabd::znode;
using namespace std::string_literals;
using wire::CreateMode;
using wire::CreateRequest;
using wire::CreateTtlRequest;
using wire::ErrorCode;
using wire::OpCode;
using wire::VersionedRequest;

namespace {

constexpr CreateMode kUnknownMode{7};
const wire::Id kBob{"digest", "bob:hash"};
const wire::AclList kNobody{{wire::kAllPermissions, {"digest", "nobody:hash"}}};

template <class Txn>
Txn body_of(const Proposal& proposal) {
    const auto txn = wire::decoded<Txn>(proposal.body);
    REQUIRE(txn);
    CHECK(wire::encoded(*txn) == proposal.body);  // all of it
    return *txn;
}

ErrorCode error_of(const Proposal& proposal) {
    return proposal.header.type == OpCode::kError ? body_of<wire::ErrorTxn>(proposal).error : ErrorCode::kOk;
}

/// The types and errors inside a multi's transaction; a type that is no error counts as kOk.
std::vector<ErrorCode> errors_of_multi(const Proposal& proposal) {
    REQUIRE(proposal.header.type == OpCode::kMulti);
    std::vector<ErrorCode> errors;
    for (const auto& sub : body_of<wire::MultiTxn>(proposal).operations) {
        if (sub.type == OpCode::kError) {
            errors.push_back(wire::decoded<wire::ErrorTxn>(sub.body)->error);
        } else {
            errors.push_back(ErrorCode::kOk);
        }
    }
    return errors;
}

/// Nodes for the tables below: /open with a child, /mine (ephemeral), /closed (all denied) with a child.
struct PopulatedLeader : Leader {
    explicit PopulatedLeader(PrepareOptions options = {.extended_types = true}) : Leader(options) {
        for (const auto path : {"/open", "/open/child", "/closed", "/closed/child"}) create(path);
        create("/mine", CreateMode::kEphemeral);
        write(OpCode::kSetData, wire::SetDataRequest{"/open", "data", -1});
        for (const auto path : {"/closed", "/closed/child"})
            write(OpCode::kSetAcl, wire::SetAclRequest{path, kNobody, -1});
    }
};

}  // namespace

// --- the forms -------------------------------------------------------------------------------------------------------

TEST_CASE("a transaction's header says who, what, when", "[znode][prepare]") {
    Leader leader;
    leader.context = {kOtherSession, 41, Zxid::of(3, 8), WallTime{12345}, {}};
    const auto proposal = leader.propose(OpCode::kCreate, wire::encoded(creation("/a")));
    CHECK(proposal.header.session == kOtherSession);
    CHECK(proposal.header.xid == 42);
    CHECK(proposal.header.zxid == Zxid::of(3, 9));
    CHECK(proposal.header.time_ms == 12345);
    CHECK(proposal.header.type == OpCode::kCreate);
}

TEST_CASE("a transaction is appended to what is there", "[znode][prepare]") {
    Leader leader;
    std::string bytes = "before";
    leader.context.zxid = Zxid{1};
    leader.preparer.prepare(OpCode::kDelete, wire::encoded(VersionedRequest{"/none", -1}), leader.context, bytes);
    const auto size = bytes.size();
    CHECK(bytes.starts_with("before"));
    leader.context.zxid = Zxid{2};
    leader.preparer.prepare(OpCode::kCreate, wire::encoded(creation("/a")), leader.context, bytes);
    CHECK(wire::decoded<wire::TxnHeader>(std::string_view(bytes).substr(size))->type == OpCode::kCreate);
}

TEST_CASE("a create says the node, its list as fixed up and the parent's new counter", "[znode][prepare]") {
    Leader leader;
    leader.who = {{"ip", "1.2.3.4"}, kBob};
    leader.create("/first");
    struct Case {
        const char* name;
        OpCode op;
        CreateMode mode;
        bool ephemeral;
        std::string path;
    };
    const auto c = GENERATE(values<Case>({
        {"create", OpCode::kCreate, CreateMode::kPersistent, false, "/a"},
        {"create ephemeral", OpCode::kCreate, CreateMode::kEphemeral, true, "/a"},
        {"create2 sequential", OpCode::kCreate2, CreateMode::kPersistentSequential, false, "/a0000000001"},
        {"create2 ephemeral sequential", OpCode::kCreate2, CreateMode::kEphemeralSequential, true, "/a0000000001"},
    }));
    CAPTURE(c.name);
    const auto proposal = leader.propose(
        c.op, wire::encoded(CreateRequest{"/a", std::nullopt, wire::AclList{{5, {"auth", ""}}}, c.mode}));
    CHECK(proposal.header.type == c.op);
    const auto txn = body_of<wire::CreateTxn>(proposal);
    CHECK(txn.path == c.path);
    CHECK_FALSE(txn.data.has_value());
    CHECK(txn.acl == wire::AclList{{5, kBob}});
    CHECK(txn.ephemeral == c.ephemeral);
    CHECK(txn.parent_creations == 2);
}

TEST_CASE("containers and TTL nodes have transactions of their own", "[znode][prepare]") {
    Leader leader;
    const auto container =
        leader.propose(OpCode::kCreateContainer, wire::encoded(creation("/c", CreateMode::kContainer)));
    CHECK(container.header.type == OpCode::kCreateContainer);
    CHECK(body_of<wire::CreateContainerTxn>(container).parent_creations == 1);
    const auto ttl = leader.propose(
        OpCode::kCreateTtl,
        wire::encoded(CreateTtlRequest{"/t", "x", kOpen, CreateMode::kPersistentSequentialTtl, kTtlMsMax}));
    CHECK(ttl.header.type == OpCode::kCreateTtl);
    const auto txn = body_of<wire::CreateTtlTxn>(ttl);
    CHECK(txn.path == "/t0000000001");
    CHECK(txn.ttl_ms == kTtlMsMax);
    CHECK(txn.parent_creations == 2);
}

TEST_CASE("versions in transactions are the new ones", "[znode][prepare]") {
    Leader leader;
    leader.create("/a");
    for (const auto version : {1, 2}) {
        const auto data = leader.propose(OpCode::kSetData, wire::encoded(wire::SetDataRequest{"/a", "x", version - 1}));
        CHECK(body_of<wire::SetDataTxn>(data).version == version);
        const auto acl = leader.propose(OpCode::kSetAcl, wire::encoded(wire::SetAclRequest{"/a", kOpen, version - 1}));
        CHECK(body_of<wire::SetAclTxn>(acl).version == version);
    }
    CHECK(body_of<wire::DeleteTxn>(leader.propose(OpCode::kDelete, wire::encoded(VersionedRequest{"/a", 2}))).path ==
          "/a");
}

TEST_CASE("a failure is a transaction as well", "[znode][prepare]") {
    Leader leader;
    const auto proposal = leader.propose(OpCode::kDelete, wire::encoded(VersionedRequest{"/none", -1}));
    CHECK(proposal.header.type == OpCode::kError);
    CHECK(proposal.header.zxid == Zxid{1});
    CHECK(body_of<wire::ErrorTxn>(proposal).error == ErrorCode::kNoNode);

    std::string bytes;
    leader.preparer.prepare_error(ErrorCode::kSessionExpired, leader.context, bytes);
    CHECK(bytes == wire::encoded(wire::TxnHeader{kSession, 1, Zxid{1}, 1000, OpCode::kError}) +
                       wire::encoded(wire::ErrorTxn{ErrorCode::kSessionExpired}));
}

TEST_CASE("a session starts with its timeout", "[znode][prepare]") {
    Leader leader;
    std::string bytes;
    leader.preparer.prepare_create_session(30'000, leader.context, bytes);
    CHECK(bytes == wire::encoded(wire::TxnHeader{kSession, 0, Zxid{0}, 1000, OpCode::kCreateSession}) +
                       wire::encoded(wire::CreateSessionTxn{30'000}));
}

// --- the order of the checks -----------------------------------------------------------------------------------------

TEST_CASE("creates fail by the first check that fails", "[znode][prepare]") {
    struct Case {
        const char* name;
        OpCode op;
        CreateRequest request;
        ErrorCode error;
        bool extended_types = true;
    };
    using enum ErrorCode;
    const auto bad_acl = wire::AclList{{1, {"digest", "x"}}};
    const auto c = GENERATE_REF(values<Case>({
        {"a mode that nobody knows", OpCode::kCreate, {"bad", "", bad_acl, kUnknownMode}, kBadArguments},
        {"a negative mode", OpCode::kCreate, {"/a", "", kOpen, CreateMode{-1}}, kBadArguments},
        {"TTL while switched off", OpCode::kCreate, {"bad", "", {}, CreateMode::kPersistentTtl}, kUnimplemented, false},
        {"TTL by create", OpCode::kCreate, {"/a", "", kOpen, CreateMode::kPersistentTtl}, kBadArguments},
        {"TTL by create2", OpCode::kCreate2, {"/a", "", kOpen, CreateMode::kPersistentSequentialTtl}, kBadArguments},
        {"TTL by createContainer",
         OpCode::kCreateContainer,
         {"/a", "", kOpen, CreateMode::kPersistentTtl},
         kBadArguments},
        {"a container by create", OpCode::kCreate, {"/a", "", kOpen, CreateMode::kContainer}, kBadArguments},
        {"a container by create2", OpCode::kCreate2, {"/a", "", kOpen, CreateMode::kContainer}, kBadArguments},
        {"a plain node by createContainer",
         OpCode::kCreateContainer,
         {"/a", "", kOpen, CreateMode::kPersistent},
         kBadArguments},
        {"an ephemeral by createContainer",
         OpCode::kCreateContainer,
         {"/a", "", kOpen, CreateMode::kEphemeral},
         kBadArguments},
        {"no slash comes before the list", OpCode::kCreate, {"a", "", {}, CreateMode::kPersistent}, kBadArguments},
        {"NUL comes before the list",
         OpCode::kCreate,
         {std::string_view("/a\0", 3), "", {}, CreateMode::kPersistent},
         kBadArguments},
        {"a null list comes before the parent",
         OpCode::kCreate,
         {"/no/a", "", {}, CreateMode::kPersistent},
         kInvalidAcl},
        {"an empty list", OpCode::kCreate, {"/a", "", wire::AclList{}, CreateMode::kPersistent}, kInvalidAcl},
        {"a bad entry comes before the parent",
         OpCode::kCreate,
         {"/no/a", "", bad_acl, CreateMode::kPersistent},
         kInvalidAcl},
        {"no parent comes before the path", OpCode::kCreate, {"/no/../a", "", kOpen, CreateMode::kPersistent}, kNoNode},
        {"an empty parent component", OpCode::kCreate, {"/open//a", "", kOpen, CreateMode::kPersistent}, kNoNode},
        {"a relative parent", OpCode::kCreate, {"open/a", "", kOpen, CreateMode::kPersistent}, kNoNode},
        {"no permission comes before the path",
         OpCode::kCreate,
         {"/closed/.", "", kOpen, CreateMode::kPersistent},
         kNoAuth},
        {"no permission hides that the node exists",
         OpCode::kCreate,
         {"/closed/child", "", kOpen, CreateMode::kPersistent},
         kNoAuth},
        {"the path comes before the parent's kind",
         OpCode::kCreate,
         {"/mine/.", "", kOpen, CreateMode::kPersistent},
         kBadArguments},
        {"a slash at the end", OpCode::kCreate, {"/open/", "", kOpen, CreateMode::kPersistent}, kBadArguments},
        {"a node that exists", OpCode::kCreate, {"/open", "", kOpen, CreateMode::kPersistent}, kNodeExists},
        {"the root", OpCode::kCreate, {"/", "", kOpen, CreateMode::kPersistent}, kNodeExists},
        {"the child of an ephemeral",
         OpCode::kCreate,
         {"/mine/a", "", kOpen, CreateMode::kPersistent},
         kNoChildrenForEphemerals},
        {"a name of digits only", OpCode::kCreate, {"/open/", "", kOpen, CreateMode::kPersistentSequential}, kOk},
        {"digits behind a dot", OpCode::kCreate2, {"/open/.", "", kOpen, CreateMode::kPersistentSequential}, kOk},
        {"below the reserved tree", OpCode::kCreate, {"/zookeeper/foo", "", kOpen, CreateMode::kPersistent}, kOk},
        {"a container", OpCode::kCreateContainer, {"/c", "", kOpen, CreateMode::kContainer}, kOk},
        {"a container without extended types",
         OpCode::kCreateContainer,
         {"/c", "", kOpen, CreateMode::kContainer},
         kOk,
         false},
    }));
    CAPTURE(c.name);
    PopulatedLeader leader({.extended_types = c.extended_types});
    CHECK(error_of(leader.propose(c.op, wire::encoded(c.request))) == c.error);
}

TEST_CASE("createTTL wants its mode, its switch and a legal time", "[znode][prepare]") {
    struct Case {
        const char* name;
        CreateMode mode;
        std::int64_t ttl_ms;
        bool extended_types;
        ErrorCode error;
    };
    using enum ErrorCode;
    const auto c = GENERATE(values<Case>({
        {"shortest", CreateMode::kPersistentTtl, 1, true, kOk},
        {"longest", CreateMode::kPersistentSequentialTtl, kTtlMsMax, true, kOk},
        {"zero", CreateMode::kPersistentTtl, 0, true, kBadArguments},
        {"negative", CreateMode::kPersistentTtl, -1, true, kBadArguments},
        {"too long", CreateMode::kPersistentTtl, kTtlMsMax + 1, true, kBadArguments},
        {"switched off", CreateMode::kPersistentTtl, 1, false, kUnimplemented},
        {"switched off comes before the time", CreateMode::kPersistentTtl, 0, false, kUnimplemented},
        {"no TTL mode, with a time", CreateMode::kPersistent, 1, true, kBadArguments},
        {"no TTL mode and -1, which kills the original", CreateMode::kPersistent, -1, true, kBadArguments},
        {"no TTL mode while switched off", CreateMode::kPersistent, -1, false, kBadArguments},
        {"a mode that nobody knows, switched off", kUnknownMode, 1, false, kBadArguments},
    }));
    CAPTURE(c.name);
    Leader leader({.extended_types = c.extended_types});
    CHECK(error_of(leader.propose(OpCode::kCreateTtl,
                                  wire::encoded(CreateTtlRequest{"/t", "", kOpen, c.mode, c.ttl_ms}))) == c.error);
}

TEST_CASE("deletes fail by the first check that fails", "[znode][prepare]") {
    struct Case {
        const char* name;
        std::string path;
        std::int32_t version;
        ErrorCode error;
    };
    using enum ErrorCode;
    const auto c = GENERATE(values<Case>({
        {"nothing", "", -1, kBadArguments},
        {"no slash", "open", -1, kBadArguments},
        {"NUL", "/op\0en"s, -1, kBadArguments},
        {"the root", "/", -1, kBadArguments},
        {"a special path", "/zookeeper/quota", -1, kBadArguments},
        {"no parent", "/no/a", -1, kNoNode},
        {"no permission hides that there is no node", "/closed/none", -1, kNoAuth},
        {"no node", "/none", -1, kNoNode},
        {"a slash at the end", "/open/", -1, kNoNode},
        {"a wrong version comes before the children", "/open", 0, kBadVersion},
        {"children", "/open", 1, kNotEmpty},
        {"children, any version", "/open", -1, kNotEmpty},
        {"right version", "/open/child", 0, kOk},
        {"its own list is irrelevant", "/mine", -1, kOk},
    }));
    CAPTURE(c.name);
    PopulatedLeader leader;
    leader.write(OpCode::kSetAcl, wire::SetAclRequest{"/mine", kNobody, -1});
    CHECK(error_of(leader.propose(OpCode::kDelete, wire::encoded(VersionedRequest{c.path, c.version}))) == c.error);
}

TEST_CASE("setData fails by the first check that fails", "[znode][prepare]") {
    struct Case {
        const char* name;
        std::string path;
        std::int32_t version;
        ErrorCode error;
    };
    using enum ErrorCode;
    const auto c = GENERATE(values<Case>({
        {"nothing", "", -1, kBadArguments},
        {"an illegal path", "/open/", -1, kBadArguments},
        {"no node", "/none", -1, kNoNode},
        {"no permission comes before the version", "/closed", 9, kNoAuth},
        {"the configuration, which the world may read", "/zookeeper/config", -1, kNoAuth},
        {"a wrong version", "/open", 0, kBadVersion},
        {"a version below -1", "/open", -2, kBadVersion},
        {"the right version", "/open", 1, kOk},
        {"any version", "/open", -1, kOk},
        {"the root", "/", -1, kOk},
    }));
    CAPTURE(c.name);
    PopulatedLeader leader;
    CHECK(error_of(leader.propose(OpCode::kSetData, wire::encoded(wire::SetDataRequest{c.path, "x", c.version}))) ==
          c.error);
}

TEST_CASE("setACL fails by the first check that fails", "[znode][prepare]") {
    struct Case {
        const char* name;
        std::string path;
        std::optional<wire::AclList> acl;
        std::int32_t version;
        ErrorCode error;
    };
    using enum ErrorCode;
    const auto c = GENERATE(values<Case>({
        {"an illegal path comes before the list", "/open/", std::nullopt, -1, kBadArguments},
        {"a bad list comes before the node", "/none", std::nullopt, -1, kInvalidAcl},
        {"no node", "/none", kOpen, -1, kNoNode},
        {"no permission comes before the version", "/closed", kOpen, 9, kNoAuth},
        {"the version of the data", "/open", kOpen, 1, kBadVersion},
        {"the version of the list", "/open", kOpen, 0, kOk},
        {"any version", "/open", kOpen, -1, kOk},
    }));
    CAPTURE(c.name);
    PopulatedLeader leader;
    CHECK(error_of(leader.propose(OpCode::kSetAcl, wire::encoded(wire::SetAclRequest{c.path, c.acl, c.version}))) ==
          c.error);
}

TEST_CASE("check fails by the first check that fails", "[znode][prepare]") {
    struct Case {
        const char* name;
        std::string path;
        std::int32_t version;
        ErrorCode error;
    };
    using enum ErrorCode;
    const auto c = GENERATE(values<Case>({
        {"an illegal path", "/open/", -1, kBadArguments},
        {"no node", "/none", -1, kNoNode},
        {"no permission comes before the version", "/closed", 9, kNoAuth},
        {"a wrong version", "/open", 0, kBadVersion},
        {"the right version", "/open", 1, kOk},
        {"existence only", "/open", -1, kOk},
    }));
    CAPTURE(c.name);
    PopulatedLeader leader;
    const auto multi = MultiBody().add(OpCode::kCheck, VersionedRequest{c.path, c.version}).text();
    CHECK(errors_of_multi(leader.propose(OpCode::kMulti, multi)) == std::vector{c.error});
}

TEST_CASE("deleteContainer takes what is empty and due, whatever the lists say", "[znode][prepare]") {
    struct Case {
        const char* name;
        std::string path;
        std::int64_t now_ms;
        ErrorCode error;
    };
    using enum ErrorCode;
    const auto c = GENERATE(values<Case>({
        {"no path", "x", 0, kBadArguments},
        {"a special path", "/zookeeper", 0, kBadArguments},
        {"no node", "/none", 0, kNoNode},
        {"children", "/full", 0, kNotEmpty},
        {"an ephemeral", "/mine", 0, kBadVersion},
        {"a plain node", "/plain", 0, kBadVersion},
        {"a container", "/container", 0, kOk},
        {"a TTL node at its last moment", "/ttl", 1500, kBadVersion},
        {"a TTL node after it", "/ttl", 1501, kOk},
    }));
    CAPTURE(c.name);
    Leader leader;
    leader.create("/plain");
    leader.create("/mine", CreateMode::kEphemeral);
    for (const auto path : {"/container", "/full"})
        leader.write(OpCode::kCreateContainer, creation(path, CreateMode::kContainer));
    leader.create("/full/child");
    leader.write(OpCode::kCreateTtl, CreateTtlRequest{"/ttl", "", kOpen, CreateMode::kPersistentTtl, 500});
    leader.write(OpCode::kSetAcl, wire::SetAclRequest{"/", kNobody, -1});
    leader.context.session = SessionId::kNone;
    leader.context.time = WallTime{c.now_ms};
    const auto proposal = leader.propose(OpCode::kDeleteContainer, wire::encoded(wire::PathRequest{c.path}));
    CHECK(error_of(proposal) == c.error);
    if (c.error == kOk) {
        CHECK(proposal.header.type == OpCode::kDeleteContainer);
        CHECK(body_of<wire::DeleteTxn>(proposal).path == c.path);
    }
}

TEST_CASE("what is in flight saves a node from the reaper", "[znode][prepare]") {
    Leader leader;
    leader.write(OpCode::kCreateContainer, creation("/container", CreateMode::kContainer));
    leader.write(OpCode::kCreateTtl, CreateTtlRequest{"/ttl", "", kOpen, CreateMode::kPersistentTtl, 500});
    leader.context.time = WallTime{2000};
    leader.propose(OpCode::kCreate, wire::encoded(creation("/container/child")));
    leader.propose(OpCode::kSetData, wire::encoded(wire::SetDataRequest{"/ttl", "", -1}));
    CHECK(error_of(leader.propose(OpCode::kDeleteContainer, wire::encoded(wire::PathRequest{"/container"}))) ==
          ErrorCode::kNotEmpty);
    CHECK(error_of(leader.propose(OpCode::kDeleteContainer, wire::encoded(wire::PathRequest{"/ttl"}))) ==
          ErrorCode::kBadVersion);
}

TEST_CASE("without checks of lists all may all, but a bad list stays bad", "[znode][prepare]") {
    PopulatedLeader leader;
    Preparer preparer(leader.state, {.check_acls = false});
    std::string bytes;
    auto context = leader.context;
    ++context.zxid.value;
    preparer.prepare(OpCode::kSetData, wire::encoded(wire::SetDataRequest{"/closed", "x", -1}), context, bytes);
    CHECK(wire::decoded<wire::TxnHeader>(bytes)->type == OpCode::kSetData);
    ++context.zxid.value;
    bytes.clear();
    preparer.prepare(OpCode::kSetAcl, wire::encoded(wire::SetAclRequest{"/open", std::nullopt, -1}), context, bytes);
    CHECK(wire::decoded<wire::TxnHeader>(bytes)->type == OpCode::kError);
}

TEST_CASE("a body that does not decode fails as such", "[znode][prepare]") {
    const auto whole = wire::encoded(creation("/a"));
    Leader leader;
    for (std::size_t size = 0; size < whole.size(); ++size)
        CHECK(error_of(leader.propose(OpCode::kCreate, whole.substr(0, size))) == ErrorCode::kMarshallingError);
    const auto null_path = wire::encoded(std::optional<std::string_view>()) + wire::encoded(std::int32_t{-1});
    CHECK(error_of(leader.propose(OpCode::kDelete, null_path)) == ErrorCode::kMarshallingError);
    CHECK(error_of(leader.propose(OpCode::kGetData, "")) == ErrorCode::kMarshallingError);
    CHECK(error_of(leader.propose(OpCode::kCreate, whole + "behind")) == ErrorCode::kOk);
}

// --- multi -----------------------------------------------------------------------------------------------------------

TEST_CASE("operations of a multi see each other and keep their types", "[znode][prepare][multi]") {
    Leader leader;
    const auto multi = MultiBody()
                           .add(OpCode::kCreate, creation("/p"))
                           .add(OpCode::kCreate2, creation("/p/s", CreateMode::kPersistentSequential))
                           .add(OpCode::kCreate2, creation("/p/s", CreateMode::kPersistentSequential))
                           .add(OpCode::kSetData, wire::SetDataRequest{"/p", "x", 0})
                           .add(OpCode::kCheck, VersionedRequest{"/p", 1})
                           .add(OpCode::kDelete, VersionedRequest{"/p/s0000000000", 0})
                           .add(OpCode::kCreateContainer, creation("/p/c", CreateMode::kContainer))
                           .add(OpCode::kCreateTtl, CreateTtlRequest{"/p/t", "", kOpen, CreateMode::kPersistentTtl, 5})
                           .text();
    const auto proposal = leader.propose(OpCode::kMulti, multi);
    std::vector<OpCode> types;
    for (const auto& sub : body_of<wire::MultiTxn>(proposal).operations) types.push_back(sub.type);
    CHECK(types == std::vector{OpCode::kCreate, OpCode::kCreate2, OpCode::kCreate2, OpCode::kSetData, OpCode::kCheck,
                               OpCode::kDelete, OpCode::kCreateContainer, OpCode::kCreateTtl});
    leader.apply_oldest();
    CHECK(leader.changes.results[2].path == "/p/s0000000001");
    CHECK(leader.stat("/p").version == 1);
    CHECK(leader.stat("/p").num_children == 3);
    CHECK(leader.stat("/p").cversion == 5);
}

TEST_CASE("a multi that fails stays a multi, with every operation's error", "[znode][prepare][multi]") {
    Leader leader;
    leader.create("/p");
    const auto multi = MultiBody()
                           .add(OpCode::kCreate, creation("/p/s", CreateMode::kPersistentSequential))
                           .add(OpCode::kCreate, creation("/p"))
                           .add(OpCode::kCreate, creation("/bad//path"))
                           .text();
    const auto proposal = leader.propose(OpCode::kMulti, multi);
    CHECK(errors_of_multi(proposal) ==
          std::vector{ErrorCode::kOk, ErrorCode::kNodeExists, ErrorCode::kRuntimeInconsistency});
    CHECK(leader.preparer.overlay().size() == 0);
    const auto next =
        leader.propose(OpCode::kCreate, wire::encoded(creation("/p/s", CreateMode::kPersistentSequential)));
    CHECK(body_of<wire::CreateTxn>(next).path == "/p/s0000000000");
}

TEST_CASE("a failed multi leaves older proposals in flight as they were", "[znode][prepare][multi]") {
    Leader leader;
    leader.propose(OpCode::kCreate, wire::encoded(creation("/p")));
    leader.propose(OpCode::kCreate, wire::encoded(creation("/p/a")));
    leader.propose(OpCode::kSetData, wire::encoded(wire::SetDataRequest{"/p", "x", 0}));
    const auto multi = MultiBody()
                           .add(OpCode::kDelete, VersionedRequest{"/p/a", -1})
                           .add(OpCode::kSetData, wire::SetDataRequest{"/p", "y", 1})
                           .add(OpCode::kDelete, VersionedRequest{"/p", -1})
                           .add(OpCode::kCheck, VersionedRequest{"/p", -1})
                           .text();
    CHECK(errors_of_multi(leader.propose(OpCode::kMulti, multi)).back() == ErrorCode::kNoNode);
    CHECK(leader.preparer.overlay().find("/p/a"));
    CHECK(leader.preparer.overlay().find("/p")->version == 1);
    CHECK(leader.preparer.overlay().find("/p")->child_count == 1);
    while (!leader.in_flight.empty()) leader.apply_oldest();
    CHECK(leader.preparer.overlay().size() == 0);
    CHECK(leader.stat("/p").version == 1);
}

TEST_CASE("an empty multi is a transaction that does nothing", "[znode][prepare][multi]") {
    Leader leader;
    const auto proposal = leader.propose(OpCode::kMulti, MultiBody().text());
    CHECK(proposal.header.type == OpCode::kMulti);
    CHECK(body_of<wire::MultiTxn>(proposal).operations.empty());
}

TEST_CASE("a multi that is malformed fails as a whole", "[znode][prepare][multi]") {
    struct Case {
        const char* name;
        std::string body;
    };
    const auto good =
        wire::encoded(wire::MultiHeader{.op = OpCode::kDelete}) + wire::encoded(VersionedRequest{"/a", -1});
    const auto c = GENERATE_REF(values<Case>({
        {"no bytes", ""},
        {"no end", good},
        {"an end cut short", good + wire::encoded(wire::kMultiEnd).substr(0, 4)},
        {"an operation cut short", good.substr(0, good.size() - 1)},
        {"setACL inside", MultiBody().add(OpCode::kSetAcl, wire::SetAclRequest{"/", kOpen, -1}).text()},
        {"getData inside", MultiBody().add(OpCode::kGetData, wire::ReadRequest{"/", false}).text()},
        {"deleteContainer inside", MultiBody().add(OpCode::kDeleteContainer, wire::PathRequest{"/"}).text()},
        {"a multi inside", MultiBody().add(OpCode::kMulti, wire::kMultiEnd).text()},
        {"an error inside", MultiBody().add(OpCode::kError, wire::ErrorReply{}).text()},
        {"a mode that nobody knows", MultiBody().add(OpCode::kCreate, creation("/a", kUnknownMode)).text()},
        {"such a mode behind an operation that fails",
         good + MultiBody().add(OpCode::kCreate2, creation("/a", kUnknownMode)).text()},
    }));
    CAPTURE(c.name);
    Leader leader;
    CHECK(error_of(leader.propose(OpCode::kMulti, c.body)) == ErrorCode::kMarshallingError);
    CHECK(leader.preparer.overlay().size() == 0);
}

TEST_CASE("a mode that is known but wrong fails its operation only", "[znode][prepare][multi]") {
    Leader leader({.extended_types = false});
    const auto multi = MultiBody()
                           .add(OpCode::kCreate, creation("/a"))
                           .add(OpCode::kCreateTtl, CreateTtlRequest{"/t", "", kOpen, CreateMode::kPersistentTtl, 5})
                           .text();
    CHECK(errors_of_multi(leader.propose(OpCode::kMulti, multi)) ==
          std::vector{ErrorCode::kOk, ErrorCode::kUnimplemented});
}

// --- sessions --------------------------------------------------------------------------------------------------------

TEST_CASE("a session's end lists its ephemerals, with those in flight and without those going", "[znode][prepare]") {
    Leader leader;
    leader.create("/b", CreateMode::kEphemeral);
    leader.create("/c", CreateMode::kEphemeral);
    leader.create("/dir");
    leader.context.session = kOtherSession;
    leader.create("/theirs", CreateMode::kEphemeral);
    leader.context.session = kSession;
    leader.propose(OpCode::kCreate, wire::encoded(creation("/dir/a", CreateMode::kEphemeral)));
    leader.propose(OpCode::kDelete, wire::encoded(VersionedRequest{"/b", -1}));
    const auto closing = leader.propose_close();
    CHECK(closing.header.type == OpCode::kCloseSession);
    CHECK(body_of<wire::CloseSessionTxn>(closing).ephemerals == std::vector<std::string_view>{"/c", "/dir/a"});
    // The parents know at once.
    CHECK(error_of(leader.propose(OpCode::kDelete, wire::encoded(VersionedRequest{"/dir", -1}))) == ErrorCode::kOk);
    CHECK(error_of(leader.propose(OpCode::kCreate, wire::encoded(creation("/c")))) == ErrorCode::kOk);
    while (!leader.in_flight.empty()) leader.apply_oldest();
    CHECK_FALSE(leader.state.tree.find("/dir"));
    CHECK(leader.state.tree.find("/theirs"));
    leader.state.check_invariants();
}

// --- bounds ----------------------------------------------------------------------------------------------------------

TEST_CASE("a transaction larger than the limit fails, and leaves no trace", "[znode][prepare]") {
    const auto request =
        wire::encoded(CreateRequest{"/a", std::string_view("0123456789"), kOpen, CreateMode::kPersistent});
    const auto size = Leader().propose(OpCode::kCreate, request).bytes.size();
    CHECK(error_of(Leader({.txn_bytes_max = size}).propose(OpCode::kCreate, request)) == ErrorCode::kOk);
    Leader leader({.txn_bytes_max = size - 1});
    CHECK(error_of(leader.propose(OpCode::kCreate, request)) == ErrorCode::kMarshallingError);
    CHECK(leader.preparer.overlay().size() == 0);
}

TEST_CASE("a multi whose lists of \"auth\" grow beyond the limit fails as a whole", "[znode][prepare][multi]") {
    Leader leader({.txn_bytes_max = 100'000});
    for (int i = 0; i < 100; ++i) leader.who.push_back({"digest", "user:" + std::to_string(i)});
    MultiBody multi;
    std::vector<std::string> paths;
    for (int i = 0; i < 100; ++i) paths.push_back("/n" + std::to_string(i));
    for (const auto& path : paths)
        multi.add(OpCode::kCreate, CreateRequest{path, "", wire::AclList{{1, {"auth", ""}}}, CreateMode::kPersistent});
    CHECK(error_of(leader.propose(OpCode::kMulti, multi.text())) == ErrorCode::kMarshallingError);
    CHECK(leader.preparer.overlay().size() == 0);
}

TEST_CASE("a multi that asks a long list thousands of times takes no quadratic time", "[znode][prepare][multi]") {
    Leader leader;
    wire::AclList list;
    for (int i = 0; i < 20'000; ++i) list.push_back({i * 2, kWorldId});  // all but READ
    list.push_back({wire::kRead, kBob});
    leader.write(OpCode::kCreate, CreateRequest{"/a", "", list, CreateMode::kPersistent});
    MultiBody multi;
    multi.add(OpCode::kCreate, CreateRequest{"/b", "", list, CreateMode::kPersistent});
    for (int i = 0; i < 5'000; ++i)
        for (const auto path : {"/a", "/b"}) multi.add(OpCode::kCheck, VersionedRequest{path, -1});
    leader.who = {kBob};
    CHECK(errors_of_multi(leader.propose(OpCode::kMulti, multi.text())) == std::vector(10'001, ErrorCode::kOk));
    leader.who = {};
    const auto one = MultiBody().add(OpCode::kCheck, VersionedRequest{"/b", -1}).text();
    CHECK(errors_of_multi(leader.propose(OpCode::kMulti, one)) == std::vector{ErrorCode::kNoAuth});
}

TEST_CASE("a session may own ephemerals up to a sum of their paths", "[znode][prepare]") {
    Leader leader({.ephemeral_bytes_per_session_max = 10});
    CHECK(leader.create("/abc", CreateMode::kEphemeral).error == ErrorCode::kOk);
    CHECK(leader.create("/abcdef", CreateMode::kEphemeral).error == ErrorCode::kSystemError);
    CHECK(leader.create("/abcde", CreateMode::kEphemeral).error == ErrorCode::kOk);
    CHECK(leader.create("/a", CreateMode::kEphemeral).error == ErrorCode::kSystemError);
    CHECK(leader.create("/plain").error == ErrorCode::kOk);
    leader.context.session = kOtherSession;
    CHECK(leader.create("/a", CreateMode::kEphemeral).error == ErrorCode::kOk);
    leader.context.session = kSession;
    CHECK(leader.remove("/abc").error == ErrorCode::kOk);
    CHECK(leader.create("/b", CreateMode::kEphemeral).error == ErrorCode::kOk);
}

TEST_CASE("versions wrap as ZooKeeper's do", "[znode][prepare]") {
    Leader leader;
    leader.create("/a");
    ++leader.context.zxid.value;
    leader.state.tree.set_data({.path = "/a", .data = {}, .version = INT32_MAX, .zxid = leader.context.zxid});
    leader.state.tree.set_acl("/a", AclId::kOpen, INT32_MAX);
    CHECK(leader.write(OpCode::kSetData, wire::SetDataRequest{"/a", "", INT32_MAX}).stat.version == INT32_MIN);
    CHECK(leader.write(OpCode::kSetAcl, wire::SetAclRequest{"/a", kOpen, INT32_MAX}).stat.aversion == INT32_MIN);
}

TEST_CASE("hard quotas are enforced when that is switched on", "[znode][prepare]") {
    const bool enforced = GENERATE(true, false);
    CAPTURE(enforced);
    Leader leader({.enforce_quota = enforced});
    for (const auto path : {"/q", "/zookeeper/quota/q"}) leader.create(path);
    leader.write(OpCode::kCreate,
                 CreateRequest{"/zookeeper/quota/q/zookeeper_limits",
                               "count=-1,bytes=-1=;byteHardLimit=4;countHardLimit=2", kOpen, CreateMode::kPersistent});
    leader.create("/zookeeper/quota/q/zookeeper_stats");
    const auto refused = enforced ? ErrorCode::kQuotaExceeded : ErrorCode::kOk;
    CHECK(leader.error_of(OpCode::kSetData, wire::SetDataRequest{"/q", "12345", 9}) ==
          (enforced ? ErrorCode::kQuotaExceeded : ErrorCode::kBadVersion));
    CHECK(leader.error_of(OpCode::kSetData, wire::SetDataRequest{"/q", "1234", -1}) == ErrorCode::kOk);
    CHECK(leader.error_of(OpCode::kCreate, CreateRequest{"/q/a", "1", kOpen, CreateMode::kPersistent}) == refused);
    CHECK(leader.create("/q/b").error == ErrorCode::kOk);
    CHECK(leader.create("/q/c").error == refused);
}

// --- overlay and tree are one -----------------------------------------------------------------------------------------

namespace {

/// Random requests, the same for the same seed.
class Requests {
public:
    explicit Requests(unsigned seed) : random_(seed) {}

    struct Request {
        OpCode op = OpCode::kCloseSession;
        std::string body;
        SessionId session = kSession;
        std::vector<wire::Id> who;
    };
    Request next() {
        Request request;
        request.session = SessionId{0x100 + pick(3)};
        if (pick(2)) request.who.push_back(kBob);
        const auto kind = pick(30);
        if (kind == 0) return request;
        if (kind < 7) {
            request.op = OpCode::kMulti;
            MultiBody multi;
            for (auto count = pick(6); count > 0; --count) add_operation(multi);
            request.body = multi.text();
        } else if (kind < 9) {
            request.op = OpCode::kSetAcl;
            request.body = wire::encoded(wire::SetAclRequest{path(), acl(), version()});
        } else if (kind < 11) {
            request.op = OpCode::kDeleteContainer;
            request.body = wire::encoded(wire::PathRequest{path()});
        } else {
            request.op = single([&](OpCode, const auto& record) { request.body = wire::encoded(record); });
        }
        return request;
    }
    std::uint32_t pick(std::uint32_t below) { return static_cast<std::uint32_t>(random_() % below); }

private:
    void add_operation(MultiBody& multi) {
        if (pick(6) == 0) {
            multi.add(OpCode::kCheck, VersionedRequest{path(), version()});
        } else {
            single([&](OpCode op, const auto& record) { multi.add(op, record); });
        }
    }
    template <class Take>
    OpCode single(Take take) {
        switch (pick(10)) {
            case 0:
            case 1: take(OpCode::kDelete, VersionedRequest{path(), version()}); return OpCode::kDelete;
            case 2:
            case 3: take(OpCode::kSetData, wire::SetDataRequest{path(), "data", version()}); return OpCode::kSetData;
            case 4:
                take(OpCode::kCreateContainer, CreateRequest{path(), "", acl(), CreateMode::kContainer});
                return OpCode::kCreateContainer;
            case 5:
                take(OpCode::kCreateTtl, CreateTtlRequest{path(), "", acl(), CreateMode::kPersistentTtl, 1 + pick(20)});
                return OpCode::kCreateTtl;
            default: {
                const auto mode = static_cast<CreateMode>(pick(4));
                const auto op = pick(2) ? OpCode::kCreate : OpCode::kCreate2;
                take(op, CreateRequest{path(), std::nullopt, acl(), mode});
                return op;
            }
        }
    }
    std::string_view path() {
        static const std::vector<std::string> paths{"/a",     "/b",       "/a/c",          "/a/d",          "/b/c",
                                                    "/a/c/e", "/a/c/e/f", "/a/0000000001", "/b/0000000000", "/a/"};
        return paths[pick(static_cast<std::uint32_t>(paths.size()))];
    }
    std::int32_t version() { return pick(3) ? -1 : static_cast<std::int32_t>(pick(3)); }
    wire::AclList acl() {
        if (pick(4)) return kOpen;
        return {{static_cast<std::int32_t>(pick(32)), kWorldId}, {wire::kAllPermissions, {"auth", ""}}};
    }

    std::mt19937 random_;
};

Proposal propose(Leader& leader, const Requests::Request& request) {
    leader.context.session = request.session;
    leader.who = request.who;
    return request.op == OpCode::kCloseSession ? leader.propose_close() : leader.propose(request.op, request.body);
}

}  // namespace

TEST_CASE("proposals prepared while others are in flight are those prepared one by one", "[znode][prepare][overlay]") {
    const auto seed = GENERATE(range(1u, 41u));
    CAPTURE(seed);
    Requests requests(seed);
    Leader eager;
    Leader lagging;
    std::size_t failures = 0;
    for (int step = 0; step < 1000; ++step) {
        const auto request = requests.next();
        for (auto* leader : {&eager, &lagging}) leader->context.time = WallTime{1000 + step};
        const auto one_by_one = propose(eager, request);
        eager.apply_oldest();
        REQUIRE(eager.preparer.overlay().size() == 0);
        const auto in_flight = propose(lagging, request);
        REQUIRE(in_flight.bytes == one_by_one.bytes);
        failures += one_by_one.header.type == OpCode::kError;
        while (lagging.in_flight.size() > requests.pick(20)) lagging.apply_oldest();
    }
    while (!lagging.in_flight.empty()) lagging.apply_oldest();
    CHECK(lagging.preparer.overlay().size() == 0);
    CHECK(lagging.state.tree.digest() == eager.state.tree.digest());
    CHECK(failures > 100);
    CHECK(failures < 900);
    lagging.state.check_invariants();
}

TEST_CASE("what was in flight is forgotten with the leadership", "[znode][prepare]") {
    Leader leader;
    leader.propose(OpCode::kCreate, wire::encoded(creation("/a")));
    leader.in_flight.clear();
    leader.preparer.discard();
    CHECK(leader.create("/a").error == ErrorCode::kOk);
}
