// Each operation, with its answers and its errors.
#include "tests/client/support.hpp"

#include <algorithm>
#include <cctype>
#include <set>

using namespace zabd::client;
using namespace zabd::client::tests;

namespace {

std::set<std::string> set_of(const std::vector<std::string>& names) { return {names.begin(), names.end()}; }

}  // namespace

TEST_CASE("a node is made, read, changed and removed", "[operations]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        const auto created = co_await client.create("/a", "one");
        CHECK(created.path == "/a");
        CHECK(created.stat.data_length == 3);
        const auto [data, stat] = co_await client.get("/a");
        CHECK(data == "one");
        CHECK(stat.czxid == created.stat.czxid);
        const auto changed = co_await client.set("/a", "two!", {.version = 0});
        CHECK(changed.version == 1);
        const auto found = co_await client.exists("/a");
        REQUIRE(found);
        CHECK(found->mzxid == changed.mzxid);
        co_await client.remove("/a", {.version = 1});
        co_await expect_node(client, "/a", false);
    });
}

TEST_CASE("each operation fails as it should", "[operations]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        co_await client.create("/a");
        co_await client.create("/a/b");
        co_await client.create("/e", "", {.mode = CreateMode::kEphemeral});
        const AclList nobody{{0, {"world", "nobody"}}};
        co_await expect(Errc::kNodeExists, client.create("/a"));
        co_await expect(Errc::kNoNode, client.create("/no/parent"));
        co_await expect(Errc::kNoChildrenForEphemerals, client.create("/e/child"));
        co_await expect(Errc::kInvalidAcl, client.create("/acl", "", {.acl = &nobody}));
        co_await expect(Errc::kNoNode, client.get("/none"));
        co_await expect(Errc::kNoNode, client.children("/none"));
        co_await expect(Errc::kNoNode, client.get_acl("/none"));
        co_await expect(Errc::kNoNode, client.count_descendants("/none"));
        co_await expect(Errc::kNoNode, client.set("/none", "x"));
        co_await expect(Errc::kBadVersion, client.set("/a", "x", {.version = 7}));
        co_await expect(Errc::kNoNode, client.remove("/none"));
        co_await expect(Errc::kNotEmpty, client.remove("/a"));
        co_await expect(Errc::kBadVersion, client.remove("/a/b", {.version = 7}));
        co_await expect(Errc::kBadVersion, client.set_acl("/a", open_acl(), {.version = 7}));
        co_await expect(Errc::kInvalidAcl, client.set_acl("/a", nobody));
        co_await expect(Errc::kBadArguments, client.get("relative"));
        co_await expect(Errc::kNoWatcher, client.remove_watches("/a"));
        CHECK(client.state() == State::kConnected);
    });
}

TEST_CASE("nodes of each mode", "[operations]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        co_await client.create("/q");
        const auto first = co_await client.create("/q/n-", "", {.mode = CreateMode::kPersistentSequential});
        const auto second = co_await client.create("/q/", "", {.mode = CreateMode::kEphemeralSequential});
        CHECK(first.path == "/q/n-0000000000");
        CHECK(second.path == "/q/0000000001");
        CHECK(second.stat.ephemeral_owner == static_cast<std::int64_t>(client.session().id));
        const auto container = co_await client.create("/c", "", {.mode = CreateMode::kContainer});
        CHECK(container.path == "/c");
        const auto owned = co_await client.ephemerals();
        CHECK(owned == std::vector<std::string>{"/q/0000000001"});
        const auto of_others = co_await client.ephemerals("/c");
        CHECK(of_others.empty());
        // The server may have its extended types switched off.
        const auto timed =
            co_await error_of(client.create("/t", "", {.mode = CreateMode::kPersistentTtl, .ttl = 100s}));
        CHECK((!timed || timed == Errc::kUnimplemented));
    });
}

TEST_CASE("children and descendants", "[operations]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        for (const auto* path : {"/a", "/a/x", "/a/y", "/a/y/z"}) co_await client.create(path);
        const auto [names, stat] = co_await client.children("/a");
        CHECK(set_of(names) == std::set<std::string>{"x", "y"});
        CHECK(stat.num_children == 2);
        const auto count = co_await client.count_descendants("/a");
        CHECK(count == 3);
        const auto of_root = co_await client.children("/");
        CHECK(of_root.names == std::vector<std::string>{"a"});
    });
}

TEST_CASE("identities and ACLs", "[operations]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto owner = co_await site.connect();
        auto other = co_await site.connect();
        co_await owner.add_auth("digest", "bob:secret");
        co_await owner.create("/mine", "x", {.acl = &creator_acl()});
        co_await expect(Errc::kNoAuth, other.get("/mine"));
        const auto [acl, stat] = co_await owner.get_acl("/mine");
        REQUIRE(acl.size() == 1);
        CHECK(acl[0].id.scheme == "digest");
        const auto changed = co_await owner.set_acl("/mine", read_acl(), {.version = stat.aversion});
        CHECK(changed.aversion == stat.aversion + 1);
        co_await expect_data(other, "/mine", "x");
        co_await expect(Errc::kNoAuth, other.set("/mine", "y"));
        const auto identities = co_await owner.who_am_i();
        CHECK(std::ranges::any_of(identities, [](const Id& id) { return id.scheme == "digest"; }));
    });
}

TEST_CASE("a refused identity ends the client", "[operations]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        co_await expect(Errc::kAuthFailed, client.add_auth("no-such-scheme", "x"));
        CHECK(client.state() == State::kAuthFailed);
        co_await expect(Errc::kAuthFailed, client.get("/"));
        co_await expect(Errc::kAuthFailed, client.connected());
    });
}

TEST_CASE("a multi is applied as a whole or not at all", "[operations]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        Multi made;
        made.create("/a", "1")
            .create("/a/n-", "", {.mode = CreateMode::kPersistentSequential})
            .set("/a", "2")
            .check("/a", 1);
        const auto results = co_await client.multi(made);
        REQUIRE(results.size() == 4);
        CHECK(results[0].path == "/a");
        CHECK(results[1].path == "/a/n-0000000000");
        CHECK(results[2].stat.version == 1);

        Multi failing;
        failing.set("/a", "3").remove("/none").create("/b");
        const auto [error, failed] = co_await client.multi(failing, {}, as_value);
        CHECK(error == Errc::kNoNode);
        REQUIRE(failed.size() == 3);
        CHECK(!failed[0].error);
        CHECK(failed[1].error == Errc::kNoNode);
        CHECK(failed[2].error == Errc::kRuntimeInconsistency);
        co_await expect_data(client, "/a", "2");
        const auto none = co_await client.multi(Multi());
        CHECK(none.empty());
    });
}

TEST_CASE("several reads in one request fail one by one", "[operations]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        co_await client.create("/a", "data");
        co_await client.create("/a/b");
        MultiRead reads;
        reads.get("/a").get("/none").children("/a");
        const auto results = co_await client.multi_read(reads);
        REQUIRE(results.size() == 3);
        CHECK(results[0].data == "data");
        CHECK(results[0].stat.num_children == 1);
        CHECK(results[1].error == Errc::kNoNode);
        CHECK(results[2].names == std::vector<std::string>{"b"});
    });
}

TEST_CASE("a linearizable read sees what was answered to anybody before", "[operations]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto writer = co_await site.connect();
        auto reader = co_await site.connect();
        co_await writer.create("/a");
        co_await reader.sync("/");
        for (int i = 0; i < 20; ++i) {
            co_await writer.set("/a", std::to_string(i));
            const auto read = co_await reader.get("/a", {.linearizable = true});
            CHECK(read.data == std::to_string(i));
        }
        const auto none = co_await reader.exists("/none", {.linearizable = true});
        CHECK(!none);
        co_await expect(Errc::kNoNode, reader.get("/none", {.linearizable = true}));
    });
}

TEST_CASE("a request may be as large as the server takes, and no larger", "[operations]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        co_await client.create("/a");
        const auto overhead = 8 + 4 + site.chroot().size() + 2 + 4 + 4;  // header, path, count, version
        const std::string largest(Options().request_bytes_max - overhead, 'x');
        co_await client.set("/a", largest);
        co_await expect_data(client, "/a", largest);
        co_await expect(Errc::kRequestTooLarge, client.set("/a", largest + "x"));
        const auto stat = co_await client.exists("/a");
        CHECK(stat->version == 1);
        CHECK(client.state() == State::kConnected);
    });
}

TEST_CASE("a path is made with all that is above it", "[operations]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        co_await client.ensure_path("/a/b/c");
        co_await client.set("/a/b/c", "kept");
        co_await client.ensure_path("/a/b/c");
        co_await client.ensure_path("/a/b/d/e");
        co_await client.ensure_path("/");
        co_await expect_data(client, "/a/b/c", "kept");
        co_await expect_node(client, "/a/b/d/e");
        co_await expect(Errc::kBadArguments, client.ensure_path("a"));
        auto below = co_await Client::connect(site.connection_string() + "/new/root");
        co_await below.ensure_path("/x");
        co_await expect_node(client, "/new/root/x");
    });
}

TEST_CASE("a path is made below nodes that one may not change", "[operations]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto owner = co_await site.connect();
        auto other = co_await site.connect();
        co_await owner.create("/closed", "", {.acl = &read_acl()});
        co_await error_of(owner.create("/closed/none"));
        co_await owner.create("/open");
        co_await owner.create("/open/inner");
        co_await owner.set_acl("/open", read_acl());
        co_await other.ensure_path("/open/inner/x/y");
        co_await expect_node(owner, "/open/inner/x/y");
        co_await expect(Errc::kNoAuth, other.ensure_path("/closed/x/y"));
    });
}

TEST_CASE("a protected node carries its guid in front of its name", "[operations]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        const auto is_hex = [](std::string_view text) {
            return std::ranges::all_of(text, [](unsigned char c) { return std::isxdigit(c); });
        };
        const CreateOptions sequential{.mode = CreateMode::kEphemeralSequential};
        const auto curator = (co_await client.create_protected("/lock-", "", sequential)).path;
        CHECK(curator.size() == 1 + 3 + 36 + 1 + 5 + 10);
        CHECK(curator.starts_with("/_c_"));
        CHECK(curator.substr(40, 6) == "-lock-");
        const auto kazoo = (co_await client.create_protected("/__lock__", "", sequential, ProtectedName::kKazoo)).path;
        CHECK(is_hex(kazoo.substr(1, 32)));
        CHECK(kazoo.substr(33, 8) == "__lock__");
        co_await client.create("/leases");
        const auto bare = (co_await client.create_protected("/leases/", "", {}, ProtectedName::kKazoo)).path;
        CHECK(is_hex(bare.substr(8)));
        CHECK(bare.size() == 8 + 32);
        co_await expect(Errc::kNoNode, client.create_protected("/none/x"));
    });
}

TEST_CASE("a bad connection string fails every operation", "[operations]") {
    run([]() -> asio::awaitable<void> {
        Client client(co_await asio::this_coro::executor, "host:port");
        co_await expect(Errc::kBadArguments, client.connected());
        co_await expect(Errc::kBadArguments, client.get("/"));
        co_await client.close();
    });
}
