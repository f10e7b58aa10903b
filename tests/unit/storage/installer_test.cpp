#include "storage/installer.hpp"

#include "tests/unit/storage/disk_calls.hpp"
#include "tests/unit/storage/forked.hpp"
#include "tests/unit/storage/stored_server.hpp"
#include "tests/unit/storage/temporary_directory.hpp"

#include <catch2/catch.hpp>

#include <cerrno>
#include <future>
#include <set>

using namespace zabd;
using namespace zabd::storage;
namespace fs = std::filesystem;

namespace {

constexpr auto kSnapshotZxid = Zxid::of(2, 50);
constexpr std::uint64_t kSnapshotNodes = 20;

StorageOptions options_for(const fs::path& root) {
    return {.data_root = root, .log_root = {}, .segment_bytes = 64 << 10, .retain_bytes = 0};
}

void put_snapshot(Installer& installer, const std::string& data) {
    for (std::uint64_t id = 1; id <= kSnapshotNodes; ++id) installer.put(image_of(kSnapshotZxid, id, data), id == 1);
}

/// As a server does it: what was in use goes, what is new is started and written to.
void switch_over(StoredServer& server) {
    std::promise<Installed> done;
    server.storage.installer->finish(kSnapshotZxid, [&](Installed installed) { done.set_value(std::move(installed)); });
    auto installed = done.get_future().get();
    CHECK(installed.zxid == kSnapshotZxid);
    auto old_log = std::exchange(server.storage.log, std::move(installed.log));
    auto old_checkpoint = std::exchange(server.storage.checkpoint, std::move(installed.checkpoint));
    server.start();
    server.append(Zxid{kSnapshotZxid.value + 1}, 3);
    server.storage.checkpoint->put(image_of(Zxid{kSnapshotZxid.value + 1}, kSnapshotNodes + 1, "behind"));
    server.storage.installer->retire(std::move(old_log), std::move(old_checkpoint));
    server.await_durable(Zxid{kSnapshotZxid.value + 3});
}

std::set<std::string> names_in(const fs::path& directory) {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory)) names.insert(entry.path().filename());
    return names;
}

}  // namespace

TEST_CASE("a snapshot takes the place of log and checkpoint", "[storage][install]") {
    const TemporaryDirectory directory;
    const auto options = options_for(directory.path());
    make_server(options, 9, 5);
    {
        StoredServer server(options);
        CHECK(server.nodes.size() == 5);
        server.start();
        put_snapshot(*server.storage.installer, "new");
        switch_over(server);
        server.stop();
        CHECK(server.storage.log->figures().size_bytes > 0);
    }
    const StoredServer server(options);
    CHECK(server.error.where.empty());
    CHECK(server.storage.hard_state_found.generation == 1);
    CHECK(server.storage.hard_state_found.accepted_epoch == 2);
    CHECK(server.storage.hard_state_found.has_history);
    CHECK(server.nodes.size() == kSnapshotNodes + 1);
    CHECK(server.nodes.at(NodeId{3}) == "new");
    CHECK(server.storage.checkpoint_found.zxid == Zxid{kSnapshotZxid.value + 1});
    CHECK(server.storage.log_found.zxid_begin == kSnapshotZxid);
    CHECK(server.records == std::vector<Zxid>{Zxid{kSnapshotZxid.value + 2}, Zxid{kSnapshotZxid.value + 3}});
    CHECK(names_in(directory.path() / "zabd") ==
          std::set<std::string>{"checkpoint.1", "format", "hard-state", "lock", "log.1"});
}

TEST_CASE("one snapshot after the other can be installed, also in one life", "[storage][install]") {
    const TemporaryDirectory directory;
    const auto options = options_for(directory.path());
    make_server(options, 9, 5);
    for (std::uint64_t life = 0; life < 2; ++life) {
        StoredServer server(options);
        server.start();
        for (std::uint64_t n = 1; n <= 2; ++n) {
            put_snapshot(*server.storage.installer, "install " + std::to_string(2 * life + n));
            switch_over(server);
        }
        server.stop();
    }
    const StoredServer server(options);
    CHECK(server.storage.hard_state_found.generation == 4);
    CHECK(server.nodes.at(NodeId{3}) == "install 4");
}

TEST_CASE("Z-12: a snapshot that broke off leaves nothing behind", "[storage][install]") {
    const TemporaryDirectory directory;
    const auto options = options_for(directory.path());
    make_server(options, 9, 5);
    const bool dropped = GENERATE(false, true);
    CAPTURE(dropped);
    {
        StoredServer server(options);
        server.start();
        auto& installer = *server.storage.installer;
        put_snapshot(installer, "partial");
        if (dropped) {
            installer.drop();
            installer.put(image_of(kSnapshotZxid, 77, "partial too"), true);
            put_snapshot(installer, "whole");
            switch_over(server);
        }
        server.stop();
    }
    const StoredServer server(options);
    CHECK(server.error.where.empty());
    CHECK(server.nodes.size() == (dropped ? kSnapshotNodes + 1 : 5));
    CHECK(server.nodes.at(NodeId{3}) == (dropped ? "whole" : "old"));
    CHECK(names_in(directory.path() / "zabd").size() == 5);
}

TEST_CASE("S-14: a snapshot waits for a full disk, or is given up", "[storage][install]") {
    const TemporaryDirectory directory;
    const auto options = options_for(directory.path());
    make_server(options, 9, 5);
    StoredServer server(options);
    server.start();
    auto& installer = *server.storage.installer;
    DiskCalls::instance().fail({.write = 0, .sync = 0, .allocate = ENOSPC, .rename = 0});
    put_snapshot(installer, "given up");
    installer.drop();
    put_snapshot(installer, "whole");
    DiskCalls::instance().fail({});
    switch_over(server);
    server.stop();
    CHECK(server.storage.log->figures().size_bytes > 0);
}

TEST_CASE("Z-12 Z-16: killed at any call of the disk, an install leaves the old state or the new one",
          "[storage][install]") {
    const TemporaryDirectory top;
    make_server(options_for(top.path() / "made"), 9, 5);
    std::uint64_t call = 1;
    bool old_seen = false;
    bool new_seen = false;
    for (int exit_code = DiskCalls::kKilled; exit_code == DiskCalls::kKilled; ++call) {
        CAPTURE(call);
        const auto options = options_for(top.path() / "copy");
        fs::remove_all(options.data_root);
        fs::copy(top.path() / "made", options.data_root, fs::copy_options::recursive);
        const auto ending = run_forked([&] {
            StoredServer server(options);
            server.start();
            DiskCalls::instance().die_before(call);
            put_snapshot(*server.storage.installer, "new");
            switch_over(server);
            server.storage.installer.reset();  // waits for what is being retired
            DiskCalls::instance().die_before(0);
            ::_exit(0);
        });
        exit_code = ending.exit_code;
        INFO(ending.said);
        REQUIRE((exit_code == 0 || exit_code == DiskCalls::kKilled));
        for (int again = 0; again < 2; ++again) {
            const StoredServer server(options);
            INFO(server.error.where);
            REQUIRE(server.error.where.empty());
            REQUIRE(server.storage.hard_state_found.has_history);
            if (server.storage.hard_state_found.generation == 0) {
                old_seen = true;
                REQUIRE(server.nodes.size() == 5);
                REQUIRE(server.storage.log_found.zxid_last == Zxid::of(1, 9));
            } else {
                new_seen = true;
                REQUIRE(server.nodes.size() >= kSnapshotNodes);
                REQUIRE(server.nodes.at(NodeId{3}) == "new");
                REQUIRE(server.storage.log_found.zxid_begin == kSnapshotZxid);
                REQUIRE(server.storage.log_found.zxid_last >= kSnapshotZxid);
            }
            REQUIRE(names_in(options.data_root / "zabd").size() == 5);
        }
    }
    CHECK(call > 40);
    CHECK(old_seen);
    CHECK(new_seen);
}
