// The running digest against ZooKeeper's own: a log that a 3.8 server wrote carries its digest behind each transaction.
#include "replica.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <fstream>
#include <map>
#include <sstream>

namespace zabd::znode {

namespace {

std::string read_data(const std::string& name) {
    std::ifstream file(std::string(ZABD_SOURCE_DIR) + "/tests/unit/znode/data/" + name, std::ios::binary);
    REQUIRE(file);
    std::ostringstream content;
    content << file.rdbuf();
    return content.str();
}

/// The payloads of a ZooKeeper log: after a file header of 16 bytes, each behind a checksum and its length, before 'B'.
std::vector<std::string> read_log(const std::string& name) {
    const auto content = read_data(name);
    wire::Decoder in(std::string_view(content).substr(16));
    std::vector<std::string> payloads;
    while (!in.rest().empty()) {
        (void)in.get_long();
        payloads.emplace_back(in.get_counted().value_or(""));
        REQUIRE(in.get_byte() == 'B');
    }
    return payloads;
}

struct Logged {
    wire::TxnHeader header;
    std::string body;
    std::optional<std::uint64_t> digest;
};

Logged parse(const std::string& payload) {
    Logged logged;
    wire::Decoder in(payload);
    wire::decode(in, logged.header);
    logged.body = in.rest();
    if (logged.header.type != wire::OpCode::kError) {
        wire::Decoder tail(in.rest().substr(in.rest().size() - 12));
        REQUIRE(tail.get_int() == 2);  // the digest's version
        logged.digest = static_cast<std::uint64_t>(tail.get_long());
    }
    return logged;
}

std::vector<Logged> logged_txns() {
    std::vector<Logged> txns;
    for (const auto* name : {"zookeeper-3.8.log.1", "zookeeper-3.8.log.32"}) {
        for (const auto& payload : read_log(name)) txns.push_back(parse(payload));
    }
    REQUIRE(txns.size() == 58);
    return txns;
}

std::string hex(std::string_view bytes) {
    std::string text;
    for (const auto byte : bytes) {
        constexpr auto kDigits = "0123456789abcdef";
        text += kDigits[static_cast<unsigned char>(byte) >> 4];
        text += kDigits[byte & 0xf];
    }
    return text;
}

nlohmann::json stat_as_json(const wire::Stat& stat) {
    return {{"czxid", stat.czxid.value},
            {"mzxid", stat.mzxid.value},
            {"pzxid", stat.pzxid.value},
            {"ctime", stat.ctime},
            {"mtime", stat.mtime},
            {"version", stat.version},
            {"cversion", stat.cversion},
            {"aversion", stat.aversion},
            {"dataLength", stat.data_length},
            {"numChildren", stat.num_children},
            {"ephemeralOwner", stat.ephemeral_owner}};
}

nlohmann::json node_as_json(const State& state, const Node& node) {
    auto acl = nlohmann::json::array();
    for (const auto& entry : state.acls.list(node.acl)) {
        acl.push_back({entry.permissions, entry.id.scheme, entry.id.id});
    }
    nlohmann::json json{{"path", state.tree.path_of(node)},
                        {"stat", stat_as_json(stat_of(node))},
                        {"creations", node.creations},
                        {"owner", node.owner},
                        {"acl", acl},
                        {"data", nullptr}};
    if (!node.data.null()) json["data"] = hex(node.data.view());
    return json;
}

}  // namespace

TEST_CASE("a fresh tree has the digest of a fresh ZooKeeper", "[znode][digest]") {
    CHECK(State().tree.digest() == 0x51c6d660);
}

TEST_CASE("each transaction of a ZooKeeper log gives the digest that is logged with it", "[znode][digest]") {
    State state;
    Changes changes;
    for (const auto& [header, body, digest] : logged_txns()) {
        CAPTURE(header.zxid.value, static_cast<int>(header.type));
        const auto before = state.tree.digest();
        REQUIRE(apply(header, body, state, changes));
        CHECK(state.tree.digest() == digest.value_or(before));
        CHECK(changes.images.digest == state.tree.digest());
        CHECK(changes.images.zxid == header.zxid);
        state.check_invariants();
    }
}

TEST_CASE("a ZooKeeper log gives the tree that ZooKeeper had", "[znode][digest]") {
    State state;
    Changes changes;
    for (const auto& [header, body, digest] : logged_txns()) REQUIRE(apply(header, body, state, changes));

    std::map<std::string, nlohmann::json> ours;
    state.tree.for_each_in_subtree(*state.tree.find("/"), [&](const Node& node) {
        auto json = node_as_json(state, node);
        ours.emplace(json["path"], json);
    });
    const auto theirs = nlohmann::json::parse(read_data("zookeeper-3.8.nodes.json"));
    CHECK(ours.size() == theirs.size());
    for (const auto& node : theirs) CHECK(ours[node["path"]] == node);
}

TEST_CASE("the digest takes in every field but the ACL, and nothing below /zookeeper", "[znode][digest]") {
    Replica replica;
    replica.create("/a", "1");
    const auto digest = [&] { return replica.state.tree.digest(); };
    const auto created = digest();

    SECTION("data") {
        replica.set_data("/a", "2");
        CHECK(digest() != created);
    }
    SECTION("the ACL's version") {
        replica.set_acl("/a", kReadOnlyAcl);
        CHECK(digest() != created);
    }
    SECTION("null data and empty data are alike") {
        replica.create("/b", "");
        const auto empty = digest();
        replica.state.tree.refresh_data("/b", Bytes());
        CHECK(digest() == empty);
    }
    SECTION("what happens below /zookeeper") {
        replica.create("/zookeeper/quota/a", "x");
        replica.set_data("/zookeeper/quota/a", "y");
        CHECK(digest() == created);
    }
    SECTION("a child of /zookeeper changes /zookeeper itself") {
        replica.create("/zookeeper/a");
        CHECK(digest() != created);
    }
    replica.state.check_invariants();
}

}  // namespace zabd::znode
