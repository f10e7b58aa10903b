#include "storage/checkpoint.hpp"

#include "tests/unit/storage/checkpoint_model.hpp"
#include "tests/unit/storage/disk_calls.hpp"
#include "tests/unit/storage/forked.hpp"
#include "tests/unit/storage/temporary_directory.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

using namespace zabd;
using namespace zabd::storage;
using Catch::Matchers::Contains;
using namespace std::chrono_literals;

namespace {

struct Loaded {
    Model model;
    CheckpointSummary summary;
    std::unique_ptr<Checkpoint> checkpoint;
    Error error;
};

Loaded load(const CheckpointOptions& options) {
    Loaded loaded;
    auto opened = Checkpoint::open(options, loaded.model.visitor(), loaded.summary);
    if (opened) {
        loaded.checkpoint = std::move(*opened);
    } else {
        loaded.error = opened.error();
    }
    return loaded;
}

/// Puts them all and stops.
void write_all(const CheckpointOptions& options, std::vector<wire::StateImages> all) {
    const auto checkpoint = std::move(load(options).checkpoint);
    REQUIRE(checkpoint);
    checkpoint->start([](const auto&) {});
    for (auto& images : all) checkpoint->put(std::move(images));
    checkpoint->stop();
}

std::string read_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void write_file(const std::filesystem::path& path, const std::string& content) {
    std::ofstream(path, std::ios::binary) << content;
}

}  // namespace

TEST_CASE("a fresh checkpoint is empty and says so", "[storage][checkpoint]") {
    const TemporaryDirectory directory;
    const CheckpointOptions options{.directory = directory.path()};
    for (int opened = 0; opened < 2; ++opened) {
        const auto loaded = load(options);
        REQUIRE(loaded.checkpoint);
        CHECK_FALSE(loaded.summary.present);
        CHECK(loaded.summary.zxid == Zxid{});
        CHECK(loaded.model == Model{});
    }
}

TEST_CASE("random images, folded in batches and reopened, give what a map gives", "[storage][checkpoint]") {
    const auto seed = GENERATE(range(1u, 7u));
    CAPTURE(seed);
    const TemporaryDirectory directory;
    const CheckpointOptions options{.directory = directory.path(), .identity = 5, .triggers = {.transactions = 40}};
    RandomImages random(seed);
    Model model;
    for (int life = 0; life < 4; ++life) {
        auto loaded = load(options);
        INFO(loaded.error.where);
        REQUIRE(loaded.checkpoint);
        REQUIRE(loaded.model == model);
        std::vector<Zxid> durable;
        loaded.checkpoint->start([&](const auto& progress) { durable.push_back(progress.zxid_durable); });
        wire::StateImages images;
        for (int n = 0; n < 300; ++n) {
            images = random.next();
            model.apply(images);
            loaded.checkpoint->put(images);
        }
        loaded.checkpoint->stop();
        CHECK(std::is_sorted(durable.begin(), durable.end()));
        CHECK(durable.size() >= 1);
        CHECK(durable.back() == images.zxid);
        CHECK(loaded.checkpoint->figures().pending_bytes == 0);
        CHECK(loaded.checkpoint->size_bytes() > 0);
        loaded.checkpoint.reset();

        const auto summary = load(options).summary;
        CHECK(summary.present);
        CHECK(summary.zxid == images.zxid);
        CHECK(summary.digest == images.digest);
        CHECK(summary.next_node == images.next_node);
        CHECK(summary.node_count == model.nodes.size());
    }
}

TEST_CASE("an image without data keeps the stored data", "[storage][checkpoint]") {
    const TemporaryDirectory directory;
    const CheckpointOptions options{.directory = directory.path()};
    struct Case {
        const char* name;
        std::vector<std::vector<wire::NodeImage>> lives;
        std::optional<std::string> data;
    };
    const auto c = GENERATE(values<Case>({
        {"in one batch", {{node(2, "n", "kept"), node(2, "n", {}, false)}}, "kept"},
        {"in a later batch", {{node(2, "n", "kept")}, {node(2, "n", {}, false)}}, "kept"},
        {"replaced", {{node(2, "n", "old")}, {node(2, "n", "new")}}, "new"},
        {"set to null", {{node(2, "n", "old")}, {node(2, "n", {})}}, std::nullopt},
        {"set to null, then touched", {{node(2, "n", "old")}, {node(2, "n", {}), node(2, "n", {}, false)}}, {}},
        {"empty is not null", {{node(2, "n", "")}}, ""},
    }));
    CAPTURE(c.name);
    Counter counter = 0;
    for (const auto& life : c.lives) {
        std::vector<wire::StateImages> all;
        for (const auto& image : life) all.push_back(images_at(++counter, {image}));
        write_all(options, std::move(all));
    }
    CHECK(load(options).model.nodes.at(NodeId{2}).data == c.data);
}

TEST_CASE("a deleted node goes with its data", "[storage][checkpoint]") {
    const TemporaryDirectory directory;
    const CheckpointOptions options{.directory = directory.path()};
    write_all(options, {images_at(1, {node(1, "", "root"), node(2, "a", "a"), node(3, "b", "b")})});
    write_all(options, {images_at(2, {deleted(2), node(4, "c", "c")}), images_at(3, {deleted(4)})});
    const auto loaded = load(options);
    CHECK(loaded.model.nodes.size() == 2);
    CHECK(loaded.model.nodes.contains(NodeId{1}));
    CHECK(loaded.model.nodes.contains(NodeId{3}));
}

TEST_CASE("the highest session ever is remembered, read as unsigned", "[storage][checkpoint]") {
    const TemporaryDirectory directory;
    const CheckpointOptions options{.directory = directory.path()};
    constexpr auto kOfHighServer = static_cast<SessionId>(std::int64_t{-2});
    auto images = images_at(1);
    images.sessions = {{kOfHighServer, 1000}, {SessionId{7}, 1000}};
    write_all(options, {images});
    CHECK(load(options).summary.highest_session == kOfHighServer);
    images = images_at(2);
    images.sessions = {{kOfHighServer, std::nullopt}};
    write_all(options, {images});
    const auto loaded = load(options);
    CHECK(loaded.summary.highest_session == kOfHighServer);
    CHECK(loaded.model.sessions == std::map<SessionId, std::int32_t>{{SessionId{7}, 1000}});
}

TEST_CASE("S-23: names and data of a mebibyte are kept", "[storage][checkpoint]") {
    const TemporaryDirectory directory;
    const CheckpointOptions options{.directory = directory.path()};
    const auto images = images_at(1, {node(2, std::string(1 << 20, 'n'), std::string((1 << 20) - 1, 'd')),
                                      node(3, std::string(1 << 20, 'm'), "small"), node(4, "n", "x")});
    write_all(options, {images});
    Model model;
    model.apply(images);
    CHECK(load(options).model == model);
}

TEST_CASE("S-19: the map grows beyond its size, also within one batch and at the next start", "[storage][checkpoint]") {
    const TemporaryDirectory directory;
    const CheckpointOptions options{.directory = directory.path(), .triggers = {.transactions = 100}};
    Model model;
    std::vector<wire::StateImages> all;
    for (Counter n = 1; n <= 1000; ++n) {
        all.push_back(images_at(n, {node(n, std::to_string(n), std::string(10'000, static_cast<char>(n)))}));
        model.apply(all.back());
    }
    write_all(options, all);
    const auto loaded = load(options);
    INFO(loaded.error.where);
    REQUIRE(loaded.checkpoint);
    CHECK(loaded.model == model);
    CHECK(loaded.checkpoint->size_bytes() > 10'000'000);
}

TEST_CASE("a batch is written when enough transactions or bytes wait, not before", "[storage][checkpoint]") {
    struct Case {
        const char* name;
        std::uint64_t transactions_per_batch, bytes_per_batch;
        std::size_t data_bytes;
        bool written;
    };
    const auto c = GENERATE(values<Case>({
        {"enough transactions", 10, 64 << 20, 10, true},
        {"enough bytes", 1'000'000, 4 << 20, 1 << 20, true},
        {"neither", 1'000'000, 64 << 20, 10, false},
    }));
    CAPTURE(c.name);
    const TemporaryDirectory directory;
    const auto loaded = load(
        {.directory = directory.path(),
         .triggers = {.transactions = c.transactions_per_batch, .bytes = c.bytes_per_batch, .age = 1h, .quiet = 1h}});
    std::atomic<bool> written = false;
    loaded.checkpoint->start([&](const auto&) {
        written = true;
        written.notify_all();
    });
    for (Counter n = 1; n <= 10; ++n)
        loaded.checkpoint->put(images_at(n, {node(n, "n", std::string(c.data_bytes, 'd'))}));
    if (c.written) written.wait(false);
    CHECK(written == c.written);
    loaded.checkpoint->stop();
    CHECK(written);
}

TEST_CASE("a zxid beyond the last node's change is told: a checkpoint may hold no change", "[storage][checkpoint]") {
    const TemporaryDirectory directory;
    const CheckpointOptions options{.directory = directory.path()};
    write_all(options, {images_at(1, {node(1, "", {})}), images_at(9)});
    CHECK(load(options).summary.zxid == Zxid::of(0, 9));
    write_all(options, {});
    CHECK(load(options).summary.zxid == Zxid::of(0, 9));
}

TEST_CASE("a long scan says how far it is", "[storage][checkpoint]") {
    const TemporaryDirectory directory;
    const CheckpointOptions options{.directory = directory.path()};
    std::vector<wire::NodeImage> nodes;
    for (std::uint64_t id = 1; id <= 50'000; ++id) nodes.push_back(node(id, "n", {}));
    auto images = images_at(1, std::move(nodes));
    images.next_node = NodeId{50'001};
    write_all(options, {std::move(images)});
    Model model;
    auto visitor = model.visitor();
    std::vector<std::uint64_t> told;
    visitor.progress_interval = 0ms;
    visitor.on_progress = [&](const LoadProgress& progress) {
        CHECK(progress.nodes_in_all == 50'000);
        told.push_back(progress.nodes);
    };
    CheckpointSummary summary;
    REQUIRE(Checkpoint::open(options, visitor, summary));
    CHECK(told.size() >= 3);
    CHECK(std::is_sorted(told.begin(), told.end()));
}

TEST_CASE("S-12: the checkpoint of another data directory is refused", "[storage][checkpoint]") {
    const TemporaryDirectory directory;
    CheckpointOptions options{.directory = directory.path(), .identity = 1};
    write_all(options, {images_at(1, {node(1, "", {})})});
    options.identity = 2;
    const auto loaded = load(options);
    CHECK(loaded.error.code == Errc::kDamaged);
    CHECK_THAT(loaded.error.where, Contains("belongs to another data directory"));
}

TEST_CASE("S-22: a flipped bit in a record is told by its checksum", "[storage][checkpoint]") {
    const TemporaryDirectory directory;
    const CheckpointOptions options{.directory = directory.path()};
    write_all(options, {images_at(1, {node(1, "", {}), node(2, "needle-name", "needle-data")})});
    const auto file = directory.path() / "data.mdb";
    const auto needle = GENERATE(as<std::string>{}, "needle-name", "needle-data");
    CAPTURE(needle);
    auto content = read_file(file);
    for (auto at = content.find(needle); at != content.npos; at = content.find(needle, at + 1)) content[at] ^= 1;
    write_file(file, content);
    const auto loaded = load(options);
    CHECK(loaded.error.code == Errc::kDamaged);
    CHECK_THAT(loaded.error.where, Contains(file.string()) && Contains("at byte ") &&
                                       Contains("id 2 fails its checksum") && Contains("restore zabd/"));
}

TEST_CASE("S-22: a file that is no checkpoint, or cut short, is refused", "[storage][checkpoint]") {
    const TemporaryDirectory directory;
    const CheckpointOptions options{.directory = directory.path()};
    std::vector<wire::NodeImage> nodes;
    for (std::uint64_t id = 1; id <= 200; ++id) nodes.push_back(node(id, "name", std::string(3000, 'd')));
    write_all(options, {images_at(1, nodes)});
    const auto file = directory.path() / "data.mdb";
    SECTION("no checkpoint") { write_file(file, std::string(100'000, 'x')); }
    SECTION("cut short") { std::filesystem::resize_file(file, std::filesystem::file_size(file) / 2); }
    const auto loaded = load(options);
    CHECK(loaded.error.code == Errc::kDamaged);
    CHECK_THAT(loaded.error.where, Contains(file.string()));
}

TEST_CASE("S-11 S-22: a page that rots is refused or means nothing, and is never read as something else",
          "[storage][checkpoint]") {
    const TemporaryDirectory directory;
    const CheckpointOptions options{.directory = directory.path(), .triggers = {.transactions = 50}};
    RandomImages random(99);
    Model model;
    std::map<Zxid, Model> models;  // an older state, whole, is as good as the log that follows it
    for (int life = 0; life < 3; ++life) {
        std::vector<wire::StateImages> all;
        for (int n = 0; n < 100; ++n) {
            all.push_back(random.next());
            model.apply(all.back());
            models[all.back().zxid] = model;
        }
        write_all(options, std::move(all));
    }
    const auto file = directory.path() / "data.mdb";
    const auto whole = read_file(file);
    std::vector<std::size_t> used_pages;
    for (std::size_t page = 0; page < whole.size(); page += 4096) {
        if (whole.compare(page, 4096, std::string(4096, '\0')) != 0) used_pages.push_back(page);
    }
    std::mt19937 dice(1);
    const auto any_page = [&] { return used_pages[dice() % used_pages.size()]; };
    int refused = 0;
    for (int round = 0; round < 150; ++round) {
        auto content = whole;
        const auto kind = dice() % 4;
        const auto page = any_page();
        if (kind == 0) content.replace(page, 4096, 4096, '\0');
        if (kind == 1) content.replace(page, 4096, content.substr(any_page(), 4096));
        if (kind == 2) content[page + dice() % 4096] ^= static_cast<char>(1 << dice() % 8);
        if (kind == 3) content[page + dice() % 64] ^= static_cast<char>(1 << dice() % 8);
        write_file(file, content);
        const auto ending = run_forked([&] {
            const auto loaded = load(options);
            ::_exit(!loaded.checkpoint ? 1 : loaded.model == models[loaded.summary.zxid] ? 0 : 2);
        });
        CAPTURE(round, kind, page, ending.exit_code, ending.signal, ending.said);
        if (ending.signal == SIGABRT) CHECK_THAT(ending.said, Contains("checkpoint"));
        CHECK((ending.signal == SIGABRT || ending.exit_code == 0 || ending.exit_code == 1));
        refused += ending.exit_code != 0;
    }
    CHECK(refused > 20);
}

namespace {

/// What the checkpoint's thread tells, to be waited for.
class Told {
public:
    auto listener() {
        return [this](const CheckpointProgress& progress) {
            const std::lock_guard lock(mutex_);
            progress_ = progress;
            changed_.notify_all();
        };
    }
    bool await(const std::function<bool(const CheckpointProgress&)>& condition) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, 30s, [&] { return condition(progress_); });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    CheckpointProgress progress_;
};

wire::StateImages large_images_at(Counter counter) {
    std::vector<wire::NodeImage> nodes;
    for (std::uint64_t id = 1; id <= 100; ++id) nodes.push_back(node(id, "n", std::string(100'000, 'd')));
    return images_at(counter, std::move(nodes));
}

}  // namespace

TEST_CASE("S-14: a full disk is told, and the checkpoint goes on by itself when there is space again",
          "[storage][checkpoint]") {
    const TemporaryDirectory directory;
    const CheckpointOptions options{.directory = directory.path(),
                                    .triggers = {.quiet = 1ms, .bytes_max = 5 << 20, .retry = 5ms}};
    Told told;
    auto loaded = load(options);
    REQUIRE(loaded.checkpoint);
    DiskCalls::instance().fail({.allocate = ENOSPC});
    loaded.checkpoint->start(told.listener());
    loaded.checkpoint->put(large_images_at(1));
    CHECK(told.await([](const auto& progress) { return progress.out_of_space && progress.behind; }));
    DiskCalls::instance().fail({});
    CHECK(told.await([](const auto& progress) { return progress.zxid_durable == Zxid::of(0, 1); }));
    CHECK(told.await([](const auto& progress) { return !progress.out_of_space && !progress.behind; }));
    loaded.checkpoint.reset();
    CHECK(load(options).model.nodes.size() == 100);
}

TEST_CASE("S-14: a server on a full disk can stop, and loses nothing that was in the checkpoint",
          "[storage][checkpoint]") {
    const TemporaryDirectory directory;
    const CheckpointOptions options{.directory = directory.path()};
    write_all(options, {images_at(1, {node(1, "", {})})});
    auto checkpoint = std::move(load(options).checkpoint);
    checkpoint->start([](const auto&) {});
    DiskCalls::instance().fail({.allocate = ENOSPC});
    checkpoint->put(large_images_at(2));
    checkpoint->stop();
    DiskCalls::instance().fail({});
    checkpoint.reset();
    CHECK(load(options).summary.zxid == Zxid::of(0, 1));
}

TEST_CASE("S-25: a commit that fails stops the server, and the batch before it is still there",
          "[storage][checkpoint]") {
    const TemporaryDirectory directory;
    const CheckpointOptions options{.directory = directory.path()};
    write_all(options, {images_at(1, {node(1, "", {})})});
    const auto ending = run_forked([&] {
        auto loaded = load(options);
        loaded.checkpoint->start([](const auto&) {});
        loaded.checkpoint->put(images_at(2, {node(2, "n", "x")}));
        DiskCalls::instance().fail({.sync = EIO});
        loaded.checkpoint->stop();
    });
    CHECK(ending.signal == SIGABRT);
    CHECK_THAT(ending.said, Contains("checkpoint: " + directory.path().string()) && Contains("this server stops"));
    const auto loaded = load(options);
    INFO(loaded.error.where);
    CHECK(loaded.summary.zxid == Zxid::of(0, 1));
    CHECK(loaded.model.nodes.size() == 1);
}

TEST_CASE("S-22: a checkpoint without its head, or with another's, is refused", "[storage][checkpoint]") {
    const TemporaryDirectory directory;
    const CheckpointOptions options{.directory = directory.path()};
    write_all(options, {images_at(1, {node(1, "", {})})});
    const auto head = directory.path() / "head";
    SECTION("missing") { std::filesystem::remove(head); }
    SECTION("rotten") {
        auto content = read_file(head);
        content[1000] ^= 1;
        write_file(head, content);
    }
    SECTION("another file") { write_file(head, "something else"); }
    const auto loaded = load(options);
    CHECK(loaded.error.code == Errc::kDamaged);
    CHECK_THAT(loaded.error.where, Contains("its file head") && Contains("restore zabd/"));
}

TEST_CASE("S-22: what LMDB's first pages say does not count", "[storage][checkpoint]") {
    const TemporaryDirectory directory;
    const CheckpointOptions options{.directory = directory.path()};
    write_all(options, {images_at(1, {node(1, "", "root")})});
    auto content = read_file(directory.path() / "data.mdb");
    content.replace(0, 8192, 8192, '\x5a');
    write_file(directory.path() / "data.mdb", content);
    const auto loaded = load(options);
    INFO(loaded.error.where);
    CHECK(loaded.model.nodes.size() == 1);
}
