#include "storage/checkpoint.hpp"
#include "storage/lmdb_store.hpp"
#include "storage/pending_images.hpp"
#include "tests/unit/storage/checkpoint_model.hpp"
#include "tests/unit/storage/temporary_directory.hpp"
#include "wire/acl.hpp"
#include "wire/snapshot_stream.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <future>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

using namespace zabd;
using namespace zabd::storage;
using Catch::Matchers::Contains;

namespace {

Instant steady_now() {
    return Instant{std::chrono::duration_cast<Instant::duration>(std::chrono::steady_clock::now().time_since_epoch())};
}

/// A store and what it ought to hold.
struct Stored {
    TemporaryDirectory directory;
    CheckpointSummary summary;
    std::unique_ptr<LmdbStore> store = open();
    Model model;
    Counter next = 1;

    std::unique_ptr<LmdbStore> open() {
        auto opened = LmdbStore::open({.directory = directory.path(), .identity = 42}, {}, summary);
        REQUIRE(opened);
        return std::move(*opened);
    }
    void commit(wire::StateImages images) {
        images.zxid = Zxid::of(1, next++);
        model.apply(images);
        PendingImages pending(Zxid{});
        pending.add(std::move(images));
        REQUIRE(store->commit(pending.batch()));
    }
    std::unique_ptr<SnapshotSource> snapshot() {
        auto source = store->open_snapshot(steady_now());
        REQUIRE(source);
        REQUIRE(*source);
        return std::move(*source);
    }
};

wire::NodeImage child(std::uint64_t id, std::uint64_t parent, std::string name, std::optional<std::string> data) {
    auto image = node(id, std::move(name), std::move(data));
    image.record.parent = NodeId{parent};
    image.record.czxid = Zxid::of(1, static_cast<Counter>(id));
    image.record.mzxid = Zxid::of(2, static_cast<Counter>(id));
    image.record.pzxid = Zxid::of(3, static_cast<Counter>(id));
    image.record.ctime_ms = 100 + static_cast<std::int64_t>(id);
    image.record.mtime_ms = 200 + static_cast<std::int64_t>(id);
    image.record.version = 3;
    image.record.creations = 4;
    image.record.aversion = -1;
    image.record.owner = static_cast<std::int64_t>(0x8000'0000'0000'0000u);
    return image;
}

struct Streamed {
    std::vector<wire::SnapshotSession> sessions;
    std::vector<wire::SnapshotAcl> acls;
    std::vector<wire::SnapshotNode> nodes;
};

Streamed take_all(SnapshotSource& source, std::size_t bytes_about) {
    wire::SnapshotDecoder decoder(1 << 20);
    std::vector<wire::SnapshotElement> elements;
    for (bool more = true; more;) {
        std::string bytes;
        const auto next = source.next(bytes, bytes_about);
        REQUIRE(next);
        more = *next;
        REQUIRE(decoder.feed(bytes, elements) == bytes.size());
        REQUIRE_FALSE(decoder.failed());
        REQUIRE(decoder.finished() == !more);
    }
    Streamed streamed;
    for (auto& element : elements) {
        if (auto* session = std::get_if<wire::SnapshotSession>(&element)) streamed.sessions.push_back(*session);
        if (auto* acl = std::get_if<wire::SnapshotAcl>(&element)) streamed.acls.push_back(*acl);
        if (auto* node = std::get_if<wire::SnapshotNode>(&element)) streamed.nodes.push_back(*node);
    }
    return streamed;
}

std::string path_of(const Model& model, NodeId id) {
    std::string path;
    for (; id != NodeId::kRoot; id = model.nodes.at(id).record.parent)
        path.insert(0, "/" + model.nodes.at(id).record.name);
    return path.empty() ? "/" : path;
}

void check_streamed(const Streamed& streamed, const Model& model) {
    REQUIRE(streamed.sessions.size() == model.sessions.size());
    for (const auto& session : streamed.sessions) CHECK(model.sessions.at(session.session) == session.timeout_ms);
    REQUIRE(streamed.acls.size() == model.acls.size());
    for (const auto& acl : streamed.acls) CHECK(model.acls.at(static_cast<wire::AclId>(acl.id)) == acl.encoded_list);
    REQUIRE(streamed.nodes.size() == model.nodes.size());
    auto expected = model.nodes.begin();
    for (const auto& node : streamed.nodes) {
        const auto& [id, wanted] = *expected++;
        const auto& record = wanted.record;
        REQUIRE(node.path == path_of(model, id));
        REQUIRE(node.data.null() == !wanted.data.has_value());
        REQUIRE(node.data.view() == wanted.data.value_or(""));
        REQUIRE(node.acl == (record.acl == wire::AclId::kOpen ? -1 : static_cast<std::int64_t>(record.acl)));
        REQUIRE(node.czxid == record.czxid);
        REQUIRE(node.mzxid == record.mzxid);
        REQUIRE(node.pzxid == record.pzxid);
        REQUIRE(node.ctime_ms == record.ctime_ms);
        REQUIRE(node.mtime_ms == record.mtime_ms);
        REQUIRE(node.version == record.version);
        REQUIRE(node.creations == record.creations);
        REQUIRE(node.aversion == record.aversion);
        REQUIRE(node.owner == record.owner);
    }
}

/// Sessions, ACL lists, and a tree in which each node hangs below any earlier one.
wire::StateImages tree_of(std::uint64_t nodes, std::uint32_t seed) {
    std::mt19937 random(seed);
    wire::StateImages images;
    images.nodes.push_back(child(1, 0, "", std::string()));
    for (std::uint64_t id = 2; id <= nodes; ++id) {
        const auto parent = random() % 3 == 0 ? id - 1 : 1 + random() % (id - 1);
        std::optional<std::string> data;
        if (id % 3 != 0) data = std::string(random() % 300, 'd');
        images.nodes.push_back(child(id, parent, "n" + std::to_string(id), data));
        if (id % 5 == 0) images.nodes.back().record.acl = wire::AclId{7};
    }
    images.next_node = NodeId{nodes + 1};
    images.acls.push_back({.id = wire::AclId{7}, .encoded_list = wire::encoded(wire::AclList{{1, {"ip", "::1"}}})});
    images.sessions.push_back({.session = SessionId{-5}, .timeout_ms = 4000});
    images.sessions.push_back({.session = SessionId{9}, .timeout_ms = 5000});
    return images;
}

}  // namespace

TEST_CASE("a checkpoint streams as the nodes that it holds", "[storage][snapshot]") {
    Stored stored;
    stored.commit(tree_of(2000, 1));
    for (const std::size_t bytes_about : {1u, 777u, 64u << 10, 16u << 20}) {
        CAPTURE(bytes_about);
        const auto source = stored.snapshot();
        CHECK(source->zxid() == Zxid::of(1, 1));
        check_streamed(take_all(*source, bytes_about), stored.model);
        std::string nothing;
        CHECK(source->next(nothing, 1).value() == false);
        CHECK(nothing.empty());
    }
}

TEST_CASE("paths of a tree far deeper than what is kept of it are right", "[storage][snapshot]") {
    Stored stored;
    wire::StateImages images;
    images.nodes.push_back(child(1, 0, "", std::string()));
    constexpr std::uint64_t kDepth = 4000;
    for (std::uint64_t id = 2; id <= kDepth; ++id) images.nodes.push_back(child(id, id - 1, "level", "x"));
    for (std::uint64_t id = kDepth + 1; id <= kDepth + 50; ++id)  // back and forth
        images.nodes.push_back(child(id, id % 2 == 0 ? kDepth : id - kDepth + 1, "leaf" + std::to_string(id), "x"));
    images.next_node = NodeId{kDepth + 51};
    stored.commit(std::move(images));
    check_streamed(take_all(*stored.snapshot(), 1 << 20), stored.model);
}

TEST_CASE("a snapshot stays as it was while the checkpoint goes on and grows", "[storage][snapshot]") {
    Stored stored;
    stored.commit(tree_of(3000, 1));
    const auto before = stored.model;
    auto source = stored.snapshot();
    auto other = stored.snapshot();
    std::string begin;
    REQUIRE(source->next(begin, 20'000).value());
    const auto size = stored.store->size_bytes();
    for (std::uint32_t round = 0; round < 30; ++round) {
        wire::StateImages images;
        images.next_node = NodeId{20'000};
        for (std::uint64_t id = 2; id <= 3000; ++id)
            images.nodes.push_back(child(id, 1, "r" + std::to_string(round), std::string(400, 'r')));
        stored.commit(std::move(images));
    }
    CHECK(stored.store->size_bytes() > size);

    wire::SnapshotDecoder decoder(1 << 20);
    std::vector<wire::SnapshotElement> elements;
    std::string bytes = begin;
    while (source->next(bytes, 50'000).value()) {
    }
    CHECK(decoder.feed(bytes, elements) == bytes.size());
    CHECK(decoder.finished());
    source.reset();
    check_streamed(take_all(*other, 50'000), before);
    other.reset();
    CHECK(stored.snapshot()->zxid() == Zxid::of(1, 31));
    check_streamed(take_all(*stored.snapshot(), 50'000), stored.model);
    CHECK(stored.store->oldest_reader_lag().value() == std::nullopt);

    stored.store.reset();
    Model loaded;
    const auto again =
        LmdbStore::open({.directory = stored.directory.path(), .identity = 42}, loaded.visitor(), stored.summary);
    REQUIRE(again);
    CHECK(loaded == stored.model);
}

TEST_CASE("S-20: a snapshot of which nothing is taken lets go of its pages, and ends", "[storage][snapshot]") {
    Stored stored;
    stored.commit(tree_of(3000, 1));
    const auto source = stored.snapshot();
    std::string bytes;
    REQUIRE(source->next(bytes, 1000));
    CHECK(stored.store->oldest_reader_lag().value() == 0);
    stored.store->end_idle_snapshots(steady_now() + SnapshotSource::kIdleMax - Millis(1000));
    REQUIRE(source->next(bytes, 1000));
    stored.store->end_idle_snapshots(steady_now() + SnapshotSource::kIdleMax);
    CHECK(stored.store->oldest_reader_lag().value() == std::nullopt);
    const auto next = source->next(bytes, 1000);
    REQUIRE_FALSE(next);
    CHECK(next.error().code == Errc::kIo);
    CHECK_THAT(next.error().where, Contains("given up"));
}

TEST_CASE("a snapshot outlives the checkpoint that it was taken of", "[storage][snapshot]") {
    Stored stored;
    stored.commit(tree_of(1000, 1));
    const auto source = stored.snapshot();
    stored.store.reset();
    check_streamed(take_all(*source, 10'000), stored.model);
}

TEST_CASE("Z-12: a snapshot of a damaged checkpoint never ends well", "[storage][snapshot]") {
    Stored stored;
    auto images = tree_of(500, 1);
    images.nodes.back().record.parent = NodeId{20'000};
    stored.commit(std::move(images));
    const auto source = stored.snapshot();
    std::string bytes;
    const auto next = source->next(bytes, 1 << 20);
    REQUIRE_FALSE(next);
    CHECK(next.error().code == Errc::kDamaged);
    wire::SnapshotDecoder decoder(1 << 20);
    std::vector<wire::SnapshotElement> elements;
    (void)decoder.feed(bytes, elements);
    CHECK_FALSE(decoder.finished());
}

namespace {

std::unique_ptr<Checkpoint> started_checkpoint(const TemporaryDirectory& directory) {
    CheckpointSummary summary;
    auto checkpoint = Checkpoint::open(
        {.directory = directory.path(), .identity = 42, .triggers = {.quiet = Millis(1)}}, {}, summary);
    REQUIRE(checkpoint);
    (*checkpoint)->start([](const auto&) {});
    return std::move(*checkpoint);
}

}  // namespace

TEST_CASE("a checkpoint's thread opens snapshots, once there is something to stream", "[storage][snapshot]") {
    const TemporaryDirectory directory;
    const auto opened = started_checkpoint(directory);
    auto& checkpoint = *opened;
    std::promise<std::unique_ptr<SnapshotSource>> early;
    checkpoint.open_snapshot([&](auto source) { early.set_value(std::move(source)); });
    auto images = tree_of(10, 1);
    images.zxid = Zxid::of(1, 1);
    checkpoint.put(images);
    const auto first = early.get_future().get();
    REQUIRE(first);
    CHECK(first->zxid() == Zxid::of(1, 1));
    std::promise<std::unique_ptr<SnapshotSource>> later;
    checkpoint.open_snapshot([&](auto source) { later.set_value(std::move(source)); });
    CHECK(later.get_future().get()->zxid() == Zxid::of(1, 1));
    checkpoint.stop();
}

TEST_CASE("a snapshot that is asked for while another one is opened does not wait for a change",
          "[storage][snapshot]") {
    const TemporaryDirectory directory;
    const auto opened = started_checkpoint(directory);
    auto& checkpoint = *opened;
    std::promise<bool> second;
    checkpoint.open_snapshot(
        [&](const auto&) { checkpoint.open_snapshot([&](auto source) { second.set_value(source != nullptr); }); });
    auto images = tree_of(10, 1);
    images.zxid = Zxid::of(1, 1);
    checkpoint.put(images);
    auto ready = second.get_future();
    REQUIRE(ready.wait_for(std::chrono::minutes(1)) == std::future_status::ready);
    CHECK(ready.get());
    checkpoint.stop();
}

TEST_CASE("a checkpoint that stops with nothing to stream says so", "[storage][snapshot]") {
    const TemporaryDirectory directory;
    CheckpointSummary summary;
    auto checkpoint = Checkpoint::open({.directory = directory.path(), .identity = 42}, {}, summary);
    REQUIRE(checkpoint);
    (*checkpoint)->start([](const auto&) {});
    std::promise<bool> ready;
    (*checkpoint)->open_snapshot([&](auto source) { ready.set_value(source != nullptr); });
    (*checkpoint)->stop();
    CHECK_FALSE(ready.get_future().get());
}
