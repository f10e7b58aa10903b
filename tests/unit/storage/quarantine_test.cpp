#include "storage/recovery.hpp"
#include "tests/unit/storage/disk_calls.hpp"
#include "tests/unit/storage/forked.hpp"
#include "tests/unit/storage/stored_server.hpp"
#include "tests/unit/storage/temporary_directory.hpp"

#include <catch2/catch.hpp>

#include <fstream>

using namespace zabd;
using namespace zabd::storage;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

StorageOptions options_for(const fs::path& root, const fs::path& log_root = {}) {
    return {.data_root = root, .log_root = log_root, .retain_bytes = 0, .quarantine = true};
}

void flip_bit(const fs::path& path, std::uint64_t offset) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(offset));
    const auto byte = static_cast<char>(file.get() ^ 1);
    file.seekp(static_cast<std::streamoff>(offset));
    file.put(byte);
}

struct Damage {
    const char* name;
    std::function<void(const fs::path& zabd)> make;
    const char* told;
};

const std::vector<Damage> kDamages{
    {"a record of the log has rotted", [](const fs::path& zabd) { flip_bit(zabd / "log/0000000000000001.log", 4300); },
     "0000000000000001.log: damaged at byte"},
    {"the log has lost its segments", [](const fs::path& zabd) { fs::remove(zabd / "log/0000000000000001.log"); },
     "the log is lost"},
    {"the log is gone", [](const fs::path& zabd) { fs::remove_all(zabd / "log"); }, "the log is lost"},
    {"log and checkpoint are gone",
     [](const fs::path& zabd) {
         fs::remove_all(zabd / "log");
         fs::remove_all(zabd / "checkpoint");
     },
     "the log is lost"},
    {"the checkpoint's head has rotted", [](const fs::path& zabd) { flip_bit(zabd / "checkpoint/head", 100); },
     "fails its checksum"},
};

void check_empty(const StoredServer& server) {
    CHECK(server.nodes.empty());
    CHECK(server.records.empty());
    CHECK_FALSE(server.storage.checkpoint_found.present);
    CHECK(server.storage.log_found.zxid_last == Zxid{});
    const auto& state = server.storage.hard_state_found;
    CHECK_FALSE(state.has_history);
    CHECK(state.accepted_epoch == 2);
    CHECK(state.current_epoch == 1);
    CHECK(state.generation > 0);
}

}  // namespace

TEST_CASE("Z-15 S-07 S-08: a member whose disk is damaged starts empty, and says that it has no history",
          "[storage][recovery]") {
    const auto damage = GENERATE(from_range(kDamages));
    CAPTURE(damage.name);
    const TemporaryDirectory directory;
    const auto options = options_for(directory.path());
    const auto zabd = directory.path() / "zabd";
    make_server(options, 9, 5);
    damage.make(zabd);
    {
        StoredServer server(options);
        REQUIRE(server.error.where.empty());
        CHECK(server.quarantines == 1);
        REQUIRE(server.storage.quarantine);
        CHECK(server.storage.quarantine->directory == zabd / "quarantine-1");
        CHECK_THAT(server.storage.quarantine->reason, Contains(damage.told));
        check_empty(server);
        server.start();
        server.append(Zxid::of(3, 1), 2);
        server.stop();
    }
    const StoredServer again(options);
    CHECK(again.quarantines == 0);
    CHECK_FALSE(again.storage.quarantine);
    CHECK_FALSE(again.storage.hard_state_found.has_history);
    CHECK(again.storage.log_found.zxid_last == Zxid::of(3, 2));
    CHECK(fs::exists(zabd / "quarantine-1") == (std::string(damage.name) != "log and checkpoint are gone"));
}

TEST_CASE("S-13: a standalone server refuses to start on damage, and changes nothing", "[storage][recovery]") {
    const TemporaryDirectory directory;
    auto options = options_for(directory.path());
    make_server(options, 9, 5);
    options.quarantine = false;
    flip_bit(directory.path() / "zabd/log/0000000000000001.log", 4300);
    const StoredServer server(options);
    CHECK(server.error.code == Errc::kDamaged);
    CHECK_FALSE(fs::exists(directory.path() / "zabd" / "quarantine-1"));
}

TEST_CASE("what the visitor finds damaged is put aside as well", "[storage][recovery]") {
    const TemporaryDirectory directory;
    const auto options = options_for(directory.path());
    make_server(options, 9, 5);
    const StoredServer server(options, [](const CheckpointSummary& summary) -> Result<void> {
        if (summary.present) return failure(Errc::kDamaged, "the digest is another one");
        return {};
    });
    REQUIRE(server.error.where.empty());
    CHECK(server.storage.quarantine->reason == "the digest is another one");
    check_empty(server);
}

TEST_CASE("an error that is no damage ends the start of a member too", "[storage][recovery]") {
    const TemporaryDirectory directory;
    const auto options = options_for(directory.path());
    make_server(options, 9, 5);
    const StoredServer server(options,
                              [](const CheckpointSummary&) { return failure(Errc::kUnsupported, "of another time"); });
    CHECK(server.error.code == Errc::kUnsupported);
    CHECK(server.quarantines == 0);
}

TEST_CASE("log and checkpoint in directories of their own are put aside where they are", "[storage][recovery]") {
    const TemporaryDirectory directory;
    const TemporaryDirectory log_directory;
    const auto options = options_for(directory.path(), log_directory.path());
    make_server(options, 9, 5);
    flip_bit(directory.path() / "zabd/checkpoint/head", 100);
    const StoredServer server(options);
    REQUIRE(server.error.where.empty());
    check_empty(server);
    CHECK(fs::exists(directory.path() / "zabd/quarantine-1/checkpoint/head"));
    CHECK(fs::exists(log_directory.path() / "zabd/quarantine-1/log/0000000000000001.log"));
}

TEST_CASE("Z-15: killed at any call of the disk, a quarantine never leaves an empty server that claims a history",
          "[storage][recovery]") {
    const auto damage = GENERATE(from_range(kDamages));
    CAPTURE(damage.name);
    const TemporaryDirectory top;
    make_server(options_for(top.path() / "made"), 9, 5);
    damage.make(top.path() / "made" / "zabd");
    int exit_code = DiskCalls::kKilled;
    for (std::uint64_t call = 1; exit_code == DiskCalls::kKilled; ++call) {
        CAPTURE(call);
        const auto options = options_for(top.path() / "copy");
        fs::remove_all(options.data_root);
        fs::copy(top.path() / "made", options.data_root, fs::copy_options::recursive);
        exit_code = run_forked([&] {
                        DiskCalls::instance().die_before(call);
                        const StoredServer server(options);
                        DiskCalls::instance().die_before(0);
                        ::_exit(server.quarantines == 1 ? 0 : 1);
                    }).exit_code;
        REQUIRE((exit_code == 0 || exit_code == DiskCalls::kKilled));
        const StoredServer server(options);
        INFO(server.error.where);
        REQUIRE(server.error.where.empty());
        REQUIRE_FALSE(server.storage.hard_state_found.has_history);
        REQUIRE(server.storage.hard_state_found.accepted_epoch == 2);
        REQUIRE(server.storage.log_found.zxid_last == Zxid{});
        REQUIRE_FALSE(server.storage.checkpoint_found.present);
    }
}

TEST_CASE("Z-15: a fresh directory has no history, and a lost hard state is damage", "[storage][recovery]") {
    const TemporaryDirectory directory;
    const auto options = options_for(directory.path());
    {
        const StoredServer server(options);
        CHECK(server.storage.hard_state_found.generation == 0);
        CHECK_FALSE(server.storage.hard_state_found.has_history);
        CHECK(server.quarantines == 0);
    }
    fs::remove(directory.path() / "zabd" / "hard-state");
    const StoredServer server(options);
    CHECK(server.error.code == Errc::kDamaged);
    CHECK_THAT(server.error.where, Contains("hard-state: is missing"));
}

TEST_CASE("what a crash left of other generations is removed", "[storage][recovery]") {
    const TemporaryDirectory directory;
    const auto options = options_for(directory.path());
    make_server(options, 9, 5);
    fs::create_directories(directory.path() / "zabd" / "log.1");
    fs::create_directories(directory.path() / "zabd" / "checkpoint.1" / "half");
    const StoredServer server(options);
    REQUIRE(server.error.where.empty());
    CHECK(server.nodes.size() == 5);
    CHECK_FALSE(fs::exists(directory.path() / "zabd" / "log.1"));
    CHECK_FALSE(fs::exists(directory.path() / "zabd" / "checkpoint.1"));
}
