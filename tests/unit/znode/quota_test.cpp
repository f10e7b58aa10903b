#include "znode/quota.hpp"

#include "replica.hpp"

#include <catch2/catch.hpp>

#include <random>

namespace zabd::znode {

namespace {

/// A quota on `path` as clients set it: the nodes of its path below /zookeeper/quota, then its texts.
void set_quota(Replica& replica, const std::string& path, std::string_view limits, bool with_stats = true) {
    std::size_t end = 0;
    while (end != path.size()) {
        end = std::min(path.find('/', end + 1), path.size());
        const auto node = "/zookeeper/quota" + path.substr(0, end);
        if (!replica.state.tree.find(node)) replica.create(node);
    }
    replica.create(limits_path(path), limits);
    if (with_stats) replica.create(stats_path(path), "count=0,bytes=0");
}

std::string stats(const Replica& replica, const std::string& path) {
    return std::string(replica.node(stats_path(path)).data.view());
}

}  // namespace

TEST_CASE("a quota's text is read", "[znode][quota]") {
    struct Case {
        const char* text;
        std::int64_t count, bytes, count_hard, bytes_hard;
    };
    const auto c = GENERATE(values<Case>({
        {"", -1, -1, -1, -1},
        {"count=5,bytes=7", 5, 7, -1, -1},
        {"bytes=7,count=5", 5, 7, -1, -1},
        {"count=-1,bytes=100", -1, 100, -1, -1},
        {"count=10,bytes=100=;byteHardLimit=200;countHardLimit=20", 10, 100, 20, 200},
        {"count=1;;,,bytes=2", 1, 2, -1, -1},
        {"count=0,bytes=0", 0, 0, -1, -1},
        {"count=,bytes=", -1, -1, -1, -1},
        {"count,bytes", -1, -1, -1, -1},
        {"count=ten,bytes=7", -1, 7, -1, -1},
        {"count=5x,bytes= 7", -1, -1, -1, -1},
        {"count=99999999999999999999,bytes=9223372036854775807", -1, INT64_MAX, -1, -1},
        {"weight=3,count=1,bytes=1", 1, 1, -1, -1},
        {"=1,=", -1, -1, -1, -1},
    }));
    CAPTURE(c.text);
    const auto quota = parse_quota(c.text);
    CHECK(quota.count == c.count);
    CHECK(quota.bytes == c.bytes);
    CHECK(quota.count_hard == c.count_hard);
    CHECK(quota.bytes_hard == c.bytes_hard);
}

TEST_CASE("what is written as usage is read back", "[znode][quota]") {
    CHECK(usage_text(3, 40) == "count=3,bytes=40");
    CHECK(parse_quota(usage_text(3, 40)).bytes == 40);
}

TEST_CASE("the nodes of a quota are known by their paths", "[znode][quota]") {
    struct Case {
        const char* path;
        const char* quota_path;  // "": none
    };
    const auto c = GENERATE(values<Case>({
        {"/zookeeper/quota/a/zookeeper_limits", "/a"},
        {"/zookeeper/quota/a/b/zookeeper_stats", "/a/b"},
        {"/zookeeper/quota/zookeeper_limits", ""},
        {"/zookeeper/quota/a", ""},
        {"/zookeeper/quota/a/my_zookeeper_limits", ""},
        {"/zookeeper/quota/zookeeper/zookeeper_limits", ""},
        {"/zookeeper/quota/zookeeper/quota/zookeeper_stats", ""},
        {"/zookeeper/quota/zookeepers/zookeeper_stats", "/zookeepers"},
        {"/zookeeper/quotas/a/zookeeper_limits", ""},
        {"/a/zookeeper_limits", ""},
        {"/", ""},
    }));
    CAPTURE(c.path);
    const auto node = quota_node(c.path);
    CHECK(node.has_value() == !std::string_view(c.quota_path).empty());
    if (node) CHECK(node->quota_path == c.quota_path);
}

TEST_CASE("the deepest quota at or above a path covers it", "[znode][quota]") {
    const State state;
    Quotas quotas;
    CHECK_FALSE(quotas.covering("/a"));
    quotas.add(state.tree, "/a");
    quotas.add(state.tree, "/a/b/c");
    struct Case {
        const char* path;
        const char* covering;  // "": none
    };
    const auto c = GENERATE(values<Case>({
        {"/a", "/a"},
        {"/a/b", "/a"},
        {"/a/b/c", "/a/b/c"},
        {"/a/b/c/d", "/a/b/c"},
        {"/a/b/cd", "/a"},
        {"/ab", ""},
        {"/", ""},
    }));
    CAPTURE(c.path);
    CHECK(std::string(quotas.covering(c.path).value_or("")) == c.covering);
}

TEST_CASE("statistics are counted at once, whatever the client wrote there", "[znode][quota]") {
    Replica replica;
    replica.create("/a", "12345");
    replica.create("/a/x", "678");
    set_quota(replica, "/a", "count=100,bytes=1000");
    CHECK(stats(replica, "/a") == "count=2,bytes=8");
    CHECK(stat_of(replica.node(stats_path("/a"))).version == 0);
}

TEST_CASE("statistics without limits are counted when they are created", "[znode][quota]") {
    Replica replica;
    replica.create("/a", "12");
    replica.create("/zookeeper/quota/a");
    replica.create(stats_path("/a"), "");
    CHECK(stats(replica, "/a") == "count=1,bytes=2");
}

TEST_CASE("statistics follow every change", "[znode][quota]") {
    Replica replica;
    set_quota(replica, "/a", "count=100");
    CHECK(stats(replica, "/a") == "count=0,bytes=0");
    replica.create("/a", "12");
    CHECK(stats(replica, "/a") == "count=1,bytes=2");
    replica.create("/a/b", "345");
    CHECK(stats(replica, "/a") == "count=2,bytes=5");
    replica.set_data("/a/b", "3");
    CHECK(stats(replica, "/a") == "count=2,bytes=3");
    replica.set_data("/a/b", std::nullopt);
    CHECK(stats(replica, "/a") == "count=2,bytes=2");
    replica.create_ephemeral("/a/e");
    CHECK(stats(replica, "/a") == "count=3,bytes=2");
    replica.create("/ab", "not below");
    CHECK(stats(replica, "/a") == "count=3,bytes=2");
    replica.close_session(SessionId{0x100}, {"/a/e"});
    CHECK(stats(replica, "/a") == "count=2,bytes=2");
    replica.remove("/a/b");
    replica.remove("/a");
    CHECK(stats(replica, "/a") == "count=0,bytes=0");
    replica.state.check_invariants();
}

TEST_CASE("statistics change without an event and without a mark in the stat", "[znode][quota]") {
    Replica replica;
    replica.create("/a");
    set_quota(replica, "/a", "count=100");
    auto before = stat_of(replica.node(stats_path("/a")));
    replica.create("/a/b", "0123456789");

    CHECK(replica.changes.triggers.size() == 2);
    CHECK(replica.changes.results.size() == 1);
    const auto& image = replica.changes.images.nodes.back();
    CHECK(image.record.id == replica.node(stats_path("/a")).id);
    CHECK(image.data_changed);
    CHECK(image.data.view() == "count=2,bytes=10");
    before.data_length = static_cast<std::int32_t>(image.data.size());
    CHECK(stat_of(replica.node(stats_path("/a"))) == before);
}

TEST_CASE("what a client writes over the statistics lasts until the next change", "[znode][quota]") {
    Replica replica;
    replica.create("/a", "1");
    set_quota(replica, "/a", "count=100");
    replica.set_data(stats_path("/a"), "nonsense");
    CHECK(stats(replica, "/a") == "nonsense");
    replica.set_data("/a", "22");
    CHECK(stats(replica, "/a") == "count=1,bytes=2");
}

TEST_CASE("a quota ends with its limits", "[znode][quota]") {
    Replica replica;
    replica.create("/a", "1");
    set_quota(replica, "/a", "count=100");
    replica.remove(limits_path("/a"));
    CHECK(replica.state.quotas.empty());
    replica.create("/a/b");
    CHECK(stats(replica, "/a") == "count=1,bytes=1");
    replica.create(limits_path("/a"), "count=100");
    CHECK(stats(replica, "/a") == "count=2,bytes=1");
}

TEST_CASE("a quota inside another takes over what it covers, and gives it back", "[znode][quota]") {
    Replica replica;
    replica.create("/a", "1");
    replica.create("/a/b", "22");
    replica.create("/a/b/c", "333");
    set_quota(replica, "/a", "");
    CHECK(stats(replica, "/a") == "count=3,bytes=6");
    set_quota(replica, "/a/b", "");
    CHECK(stats(replica, "/a/b") == "count=2,bytes=5");
    CHECK(stats(replica, "/a") == "count=1,bytes=1");
    replica.create("/a/b/d", "4444");
    CHECK(stats(replica, "/a/b") == "count=3,bytes=9");
    CHECK(stats(replica, "/a") == "count=1,bytes=1");
    replica.remove(limits_path("/a/b"));
    CHECK(stats(replica, "/a") == "count=4,bytes=10");
    replica.state.check_invariants();
}

TEST_CASE("quotas on the root and the reserved tree are ignored", "[znode][quota]") {
    Replica replica;
    replica.create("/zookeeper/quota/zookeeper_limits", "count=1");
    replica.create("/zookeeper/quota/zookeeper_stats", "mine");
    replica.create("/zookeeper/quota/zookeeper");
    replica.create("/zookeeper/quota/zookeeper/zookeeper_limits", "count=1");
    CHECK(replica.state.quotas.empty());
    replica.create("/a");
    CHECK(replica.node("/zookeeper/quota/zookeeper_stats").data.view() == "mine");
}

TEST_CASE("a hard limit is for what grows past it", "[znode][quota]") {
    struct Case {
        const char* name;
        const char* limits;
        const char* path;
        QuotaDelta delta;
        bool exceeds;
    };
    // Used: count 2, bytes 5.
    const auto c = GENERATE(values<Case>({
        {"up to the count", "countHardLimit=3", "/a/x", {.count = 1}, false},
        {"past the count", "countHardLimit=2", "/a/x", {.count = 1}, true},
        {"past the count by the quota's node", "countHardLimit=2", "/a", {.count = 1}, true},
        {"up to the bytes", "byteHardLimit=9", "/a/x", {.count = 1, .bytes = 4}, false},
        {"past the bytes", "byteHardLimit=8", "/a/x", {.count = 1, .bytes = 4}, true},
        {"shrinking, but not enough", "byteHardLimit=2", "/a/b", {.bytes = -1}, true},
        {"of the same size", "byteHardLimit=2", "/a/b", {.bytes = 0}, false},
        {"data are no count", "countHardLimit=1", "/a/b", {.bytes = 4}, false},
        {"a soft limit", "count=1,bytes=1", "/a/x", {.count = 1, .bytes = 1}, false},
        {"a hard limit behind a soft one", "count=1,bytes=1=;countHardLimit=2", "/a/x", {.count = 1}, true},
        {"zero is a limit", "countHardLimit=0", "/a/x", {.count = 1}, true},
        {"unset", "countHardLimit=-1;byteHardLimit=-1", "/a/x", {.count = 1, .bytes = 1}, false},
        {"text that means nothing", "countHardLimit=few", "/a/x", {.count = 1}, false},
        {"elsewhere", "countHardLimit=0", "/b", {.count = 1}, false},
    }));
    CAPTURE(c.name);
    Replica replica;
    replica.create("/a", "12");
    replica.create("/a/b", "345");
    set_quota(replica, "/a", c.limits);
    const auto& state = replica.state;
    CHECK(exceeds_hard_quota(state.tree, state.quotas, c.path, c.delta) == c.exceeds);
}

TEST_CASE("limits that a client changes hold from then on", "[znode][quota]") {
    Replica replica;
    set_quota(replica, "/a", "countHardLimit=0");
    CHECK(exceeds_hard_quota(replica.state.tree, replica.state.quotas, "/a", {.count = 1}));
    replica.set_data(limits_path("/a"), "countHardLimit=1");
    CHECK_FALSE(exceeds_hard_quota(replica.state.tree, replica.state.quotas, "/a", {.count = 1}));
}

TEST_CASE("usage never drifts from what is there", "[znode][quota]") {
    const auto seed = GENERATE(range(1u, 11u));
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto pick = [&](std::size_t count) { return random() % count; };
    Replica replica;
    const std::vector<std::string> paths{"/a", "/a/b", "/a/b/c", "/a/b/c/d", "/a/x", "/e", "/e/f"};
    for (int i = 0; i < 600; ++i) {
        const auto& path = paths[pick(paths.size())];
        const Node* node = replica.state.tree.find(path);
        const auto parent = path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
        const std::string data(pick(20), 'x');
        switch (pick(5)) {
            case 0:
                if (const auto limits = limits_path(path); replica.state.tree.find(limits)) {
                    replica.remove(limits);
                    if (replica.state.tree.find(stats_path(path))) replica.remove(stats_path(path));
                } else {
                    set_quota(replica, path, "", pick(2) == 0);
                }
                break;
            case 1:
                if (node) replica.set_data(path, data);
                break;
            case 2:
                if (node && node->child_count == 0) replica.remove(path);
                break;
            default:
                if (!node && replica.state.tree.find(parent)) replica.create(path, data);
        }
        replica.state.check_invariants();
        for (const auto& quota : paths) {
            if (!replica.state.tree.find(limits_path(quota)) || !replica.state.tree.find(stats_path(quota))) continue;
            const auto usage = replica.state.quotas.usage(replica.state.tree, quota);
            CHECK(stats(replica, quota) == usage_text(usage.count, usage.bytes));
        }
    }
}

}  // namespace zabd::znode
