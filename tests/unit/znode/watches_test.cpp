#include "znode/watches.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

using namespace zabd;
using namespace zabd::znode;
using wire::EventType;
using wire::WatcherType;
using enum wire::EventType;
using Kind = WatchKind;

namespace {

constexpr ConnectionId kFirst{1};
constexpr ConnectionId kSecond{2};
constexpr ConnectionId kThird{3};

std::vector<ConnectionId> fired(Watches& watches, EventType type, std::string_view path) {
    std::vector<ConnectionId> told{ConnectionId{99}};
    watches.fire(type, path, told);
    return told;
}

}  // namespace

TEST_CASE("each kind of watch sees its events, once or for good", "[znode][watches]") {
    struct Case {
        const char* name;
        Kind kind;
        EventType type;
        const char* path;
        bool told;
        bool stays;
    };
    const auto c = GENERATE(values<Case>({
        {"data: creation", Kind::kData, kNodeCreated, "/a", true, false},
        {"data: change", Kind::kData, kNodeDataChanged, "/a", true, false},
        {"data: deletion", Kind::kData, kNodeDeleted, "/a", true, false},
        {"data: children", Kind::kData, kNodeChildrenChanged, "/a", false, true},
        {"data: a child's creation", Kind::kData, kNodeCreated, "/a/b", false, true},
        {"child: creation", Kind::kChild, kNodeCreated, "/a", false, true},
        {"child: change", Kind::kChild, kNodeDataChanged, "/a", false, true},
        {"child: deletion", Kind::kChild, kNodeDeleted, "/a", true, false},
        {"child: children", Kind::kChild, kNodeChildrenChanged, "/a", true, false},
        {"persistent: creation", Kind::kPersistent, kNodeCreated, "/a", true, true},
        {"persistent: change", Kind::kPersistent, kNodeDataChanged, "/a", true, true},
        {"persistent: deletion", Kind::kPersistent, kNodeDeleted, "/a", true, true},
        {"persistent: children", Kind::kPersistent, kNodeChildrenChanged, "/a", true, true},
        {"persistent: a child's deletion", Kind::kPersistent, kNodeDeleted, "/a/b", false, true},
        {"recursive: creation", Kind::kPersistentRecursive, kNodeCreated, "/a", true, true},
        {"recursive: change", Kind::kPersistentRecursive, kNodeDataChanged, "/a", true, true},
        {"recursive: deletion", Kind::kPersistentRecursive, kNodeDeleted, "/a", true, true},
        {"recursive: children", Kind::kPersistentRecursive, kNodeChildrenChanged, "/a", false, true},
        {"recursive: a child's creation", Kind::kPersistentRecursive, kNodeCreated, "/a/b", true, true},
        {"recursive: a grandchild's change", Kind::kPersistentRecursive, kNodeDataChanged, "/a/b/c", true, true},
        {"recursive: a child's children", Kind::kPersistentRecursive, kNodeChildrenChanged, "/a/b", false, true},
        {"recursive: a sibling that begins alike", Kind::kPersistentRecursive, kNodeCreated, "/ab", false, true},
        {"recursive: the parent", Kind::kPersistentRecursive, kNodeDataChanged, "/", false, true},
    }));
    CAPTURE(c.name);
    Watches watches;
    watches.add({.path = "/a", .connection = kFirst, .kind = c.kind});
    CHECK(fired(watches, c.type, c.path) == (c.told ? std::vector{kFirst} : std::vector<ConnectionId>{}));
    CHECK(watches.has("/a", kFirst, WatcherType::kAny) == c.stays);
    CHECK(watches.count_of(kFirst) == (c.stays ? 1 : 0));
}

TEST_CASE("a recursive watch on the root sees every path", "[znode][watches]") {
    Watches watches;
    watches.add({.path = "/", .connection = kFirst, .kind = Kind::kPersistentRecursive});
    for (const auto path : {"/", "/a", "/a/b/c"}) CHECK(fired(watches, kNodeDeleted, path) == std::vector{kFirst});
}

TEST_CASE("a watch on the empty path is no watch on the root", "[znode][watches]") {
    Watches watches;
    watches.add({.path = "", .connection = kFirst, .kind = Kind::kPersistentRecursive});
    CHECK(fired(watches, kNodeCreated, "/a").empty());
}

TEST_CASE("one event reaches a connection once, however many of its watches match", "[znode][watches]") {
    Watches watches;
    for (const auto kind : {Kind::kData, Kind::kChild, Kind::kPersistent, Kind::kPersistentRecursive})
        watches.add({.path = "/a/b", .connection = kFirst, .kind = kind});
    watches.add({.path = "/a", .connection = kFirst, .kind = Kind::kPersistentRecursive});
    watches.add({.path = "/", .connection = kFirst, .kind = Kind::kPersistentRecursive});
    CHECK(fired(watches, kNodeDeleted, "/a/b") == std::vector{kFirst});
}

TEST_CASE("connections are told in ascending order", "[znode][watches]") {
    Watches watches;
    watches.add({.path = "/a/b", .connection = kThird, .kind = Kind::kData});
    watches.add({.path = "/", .connection = kSecond, .kind = Kind::kPersistentRecursive});
    watches.add({.path = "/a/b", .connection = kFirst, .kind = Kind::kPersistent});
    CHECK(fired(watches, kNodeDataChanged, "/a/b") == std::vector{kFirst, kSecond, kThird});
}

TEST_CASE("setting a watch twice is one watch", "[znode][watches]") {
    Watches watches;
    for (int i = 0; i < 2; ++i) watches.add({.path = "/a", .connection = kFirst, .kind = Kind::kData});
    CHECK(watches.count() == 1);
    CHECK(fired(watches, kNodeDataChanged, "/a") == std::vector{kFirst});
    CHECK(fired(watches, kNodeDataChanged, "/a").empty());
}

TEST_CASE("a standard watch fires and leaves the persistent ones of its path in place", "[znode][watches]") {
    Watches watches;
    watches.add({.path = "/a", .connection = kFirst, .kind = Kind::kPersistentRecursive});
    watches.add({.path = "/a", .connection = kFirst, .kind = Kind::kPersistent});
    watches.add({.path = "/a", .connection = kFirst, .kind = Kind::kData});
    watches.add({.path = "/a", .connection = kFirst, .kind = Kind::kChild});
    fired(watches, kNodeDeleted, "/a");
    CHECK_FALSE(watches.has("/a", kFirst, WatcherType::kData));
    CHECK_FALSE(watches.has("/a", kFirst, WatcherType::kChildren));
    CHECK(watches.has("/a", kFirst, WatcherType::kPersistent));
    CHECK(watches.has("/a", kFirst, WatcherType::kPersistentRecursive));
}

TEST_CASE("watches are found and removed by their type", "[znode][watches]") {
    struct Case {
        const char* name;
        WatcherType type;
        std::vector<Kind> matching;
    };
    const auto c = GENERATE(values<Case>({
        {"children", WatcherType::kChildren, {Kind::kChild}},
        {"data", WatcherType::kData, {Kind::kData}},
        {"persistent", WatcherType::kPersistent, {Kind::kPersistent}},
        {"recursive", WatcherType::kPersistentRecursive, {Kind::kPersistentRecursive}},
        {"any", WatcherType::kAny, {Kind::kData, Kind::kChild, Kind::kPersistent, Kind::kPersistentRecursive}},
        {"a number that is none", WatcherType{6}, {}},
    }));
    const auto kind = GENERATE(Kind::kData, Kind::kChild, Kind::kPersistent, Kind::kPersistentRecursive);
    CAPTURE(c.name, static_cast<int>(kind));
    Watches watches;
    watches.add({.path = "/a", .connection = kFirst, .kind = kind});
    watches.add({.path = "/a", .connection = kSecond, .kind = kind});
    const bool matches = std::count(c.matching.begin(), c.matching.end(), kind) == 1;
    CHECK(watches.has("/a", kFirst, c.type) == matches);
    CHECK_FALSE(watches.has("/a/b", kFirst, c.type));
    CHECK_FALSE(watches.has("/a", kThird, c.type));
    CHECK_FALSE(watches.remove("/a", kThird, c.type));
    CHECK(watches.remove("/a", kFirst, c.type) == matches);
    CHECK(watches.has("/a", kFirst, WatcherType::kAny) != matches);
    CHECK(watches.has("/a", kSecond, WatcherType::kAny));
    CHECK_FALSE(watches.remove("/a", kFirst, c.type));
}

TEST_CASE("a connection's watches go with it", "[znode][watches]") {
    Watches watches;
    for (const auto connection : {kFirst, kSecond})
        for (const auto kind : {Kind::kData, Kind::kChild, Kind::kPersistent, Kind::kPersistentRecursive})
            for (const auto path : {"/a", "/b"}) watches.add({.path = path, .connection = connection, .kind = kind});
    watches.remove_connection(kFirst);
    watches.remove_connection(kThird);
    CHECK(watches.count_of(kFirst) == 0);
    CHECK(watches.count_of(kSecond) == 2);
    CHECK(fired(watches, kNodeDeleted, "/a") == std::vector{kSecond});
    watches.remove_connection(kSecond);
    CHECK(watches.count() == 0);
    CHECK(fired(watches, kNodeDeleted, "/b").empty());
}

TEST_CASE("watches are counted as pairs of path and connection, in both tables", "[znode][watches]") {
    Watches watches;
    watches.add({.path = "/a", .connection = kFirst, .kind = Kind::kData});
    CHECK(watches.count() == 1);
    watches.add({.path = "/a", .connection = kFirst, .kind = Kind::kPersistentRecursive});
    CHECK(watches.count() == 1);
    watches.add({.path = "/a", .connection = kFirst, .kind = Kind::kPersistent});
    CHECK(watches.count() == 2);
    watches.add({.path = "/b", .connection = kFirst, .kind = Kind::kChild});
    CHECK(watches.count() == 3);
    watches.add({.path = "/b", .connection = kSecond, .kind = Kind::kPersistent});
    CHECK(watches.count() == 5);
    CHECK(watches.remove("/a", kFirst, WatcherType::kAny));
    CHECK(watches.count() == 3);
}

TEST_CASE("the data table is listed by path", "[znode][watches]") {
    Watches watches;
    watches.add({.path = "/b", .connection = kSecond, .kind = Kind::kData});
    watches.add({.path = "/a", .connection = kFirst, .kind = Kind::kPersistentRecursive});
    watches.add({.path = "/b", .connection = kFirst, .kind = Kind::kPersistent});
    watches.add({.path = "/c", .connection = kFirst, .kind = Kind::kChild});
    std::vector<std::pair<std::string, ConnectionId>> seen;
    watches.for_each_data_watch(
        [&](std::string_view path, ConnectionId connection) { seen.emplace_back(path, connection); });
    CHECK(seen == std::vector<std::pair<std::string, ConnectionId>>{{"/a", kFirst}, {"/b", kFirst}, {"/b", kSecond}});
}

namespace {

/// The rules of the tables, written down without any cleverness.
class Model {
public:
    void add(const Watches::Watch& watch) { watches_.insert({std::string(watch.path), watch.connection, watch.kind}); }

    std::vector<ConnectionId> fire(EventType type, const std::string& path) {
        std::set<ConnectionId> told;
        std::erase_if(watches_, [&](const auto& watch) {
            const auto& [own, connection, kind] = watch;
            if (!sees(own, kind, type, path)) return false;
            told.insert(connection);
            return kind == Kind::kData || kind == Kind::kChild;
        });
        return {told.begin(), told.end()};
    }
    bool remove(const std::string& path, ConnectionId connection, Kind kind) {
        return watches_.erase({path, connection, kind}) > 0;
    }
    void remove_connection(ConnectionId connection) {
        std::erase_if(watches_, [&](const auto& watch) { return std::get<1>(watch) == connection; });
    }
    [[nodiscard]] std::size_t count() const {
        std::set<std::tuple<std::string, ConnectionId, bool>> pairs;
        for (const auto& [path, connection, kind] : watches_) {
            if (kind != Kind::kChild) pairs.insert({path, connection, true});
            if (kind == Kind::kChild || kind == Kind::kPersistent) pairs.insert({path, connection, false});
        }
        return pairs.size();
    }

private:
    static bool sees(const std::string& own, Kind kind, EventType type, const std::string& path) {
        if (kind == Kind::kPersistentRecursive) {
            const bool below = own == "/" || path.starts_with(own + "/");
            return type != kNodeChildrenChanged && (own == path || below);
        }
        if (own != path) return false;
        if (kind == Kind::kData) return type != kNodeChildrenChanged;
        if (kind == Kind::kChild) return type == kNodeChildrenChanged || type == kNodeDeleted;
        return true;
    }

    std::set<std::tuple<std::string, ConnectionId, Kind>> watches_;
};

}  // namespace

TEST_CASE("random use agrees with a plain model of the rules", "[znode][watches]") {
    const auto seed = GENERATE(range(1u, 21u));
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto pick = [&](std::uint32_t below) { return static_cast<std::uint32_t>(random() % below); };
    const std::vector<std::string> paths{"/", "/a", "/ab", "/a/b", "/a/c", "/a/b/c", "/d", "/a/b/c/d"};
    const std::map<Kind, WatcherType> type_of{{Kind::kData, WatcherType::kData},
                                              {Kind::kChild, WatcherType::kChildren},
                                              {Kind::kPersistent, WatcherType::kPersistent},
                                              {Kind::kPersistentRecursive, WatcherType::kPersistentRecursive}};
    Watches watches;
    Model model;
    for (int step = 0; step < 2000; ++step) {
        const auto& path = paths[pick(8)];
        const ConnectionId connection{1 + pick(4)};
        const Kind kind{static_cast<std::uint8_t>(pick(4))};
        const auto action = pick(20);
        if (action < 9) {
            watches.add({path, connection, kind});
            model.add({path, connection, kind});
        } else if (action < 16) {
            const auto type = static_cast<EventType>(1 + pick(4));
            REQUIRE(fired(watches, type, path) == model.fire(type, path));
        } else if (action < 19) {
            REQUIRE(watches.remove(path, connection, type_of.at(kind)) == model.remove(path, connection, kind));
        } else {
            watches.remove_connection(connection);
            model.remove_connection(connection);
        }
        REQUIRE(watches.count() == model.count());
    }
}
