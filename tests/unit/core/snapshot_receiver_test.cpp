#include "server/core/snapshot_receiver.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace zabd::core {
namespace {

struct Node {
    std::string path;
    std::int64_t acl = wire::kOpenAclOfStream;
    std::int64_t owner = 0;
};

/// Without sessions and ACL lists.
std::string stream_of(const std::vector<Node>& nodes) {
    std::string bytes;
    wire::SnapshotEncoder out(bytes);
    out.begin_sessions(0);
    out.begin_acls(0);
    for (const auto& [path, acl, owner] : nodes) {
        wire::SnapshotNode node;
        node.path = path;
        node.acl = acl;
        node.owner = owner;
        out.add(node);
    }
    out.end();
    return bytes;
}

SnapshotReceiver receive(const std::string& stream, bool fuzzy) {
    SnapshotReceiver receiver(Zxid::of(1, 1), fuzzy, 1 << 20, [](SessionId) { return false; });
    Outputs out;
    (void)receiver.feed(stream, out);
    return receiver;
}

TEST_CASE("a snapshot that was written while transactions went on may name what was made later", "[core][snapshot]") {
    const auto stream = GENERATE(stream_of({{"/"}, {"/a", 7}, {"/b", 8}}), stream_of({{"/"}, {"/e", -1, 5}}));
    CHECK(receive(stream, false).broken());
    auto receiver = receive(stream, true);
    REQUIRE(receiver.whole());
    CHECK(receiver.take().state.tree.find("/") != nullptr);
}

TEST_CASE("what a node may be used for is unknown until the transaction that says it: for nothing",
          "[core][snapshot]") {
    auto receiver = receive(stream_of({{"/"}, {"/a", 7}}), true);
    const auto state = receiver.take().state;
    const auto acl = state.tree.find("/a")->acl;
    REQUIRE(state.acls.contains(acl));
    CHECK(state.acls.list(acl) == wire::AclList{{0, {"world", "anyone"}}});
}

TEST_CASE("a snapshot whose nodes do not fit is broken, however it was written", "[core][snapshot]") {
    const bool fuzzy = GENERATE(false, true);
    const auto stream = GENERATE(stream_of({}), stream_of({{"/"}, {"/a/b"}}), stream_of({{"/a"}}));
    CHECK(receive(stream, fuzzy).broken());
}

}  // namespace
}  // namespace zabd::core
