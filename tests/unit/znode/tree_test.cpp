#include "znode/tree.hpp"

#include "wire/jute.hpp"
#include "znode/owner.hpp"
#include "znode/path.hpp"

#include <catch2/catch.hpp>
#include <zlib.h>

#include <climits>
#include <map>
#include <random>
#include <set>
#include <unordered_map>

namespace zabd::znode {

namespace {

const auto kConfigAcl = AclId{1};

Bytes bytes(std::string_view content) { return Bytes::copy_of(content); }

std::int32_t one_more(std::int32_t count) { return static_cast<std::int32_t>(static_cast<std::uint32_t>(count) + 1); }

/// Creates with the next zxid, as apply does.
struct Grove {
    Tree tree{kConfigAcl};
    std::uint64_t zxid = 0;

    const Node& create(std::string_view path, std::int64_t owner = kPersistentOwner, std::string_view data = "") {
        ++zxid;
        return tree.create({.path = path,
                            .data = bytes(data),
                            .owner = owner,
                            .zxid = Zxid{zxid},
                            .time_ms = static_cast<std::int64_t>(1000 + zxid),
                            .parent_creations = one_more(tree.find(parent_path(path))->creations)});
    }
    void remove(std::string_view path) { tree.remove(path, Zxid{++zxid}); }

    [[nodiscard]] std::vector<std::string> children(std::string_view path) const {
        std::vector<std::string> names;
        tree.for_each_child(*tree.find(path), [&](const Node& child) { names.emplace_back(child.name()); });
        return names;
    }
};

using Names = std::vector<std::string>;

}  // namespace

// --- A fresh tree ----------------------------------------------------------------------------------------------------

TEST_CASE("a fresh tree holds the built-in nodes", "[znode][tree]") {
    struct Case {
        const char* path;
        std::int32_t cversion, aversion, children;
        AclId acl;
    };
    const auto c = GENERATE(values<Case>({
        {"/", -1, 0, 1, AclId::kOpen},
        {"/zookeeper", -2, 0, 2, AclId::kOpen},
        {"/zookeeper/quota", 0, 0, 0, AclId::kOpen},
        {"/zookeeper/config", 0, -1, 0, kConfigAcl},
    }));
    CAPTURE(c.path);
    const Tree tree(kConfigAcl);
    const Node* node = tree.find(c.path);
    REQUIRE(node);
    CHECK(stat_of(*node) == wire::Stat{.czxid = {},
                                       .mzxid = {},
                                       .cversion = c.cversion,
                                       .aversion = c.aversion,
                                       .num_children = c.children,
                                       .pzxid = {}});
    CHECK(node->acl == c.acl);
    CHECK_FALSE(node->data.null());
    CHECK(tree.path_of(*node) == c.path);
}

TEST_CASE("a fresh tree counts what ZooKeeper counts", "[znode][tree]") {
    const Tree tree(kConfigAcl);
    CHECK(tree.node_count() == 4);
    CHECK(tree.approximate_bytes() == 44);
    CHECK(tree.ephemeral_count() == 0);
    CHECK(tree.next_id() == NodeId{5});
    CHECK(tree.find("/")->id == NodeId::kRoot);
    tree.check_invariants();
}

// --- Looking up ------------------------------------------------------------------------------------------------------

TEST_CASE("the empty path is the root", "[znode][tree]") {
    const Tree tree(kConfigAcl);
    CHECK(tree.find("") == tree.find("/"));
}

TEST_CASE("only the exact path finds a node", "[znode][tree]") {
    using namespace std::string_literals;
    Grove grove;
    grove.create("/a");
    grove.create("/a/b");
    grove.create("/ab");
    for (const auto& path : {"//"s, "///"s, "/a/"s, "/a/b/"s, "//a"s, "/a//b"s, "a"s, "a/b"s, "/b"s, "/a/bc"s,
                             "/a/b/c"s, "/A"s, "/a/."s, "/a/../a"s, "\0"s, "/\0"s, "/a\0"s, " "s, "/a/ab"s}) {
        CAPTURE(path);
        CHECK_FALSE(grove.tree.find(path));
    }
    for (const auto& path : {"/a"s, "/a/b"s, "/ab"s}) CHECK(grove.tree.path_of(*grove.tree.find(path)) == path);
}

TEST_CASE("names of every length are kept", "[znode][tree]") {
    Grove grove;
    std::string name;
    for (std::size_t size = 1; size <= 70; ++size) {
        name += static_cast<char>('!' + size);
        if (name.back() == '/') name.back() = 'x';
        const auto path = "/" + name;
        CHECK(grove.create(path).name() == name);
    }
    for (std::size_t size = 1; size <= 70; ++size) {
        const auto path = "/" + name.substr(0, size);
        REQUIRE(grove.tree.find(path));
        CHECK(grove.tree.path_of(*grove.tree.find(path)) == path);
    }
    grove.tree.check_invariants();
}

TEST_CASE("a name may be as long as a request", "[znode][tree]") {
    Grove grove;
    const auto path = "/" + std::string(1 << 20, 'n');
    grove.create(path);
    grove.create(path + "/child");
    CHECK(grove.tree.path_of(*grove.tree.find(path + "/child")) == path + "/child");
    CHECK_FALSE(grove.tree.find(path + "n"));
    grove.tree.check_invariants();
    grove.remove(path + "/child");
    grove.remove(path);
    CHECK(grove.tree.approximate_bytes() == 44);
}

TEST_CASE("paths may be thousands of levels deep", "[znode][tree]") {
    Grove grove;
    std::string path;
    for (int level = 0; level < 3000; ++level) grove.create(path += "/d");
    CHECK(grove.tree.path_of(*grove.tree.find(path)) == path);
    CHECK(grove.tree.descendant_count(*grove.tree.find("/d")) == 2999);
    grove.tree.check_invariants();
}

TEST_CASE("paths of equal hash are told apart", "[znode][tree]") {
    // Among some hundred thousand paths, 32 bits meet by chance.
    std::unordered_map<std::uint32_t, std::string> seen;
    std::string one;
    std::string other;
    for (int i = 0; one.empty(); ++i) {
        const auto path = "/n" + std::to_string(i);
        const auto [before, fresh] = seen.emplace(hash_of_path(path), path);
        if (!fresh) one = before->second, other = path;
    }
    CAPTURE(one, other);
    Grove grove;
    grove.create(one, kPersistentOwner, "one");
    CHECK_FALSE(grove.tree.find(other));
    grove.create(other, kPersistentOwner, "other");
    CHECK(grove.tree.find(one)->data.view() == "one");
    CHECK(grove.tree.find(other)->data.view() == "other");
    grove.remove(one);
    CHECK_FALSE(grove.tree.find(one));
    CHECK(grove.tree.find(other)->data.view() == "other");
    grove.tree.check_invariants();
}

TEST_CASE("the hash of paths spreads evenly over its low bits", "[znode][tree]") {
    std::vector<int> load(1 << 12);
    constexpr int kPaths = 1 << 16;
    for (int i = 0; i < kPaths; ++i) ++load[hash_of_path("/service/node-" + sequence_suffix(i)) % load.size()];
    double chi_square = 0;
    const double expected = kPaths / static_cast<double>(load.size());
    for (const auto count : load) chi_square += (count - expected) * (count - expected) / expected;
    // 4095 degrees of freedom: mean 4095, standard deviation 90.
    CHECK(chi_square < 4095 + 5 * 90);
    CHECK(chi_square > 4095 - 5 * 90);
}

// --- Changing --------------------------------------------------------------------------------------------------------

TEST_CASE("a creation shows in the node's stat and in its parent's", "[znode][tree]") {
    Tree tree(kConfigAcl);
    const Node& node = tree.create({.path = "/a",
                                    .data = bytes("hello"),
                                    .acl = AclId{7},
                                    .owner = 0x123,
                                    .zxid = Zxid{9},
                                    .time_ms = 77,
                                    .parent_creations = 1});
    CHECK(stat_of(node) == wire::Stat{.czxid = Zxid{9},
                                      .mzxid = Zxid{9},
                                      .ctime = 77,
                                      .mtime = 77,
                                      .ephemeral_owner = 0x123,
                                      .data_length = 5,
                                      .pzxid = Zxid{9}});
    CHECK(node.acl == AclId{7});
    const auto root = stat_of(*tree.find("/"));
    CHECK(root.cversion == 0);
    CHECK(root.num_children == 2);
    CHECK(root.pzxid == Zxid{9});
    CHECK(root.mzxid == Zxid{0});
}

TEST_CASE("a deletion leaves the parent's count of creations, and its zxid behind", "[znode][tree]") {
    Grove grove;
    grove.create("/a");
    grove.create("/a/b");
    grove.tree.remove("/a/b", Zxid{50});
    const Node& parent = *grove.tree.find("/a");
    CHECK(parent.creations == 1);
    CHECK(stat_of(parent).cversion == 2);
    CHECK(parent.pzxid == Zxid{50});
    CHECK_FALSE(grove.tree.find("/a/b"));
    grove.tree.check_invariants();
}

TEST_CASE("what is shown as cversion is twice the creations less the children, in 32 bits", "[znode][tree]") {
    struct Case {
        std::int32_t creations;
        std::uint32_t children;
        std::int32_t cversion;
    };
    const auto c = GENERATE(values<Case>({
        {0, 0, 0},
        {3, 0, 6},
        {3, 3, 3},
        {0, 2, -2},
        {1 << 30, 0, INT_MIN},
        {INT_MAX, 1, -3},
        {INT_MIN, 1, -1},
    }));
    Node node;
    node.creations = c.creations;
    node.child_count = c.children;
    CHECK(stat_of(node).cversion == c.cversion);
}

TEST_CASE("the owner is shown for ephemerals only", "[znode][tree]") {
    struct Case {
        const char* name;
        std::int64_t owner, shown;
    };
    const auto c = GENERATE(values<Case>({
        {"persistent", kPersistentOwner, 0},
        {"ephemeral", 0x100000000000001, 0x100000000000001},
        {"an ephemeral of a server with a high id", INT64_MIN + 1, INT64_MIN + 1},
        {"container", kContainerOwner, 0},
        {"TTL of 1 ms", ttl_owner(1), 0},
        {"the longest TTL", ttl_owner(kTtlMsMax), 0},
    }));
    CAPTURE(c.name);
    Node node;
    node.owner = c.owner;
    CHECK(stat_of(node).ephemeral_owner == c.shown);
}

TEST_CASE("changing data or ACL touches the fields that are its own", "[znode][tree]") {
    Grove grove;
    const Node& node = grove.create("/a", kPersistentOwner, "old");
    auto expected = stat_of(node);

    SECTION("data") {
        grove.tree.set_data({.path = "/a", .data = bytes("newer"), .version = 1, .zxid = Zxid{60}, .time_ms = 99});
        expected.version = 1;
        expected.mzxid = Zxid{60};
        expected.mtime = 99;
        expected.data_length = 5;
        CHECK(node.data.view() == "newer");
    }
    SECTION("data to null") {
        grove.tree.set_data({.path = "/a", .data = {}, .version = 1, .zxid = Zxid{60}, .time_ms = 99});
        expected.version = 1;
        expected.mzxid = Zxid{60};
        expected.mtime = 99;
        expected.data_length = 0;
        CHECK(node.data.null());
    }
    SECTION("ACL") {
        grove.tree.set_acl("/a", AclId{3}, 1);
        expected.aversion = 1;
        CHECK(node.acl == AclId{3});
    }
    SECTION("data of statistics") {
        grove.tree.refresh_data("/a", bytes("count=1"));
        expected.data_length = 7;
    }
    CHECK(stat_of(node) == expected);
    grove.tree.check_invariants();
}

TEST_CASE("the root's data can be set", "[znode][tree]") {
    Grove grove;
    const auto path = GENERATE(as<std::string>(), "/", "");
    grove.tree.set_data({.path = path, .data = bytes("root"), .version = 1, .zxid = Zxid{2}, .time_ms = 3});
    CHECK(grove.tree.find("/")->data.view() == "root");
    CHECK(grove.tree.approximate_bytes() == 48);
    grove.tree.check_invariants();
}

TEST_CASE("children keep the order of their creation", "[znode][tree]") {
    struct Case {
        const char* removed;
        Names left;
    };
    const auto c = GENERATE(values<Case>({
        {"/p/a", {"b", "c", "d"}},
        {"/p/b", {"a", "c", "d"}},
        {"/p/c", {"a", "b", "d"}},
    }));
    Grove grove;
    for (const auto* path : {"/p", "/p/a", "/p/b", "/p/c"}) grove.create(path);
    CHECK(grove.children("/p") == Names{"a", "b", "c"});
    grove.remove(c.removed);
    grove.create("/p/d");
    CHECK(grove.children("/p") == c.left);
    grove.create(c.removed);
    CHECK(grove.children("/p").back() == base_name(c.removed));
    grove.tree.check_invariants();
    for (const auto& name : grove.children("/p")) grove.remove("/p/" + name);
    CHECK(grove.children("/p").empty());
    grove.tree.check_invariants();
}

TEST_CASE("a subtree is visited parents first", "[znode][tree]") {
    Grove grove;
    for (const auto* path : {"/a", "/b", "/a/x", "/a/y", "/a/x/1", "/c"}) grove.create(path);
    const auto visited = [&](std::string_view top) {
        Names paths;
        grove.tree.for_each_in_subtree(*grove.tree.find(top),
                                       [&](const Node& node) { paths.push_back(grove.tree.path_of(node)); });
        return paths;
    };
    CHECK(visited("/a") == Names{"/a", "/a/x", "/a/x/1", "/a/y"});
    CHECK(visited("/b") == Names{"/b"});
    CHECK(visited("/").size() == grove.tree.node_count());
    CHECK(grove.tree.descendant_count(*grove.tree.find("/a")) == 3);
    CHECK(grove.tree.descendant_count(*grove.tree.find("/")) == 9);
}

TEST_CASE("memory of nodes that are gone is used again, their ids are not", "[znode][tree]") {
    Grove grove;
    std::set<const Node*> places;
    std::set<NodeId> ids;
    for (int i = 0; i < 2000; ++i) {
        const Node& node = grove.create("/a");
        places.insert(&node);
        ids.insert(node.id);
        grove.remove("/a");
    }
    CHECK(places.size() == 1);
    CHECK(ids.size() == 2000);
}

// --- Ephemerals, containers, TTL nodes -------------------------------------------------------------------------------

TEST_CASE("a session's ephemerals are known in order of creation", "[znode][tree]") {
    Grove grove;
    grove.create("/p");
    for (const auto* path : {"/z", "/p/b", "/a"}) grove.create(path, 7);
    grove.create("/other", INT64_MIN + 8);
    grove.create("/m", 7);
    grove.remove("/p/b");

    CHECK(grove.tree.ephemerals_of(SessionId{7}) == Names{"/z", "/a", "/m"});
    CHECK(grove.tree.ephemerals_of(SessionId{INT64_MIN + 8}) == Names{"/other"});
    CHECK(grove.tree.ephemerals_of(SessionId{9}).empty());
    CHECK(grove.tree.ephemeral_count_of(SessionId{7}) == 3);
    CHECK(grove.tree.ephemeral_count() == 4);
    std::vector<SessionId> owners;
    grove.tree.for_each_ephemeral_owner([&](SessionId owner) { owners.push_back(owner); });
    CHECK(owners == std::vector{SessionId{INT64_MIN + 8}, SessionId{7}});
}

TEST_CASE("containers and TTL nodes are known to the reaper in order of creation", "[znode][tree]") {
    Grove grove;
    grove.create("/ttl", ttl_owner(1000));
    grove.create("/plain");
    grove.create("/gone", kContainerOwner);
    grove.create("/box", kContainerOwner);
    grove.create("/mine", 7);
    grove.remove("/gone");
    Names paths;
    grove.tree.for_each_reapable([&](const Node& node) { paths.push_back(grove.tree.path_of(node)); });
    CHECK(paths == Names{"/ttl", "/box"});
    grove.tree.check_invariants();
}

// --- Recovery --------------------------------------------------------------------------------------------------------

namespace {

using Stored = std::vector<std::pair<wire::NodeRecord, Bytes>>;

Stored stored(const Tree& tree) {
    std::map<NodeId, std::pair<wire::NodeRecord, Bytes>> by_id;
    tree.for_each_in_subtree(
        *tree.find("/"), [&](const Node& node) { by_id.emplace(node.id, std::pair(tree.record_of(node), node.data)); });
    Stored nodes;
    for (auto& [id, node] : by_id) nodes.push_back(std::move(node));
    return nodes;
}

wire::NodeRecord record(std::uint64_t id, std::uint64_t parent, std::string name) {
    wire::NodeRecord record;
    record.id = NodeId{id};
    record.parent = NodeId{parent};
    record.name = std::move(name);
    return record;
}

}  // namespace

TEST_CASE("a tree comes back from the records of its nodes", "[znode][tree]") {
    Grove grove;
    for (const auto* path : {"/a", "/b", "/a/x", "/b/y", "/a/z", "/gone"}) grove.create(path, kPersistentOwner, path);
    grove.create("/b/e", 7);
    grove.create("/ttl", ttl_owner(5));
    grove.remove("/gone");
    grove.remove("/ttl");
    grove.tree.set_acl("/a", AclId{4}, 1);
    grove.tree.set_data({.path = "/b", .data = {}, .version = 1, .zxid = Zxid{90}, .time_ms = 5});

    auto tree = Tree::empty();
    CHECK_FALSE(tree.find("/"));
    for (const auto& [record, data] : stored(grove.tree)) REQUIRE(tree.restore(record, data));
    tree.restore_next_id(grove.tree.next_id());
    tree.check_invariants();

    CHECK(tree.digest() == grove.tree.digest());
    CHECK(tree.next_id() == grove.tree.next_id());
    CHECK(tree.node_count() == grove.tree.node_count());
    CHECK(tree.approximate_bytes() == grove.tree.approximate_bytes());
    CHECK(tree.ephemerals_of(SessionId{7}) == Names{"/b/e"});
    CHECK(tree.find("/a")->acl == AclId{4});
    CHECK(tree.find("/b")->data.null());
    CHECK(stat_of(*tree.find("/a")) == stat_of(*grove.tree.find("/a")));
    CHECK(stored(tree).size() == stored(grove.tree).size());
}

TEST_CASE("records that do not fit are refused", "[znode][tree]") {
    struct Case {
        const char* name;
        wire::NodeRecord record;
    };
    const auto c = GENERATE(values<Case>({
        {"an id before the last one", record(3, 1, "x")},
        {"an id twice", record(5, 1, "x")},
        {"no id", record(0, 1, "x")},
        {"an id with none behind it", record(~std::uint64_t{0}, 1, "x")},
        {"a second root", record(9, 0, "")},
        {"a parent that is not there", record(9, 8, "x")},
        {"its own parent", record(9, 9, "x")},
        {"no name", record(9, 1, "")},
        {"a slash in the name", record(9, 1, "x/y")},
        {"a name twice", record(9, 1, "a")},
        {"below an ephemeral", record(9, 4, "c")},
    }));
    CAPTURE(c.name);
    auto tree = Tree::empty();
    REQUIRE(tree.restore(record(1, 0, ""), {}));
    REQUIRE(tree.restore(record(2, 1, "a"), {}));
    auto ephemeral = record(4, 1, "e");
    ephemeral.owner = 7;
    REQUIRE(tree.restore(ephemeral, {}));
    REQUIRE(tree.restore(record(5, 2, "b"), {}));
    CHECK_FALSE(tree.restore(c.record, {}));
    CHECK(tree.node_count() == 4);
    tree.check_invariants();
}

TEST_CASE("a tree without its root is refused", "[znode][tree]") {
    auto tree = Tree::empty();
    CHECK_FALSE(tree.restore(record(2, 1, "a"), {}));
    CHECK_FALSE(tree.restore(record(1, 0, "a"), {}));
    CHECK_FALSE(tree.restore(record(1, 1, ""), {}));
    CHECK(tree.node_count() == 0);
}

// --- Against a model -------------------------------------------------------------------------------------------------

namespace {

/// The same by plain means: a map of whole paths, every derived value computed from scratch.
struct Model {
    struct Entry {
        wire::Stat stat;
        std::string data;
        std::int64_t owner = 0;
        std::int32_t creations = 0;
        NodeId id = NodeId::kNone;
    };
    std::map<std::string, Entry> nodes;

    [[nodiscard]] std::vector<std::string> children(const std::string& path) const {
        std::vector<std::string> found;
        for (const auto& [other, entry] : nodes) {
            if (other != "/" && parent_path(other) == path) found.push_back(other);
        }
        return found;
    }
    [[nodiscard]] wire::Stat stat(const std::string& path) const {
        const auto& entry = nodes.at(path);
        auto stat = entry.stat;
        stat.num_children = static_cast<std::int32_t>(children(path).size());
        stat.cversion = 2 * entry.creations - stat.num_children;
        stat.data_length = static_cast<std::int32_t>(entry.data.size());
        return stat;
    }
    [[nodiscard]] std::uint64_t digest() const {
        std::uint64_t sum = 0;
        for (const auto& [path, entry] : nodes) {
            if (path.starts_with("/zookeeper/")) continue;
            std::string text = path == "/" ? "" : path;
            text += entry.data;
            wire::Encoder out(text);
            for (const auto zxid : {entry.stat.czxid, entry.stat.mzxid, entry.stat.pzxid}) wire::encode(out, zxid);
            out.put_long(entry.stat.ctime);
            out.put_long(entry.stat.mtime);
            out.put_int(entry.stat.version);
            out.put_int(entry.creations);
            out.put_int(entry.stat.aversion);
            out.put_long(entry.owner);
            sum += crc32_z(0, reinterpret_cast<const Bytef*>(text.data()), text.size());
        }
        return sum;
    }
};

class Twins {
public:
    explicit Twins(std::uint32_t seed) : random_(seed) {
        for (const auto* path : {"/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"}) {
            model_.nodes[path].id = tree_.find(path)->id;
        }
        model_.nodes["/zookeeper/config"].stat.aversion = -1;
    }

    void step() {
        ++zxid_;
        const auto dice = pick(10);
        if (dice < 5) {
            create();
        } else if (dice < 8) {
            remove();
        } else if (dice < 9) {
            set_data();
        } else {
            set_acl();
        }
    }

    void compare() const {
        tree_.check_invariants();
        CHECK(tree_.node_count() == model_.nodes.size());
        CHECK(tree_.digest() == model_.digest());
        std::map<SessionId, std::map<NodeId, std::string>> ephemerals;
        for (const auto& [path, entry] : model_.nodes) {
            const Node* node = tree_.find(path);
            REQUIRE(node);
            CHECK(node->data.view() == entry.data);
            CHECK(node->owner == entry.owner);
            CHECK(node->id == entry.id);
            if (kind_of(entry.owner) == Kind::kEphemeral) ephemerals[SessionId{entry.owner}][entry.id] = path;
        }
        for (const auto& [session, by_id] : ephemerals) {
            Names paths;
            for (const auto& [id, path] : by_id) paths.push_back(path);
            CHECK(tree_.ephemerals_of(session) == paths);
        }
        for (int i = 0; i < 20; ++i) {
            const auto& path = any_path();
            CAPTURE(path);
            CHECK(stat_of(*tree_.find(path)) == model_.stat(path));
        }
    }

private:
    std::size_t pick(std::size_t count) const { return random_() % count; }
    const std::string& any_path() const {
        return std::next(model_.nodes.begin(), static_cast<std::ptrdiff_t>(pick(model_.nodes.size())))->first;
    }

    void create() {
        const auto parent = any_path();
        if (kind_of(model_.nodes[parent].owner) == Kind::kEphemeral) return;
        std::string name(1 + pick(20), static_cast<char>('a' + pick(26)));
        const auto path = (parent == "/" ? "" : parent) + "/" + name;
        if (model_.nodes.contains(path)) return;
        const std::int64_t owners[] = {0, 0, 0, 5, 6, kContainerOwner, ttl_owner(7)};
        Model::Entry entry;
        entry.owner = owners[pick(std::size(owners))];
        entry.data.assign(pick(30), 'd');
        entry.stat.czxid = entry.stat.mzxid = entry.stat.pzxid = Zxid{zxid_};
        entry.stat.ctime = entry.stat.mtime = static_cast<std::int64_t>(zxid_ * 3);
        entry.stat.ephemeral_owner = visible_owner(entry.owner);
        auto& above = model_.nodes[parent];
        above.stat.pzxid = Zxid{zxid_};
        ++above.creations;
        entry.id = tree_
                       .create({.path = path,
                                .data = bytes(entry.data),
                                .owner = entry.owner,
                                .zxid = Zxid{zxid_},
                                .time_ms = entry.stat.ctime,
                                .parent_creations = above.creations})
                       .id;
        model_.nodes.emplace(path, entry);
    }

    void remove() {
        const auto path = any_path();
        if (special_path(path) || !model_.children(path).empty()) return;
        model_.nodes.erase(path);
        model_.nodes[std::string(parent_path(path))].stat.pzxid = Zxid{zxid_};
        tree_.remove(path, Zxid{zxid_});
    }

    void set_data() {
        const auto path = any_path();
        auto& entry = model_.nodes[path];
        entry.data.assign(pick(50), 's');
        ++entry.stat.version;
        entry.stat.mzxid = Zxid{zxid_};
        entry.stat.mtime = static_cast<std::int64_t>(zxid_ * 3);
        tree_.set_data({.path = path,
                        .data = bytes(entry.data),
                        .version = entry.stat.version,
                        .zxid = Zxid{zxid_},
                        .time_ms = entry.stat.mtime});
    }

    void set_acl() {
        const auto path = any_path();
        tree_.set_acl(path, AclId{static_cast<std::uint32_t>(pick(3))}, ++model_.nodes[path].stat.aversion);
    }

    mutable std::mt19937 random_;
    std::uint64_t zxid_ = 0;
    Tree tree_{kConfigAcl};
    Model model_;
};

}  // namespace

TEST_CASE("a tree behaves as a map of paths does", "[znode][tree]") {
    const auto seed = GENERATE(range(1u, 21u));
    CAPTURE(seed);
    Twins twins(seed);
    for (int round = 0; round < 10; ++round) {
        for (int i = 0; i < 100; ++i) twins.step();
        twins.compare();
    }
}

TEST_CASE("a tree of tens of thousands grows and shrinks", "[znode][tree]") {
    Grove grove;
    grove.create("/p");
    constexpr int kNodes = 30000;  // several rounds of splitting in the index
    for (int i = 0; i < kNodes; ++i) grove.create("/p/n" + std::to_string(i), i % 3 ? kPersistentOwner : 9);
    grove.tree.check_invariants();
    CHECK(grove.tree.find("/p")->child_count == kNodes);
    for (int i = 0; i < kNodes; i += 2) grove.remove("/p/n" + std::to_string(i));
    grove.tree.check_invariants();
    for (int i = 0; i < kNodes; i += 2) grove.create("/p/n" + std::to_string(i));
    for (int i = 0; i < kNodes; ++i) CHECK(grove.tree.find("/p/n" + std::to_string(i)));
    for (int i = 0; i < kNodes; ++i) grove.remove("/p/n" + std::to_string(i));
    grove.remove("/p");
    grove.tree.check_invariants();
    CHECK(grove.tree.node_count() == 4);
    CHECK(grove.tree.approximate_bytes() == 44);
}

}  // namespace zabd::znode
