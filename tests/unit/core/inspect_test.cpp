#include "server/core/inspect.hpp"

#include "server/core/path_loads.hpp"
#include "tests/unit/core/server.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <set>

using namespace zabd;
using namespace zabd::core;
using namespace zabd::core::test;
using wire::ErrorCode;
using wire::OpCode;

namespace {

const std::vector<wire::Id> kAnybody{{"ip", "127.0.0.1"}};

void remove(Server& server, const Server::Session& session, std::string_view path) {
    server.ask(session, 1, OpCode::kDelete, wire::VersionedRequest{path, -1});
    server.next_reply(session);
}

/// Nodes as "path@czxid", so that one that was made again is another one.
std::string identity_of(const NodeView& node) { return node.path + "@" + std::to_string(node.stat.czxid.value); }

std::vector<std::string> identities(const std::vector<NodeView>& nodes) {
    std::vector<std::string> all;
    for (const auto& node : nodes) all.push_back(identity_of(node));
    return all;
}

std::set<std::string> all_below(const Server& server, std::string_view below, bool deep) {
    auto& core = const_cast<Server&>(server).core();
    const auto whole = core.walk({.below = std::string(below), .deep = deep, .nodes_max = 1'000'000}, kAnybody);
    REQUIRE(whole.error == ErrorCode::kOk);
    REQUIRE(whole.next.empty());
    const auto found = identities(whole.nodes);
    return {found.begin(), found.end()};
}

/// A tree that grows and shrinks at random.
class Wood {
public:
    Wood(Server& server, std::uint32_t seed) : server_(server), session_(server.connect()), random_(seed) {}

    void change(int times) {
        for (; times > 0; --times) {
            if (random_() % 5 < 3 || paths_.size() < 3) {
                const auto path = some() + "/n" + std::to_string(random_() % 20);
                if (server_.create(session_, path) == ErrorCode::kOk) paths_.push_back(path);
            } else {
                cut(some());
            }
        }
    }
    void cut(const std::string& path) {
        if (path == "/w") return;
        // Children come behind their parents in the list.
        for (auto i = paths_.size(); i-- > 1;) {
            if (paths_[i] != path && !paths_[i].starts_with(path + "/")) continue;
            remove(server_, session_, paths_[i]);
            paths_.erase(paths_.begin() + static_cast<std::ptrdiff_t>(i));
        }
    }
    [[nodiscard]] std::string some() {
        if (paths_.empty()) {
            REQUIRE(server_.create(session_, "/w") == ErrorCode::kOk);
            paths_.emplace_back("/w");
        }
        return paths_[random_() % paths_.size()];
    }

private:
    Server& server_;
    Server::Session session_;
    std::mt19937 random_;
    std::vector<std::string> paths_;
};

}  // namespace

TEST_CASE("a walk in slices sees once what is there all the time, however the tree changes", "[core][inspect]") {
    const bool deep = GENERATE(true, false);
    for (std::uint32_t seed = 1; seed <= 150; ++seed) {
        CAPTURE(deep, seed);
        Server server;
        Wood wood(server, seed);
        wood.change(120);
        auto always = all_below(server, "/w", deep);
        std::set<std::string> seen;
        std::string last;
        WalkQuery query{.below = "/w", .deep = deep, .nodes_max = 1 + seed % 7};
        for (;;) {
            const auto slice = server.core().walk(query, kAnybody);
            REQUIRE(slice.error == ErrorCode::kOk);
            REQUIRE(slice.looked_at <= query.nodes_max);
            for (const auto& node : slice.nodes) {
                CHECK(seen.insert(identity_of(node)).second);
                last = node.path;
            }
            if (slice.next.empty()) break;
            query.cursor = slice.next;
            wood.change(2);
            if (seed % 3 == 0) wood.cut(last);  // where the next slice would begin
            const auto now = all_below(server, "/w", deep);
            std::erase_if(always, [&](const auto& node) { return !now.contains(node); });
        }
        for (const auto& node : always) CHECK(seen.contains(node));
    }
}

TEST_CASE("a walk brings parents first, and children in the order in which they were made", "[core][inspect]") {
    Server server;
    const auto session = server.connect();
    for (const auto path : {"/b", "/a", "/b/2", "/a/1", "/b/1"})
        REQUIRE(server.create(session, path) == ErrorCode::kOk);
    const auto answer = server.core().walk({.below = "/", .deep = true}, kAnybody);
    std::vector<std::string> paths;
    for (const auto& node : answer.nodes) paths.push_back(node.path);
    CHECK(paths == std::vector<std::string>{"/zookeeper", "/zookeeper/quota", "/zookeeper/config", "/b", "/b/2", "/b/1",
                                            "/a", "/a/1"});
    CHECK(answer.total == 3);
}

TEST_CASE("what may not be read is not walked into, and nothing is told of it", "[core][inspect]") {
    Server server;
    const auto session = server.connect();
    const wire::AclList closed{{wire::kAllPermissions, {"digest", "ben:hash"}}};
    server.ask(session, 1, OpCode::kCreate, wire::CreateRequest{"/closed", "secret", closed, {}});
    REQUIRE(server.next_reply(session).header.error == ErrorCode::kOk);
    REQUIRE(server.create(session, "/open") == ErrorCode::kOk);

    const auto anybody =
        server.core().walk({.below = "/", .deep = true, .with_data = true, .with_acl = true}, kAnybody);
    const auto node = std::ranges::find(anybody.nodes, "/closed", &NodeView::path);
    REQUIRE(node != anybody.nodes.end());
    CHECK_FALSE(node->readable);
    CHECK(node->data.null());
    CHECK(node->acl.empty());
    CHECK(node->stat.data_length == 0);
    CHECK(server.core().node("/closed", kAnybody).error == ErrorCode::kNoAuth);
    CHECK(server.core().walk({.below = "/closed"}, kAnybody).error == ErrorCode::kNoAuth);

    const std::vector<wire::Id> ben{{"digest", "ben:hash"}};
    const auto to_ben = server.core().node("/closed", ben);
    REQUIRE(to_ben.error == ErrorCode::kOk);
    CHECK(to_ben.node.data.view() == "secret");
    CHECK(to_ben.node.acl == closed);
}

TEST_CASE("a cursor that is none is refused, whatever it says", "[core][inspect]") {
    Server server;
    Wood wood(server, 7);
    wood.change(200);
    const auto slice = server.core().walk({.below = "/w", .deep = true, .nodes_max = 5}, kAnybody);
    REQUIRE_FALSE(slice.next.empty());
    for (const auto cursor :
         {"", " ", "/w", "0 0 0 /", "0 0 0 /x", "1 0 5 /w/n1", "0 0 5 /wrong/n1", "0 0 5 /w", "0 0 5"}) {
        const auto answer = server.core().walk({.below = "/w", .cursor = cursor}, kAnybody);
        CHECK(answer.error == (*cursor == '\0' ? ErrorCode::kOk : ErrorCode::kBadArguments));
    }
    std::mt19937 random(1);
    for (int i = 0; i < 20'000; ++i) {
        auto cursor = slice.next;
        for (auto changes = 1 + random() % 3; changes > 0; --changes)
            cursor[random() % cursor.size()] = "0123456789abcdef /nw"[random() % 20];
        (void)server.core().walk({.below = i % 2 == 0 ? "/w" : "/", .deep = true, .cursor = cursor}, kAnybody);
    }
}

TEST_CASE("sessions and their watches come page by page", "[core][inspect]") {
    Server server;
    std::vector<Server::Session> sessions;
    for (int i = 0; i < 10; ++i) {
        sessions.push_back(server.connect());
        const auto path = "/e" + std::to_string(i);
        REQUIRE(server.create(sessions.back(), path, wire::CreateMode::kEphemeral) == ErrorCode::kOk);
        for (int j = 0; j <= i; ++j) {
            server.ask(sessions.back(), 2, OpCode::kExists, wire::ReadRequest{"/x" + std::to_string(j), true});
            server.next_reply(sessions.back());
        }
    }
    std::set<SessionId> found;
    for (SessionId from{};;) {
        const auto page = server.core().sessions_page(from, 3);
        CHECK(page.total == 10);
        for (const auto& session : page.sessions) {
            CHECK(found.insert(session.id).second);
            CHECK(session.ephemerals == 1);
            CHECK(session.watches == found.size());
            CHECK(session.connection.has_value());
        }
        if (page.next == SessionId::kNone) break;
        from = page.next;
    }
    CHECK(found.size() == 10);
    CHECK(server.core().ephemerals_of(sessions[3].id, 10) == std::vector<std::string>{"/e3"});

    for (const std::size_t size : {1, 4, 7, 1000}) {
        std::size_t watches = 0;
        for (WatchCursor from;;) {
            const auto page = server.core().watches_page(from, size);
            CHECK(page.watches.size() <= size);
            for (const auto& watch : page.watches) CHECK(watch.kinds == std::vector{znode::WatchKind::kData});
            watches += page.watches.size();
            if (!page.next) break;
            from = *page.next;
        }
        CHECK(watches == 55);
    }
    server.disconnect(sessions[0].connection);
    CHECK_FALSE(server.core().session(sessions[0].id)->connection.has_value());
}

TEST_CASE("the paths used most are known, of however many", "[core][inspect]") {
    Server server;
    const auto session = server.connect(40'000);
    REQUIRE(server.create(session, "/hot", {}, "12345678") == ErrorCode::kOk);
    std::mt19937 random(3);
    for (int i = 0; i < 60'000; ++i) {
        const bool hot = random() % 4 == 0;
        const auto path = hot ? "/hot" : "/cold" + std::to_string(random() % 5000);
        server.ask(session, 3, OpCode::kGetData, wire::ReadRequest{path, false});
        server.next_reply(session);
    }
    const auto top = server.core().top_paths();
    REQUIRE_FALSE(top.empty());
    CHECK(top.size() <= PathLoads::kPathsMax);
    CHECK(top.front().path == "/hot");
    CHECK(top.front().reads > 10'000);
    CHECK(top.front().reads < 20'000);
    CHECK(top.front().writes == 0);
    CHECK(top.front().bytes == top.front().reads * 8);
}
