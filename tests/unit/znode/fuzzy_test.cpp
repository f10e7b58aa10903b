// Replay on a tree that was written while transactions went on: whatever it had seen of them, it ends as the exact one.
#include "replica.hpp"
#include "znode/apply.hpp"
#include "znode/owner.hpp"
#include "znode/path.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace zabd::znode {

namespace {

using wire::OpCode;

const wire::AclList kAlice{{wire::kAllPermissions, {"digest", "alice:x"}}};

struct Txn {
    wire::TxnHeader header;
    std::string body;
};

/// A node as it was at some moment, which is all that a fuzzy snapshot promises.
struct Seen {
    std::string path;
    wire::NodeRecord record;
    Bytes data;
    wire::AclList acl;
};

/// What a fuzzy snapshot's reader makes of it.
State loaded(const std::vector<Seen>& nodes) {
    AclTable acls;
    auto tree = Tree::empty();
    std::map<std::string, NodeId, std::less<>> ids;
    std::vector<std::pair<wire::AclList, AclId>> lists;
    for (const auto& node : nodes) {
        auto record = node.record;
        record.id = NodeId{ids.size() + 1};
        ids[node.path] = record.id;
        const bool root = node.path == kRootPath;
        record.parent = root ? NodeId::kNone : ids.at(std::string(parent_path(node.path)));
        record.name = root ? "" : base_name(node.path);
        record.acl = AclId::kOpen;
        if (node.acl != kOpenAcl) {
            auto known = std::ranges::find(lists, node.acl, &std::pair<wire::AclList, AclId>::first);
            if (known == lists.end()) {
                const auto id = AclId{static_cast<std::uint32_t>(lists.size() + 1)};
                REQUIRE(acls.restore(id, wire::encoded(node.acl)));
                known = lists.insert(known, {node.acl, id});
            }
            record.acl = known->second;
        }
        REQUIRE(tree.restore(record, node.data));
    }
    tree.restore_next_id(NodeId{ids.size() + 1});
    return {std::move(acls), std::move(tree)};
}

/// All that counts of a state, whatever its numbers of nodes and lists are. What a quota's statistics say is left out: it
/// is each server's own, written anew with the next change that counts.
struct Content {
    wire::NodeRecord record;
    std::optional<std::string> data;
    wire::AclList acl;
    friend bool operator==(const Content&, const Content&) = default;
};
std::map<std::string, Content> content_of(const State& state) {
    std::map<std::string, Content> content;
    state.tree.for_each_in_subtree(*state.tree.find(kRootPath), [&](const Node& node) {
        auto record = state.tree.record_of(node);
        record.id = record.parent = NodeId::kNone;
        record.acl = AclId::kOpen;
        const auto path = state.tree.path_of(node);
        const auto quota = quota_node(path);
        const bool counts = !quota || quota->role != QuotaNode::Role::kStats;
        const auto data = counts ? node.data.nullable_view() : std::nullopt;
        content[path] = {std::move(record), data ? std::optional(std::string(*data)) : std::nullopt,
                         state.acls.list(node.acl)};
    });
    return content;
}

/// Transactions drawn at random, each fit for the tree that the ones before left. Names are few, so that they come again.
class History {
public:
    explicit History(unsigned seed) : random_(seed) {}

    [[nodiscard]] const State& state() const { return replica_.state; }
    [[nodiscard]] const std::vector<Txn>& txns() const { return txns_; }

    void go_on(std::size_t count) {
        for (; count != 0; --count) one();
    }

private:
    int draw(int end) { return std::uniform_int_distribution(0, end - 1)(random_); }

    std::string any_path() {
        std::vector<std::string> paths;
        const auto& tree = replica_.state.tree;
        tree.for_each_in_subtree(*tree.find(kRootPath), [&](const Node& node) {
            auto path = tree.path_of(node);
            if (!special_path(path)) paths.push_back(std::move(path));
        });
        return paths.empty() ? std::string(kRootPath)
                             : paths[static_cast<std::size_t>(draw(static_cast<int>(paths.size())))];
    }
    std::string child_of(const std::string& parent) {
        const char name[] = {'/', static_cast<char>('a' + draw(3)), '\0'};
        return parent == kRootPath ? name : parent + name;
    }

    void one() {
        replica_.header.session = SessionId{1 + draw(3)};
        switch (draw(12)) {
            case 0:
            case 1:
            case 2:
            case 3: return create(child_of(any_path()), draw(3) == 0);
            case 4:
            case 5: return remove(any_path());
            case 6: return set_data(any_path());
            case 7: return set_acl(any_path());
            case 8: return close_session();
            case 9: return limit(any_path());
            case 10: return create_and_remove(child_of(any_path()));
            default: return create(child_of(std::string(kRootPath)), draw(2) == 0);
        }
    }

    template <class T>
    void log(OpCode type, const T& txn) {
        replica_.apply_txn(type, txn);
        txns_.push_back({replica_.header, replica_.body});
    }

    [[nodiscard]] bool can_create(const std::string& path) const {
        const Node* parent = state().tree.find(parent_path(path));
        return parent && kind_of(parent->owner) != Kind::kEphemeral && !state().tree.find(path);
    }
    void create(const std::string& path, bool ephemeral) {
        if (!can_create(path)) return;
        auto txn = replica_.create_txn(path, "as created");
        txn.ephemeral = ephemeral;
        if (draw(3) == 0) txn.acl = draw(2) == 0 ? kAlice : kReadOnlyAcl;
        log(draw(2) == 0 ? OpCode::kCreate : OpCode::kCreate2, txn);
    }
    void remove(const std::string& path) {
        const Node* node = state().tree.find(path);
        if (path != kRootPath && node->child_count == 0) log(OpCode::kDelete, wire::DeleteTxn{path});
    }
    void set_data(const std::string& path) {
        const auto text = std::string(static_cast<std::size_t>(draw(9)), 'd');
        const auto data = draw(5) == 0 ? wire::NullableBuffer() : wire::NullableBuffer(text);
        log(OpCode::kSetData, wire::SetDataTxn{path, data, replica_.node(path).version + 1});
    }
    void set_acl(const std::string& path) {
        const auto& acl = draw(2) == 0 ? kAlice : kOpenAcl;
        log(OpCode::kSetAcl, wire::SetAclTxn{path, acl, replica_.node(path).aversion + 1});
    }
    void close_session() {
        const auto paths = state().tree.ephemerals_of(replica_.header.session);
        log(OpCode::kCloseSession, wire::CloseSessionTxn{{paths.begin(), paths.end()}});
    }
    /// A quota on the path, node by node as clients make them.
    void limit(const std::string& path) {
        if (path.starts_with(kSystemPath) || path == kRootPath) return;
        std::string above(kQuotaPath);
        for (auto rest = std::string_view(path); !rest.empty();) {
            rest.remove_prefix(1);
            above.append("/").append(rest.substr(0, rest.find('/')));
            rest.remove_prefix(std::min(rest.find('/'), rest.size()));
            if (can_create(above)) create(above, false);
        }
        const auto stats = above + "/zookeeper_stats";
        const auto limits = above + "/zookeeper_limits";
        if (can_create(stats)) create(stats, false);
        if (can_create(limits)) create(limits, false);
    }
    void create_and_remove(const std::string& path) {
        if (!can_create(path)) return;
        const auto create = wire::encoded(replica_.create_txn(path));
        const auto check = wire::encoded(wire::CheckTxn{path, 1});
        const auto remove = wire::encoded(wire::DeleteTxn{path});
        const bool stays = draw(2) == 0;
        wire::MultiTxn multi{{{OpCode::kCreate, create}, {OpCode::kCheck, check}}};
        if (!stays) multi.operations.push_back({OpCode::kDelete, remove});
        log(OpCode::kMulti, multi);
    }

    std::mt19937 random_;
    Replica replica_;
    std::vector<Txn> txns_;
};

/// Writes one node after another, its children's names with it, while the history goes on.
std::vector<Seen> fuzzy_snapshot(History& history, unsigned seed) {
    std::mt19937 random(seed);
    std::vector<Seen> nodes;
    std::vector<std::string> waiting{std::string(kRootPath)};
    while (!waiting.empty()) {
        const auto path = waiting.back();
        waiting.pop_back();
        const auto& tree = history.state().tree;
        const Node* node = tree.find(path);
        if (node) {
            nodes.push_back({path, tree.record_of(*node), node->data, history.state().acls.list(node->acl)});
            tree.for_each_child(*node, [&](const Node& child) { waiting.push_back(tree.path_of(child)); });
        }
        history.go_on(random() % 4);
    }
    return nodes;
}

/// Of a state that begins as such a snapshot.
struct Loaded {
    State state;
    Changes changes;

    template <class T>
    void replay(OpCode type, std::uint64_t zxid, const T& txn, SessionId session = SessionId{0x100}) {
        const wire::TxnHeader header{.session = session, .zxid = Zxid{zxid}, .time_ms = 1, .type = type};
        REQUIRE(apply(header, wire::encoded(txn), state, changes, Fit::kFuzzy));
        state.check_invariants();
    }
    [[nodiscard]] const Node* find(std::string_view path) const { return state.tree.find(path); }
};

}  // namespace

TEST_CASE("whatever a snapshot had seen of later transactions, replaying them makes it exact", "[znode][fuzzy]") {
    const auto seed = GENERATE(range(1u, 61u));
    CAPTURE(seed);
    History history(seed);
    history.go_on(60);
    const auto replay_from = history.txns().size();
    const auto nodes = fuzzy_snapshot(history, seed);
    Loaded loaded_one{loaded(nodes), {}};
    auto& [state, changes] = loaded_one;
    for (auto i = replay_from; i < history.txns().size(); ++i) {
        const auto& [header, body] = history.txns()[i];
        REQUIRE(apply(header, body, state, changes, Fit::kFuzzy));
        state.check_invariants();
    }
    CHECK(content_of(state) == content_of(history.state()));
    CHECK(state.tree.digest() == history.state().tree.digest());
}

TEST_CASE("replayed images make the checkpoint of the state that they left", "[znode][fuzzy]") {
    const auto seed = GENERATE(range(100u, 110u));
    CAPTURE(seed);
    History history(seed);
    history.go_on(40);
    const auto replay_from = history.txns().size();
    Loaded replayed{loaded(fuzzy_snapshot(history, seed)), {}};
    std::map<NodeId, wire::NodeRecord> kept;
    const auto keep = [&](const wire::StateImages& images) {
        for (const auto& image : images.nodes) {
            if (image.deleted) {
                kept.erase(image.record.id);
            } else {
                kept[image.record.id] = image.record;
            }
        }
    };
    keep(replayed.state.images());
    for (auto i = replay_from; i < history.txns().size(); ++i) {
        const auto& [header, body] = history.txns()[i];
        REQUIRE(apply(header, body, replayed.state, replayed.changes, Fit::kFuzzy));
        keep(replayed.changes.images);
    }
    std::map<NodeId, wire::NodeRecord> expected;
    for (const auto& image : replayed.state.images().nodes) expected[image.record.id] = image.record;
    CHECK(kept == expected);
}

TEST_CASE("a node that is created again takes the place of the later one, and of all below it", "[znode][fuzzy]") {
    Loaded tree;
    tree.replay(OpCode::kCreate, 20, wire::CreateTxn{"/a", "later", kAlice, false, 5});
    tree.replay(OpCode::kCreate, 21, wire::CreateTxn{"/a/b", "", kOpenAcl, false, 1});
    tree.replay(OpCode::kCreate, 10, wire::CreateTxn{"/a", "now", kOpenAcl, true, 3});
    REQUIRE(tree.find("/a"));
    CHECK(tree.find("/a")->data.view() == "now");
    CHECK(tree.find("/a")->owner == 0x100);
    CHECK(tree.find("/a")->acl == AclId::kOpen);
    CHECK(tree.find("/a")->czxid == Zxid{10});
    CHECK(tree.find("/a")->creations == 0);
    CHECK_FALSE(tree.find("/a/b"));
    SECTION("its parent keeps what it knows of later") {
        CHECK(tree.find("/")->creations == 5);
        CHECK(tree.find("/")->pzxid == Zxid{20});
    }
    SECTION("only the creation is told") { CHECK(tree.changes.triggers.size() == 2); }
}

TEST_CASE("a creation that does not say its parent's count adds one to it", "[znode][fuzzy]") {
    Loaded tree;
    tree.replay(OpCode::kCreate, 1, wire::CreateTxn{"/a", "", kOpenAcl, false, -1});
    tree.replay(OpCode::kCreate, 2, wire::CreateTxn{"/b", "", kOpenAcl, false, -1});
    CHECK(tree.find("/")->creations == 2);
    CHECK(tree.find("/")->pzxid == Zxid{2});
}

TEST_CASE("a creation below what is gone, or has become an ephemeral, is passed over", "[znode][fuzzy]") {
    Loaded tree;
    tree.replay(OpCode::kCreate, 20, wire::CreateTxn{"/eph", "", kOpenAcl, true, 1});
    tree.replay(OpCode::kCreate, 10, wire::CreateTxn{"/eph/a", "", kOpenAcl, false, 1});
    tree.replay(OpCode::kCreate, 11, wire::CreateTxn{"/gone/a", "", kOpenAcl, false, 1});
    CHECK_FALSE(tree.find("/eph/a"));
    CHECK_FALSE(tree.find("/gone/a"));
    CHECK(tree.find("/eph")->creations == 0);
    CHECK(tree.find("/")->child_count == 2);
}

TEST_CASE("what is not there is neither deleted nor changed nor missed", "[znode][fuzzy]") {
    Loaded tree;
    const auto digest = tree.state.tree.digest();
    tree.replay(OpCode::kSetData, 1, wire::SetDataTxn{"/gone", "x", 1});
    tree.replay(OpCode::kSetAcl, 2, wire::SetAclTxn{"/gone", kAlice, 1});
    tree.replay(OpCode::kDelete, 3, wire::DeleteTxn{"/gone/deep"});
    const auto check = wire::encoded(wire::CheckTxn{"/gone", 1});
    tree.replay(OpCode::kMulti, 4, wire::MultiTxn{{{OpCode::kCheck, check}}});
    CHECK(tree.state.tree.digest() == digest);
    CHECK(tree.state.acls.size() == 1);
    SECTION("but its parent learns that it has been deleted") {
        tree.replay(OpCode::kDelete, 5, wire::DeleteTxn{"/gone"});
        CHECK(tree.find("/")->pzxid == Zxid{5});
    }
}

TEST_CASE("a deletion takes what is below the node, which is later", "[znode][fuzzy]") {
    Loaded tree;
    tree.replay(OpCode::kCreate, 20, wire::CreateTxn{"/a", "", kOpenAcl, false, 1});
    tree.replay(OpCode::kCreate, 21, wire::CreateTxn{"/a/b", "", kAlice, false, 1});
    tree.replay(OpCode::kCreate, 22, wire::CreateTxn{"/a/b/c", "", kOpenAcl, true, 1});
    tree.replay(OpCode::kDelete, 10, wire::DeleteTxn{"/a"});
    CHECK_FALSE(tree.find("/a"));
    CHECK(tree.state.tree.ephemeral_count() == 0);
    CHECK(tree.find("/")->pzxid == Zxid{20});
}

TEST_CASE("the end of a session takes what it is said to own, and what else it owns", "[znode][fuzzy]") {
    Loaded tree;
    const SessionId other{0x200};
    tree.replay(OpCode::kCreate, 20, wire::CreateTxn{"/named", "", kOpenAcl, true, 1});
    tree.replay(OpCode::kCreate, 21, wire::CreateTxn{"/unnamed", "", kOpenAcl, true, 2});
    tree.replay(OpCode::kCreate, 22, wire::CreateTxn{"/others", "", kOpenAcl, true, 3}, other);
    tree.replay(OpCode::kCreate, 23, wire::CreateTxn{"/others-later", "", kOpenAcl, true, 4}, other);
    tree.replay(OpCode::kCloseSession, 10, wire::CloseSessionTxn{{"/gone", "/named", "/others-later"}});
    CHECK_FALSE(tree.find("/named"));
    CHECK_FALSE(tree.find("/unnamed"));
    CHECK_FALSE(tree.find("/others-later"));
    CHECK(tree.find("/others"));
}

TEST_CASE("neither the root nor what is no path is created or deleted", "[znode][fuzzy]") {
    Loaded tree;
    const auto path = GENERATE(as<std::string>(), "/", "", "a", "/a/", "//", "//a", "/zookeeper//a", "///");
    CAPTURE(path);
    const auto nodes = tree.state.tree.node_count();
    tree.replay(OpCode::kCreate, 1, wire::CreateTxn{path, "", kOpenAcl, false, 1});
    tree.replay(OpCode::kDelete, 2, wire::DeleteTxn{path});
    CHECK(tree.state.tree.node_count() == nodes);
}

TEST_CASE("a failed multi changes nothing on a fuzzy tree either", "[znode][fuzzy]") {
    Loaded tree;
    const auto create = wire::encoded(wire::CreateTxn{"/a", "", kOpenAcl, false, 1});
    const auto error = wire::encoded(wire::ErrorTxn{wire::ErrorCode::kBadVersion});
    tree.replay(OpCode::kMulti, 1, wire::MultiTxn{{{OpCode::kCreate, create}, {OpCode::kError, error}}});
    CHECK_FALSE(tree.find("/a"));
}

}  // namespace zabd::znode
