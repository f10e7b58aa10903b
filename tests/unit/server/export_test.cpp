#include "server/export.hpp"

#include "server/import.hpp"
#include "storage/zookeeper_snapshot_file.hpp"
#include "tests/unit/storage/temporary_directory.hpp"
#include "wire/txns.hpp"
#include "zookeeper_data.hpp"

#include <catch2/catch.hpp>

#include <functional>
#include <future>
#include <string>
#include <vector>

using namespace zabd;
using namespace zabd::server;
namespace fs = std::filesystem;

namespace {

struct Work {
    storage::TemporaryDirectory directory;
    fs::path from = directory.path() / "from";
    fs::path to = directory.path() / "to";

    [[nodiscard]] Result<ExportReport> run() const { return export_zookeeper({.from = from, .to = to}); }
    [[nodiscard]] bool untouched() const { return !fs::exists(to / "version-2") && !fs::exists(to / "unfinished"); }
};

/// What a test does to a directory while no server has it.
void with_storage(const fs::path& directory, const std::function<void(storage::Storage&)>& act) {
    auto storage = storage::open_storage({.data_root = directory, .log_root = {}},
                                         {.state = {.on_session = [](const auto&) { return Result<void>(); },
                                                    .on_acl = [](const auto&) { return Result<void>(); },
                                                    .on_node = [](const auto&, const auto&) { return Result<void>(); }},
                                          .on_state = [](const auto&, auto&) { return Result<void>(); },
                                          .on_record = [](const auto&) {}});
    REQUIRE(storage);
    act(*storage);
}

void save(storage::Storage& storage, const std::function<void(storage::StoredHardState&)>& change) {
    std::promise<void> saved;
    storage.hard_state->update(change, [&] { saved.set_value(); });
    saved.get_future().wait();
}

/// Puts creates behind what the log has.
void append_creates(const fs::path& directory, Zxid after, const std::vector<std::string>& paths) {
    with_storage(directory, [&](storage::Storage& storage) {
        storage.log->start([](const auto&) {});
        auto zxid = after;
        std::int32_t creations = 0;
        for (const auto& path : paths) {
            ++zxid.value;
            const wire::TxnHeader header{.zxid = zxid, .time_ms = 1000, .type = wire::OpCode::kCreate};
            const wire::AclList open{{wire::kAllPermissions, {"world", "anyone"}}};
            storage.log->append(zxid,
                                Bytes::copy_of(wire::encoded(header) +
                                               wire::encoded(wire::CreateTxn{path, "x", open, false, ++creations})));
        }
        storage.log->flush(false);
        storage.log->stop();
    });
}

}  // namespace

TEST_CASE("a log without a checkpoint is exported behind a fresh snapshot", "[server][export]") {
    const Work work;
    append_creates(work.from, Zxid{}, {"/a", "/b"});
    const auto report = work.run();
    REQUIRE(report);
    CHECK(report->zxid == Zxid{2});
    CHECK(report->snapshot == Zxid{});
    CHECK(report->nodes == 4);
    CHECK(report->transactions == 2);
    CHECK(fs::exists(work.to / "version-2" / "snapshot.0"));
    CHECK(fs::exists(work.to / "version-2" / "log.1"));

    const auto back = work.directory.path() / "back";
    const auto imported = import_zookeeper({.from = work.to, .to = back});
    REQUIRE(imported);
    CHECK(imported->remarks.empty());
    CHECK(imported->zxid == Zxid{2});
    const auto found = opened(back);
    REQUIRE(found);
    CHECK(found->recovered.state.tree.find("/b") != nullptr);
    CHECK(found->recovered.state.tree.node_count() == 6);
}

TEST_CASE("the log behind a checkpoint is exported as a log behind a snapshot", "[server][export]") {
    const Work work;
    REQUIRE(import_zookeeper({.from = archived("ensemble-truncated"), .to = work.from}));
    const auto last = Zxid{number_of(archived_trees()["ensemble-truncated"]["last_zxid"])};
    append_creates(work.from, last, {"/behind"});
    const auto report = work.run();
    REQUIRE(report);
    CHECK(report->snapshot == last);
    CHECK(report->zxid.value == last.value + 1);
    CHECK(report->transactions == 1);
    CHECK(report->sessions == 2);
    CHECK(fs::exists(work.to / "version-2" / "snapshot.400000006"));
    CHECK(fs::exists(work.to / "version-2" / "log.400000007"));
    const auto digest = storage::read_zookeeper_snapshot(work.to / "version-2" / "snapshot.400000006",
                                                         [](const auto&) { return Result<void>(); });
    REQUIRE(digest);
    CHECK((*digest)->zxid == last);
    CHECK((*digest)->value == archived_trees()["ensemble-truncated"]["tree_digest"].get<std::uint64_t>());
}

TEST_CASE("epochs are written as ZooKeeper reads them, and never below the last transaction", "[server][export]") {
    const Work work;
    REQUIRE(import_zookeeper({.from = archived("ensemble-truncated"), .to = work.from}));
    with_storage(work.from, [](storage::Storage& storage) {
        save(storage, [](storage::StoredHardState& state) { state.accepted_epoch = 17; });
    });
    const auto report = work.run();
    REQUIRE(report);
    const auto text_of_file = [&](const char* name) {
        std::ifstream file(work.to / "version-2" / name);
        return std::string(std::istreambuf_iterator<char>(file), {});
    };
    CHECK(text_of_file("acceptedEpoch") == "17");
    CHECK(text_of_file("currentEpoch") == "4");
    std::ifstream number(work.to / "myid");
    std::string myid;
    CHECK(std::getline(number, myid));
}

TEST_CASE("a checkpoint that is a state only with the log is exported so, or not at all", "[server][export]") {
    const Work work;
    REQUIRE(import_zookeeper({.from = archived("standalone"), .to = work.from}));
    append_creates(work.from, Zxid{0x3a}, {"/behind"});
    const auto fuzzy_until = [&](Zxid zxid) {
        with_storage(work.from, [&](storage::Storage& storage) {
            save(storage, [&](storage::StoredHardState& state) { state.fuzzy_until = zxid; });
        });
    };
    SECTION("the log has what it lacks: of the snapshot's tree nothing is said") {
        fuzzy_until(Zxid{0x3b});
        REQUIRE(work.run());
        const auto digest = storage::read_zookeeper_snapshot(work.to / "version-2" / "snapshot.3a",
                                                             [](const auto&) { return Result<void>(); });
        REQUIRE(digest);
        CHECK_FALSE(*digest);
    }
    SECTION("the log ends before") {
        fuzzy_until(Zxid{0x3c});
        const auto report = work.run();
        REQUIRE_FALSE(report);
        CHECK(report.error().code == Errc::kBadConfig);
        CHECK(work.untouched());
    }
}

TEST_CASE("what has no history that is whole is not exported", "[server][export]") {
    const Work work;
    SECTION("nothing was ever written") {
        with_storage(work.from, [](storage::Storage&) {});
    }
    SECTION("a member that has not got its history yet") {
        REQUIRE(import_zookeeper({.from = archived("ensemble-truncated"), .to = work.from}));
        with_storage(work.from, [](storage::Storage& storage) {
            save(storage, [](storage::StoredHardState& state) { state.has_history = false; });
        });
    }
    const auto report = work.run();
    REQUIRE_FALSE(report);
    CHECK(report.error().code == Errc::kBadConfig);
    CHECK_THAT(report.error().where, Catch::Contains("no history"));
    CHECK(work.untouched());
}

TEST_CASE("only a directory of zabd is exported, and only to an empty one", "[server][export]") {
    const Work work;
    SECTION("the source is none, and none is made of it") {
        fs::create_directories(work.from);
        const auto report = work.run();
        REQUIRE_FALSE(report);
        CHECK(report.error().code == Errc::kBadConfig);
        CHECK(fs::is_empty(work.from));
    }
    SECTION("the target holds something") {
        REQUIRE(import_zookeeper({.from = archived("standalone"), .to = work.from}));
        fs::create_directories(work.to / "version-2");
        const auto report = work.run();
        REQUIRE_FALSE(report);
        CHECK(report.error().code == Errc::kBadConfig);
        CHECK(fs::is_empty(work.to / "version-2"));
    }
    SECTION("the number of a member may be there, and stays") {
        REQUIRE(import_zookeeper({.from = archived("ensemble-truncated"), .to = work.from}));
        fs::create_directories(work.to);
        std::ofstream(work.to / "myid") << "9\n";
        REQUIRE(work.run());
        std::ifstream number(work.to / "myid");
        std::string myid;
        std::getline(number, myid);
        CHECK(myid == "9");
    }
}

TEST_CASE("a directory in use is not exported", "[server][export]") {
    const Work work;
    REQUIRE(import_zookeeper({.from = archived("standalone"), .to = work.from}));
    with_storage(work.from, [&](storage::Storage&) {
        const auto report = work.run();
        REQUIRE_FALSE(report);
        CHECK(report.error().code == Errc::kInUse);
        CHECK(work.untouched());
    });
}
