#include "storage/pending_images.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

using namespace zabd;
using namespace zabd::storage;

namespace {

wire::NodeImage node(std::uint64_t id, std::string name, std::optional<std::string> data, bool data_changed = true) {
    wire::NodeImage image;
    image.record.id = NodeId{id};
    image.record.name = std::move(name);
    image.data_changed = data_changed;
    if (data) image.data = Bytes::copy_of(*data);
    return image;
}

wire::NodeImage deleted(std::uint64_t id) {
    wire::NodeImage image;
    image.record.id = NodeId{id};
    image.deleted = true;
    return image;
}

wire::StateImages images_at(Zxid zxid, std::vector<wire::NodeImage> nodes = {}) {
    wire::StateImages images;
    images.zxid = zxid;
    images.digest = zxid.value * 3;
    images.next_node = NodeId{100};
    images.nodes = std::move(nodes);
    images.log_bytes = 50;
    return images;
}

std::string printed(const wire::NodeImage& image) {
    auto text = std::to_string(std::to_underlying(image.record.id));
    if (image.deleted) return text + " deleted";
    text += " " + image.record.name;
    if (!image.data_changed) return text;
    return text + (image.data.null() ? " null" : " '" + std::string(image.data.view()) + "'");
}

std::vector<std::string> printed(const CheckpointBatch& batch) {
    std::vector<std::string> lines;
    for (const auto* image : batch.nodes) lines.push_back(printed(*image));
    return lines;
}

}  // namespace

TEST_CASE("of each node the last image is kept, in the order of ids", "[storage][pending_images]") {
    struct Case {
        const char* name;
        std::vector<wire::NodeImage> images;
        std::vector<std::string> kept;
    };
    const auto c = GENERATE(values<Case>({
        {"in any order", {node(9, "i", "x"), node(2, "b", "y"), node(5, "e", {})}, {"2 b 'y'", "5 e null", "9 i 'x'"}},
        {"a stat alone keeps the data", {node(2, "b", "old"), node(2, "c", {}, false)}, {"2 c 'old'"}},
        {"null data are data", {node(2, "b", "old"), node(2, "b", {}), node(2, "b", {}, false)}, {"2 b null"}},
        {"data that nobody changed are not told", {node(2, "b", {}, false)}, {"2 b"}},
        {"new data replace old ones", {node(2, "b", "old"), node(2, "b", "new")}, {"2 b 'new'"}},
        {"a deleted node has nothing else", {node(2, "b", "old"), deleted(2)}, {"2 deleted"}},
    }));
    CAPTURE(c.name);
    PendingImages pending(Zxid::of(1, 0));
    for (Counter n = 0; n < c.images.size(); ++n) pending.add(images_at(Zxid::of(1, n + 1), {c.images[n]}));
    CHECK(printed(pending.batch()) == c.kept);
}

TEST_CASE("a batch says what it is complete up to", "[storage][pending_images]") {
    PendingImages pending(Zxid::of(1, 0));
    CHECK(pending.empty());
    pending.add(images_at(Zxid::of(1, 4), {node(2, "b", "x")}));
    pending.add(images_at(Zxid::of(1, 7)));
    CHECK_FALSE(pending.empty());
    CHECK(pending.transactions() == 7);
    CHECK(pending.log_bytes() == 100);
    const auto batch = pending.batch();
    CHECK(batch.zxid == Zxid::of(1, 7));
    CHECK(batch.digest == Zxid::of(1, 7).value * 3);
    CHECK(batch.next_node == NodeId{100});
}

TEST_CASE("a batch without any change is one as well", "[storage][pending_images]") {
    PendingImages pending(Zxid::of(1, 0));
    pending.add(images_at(Zxid::of(1, 1)));
    CHECK_FALSE(pending.empty());
    (void)pending.split();
    CHECK(pending.empty());
}

TEST_CASE("what a new epoch's first transaction counts for is one", "[storage][pending_images]") {
    PendingImages pending(Zxid::of(1, 1000));
    pending.add(images_at(Zxid::of(2, 1)));
    CHECK(pending.transactions() == 1);
}

TEST_CASE("sessions and ACL lists are folded too, sessions ordered as unsigned", "[storage][pending_images]") {
    constexpr SessionId kHigh{-5};
    PendingImages pending(Zxid{});
    auto images = images_at(Zxid{1});
    images.sessions = {{kHigh, 1000}, {SessionId{7}, 2000}, {SessionId{8}, 3000}};
    images.acls = {{wire::AclId{2}, "two"}, {wire::AclId{1}, "one"}};
    pending.add(images);
    images = images_at(Zxid{2});
    images.sessions = {{SessionId{7}, std::nullopt}};
    images.acls = {{wire::AclId{2}, std::nullopt}};
    pending.add(images);

    const auto batch = pending.batch();
    REQUIRE(batch.sessions.size() == 3);
    CHECK(batch.sessions[0].session == SessionId{7});
    CHECK_FALSE(batch.sessions[0].timeout_ms);
    CHECK(batch.sessions[1].timeout_ms == 3000);
    CHECK(batch.sessions[2].session == kHigh);
    REQUIRE(batch.acls.size() == 2);
    CHECK(batch.acls[0].encoded_list == "one");
    CHECK_FALSE(batch.acls[1].encoded_list);
}

TEST_CASE("a node made and deleted between two batches leaves nothing behind", "[storage][pending_images]") {
    PendingImages pending(Zxid{});
    SECTION("but before the first one nobody knows what is stored") {
        pending.add(images_at(Zxid{1}, {node(100, "n", "x"), deleted(100)}));
        CHECK(printed(pending.batch()) == std::vector<std::string>{"100 deleted"});
    }
    SECTION("and nothing of it is kept") {
        pending.add(images_at(Zxid{1}));
        (void)pending.split();
        auto images = images_at(Zxid{2}, {node(100, "n", "x"), deleted(100), node(101, "n", "x"), deleted(99)});
        images.next_node = NodeId{102};
        pending.add(images);
        images = images_at(Zxid{3}, {deleted(101)});
        images.next_node = NodeId{102};
        pending.add(images);
        CHECK(printed(pending.batch()) == std::vector<std::string>{"99 deleted"});
    }
}

namespace {

/// The same, put in once.
PendingImages copy_of(const CheckpointBatch& batch) {
    PendingImages copy(Zxid{});
    auto all = images_at(Zxid{1});
    for (const auto* image : batch.nodes) all.nodes.push_back(*image);
    all.sessions.assign(batch.sessions.begin(), batch.sessions.end());
    all.acls.assign(batch.acls.begin(), batch.acls.end());
    copy.add(all);
    return copy;
}

}  // namespace

TEST_CASE("however many images come, memory is kept for those that count", "[storage][pending_images]") {
    PendingImages pending(Zxid{});
    (void)pending.split();
    std::mt19937 random(1);
    const auto [name, nodes] = GENERATE(table<const char*, std::uint64_t>({
        {"few nodes", 7},
        {"more than are folded at once", 5'000},
        {"very many", 150'000},
    }));
    CAPTURE(name);
    for (std::uint64_t n = 1; n <= 400'000; ++n) {
        auto images = images_at(Zxid{n}, {node(1 + random() % nodes, "n", std::string(20, 'd'))});
        images.next_node = NodeId{nodes + 1};
        pending.add(std::move(images));
    }
    CHECK(pending.bytes() < 60'000'000);
    const auto batch = pending.batch();
    CHECK(pending.bytes() <= 2 * copy_of(batch).bytes() + 1000);
    (void)pending.split();
    CHECK(pending.bytes() == 0);
}

TEST_CASE("random images fold as a map would fold them", "[storage][pending_images]") {
    const auto seed = GENERATE(range(1u, 5u));
    CAPTURE(seed);
    std::mt19937 random(seed);
    const std::uint64_t ids = seed % 2 ? 300 : 100'000;
    PendingImages pending(Zxid{});
    std::map<std::uint64_t, wire::NodeImage> expected;
    for (std::uint64_t n = 1; n <= 200'000; ++n) {
        const auto id = 1 + random() % ids;
        auto& last = expected[id];
        const bool gone = last.deleted || random() % 8 == 0;
        const auto image = gone ? deleted(id) : node(id, "n", std::to_string(n), random() % 2);
        if (image.deleted || image.data_changed || !last.data_changed) {
            last = image;
        } else {
            last.record = image.record;
        }
        auto images = images_at(Zxid{n}, {image});
        images.next_node = NodeId{ids + 1};
        pending.add(std::move(images));
    }
    std::vector<std::string> lines;
    for (const auto& [id, image] : expected) lines.push_back(printed(image));
    const auto folded = printed(pending.batch());
    REQUIRE(folded.size() == lines.size());
    const auto [first, second] = std::mismatch(folded.begin(), folded.end(), lines.begin());
    if (first != folded.end()) FAIL(*first << " is not " << *second);
}

TEST_CASE("a split leaves what waits in one, and takes what comes in the other", "[storage][pending_images]") {
    PendingImages pending(Zxid::of(1, 0));
    pending.add(images_at(Zxid::of(1, 3), {node(2, "b", "x")}));
    auto before = pending.split();
    pending.add(images_at(Zxid::of(1, 4), {node(2, "c", {}, false)}));
    CHECK(printed(before.batch()) == std::vector<std::string>{"2 b 'x'"});
    CHECK(before.zxid() == Zxid::of(1, 3));
    CHECK(printed(pending.batch()) == std::vector<std::string>{"2 c"});
    CHECK(pending.transactions() == 1);
}
