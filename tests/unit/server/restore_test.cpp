#include "server/restore.hpp"

#include <catch2/catch.hpp>

using namespace zabd;
using namespace zabd::server;

namespace {

/// A checkpoint's content, as it is told.
struct Told {
    storage::CheckpointSummary summary;
    std::vector<wire::SessionImage> sessions;
    wire::StateImages images;
};

/// /a of session 7 with an ACL list of its own.
Told small_checkpoint() {
    znode::State state;
    const auto acl =
        state.acls.intern({{wire::kRead, {"world", "anyone"}}, {wire::kAllPermissions, {"ip", "10.0.0.1"}}});
    state.tree.create({.path = "/a",
                       .data = Bytes::copy_of(std::string_view("x")),
                       .acl = acl,
                       .owner = 7,
                       .zxid = Zxid{5},
                       .time_ms = 1000,
                       .parent_creations = 1});
    Told told;
    told.images = state.images();
    told.sessions = {{.session = SessionId{7}, .timeout_ms = 4000}};
    told.summary = {.zxid = Zxid{5},
                    .digest = state.tree.digest(),
                    .node_count = state.tree.node_count(),
                    .next_node = state.tree.next_id(),
                    .highest_session = SessionId{9},
                    .present = true};
    return told;
}

Result<core::Recovered> restored(const Told& told) {
    Restorer restorer;
    const auto visitor = restorer.visitor();
    for (const auto& image : told.sessions) {
        if (auto taken = visitor.on_session(image); !taken) return std::unexpected(taken.error());
    }
    for (const auto& image : told.images.acls) {
        if (auto taken = visitor.on_acl(image); !taken) return std::unexpected(taken.error());
    }
    for (const auto& image : told.images.nodes) {
        if (auto taken = visitor.on_node(image.record, image.data); !taken) return std::unexpected(taken.error());
    }
    return restorer.finish(told.summary);
}

}  // namespace

TEST_CASE("a core starts with what the checkpoint held", "[server][restore]") {
    const auto told = small_checkpoint();
    auto recovered = restored(told);
    REQUIRE(recovered);
    CHECK_FALSE(recovered->fresh);
    CHECK(recovered->zxid == Zxid{5});
    recovered->state.tree.check_invariants();
    CHECK(recovered->state.tree.digest() == told.summary.digest);
    const auto* node = recovered->state.tree.find("/a");
    REQUIRE(node != nullptr);
    CHECK(node->data.view() == "x");
    CHECK(recovered->state.acls.list(node->acl).size() == 2);
    CHECK(recovered->state.tree.ephemerals_of(SessionId{7}) == std::vector<std::string>{"/a"});
    CHECK(recovered->sessions.all() == std::map<SessionId, Millis>{{SessionId{7}, Millis{4000}}});
}

TEST_CASE("ids of sessions that were closed are not given again", "[server][restore]") {
    CHECK(restored(small_checkpoint())->sessions.highest_of(ServerId{0}) == SessionId{9});
}

TEST_CASE("without a checkpoint the state is fresh", "[server][restore]") {
    const auto recovered = restored({});
    REQUIRE(recovered);
    CHECK(recovered->fresh);
    CHECK(recovered->state.tree.find("/zookeeper/quota") != nullptr);
}

TEST_CASE("images that do not fit together are damage", "[server][restore]") {
    struct Case {
        const char* name;
        void (*spoil)(Told&);
        std::string error;
    };
    const auto c = GENERATE(values<Case>({
        {"a session twice", [](Told& told) { told.sessions.push_back(told.sessions.front()); },
         "checkpoint: a session is there twice"},
        {"a list that does not decode", [](Told& told) { told.images.acls.front().encoded_list = "x"; },
         "checkpoint: ACL list 1 is none"},
        {"a node without its parent", [](Told& told) { told.images.nodes.back().record.parent = NodeId{77}; },
         "checkpoint: node 5 (a) does not fit the tree"},
        {"no root", [](Told& told) { told.images.nodes.clear(); }, "checkpoint: the tree has no root"},
    }));
    CAPTURE(c.name);
    auto told = small_checkpoint();
    c.spoil(told);
    const auto recovered = restored(told);
    REQUIRE_FALSE(recovered);
    CHECK(recovered.error().code == Errc::kDamaged);
    CHECK(recovered.error().where == c.error);
}

TEST_CASE("another digest than the stored one is damage", "[server][restore]") {
    auto told = small_checkpoint();
    told.images.nodes.back().record.version = 3;
    const auto recovered = restored(told);
    REQUIRE_FALSE(recovered);
    CHECK(recovered.error().code == Errc::kDamaged);
    CHECK(recovered.error().where.starts_with("checkpoint: the tree's digest is "));
}
