#include "storage/checkpoint_writer.hpp"

#include <catch2/catch.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

using namespace zabd;
using namespace zabd::storage;
using namespace std::chrono_literals;

namespace {

constexpr Instant kStart{1'000'000ms};
constexpr Zxid kBefore = Zxid::of(3, 10);

struct FakeStore final : CheckpointStore {
    Result<void> commit(const CheckpointBatch& batch) override {
        if (meanwhile) meanwhile();
        if (error) return std::unexpected(*error);
        zxids.push_back(batch.zxid);
        node_counts.push_back(batch.nodes.size());
        return {};
    }
    [[nodiscard]] std::uint64_t size_bytes() const override { return 0; }

    std::optional<Error> error;
    std::function<void()> meanwhile;
    std::vector<Zxid> zxids;
    std::vector<std::size_t> node_counts;
};

/// One transaction that sets the data of a node.
wire::StateImages set(Counter counter, std::uint64_t id, std::size_t data_bytes = 10, std::uint64_t log_bytes = 100) {
    wire::NodeImage node;
    node.record.id = NodeId{id};
    node.data_changed = true;
    node.data = Bytes::copy_of(std::string(data_bytes, 'd'));
    wire::StateImages images;
    images.zxid = Zxid::of(3, counter);
    images.next_node = NodeId{1000};
    images.nodes.push_back(node);
    images.log_bytes = log_bytes;
    return images;
}

/// Nothing but age makes a batch due.
CheckpointTriggers by_age() { return {.age = 10s, .quiet = 1h}; }

}  // namespace

TEST_CASE("nothing taken, nothing due, nothing written", "[storage][checkpoint_writer]") {
    FakeStore store;
    CheckpointWriter writer({}, store, kBefore);
    CHECK_FALSE(writer.due());
    CHECK(writer.write(kStart));
    CHECK(store.zxids.empty());
    CHECK(writer.progress() == CheckpointProgress{.zxid_durable = kBefore});
}

TEST_CASE("a batch is due when the oldest image has its age", "[storage][checkpoint_writer]") {
    FakeStore store;
    CheckpointWriter writer(by_age(), store, kBefore);
    writer.take(set(11, 1), kStart);
    writer.take(set(12, 2), kStart + 9s);
    CHECK(writer.due() == kStart + 10s);
    REQUIRE(writer.write(kStart + 10s));
    CHECK_FALSE(writer.due());
    writer.take(set(13, 1), kStart + 11s);
    CHECK(writer.due() == kStart + 21s);
}

TEST_CASE("a batch is due soon when nothing more comes", "[storage][checkpoint_writer]") {
    FakeStore store;
    CheckpointWriter writer({.age = 10s, .quiet = 2s}, store, kBefore);
    writer.take(set(11, 1), kStart);
    CHECK(writer.due() == kStart + 2s);
    writer.take(set(12, 2), kStart + 1500ms);
    CHECK(writer.due() == kStart + 3500ms);
    writer.take(set(13, 2), kStart + 9s);
    CHECK(writer.due() == kStart + 10s);
}

TEST_CASE("a batch is due at once when a bound is reached, not before", "[storage][checkpoint_writer]") {
    struct Case {
        const char* name;
        CheckpointTriggers triggers;
        bool due;
    };
    const auto c = GENERATE(values<Case>({
        {"transactions", {.transactions = 2}, true},
        {"more transactions than came", {.transactions = 3}, false},
        {"no bound of transactions", {.transactions = 0}, false},
        {"bytes of the log", {.log_bytes = 200}, true},
        {"more bytes of the log than came", {.log_bytes = 201}, false},
        {"bytes of images", {.bytes = 2000}, true},
        {"more bytes of images than came", {.bytes = 4000}, false},
    }));
    CAPTURE(c.name);
    FakeStore store;
    CheckpointWriter writer(c.triggers, store, kBefore);
    writer.take(set(11, 1, 1000), kStart);
    CHECK(writer.due() > kStart);
    writer.take(set(12, 2, 1000), kStart + 1ms);
    CHECK((writer.due() <= kStart + 1ms) == c.due);
}

TEST_CASE("sets of one node make a small batch, though the log grows by each", "[storage][checkpoint_writer]") {
    FakeStore store;
    CheckpointWriter writer({.log_bytes = 100'000, .bytes = 10'000}, store, kBefore);
    for (Counter n = 11; n < 1010; ++n) writer.take(set(n, 7), kStart);
    CHECK(writer.due() > kStart);
    writer.take(set(1010, 7), kStart);
    CHECK(writer.due() <= kStart);
    REQUIRE(writer.write(kStart));
    CHECK(store.node_counts == std::vector<std::size_t>{1});
}

TEST_CASE("a batch holds everything up to one zxid, and the next one begins anew", "[storage][checkpoint_writer]") {
    FakeStore store;
    CheckpointWriter writer(by_age(), store, kBefore);
    writer.take(set(11, 1), kStart);
    writer.take(set(12, 2), kStart);
    REQUIRE(writer.write(kStart));
    CHECK(writer.progress() == CheckpointProgress{.zxid_durable = Zxid::of(3, 12)});
    writer.take(set(13, 3), kStart);
    REQUIRE(writer.write(kStart));
    CHECK(store.zxids == std::vector{Zxid::of(3, 12), Zxid::of(3, 13)});
    CHECK(store.node_counts == std::vector<std::size_t>{2, 1});
}

TEST_CASE("more than should wait is told, until it is written", "[storage][checkpoint_writer]") {
    FakeStore store;
    CheckpointWriter writer({.bytes = 1000, .bytes_max = 3000}, store, kBefore);
    writer.take(set(11, 1, 2000), kStart);
    CHECK_FALSE(writer.progress().behind);
    writer.take(set(12, 2, 2000), kStart);
    CHECK(writer.progress().behind);
    REQUIRE(writer.write(kStart));
    CHECK_FALSE(writer.progress().behind);
}

TEST_CASE("a full disk keeps all that waits, is told, and heals by itself", "[storage][checkpoint_writer]") {
    FakeStore store;
    CheckpointWriter writer({.bytes_max = 3000, .retry = 1s}, store, kBefore);
    writer.take(set(11, 1, 2000), kStart);
    store.error = Error{Errc::kNoSpace, "full"};
    REQUIRE(writer.write(kStart + 10s));
    CHECK(writer.progress() == CheckpointProgress{.zxid_durable = kBefore, .out_of_space = true});
    CHECK(writer.due() == kStart + 11s);

    // What comes meanwhile is not tried any sooner.
    writer.take(set(12, 2, 2000), kStart + 10s);
    CHECK(writer.progress().behind);
    CHECK(writer.due() == kStart + 11s);
    REQUIRE(writer.write(kStart + 11s));
    CHECK(writer.due() == kStart + 12s);

    store.error.reset();
    REQUIRE(writer.write(kStart + 12s));
    CHECK(writer.progress() == CheckpointProgress{.zxid_durable = Zxid::of(3, 11)});
    CHECK(writer.due());
    REQUIRE(writer.write(kStart + 13s));
    CHECK(writer.progress() == CheckpointProgress{.zxid_durable = Zxid::of(3, 12)});
    CHECK(store.zxids == std::vector{Zxid::of(3, 11), Zxid::of(3, 12)});
    CHECK_FALSE(writer.due());
}

TEST_CASE("what comes while a batch is being written is not in it", "[storage][checkpoint_writer]") {
    FakeStore store;
    CheckpointWriter writer({.bytes_max = 3000}, store, kBefore);
    writer.take(set(11, 1, 2000), kStart);
    store.meanwhile = [&] {
        writer.take(set(12, 1, 2000), kStart + 1s);
        CHECK(writer.progress().behind);
    };
    REQUIRE(writer.write(kStart));
    CHECK(writer.progress() == CheckpointProgress{.zxid_durable = Zxid::of(3, 11)});
    CHECK(writer.due() == kStart + 3s);
    store.meanwhile = {};
    REQUIRE(writer.write(kStart + 3s));
    CHECK(store.zxids == std::vector{Zxid::of(3, 11), Zxid::of(3, 12)});
    CHECK_FALSE(writer.due());
}

TEST_CASE("S-13: the log may go only below what the store has said is durable", "[storage][checkpoint_writer]") {
    FakeStore store;
    CheckpointWriter writer({}, store, kBefore);
    writer.take(set(11, 1), kStart);
    writer.take(set(12, 2), kStart);
    store.meanwhile = [&] { CHECK(writer.progress().zxid_durable == kBefore); };
    store.error = Error{Errc::kNoSpace, "full"};
    REQUIRE(writer.write(kStart));
    CHECK(writer.progress().zxid_durable == kBefore);
    store.error.reset();
    REQUIRE(writer.write(kStart));
    CHECK(writer.progress().zxid_durable == Zxid::of(3, 12));
}

TEST_CASE("S-25: any other failure of a commit is told to the caller, who has to stop",
          "[storage][checkpoint_writer]") {
    FakeStore store;
    CheckpointWriter writer({}, store, kBefore);
    writer.take(set(11, 1), kStart);
    store.error = Error{Errc::kIo, "cannot write"};
    const auto written = writer.write(kStart);
    REQUIRE_FALSE(written);
    CHECK(written.error().where == "cannot write");
    CHECK(writer.progress().zxid_durable == kBefore);
}
