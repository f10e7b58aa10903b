#include "znode/apply.hpp"

#include "replica.hpp"
#include "znode/owner.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <random>
#include <set>

namespace zabd::znode {

namespace {

using wire::ErrorCode;
using wire::EventType;
using wire::OpCode;

const wire::AclList kBobsAcl{{wire::kAllPermissions, {"digest", "bob:x"}}};

struct Event {
    EventType type;
    std::string path;
    friend bool operator==(const Event&, const Event&) = default;
};
std::ostream& operator<<(std::ostream& out, const Event& event) {
    return out << static_cast<int>(event.type) << ' ' << event.path;
}

std::vector<Event> events(const Changes& changes) {
    std::vector<Event> events;
    for (const auto& trigger : changes.triggers) events.push_back({trigger.type, std::string(trigger.path)});
    return events;
}

std::vector<ErrorCode> codes(const Changes& changes) {
    std::vector<ErrorCode> codes;
    for (const auto& result : changes.results) codes.push_back(result.error);
    return codes;
}

/// A multi's operations with the bodies they borrow.
class Multi {
public:
    template <class Txn>
    Multi& add(OpCode type, const Txn& txn) {
        bodies_.emplace_back(type, wire::encoded(txn));
        return *this;
    }
    [[nodiscard]] wire::MultiTxn txn() const {
        wire::MultiTxn multi;
        for (const auto& [type, body] : bodies_) multi.operations.push_back({type, body});
        return multi;
    }

private:
    std::vector<std::pair<OpCode, std::string>> bodies_;
};

/// What a checkpoint keeps: the last image of each node and list.
class Checkpoint {
public:
    void take(const wire::StateImages& images) {
        for (const auto& image : images.nodes) take(image);
        for (const auto& image : images.acls) {
            if (image.encoded_list) {
                acls_[image.id] = *image.encoded_list;
            } else {
                acls_.erase(image.id);
            }
        }
    }

    [[nodiscard]] State restored(NodeId next_id) const {
        AclTable acls;
        for (const auto& [id, list] : acls_) REQUIRE(acls.restore(id, list));
        auto tree = Tree::empty();
        for (const auto& [id, node] : nodes_) {
            REQUIRE(tree.restore(node.record, node.data));
            REQUIRE(acls.contains(node.record.acl));
        }
        tree.restore_next_id(next_id);
        return {std::move(acls), std::move(tree)};
    }

private:
    void take(const wire::NodeImage& image) {
        if (image.deleted) {
            nodes_.erase(image.record.id);
            return;
        }
        const bool known = nodes_.contains(image.record.id);
        REQUIRE((known || image.data_changed));
        auto& node = nodes_[image.record.id];
        node.record = image.record;
        if (image.data_changed) node.data = image.data;
    }

    std::map<NodeId, wire::NodeImage> nodes_;
    std::map<AclId, std::string> acls_;
};

}  // namespace

// --- One operation ---------------------------------------------------------------------------------------------------

TEST_CASE("each kind of create makes its kind of node", "[znode][apply]") {
    Replica replica;
    std::int64_t owner = 0;

    SECTION("create") { replica.apply_txn(OpCode::kCreate, replica.create_txn("/a", "data")); }
    SECTION("create2") { replica.apply_txn(OpCode::kCreate2, replica.create_txn("/a", "data")); }
    SECTION("ephemeral") {
        auto txn = replica.create_txn("/a", "data");
        txn.ephemeral = true;
        replica.apply_txn(OpCode::kCreate, txn);
        owner = 0x100;
    }
    SECTION("container") {
        replica.apply_txn(OpCode::kCreateContainer, wire::CreateContainerTxn{"/a", "data", kOpenAcl, 1});
        owner = kContainerOwner;
    }
    SECTION("TTL") {
        replica.apply_txn(OpCode::kCreateTtl, wire::CreateTtlTxn{"/a", "data", kOpenAcl, 1, 5000});
        owner = ttl_owner(5000);
    }
    const Node& node = replica.node("/a");
    CHECK(node.owner == owner);
    CHECK(node.data.view() == "data");
    CHECK(node.czxid == Zxid{1});
    CHECK(node.ctime_ms == 1010);

    REQUIRE(replica.changes.results.size() == 1);
    const auto& result = replica.changes.results[0];
    CHECK(result.type == replica.header.type);
    CHECK(result.error == ErrorCode::kOk);
    CHECK(result.path == "/a");
    CHECK(result.stat == stat_of(node));
    CHECK(events(replica.changes) ==
          std::vector<Event>{{EventType::kNodeCreated, "/a"}, {EventType::kNodeChildrenChanged, "/"}});
    replica.state.check_invariants();
}

TEST_CASE("null data stay null", "[znode][apply]") {
    Replica replica;
    replica.create("/a", std::nullopt);
    CHECK(replica.node("/a").data.null());
    replica.set_data("/a", "");
    CHECK_FALSE(replica.node("/a").data.null());
    replica.set_data("/a", std::nullopt);
    CHECK(replica.node("/a").data.null());
}

TEST_CASE("a creation leaves images of the node and its parent", "[znode][apply]") {
    Replica replica;
    replica.create("/a");
    replica.create("/a/b", "data", kBobsAcl);
    const auto& images = replica.changes.images;
    REQUIRE(images.nodes.size() == 2);

    CHECK(images.nodes[0].record.id == replica.node("/a").id);
    CHECK(images.nodes[0].record.creations == 1);
    CHECK(images.nodes[0].record.pzxid == Zxid{2});
    CHECK_FALSE(images.nodes[0].data_changed);

    CHECK(images.nodes[1].record.id == replica.node("/a/b").id);
    CHECK(images.nodes[1].record.parent == replica.node("/a").id);
    CHECK(images.nodes[1].record.name == "b");
    CHECK(images.nodes[1].data_changed);
    CHECK(images.nodes[1].data.view() == "data");

    REQUIRE(images.acls.size() == 1);
    CHECK(images.acls[0].id == images.nodes[1].record.acl);
    CHECK(images.acls[0].encoded_list == wire::encoded(kBobsAcl));
    CHECK(images.zxid == Zxid{2});
    CHECK(images.digest == replica.state.tree.digest());
    CHECK(images.next_node == replica.state.tree.next_id());
}

TEST_CASE("a deletion tells of the node, then of its parent", "[znode][apply]") {
    const auto type = GENERATE(OpCode::kDelete, OpCode::kDeleteContainer);
    Replica replica;
    replica.create("/a");
    replica.create("/a/b");
    const auto id = replica.node("/a/b").id;
    replica.apply_txn(type, wire::DeleteTxn{"/a/b"});

    CHECK(replica.changes.results[0].type == type);
    CHECK(events(replica.changes) ==
          std::vector<Event>{{EventType::kNodeDeleted, "/a/b"}, {EventType::kNodeChildrenChanged, "/a"}});
    const auto& images = replica.changes.images.nodes;
    REQUIRE(images.size() == 2);
    CHECK(images[0].deleted);
    CHECK(images[0].record.id == id);
    CHECK(images[1].record.id == replica.node("/a").id);
    CHECK(images[1].record.pzxid == Zxid{3});
    CHECK_FALSE(replica.state.tree.find("/a/b"));
}

TEST_CASE("setData takes the version that the transaction says", "[znode][apply]") {
    Replica replica;
    const auto path = GENERATE(as<std::string_view>(), "/", "/a");
    replica.create("/a");
    replica.apply_txn(OpCode::kSetData, wire::SetDataTxn{path, "new", 41});
    const Node& node = replica.node(path);
    CHECK(node.version == 41);
    CHECK(node.mzxid == Zxid{2});
    CHECK(node.mtime_ms == 1020);
    CHECK(replica.changes.results[0].stat == stat_of(node));
    CHECK(events(replica.changes) == std::vector<Event>{{EventType::kNodeDataChanged, std::string(path)}});
    REQUIRE(replica.changes.images.nodes.size() == 1);
    CHECK(replica.changes.images.nodes[0].data.view() == "new");
}

TEST_CASE("setACL raises no event", "[znode][apply]") {
    Replica replica;
    replica.create("/a", "data");
    replica.apply_txn(OpCode::kSetAcl, wire::SetAclTxn{"/a", kBobsAcl, 1});
    const Node& node = replica.node("/a");
    CHECK(replica.state.acls.list(node.acl) == kBobsAcl);
    CHECK(node.aversion == 1);
    CHECK(replica.changes.triggers.empty());
    CHECK(replica.changes.results[0].stat == stat_of(node));
    REQUIRE(replica.changes.images.nodes.size() == 1);
    CHECK_FALSE(replica.changes.images.nodes[0].data_changed);
    CHECK(replica.changes.images.acls.size() == 1);
}

TEST_CASE("what changes no node has a result and a zxid, nothing else", "[znode][apply]") {
    Replica replica;
    const auto digest = replica.state.tree.digest();
    auto code = ErrorCode::kOk;

    SECTION("createSession") { replica.apply_txn(OpCode::kCreateSession, wire::CreateSessionTxn{30000}); }
    SECTION("closeSession without ephemerals") { replica.close_session(SessionId{0x100}, {}); }
    SECTION("check") { replica.apply_txn(OpCode::kCheck, wire::CheckTxn{"/zookeeper", 1}); }
    SECTION("error") {
        code = ErrorCode::kBadVersion;
        replica.apply_txn(OpCode::kError, wire::ErrorTxn{code});
    }
    CHECK(codes(replica.changes) == std::vector{code});
    CHECK(replica.changes.results[0].type == replica.header.type);
    CHECK(replica.changes.triggers.empty());
    CHECK(replica.changes.images.nodes.empty());
    CHECK(replica.changes.images.zxid == Zxid{1});
    CHECK(replica.changes.images.digest == digest);
}

TEST_CASE("a session that closes takes its ephemerals along, in the order listed", "[znode][apply]") {
    Replica replica;
    replica.create("/p");
    replica.create_ephemeral("/p/a", SessionId{7});
    replica.create_ephemeral("/other", SessionId{8});
    replica.create_ephemeral("/z", SessionId{7});
    replica.close_session(SessionId{7}, {"/z", "/p/a"});

    CHECK(events(replica.changes) == std::vector<Event>{{EventType::kNodeDeleted, "/z"},
                                                        {EventType::kNodeChildrenChanged, "/"},
                                                        {EventType::kNodeDeleted, "/p/a"},
                                                        {EventType::kNodeChildrenChanged, "/p"}});
    CHECK(replica.changes.results.size() == 1);
    CHECK(replica.state.tree.ephemeral_count() == 1);
    CHECK(replica.state.tree.find("/other"));
    CHECK(replica.node("/p").pzxid == Zxid{5});
    replica.state.check_invariants();
}

TEST_CASE("a session that closes without a list takes all its ephemerals along", "[znode][apply]") {
    Replica replica;
    replica.create_ephemeral("/a", SessionId{7});
    replica.create_ephemeral("/b", SessionId{8});
    replica.create_ephemeral("/c", SessionId{7});
    replica.header.session = SessionId{7};
    replica.header.type = OpCode::kCloseSession;
    replica.header.zxid.value++;
    REQUIRE(apply(replica.header, "", replica.state, replica.changes));
    CHECK(events(replica.changes).size() == 4);
    CHECK(replica.state.tree.ephemeral_count() == 1);
    CHECK(replica.state.tree.find("/b"));
    replica.state.check_invariants();
}

// --- Multi -----------------------------------------------------------------------------------------------------------

TEST_CASE("the operations of a multi see each other and share zxid and time", "[znode][apply]") {
    Replica replica;
    replica.apply_txn(OpCode::kMulti, Multi()
                                          .add(OpCode::kCreate, wire::CreateTxn{"/m", "1", kOpenAcl, false, 1})
                                          .add(OpCode::kCheck, wire::CheckTxn{"/m", 1})
                                          .add(OpCode::kCreate2, wire::CreateTxn{"/m/c", "2", kOpenAcl, false, 1})
                                          .add(OpCode::kSetData, wire::SetDataTxn{"/m", "22", 1})
                                          .add(OpCode::kDelete, wire::DeleteTxn{"/m/c"})
                                          .txn());
    const auto& results = replica.changes.results;
    REQUIRE(results.size() == 5);
    CHECK(codes(replica.changes) == std::vector(5, ErrorCode::kOk));
    CHECK(results[0].type == OpCode::kCreate);
    CHECK(results[0].path == "/m");
    CHECK(results[0].stat.num_children == 0);  // as it was then
    CHECK(results[1].type == OpCode::kCheck);
    CHECK(results[2].type == OpCode::kCreate2);
    CHECK(results[2].path == "/m/c");
    CHECK(results[3].stat.version == 1);
    CHECK(results[3].stat.num_children == 1);
    CHECK(results[4].type == OpCode::kDelete);
    CHECK(events(replica.changes) == std::vector<Event>{{EventType::kNodeCreated, "/m"},
                                                        {EventType::kNodeChildrenChanged, "/"},
                                                        {EventType::kNodeCreated, "/m/c"},
                                                        {EventType::kNodeChildrenChanged, "/m"},
                                                        {EventType::kNodeDataChanged, "/m"},
                                                        {EventType::kNodeDeleted, "/m/c"},
                                                        {EventType::kNodeChildrenChanged, "/m"}});
    const Node& node = replica.node("/m");
    CHECK(node.czxid == Zxid{1});
    CHECK(node.mzxid == Zxid{1});
    CHECK(node.pzxid == Zxid{1});
    CHECK(node.creations == 1);
    replica.state.check_invariants();
}

TEST_CASE("a multi with an error inside changes nothing", "[znode][apply]") {
    Replica replica;
    const auto digest = replica.state.tree.digest();
    const auto next_id = replica.state.tree.next_id();
    replica.apply_txn(OpCode::kMulti, Multi()
                                          .add(OpCode::kCreate, wire::CreateTxn{"/m", "1", kBobsAcl, false, 1})
                                          .add(OpCode::kDelete, wire::DeleteTxn{"/m"})
                                          .add(OpCode::kError, wire::ErrorTxn{ErrorCode::kNoNode})
                                          .add(OpCode::kError, wire::ErrorTxn{ErrorCode::kRuntimeInconsistency})
                                          .txn());
    CHECK(codes(replica.changes) ==
          std::vector{ErrorCode::kOk, ErrorCode::kOk, ErrorCode::kNoNode, ErrorCode::kRuntimeInconsistency});
    for (const auto& result : replica.changes.results) CHECK(result.type == OpCode::kError);
    CHECK(replica.changes.triggers.empty());
    CHECK(replica.changes.images.nodes.empty());
    CHECK(replica.changes.images.zxid == Zxid{1});
    CHECK(replica.state.tree.digest() == digest);
    CHECK(replica.state.tree.next_id() == next_id);
    CHECK_FALSE(replica.state.tree.find("/m"));
}

TEST_CASE("what stands behind an error in a multi is told that it was not tried", "[znode][apply]") {
    Replica replica;
    replica.apply_txn(OpCode::kMulti, Multi()
                                          .add(OpCode::kError, wire::ErrorTxn{ErrorCode::kNoAuth})
                                          .add(OpCode::kCheck, wire::CheckTxn{"/", 0})
                                          .txn());
    CHECK(codes(replica.changes) == std::vector{ErrorCode::kNoAuth, ErrorCode::kRuntimeInconsistency});
}

TEST_CASE("an empty multi has no results", "[znode][apply]") {
    Replica replica;
    replica.apply_txn(OpCode::kMulti, wire::MultiTxn{});
    CHECK(replica.changes.results.empty());
    CHECK(replica.changes.images.zxid == Zxid{1});
}

// --- Bytes that do not decode ----------------------------------------------------------------------------------------

namespace {

struct Body {
    const char* name;
    OpCode type;
    std::string bytes;
};

std::vector<Body> bodies() {
    Multi multi;
    multi.add(OpCode::kCreate, wire::CreateTxn{"/new", "1", kOpenAcl, false, 3});
    multi.add(OpCode::kSetData, wire::SetDataTxn{"/new", "2", 1});
    return {
        {"create", OpCode::kCreate, wire::encoded(wire::CreateTxn{"/new", "1", kBobsAcl, false, 3})},
        {"create2", OpCode::kCreate2, wire::encoded(wire::CreateTxn{"/new", "1", kOpenAcl, true, 3})},
        {"container", OpCode::kCreateContainer, wire::encoded(wire::CreateContainerTxn{"/new", {}, kOpenAcl, 3})},
        {"TTL", OpCode::kCreateTtl, wire::encoded(wire::CreateTtlTxn{"/new", "1", kOpenAcl, 3, 9})},
        {"delete", OpCode::kDelete, wire::encoded(wire::DeleteTxn{"/a"})},
        {"deleteContainer", OpCode::kDeleteContainer, wire::encoded(wire::DeleteTxn{"/a"})},
        {"setData", OpCode::kSetData, wire::encoded(wire::SetDataTxn{"/a", "x", 1})},
        {"setACL", OpCode::kSetAcl, wire::encoded(wire::SetAclTxn{"/a", kBobsAcl, 1})},
        {"check", OpCode::kCheck, wire::encoded(wire::CheckTxn{"/a", 1})},
        {"createSession", OpCode::kCreateSession, wire::encoded(wire::CreateSessionTxn{1000})},
        {"closeSession", OpCode::kCloseSession, wire::encoded(wire::CloseSessionTxn{{"/e"}})},
        {"error", OpCode::kError, wire::encoded(wire::ErrorTxn{ErrorCode::kNoNode})},
        {"multi", OpCode::kMulti, wire::encoded(multi.txn())},
    };
}

/// /a, and the ephemeral /e of the session that asks.
Replica with_two_nodes() {
    Replica replica;
    replica.create("/a");
    replica.create_ephemeral("/e");
    return replica;
}

bool refused_without_a_trace(Replica& replica, OpCode type, std::string_view body) {
    const auto digest = replica.state.tree.digest();
    const auto next_id = replica.state.tree.next_id();
    replica.header.type = type;
    if (apply(replica.header, body, replica.state, replica.changes)) return false;
    replica.state.check_invariants();
    return replica.state.tree.digest() == digest && replica.state.tree.next_id() == next_id &&
           replica.changes.results.empty() && replica.changes.images.nodes.empty();
}

}  // namespace

TEST_CASE("a body that is cut off is refused and changes nothing", "[znode][apply]") {
    const auto which = GENERATE(range(std::size_t{0}, bodies().size()));
    const auto body = bodies()[which];
    CAPTURE(body.name);
    auto replica = with_two_nodes();
    const std::size_t begin = body.type == OpCode::kCloseSession ? 1 : 0;  // without a list it is one too
    for (std::size_t size = begin; size < body.bytes.size(); ++size) {
        CAPTURE(size);
        CHECK(refused_without_a_trace(replica, body.type, body.bytes.substr(0, size)));
    }
    replica.header.type = body.type;
    replica.header.zxid.value++;
    CHECK(apply(replica.header, body.bytes, replica.state, replica.changes));
    replica.state.check_invariants();
}

TEST_CASE("types and values that are not known are refused", "[znode][apply]") {
    const auto path = wire::encoded(wire::DeleteTxn{"/a"});
    const auto multi_of = [](OpCode type, const std::string& body) {
        wire::MultiTxn multi;
        const auto error = wire::encoded(wire::ErrorTxn{ErrorCode::kNoNode});
        multi.operations = {{OpCode::kError, error}, {type, body}};
        return wire::encoded(multi);
    };
    const std::vector<Body> cases{
        {"no transaction", OpCode::kGetData, path},
        {"a type from another world", OpCode{77}, path},
        {"a reconfiguration", OpCode::kReconfig, path},
        {"a multi inside a multi", OpCode::kMulti, multi_of(OpCode::kMulti, wire::encoded(wire::MultiTxn{}))},
        {"a session inside a multi", OpCode::kMulti,
         multi_of(OpCode::kCloseSession, wire::encoded(wire::CloseSessionTxn{}))},
        {"a cut-off body behind an error in a multi", OpCode::kMulti, multi_of(OpCode::kDelete, path.substr(1))},
        {"a TTL of zero", OpCode::kCreateTtl, wire::encoded(wire::CreateTtlTxn{"/new", "", kOpenAcl, 3, 0})},
        {"a negative TTL", OpCode::kCreateTtl, wire::encoded(wire::CreateTtlTxn{"/new", "", kOpenAcl, 3, -1})},
        {"a TTL too long", OpCode::kCreateTtl,
         wire::encoded(wire::CreateTtlTxn{"/new", "", kOpenAcl, 3, kTtlMsMax + 1})},
    };
    auto replica = with_two_nodes();
    for (const auto& [name, type, body] : cases) {
        CAPTURE(name);
        CHECK(refused_without_a_trace(replica, type, body));
    }
}

// --- ACL lists and their images --------------------------------------------------------------------------------------

TEST_CASE("the list of a node that goes can be asked for until the next transaction", "[znode][apply]") {
    Replica replica;
    replica.create("/a", "", kBobsAcl);
    replica.remove("/a");
    const auto id = replica.changes.triggers[0].acl;
    CHECK(replica.state.acls.list(id) == kBobsAcl);
    CHECK(replica.changes.images.acls.empty());

    replica.create("/b");
    CHECK_FALSE(replica.state.acls.contains(id));
    REQUIRE(replica.changes.images.acls.size() == 1);
    CHECK(replica.changes.images.acls[0].id == id);
    CHECK_FALSE(replica.changes.images.acls[0].encoded_list);
}

TEST_CASE("triggers carry the ACL of the node they speak of", "[znode][apply]") {
    Replica replica;
    replica.create("/p", "", kReadOnlyAcl);
    replica.create("/p/c", "", kBobsAcl);
    using Lists = std::vector<wire::AclList>;
    const auto seen_by = [&] {
        Lists lists;
        for (const auto& trigger : replica.changes.triggers) lists.push_back(replica.state.acls.list(trigger.acl));
        return lists;
    };
    CHECK(seen_by() == Lists{kBobsAcl, kReadOnlyAcl});
    replica.set_data("/p/c", "x");
    CHECK(seen_by() == Lists{kBobsAcl});
    replica.remove("/p/c");
    CHECK(seen_by() == Lists{kBobsAcl, kReadOnlyAcl});
}

TEST_CASE("a list is kept as long as one node has it", "[znode][apply]") {
    Replica replica;
    replica.create("/a", "", kBobsAcl);
    replica.create("/b", "", kBobsAcl);
    CHECK(replica.changes.images.acls.empty());
    const auto id = replica.node("/a").acl;
    CHECK(replica.node("/b").acl == id);
    replica.remove("/a");
    replica.set_acl("/b", kReadOnlyAcl);
    replica.create("/c");
    CHECK_FALSE(replica.state.acls.contains(id));
}

// --- Images make the state again -------------------------------------------------------------------------------------

namespace {

/// Random transactions, as a leader would have prepared them.
class Workload {
public:
    explicit Workload(std::uint32_t seed) : random_(seed) {}

    void step(Replica& replica) {
        path_ = any_path();
        const Node* node = replica.state.tree.find(path_);
        switch (pick(8)) {
            case 0:
                if (node) replica.set_data(path_, std::string(pick(40), 's'));
                return;
            case 1:
                if (node) replica.set_acl(path_, any_acl());
                return;
            case 2:
            case 3:
                if (node && node->child_count == 0) replica.remove(path_);
                return;
            case 4: return close(replica, SessionId{static_cast<std::int64_t>(1 + pick(3))});
            case 5: return replica.apply_txn(OpCode::kError, wire::ErrorTxn{ErrorCode::kNoNode});
            default:
                if (!node) create(replica);
        }
    }

private:
    std::size_t pick(std::size_t count) { return random_() % count; }
    std::string any_path() {
        std::string path;
        for (std::size_t depth = 1 + pick(3); depth > 0; --depth) path += "/" + std::string(1, char('a' + pick(6)));
        return pick(10) == 0 ? "/zookeeper/quota" + path.substr(0, 2) + (pick(2) ? "/zookeeper_limits" : "") : path;
    }
    wire::AclList any_acl() {
        if (pick(2) == 0) return kOpenAcl;
        return {{wire::kRead, {"digest", std::string(1, char('a' + pick(6)))}}};
    }

    void create(Replica& replica) {
        const Node* parent = replica.state.tree.find(path_.substr(0, path_.rfind('/')));
        if (!parent || kind_of(parent->owner) == Kind::kEphemeral) return;
        const auto counter = parent->creations + 1;
        const std::string data(pick(30), 'd');
        replica.header.session = SessionId{static_cast<std::int64_t>(1 + pick(3))};
        switch (pick(6)) {
            case 0:
                return replica.apply_txn(OpCode::kCreateContainer,
                                         wire::CreateContainerTxn{path_, data, any_acl(), counter});
            case 1: return replica.apply_txn(OpCode::kCreateTtl, wire::CreateTtlTxn{path_, {}, any_acl(), counter, 5});
            default:
                return replica.apply_txn(OpCode::kCreate2,
                                         wire::CreateTxn{path_, data, any_acl(), pick(3) == 0, counter});
        }
    }

    void close(Replica& replica, SessionId session) {
        const auto paths = replica.state.tree.ephemerals_of(session);
        replica.close_session(session, {paths.begin(), paths.end()});
    }

    std::mt19937 random_;
    std::string path_;
};

void check_equal(const State& one, const State& other) {
    CHECK(one.tree.digest() == other.tree.digest());
    CHECK(one.tree.next_id() == other.tree.next_id());
    const auto images = one.images();
    const auto others = other.images();
    REQUIRE(images.nodes.size() == others.nodes.size());
    for (std::size_t i = 0; i < images.nodes.size(); ++i) {
        const auto& record = images.nodes[i].record;
        CHECK((record == others.nodes[i].record));
        CHECK(images.nodes[i].data.nullable_view() == others.nodes[i].data.nullable_view());
        CHECK(one.acls.list(record.acl) == other.acls.list(record.acl));
    }
}

}  // namespace

TEST_CASE("the images of all transactions together are the state", "[znode][apply]") {
    const auto seed = GENERATE(range(1u, 31u));
    CAPTURE(seed);
    Workload workload(seed);
    Replica replica;
    Checkpoint checkpoint;
    checkpoint.take(replica.state.images());
    for (int round = 0; round < 8; ++round) {
        for (int i = 0; i < 100; ++i) {
            workload.step(replica);
            checkpoint.take(replica.changes.images);
        }
        replica.state.check_invariants();
        const auto restored = checkpoint.restored(replica.state.tree.next_id());
        restored.check_invariants();
        check_equal(replica.state, restored);
    }
}

TEST_CASE("a restored state goes on as the other does", "[znode][apply]") {
    const auto seed = GENERATE(range(1u, 11u));
    CAPTURE(seed);
    Workload workload(seed);
    Replica replica;
    Checkpoint checkpoint;
    checkpoint.take(replica.state.images());
    for (int i = 0; i < 300; ++i) {
        workload.step(replica);
        checkpoint.take(replica.changes.images);
    }
    auto restored = checkpoint.restored(replica.state.tree.next_id());
    Changes changes;
    for (int i = 0; i < 300; ++i) {
        const auto zxid_before = replica.header.zxid;
        workload.step(replica);
        if (replica.header.zxid == zxid_before) continue;
        REQUIRE(apply(replica.header, replica.body, restored, changes));
        CHECK(changes.images.digest == replica.changes.images.digest);
        CHECK(events(changes) == events(replica.changes));
    }
    check_equal(replica.state, restored);
    restored.check_invariants();
}

TEST_CASE("the images of a fresh state are its four nodes and a list", "[znode][apply]") {
    const auto images = State().images();
    REQUIRE(images.nodes.size() == 4);
    for (std::size_t i = 0; i < 4; ++i) {
        CHECK(images.nodes[i].record.id == NodeId{i + 1});
        CHECK(images.nodes[i].data_changed);
    }
    REQUIRE(images.acls.size() == 1);
    CHECK(images.acls[0].encoded_list == wire::encoded(kReadOnlyAcl));
    CHECK(images.digest == 0x51c6d660);
}

}  // namespace zabd::znode
