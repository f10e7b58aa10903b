#include "server/import.hpp"

#include "server/export.hpp"
#include "storage/zookeeper_directory.hpp"
#include "storage/zookeeper_log_file.hpp"
#include "storage/zookeeper_snapshot_file.hpp"
#include "tests/unit/storage/temporary_directory.hpp"
#include "wire/zookeeper_txn.hpp"
#include "zookeeper_data.hpp"

#include <catch2/catch.hpp>

#include <functional>
#include <string>
#include <vector>

using namespace zabd;
using namespace zabd::server;
namespace fs = std::filesystem;

namespace {

std::string read(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}
void write(const fs::path& path, std::string_view content) { std::ofstream(path, std::ios::binary) << content; }

/// A directory of ZooKeeper that a test may spoil, and the place for what is imported from it.
struct Work {
    storage::TemporaryDirectory directory;
    fs::path from = directory.path() / "from";
    fs::path to = directory.path() / "to";

    explicit Work(const std::string& name) { fs::copy(archived(name), from, fs::copy_options::recursive); }

    [[nodiscard]] fs::path file(const std::string& name) const { return from / "version-2" / name; }
    [[nodiscard]] Result<ImportReport> import(bool digests_must_fit = true) const {
        return import_zookeeper({.from = from, .to = to, .digests_must_fit = digests_must_fit});
    }
    /// Nothing at the target that anything would take for a data directory.
    [[nodiscard]] bool untouched() const { return !fs::exists(to / "zabd") && !fs::exists(to / "unfinished"); }

    /// Cuts the log behind so many records.
    void shorten(const std::string& log, std::size_t records) const {
        std::vector<std::string> payloads;
        REQUIRE(storage::read_zookeeper_log(file(log), [&](std::string_view payload) {
            payloads.emplace_back(payload);
            return Result<void>();
        }));
        rewrite(log, {payloads.begin(), payloads.begin() + static_cast<std::ptrdiff_t>(records)});
    }
    void rewrite(const std::string& log, const std::vector<std::string>& payloads) const {
        auto writer = storage::ZookeeperLogWriter::create(file(log));
        REQUIRE(writer);
        for (const auto& payload : payloads) REQUIRE((*writer)->add(payload));
        REQUIRE((*writer)->finish());
    }
};

void check_tree(const fs::path& directory, const nlohmann::json& expected) {
    const auto found = opened(directory);
    REQUIRE(found);
    const auto& [recovered, hard_state, records] = *found;
    recovered.state.check_invariants();
    const auto tree = content_of(recovered.state);
    const auto tree_expected = tree_of(expected);
    for (const auto& [path, node] : tree_expected) {
        CAPTURE(path);
        REQUIRE(tree.contains(path));
        CHECK(tree.at(path).record == node.record);
        CHECK(tree.at(path).data == node.data);
        CHECK(tree.at(path).acl == node.acl);
    }
    CHECK(tree.size() == tree_expected.size());
    CHECK(recovered.state.tree.digest() == expected["tree_digest"].get<std::uint64_t>());
    CHECK(recovered.sessions.all() == sessions_of(expected));
    CHECK(recovered.zxid.value == number_of(expected["last_zxid"]));
    CHECK(records.empty());
}

}  // namespace

TEST_CASE("a directory of ZooKeeper's is imported node by node", "[server][import]") {
    const std::string name = GENERATE("standalone", "ensemble-reconfig", "ensemble-truncated");
    CAPTURE(name);
    const Work work(name);
    const auto& expected = archived_trees()[name];
    const auto report = work.import();
    REQUIRE(report);
    CHECK(report->zxid.value == number_of(expected["last_zxid"]));
    CHECK(report->nodes == expected["node_count"].get<std::size_t>());
    CHECK(report->sessions == expected["sessions"].size());
    CHECK(report->snapshot.filename() == expected["newest_snapshot"].get<std::string>());
    CHECK(report->remarks.empty());
    check_tree(work.to, expected);

    const auto hard_state = opened(work.to)->hard_state;
    const auto epoch = [&](const char* file) {
        return expected["epochs"].contains(file) ? std::stoul(expected["epochs"][file].get<std::string>()) : 0;
    };
    CHECK(hard_state.accepted_epoch == epoch("acceptedEpoch"));
    CHECK(hard_state.current_epoch == epoch("currentEpoch"));
    CHECK(hard_state.has_history);
    CHECK(fs::exists(work.to / "myid") == fs::exists(work.from / "myid"));
}

TEST_CASE("what was imported and exported is what was there", "[server][import][export]") {
    const std::string name = GENERATE("standalone", "ensemble-reconfig", "ensemble-truncated");
    CAPTURE(name);
    const Work work(name);
    REQUIRE(work.import());
    const auto back = work.directory.path() / "back";
    const auto exported = export_zookeeper({.from = work.to, .to = back});
    REQUIRE(exported);
    CHECK(exported->zxid.value == number_of(archived_trees()[name]["last_zxid"]));

    const auto again = work.directory.path() / "again";
    const auto imported = import_zookeeper({.from = back, .to = again});
    REQUIRE(imported);
    CHECK(imported->remarks.empty());
    CHECK(imported->current_epoch == exported->current_epoch);
    check_tree(again, archived_trees()[name]);
}

TEST_CASE("a log without its snapshot's place is imported from where it begins", "[server][import]") {
    const Work work("standalone");
    fs::remove(work.file("snapshot.31"));
    const auto report = work.import();
    REQUIRE(report);
    CHECK(report->transactions == 0x3a);
    check_tree(work.to, archived_trees()["standalone"]);
}

TEST_CASE("logs may be in a directory of their own", "[server][import]") {
    const Work work("standalone");
    const auto log_from = work.directory.path() / "logs";
    fs::create_directories(log_from / "version-2");
    for (const auto* log : {"log.1", "log.32"}) fs::rename(work.file(log), log_from / "version-2" / log);
    REQUIRE(import_zookeeper({.from = work.from, .log_from = log_from, .to = work.to}));
    check_tree(work.to, archived_trees()["standalone"]);
}

// --- what is not whole -----------------------------------------------------------------------------------------------

TEST_CASE("a snapshot that was not written to its end is passed over, as ZooKeeper does it", "[server][import]") {
    const Work work("standalone");
    const auto whole = read(work.file("snapshot.31"));
    write(work.file("snapshot.31"), whole.substr(0, whole.size() - 1));
    const auto report = work.import();
    REQUIRE(report);
    REQUIRE(report->remarks.size() == 1);
    CHECK_THAT(report->remarks[0], Catch::Contains("snapshot.31"));
    check_tree(work.to, archived_trees()["standalone"]);
}

TEST_CASE("a damaged snapshot is replaced by an older one only if the log bridges them", "[server][import]") {
    const auto spoil = [](const fs::path& path) {
        auto bytes = read(path);
        bytes[100] = static_cast<char>(bytes[100] ^ 1);
        write(path, bytes);
    };
    SECTION("it does") {
        const Work work("standalone");
        spoil(work.file("snapshot.31"));
        const auto report = work.import();
        REQUIRE(report);
        REQUIRE(report->remarks.size() == 1);
        CHECK_THAT(report->remarks[0], Catch::Contains("snapshot.31") && Catch::Contains("at byte"));
        check_tree(work.to, archived_trees()["standalone"]);
    }
    SECTION("transactions are missing between") {
        const Work work("ensemble-truncated");
        spoil(work.file("snapshot.400000003"));
        const auto report = work.import();
        REQUIRE_FALSE(report);
        CHECK(report.error().code == Errc::kDamaged);
        CHECK_THAT(report.error().where, Catch::Contains("log.400000004") && Catch::Contains("missing"));
        CHECK(work.untouched());
    }
    SECTION("the log ends before it") {
        const Work work("ensemble-truncated");
        spoil(work.file("snapshot.400000003"));
        fs::remove(work.file("log.400000004"));
        const auto report = work.import();
        REQUIRE_FALSE(report);
        CHECK_THAT(report.error().where, Catch::Contains("snapshot.400000003") && Catch::Contains("0x300000003"));
        CHECK(work.untouched());
    }
}

TEST_CASE("a torn end of the log is told, and ends the history", "[server][import]") {
    const Work work("standalone");
    auto bytes = read(work.file("log.32"));
    const auto padding = bytes.find_last_not_of('\0') + 1;
    bytes.resize(padding - 1);  // the last record has lost its end
    write(work.file("log.32"), bytes);
    const auto report = work.import();
    REQUIRE(report);
    CHECK(report->zxid == Zxid{0x39});
    REQUIRE(report->remarks.size() == 1);
    CHECK_THAT(report->remarks[0], Catch::Contains("log.32") && Catch::Contains("ends at byte"));
}

TEST_CASE("a damaged record is refused with its place", "[server][import]") {
    const Work work("standalone");
    auto bytes = read(work.file("log.32"));
    bytes[40] = static_cast<char>(bytes[40] ^ 1);
    write(work.file("log.32"), bytes);
    const auto report = work.import();
    REQUIRE_FALSE(report);
    CHECK(report.error().code == Errc::kDamaged);
    CHECK_THAT(report.error().where, Catch::Contains("log.32") && Catch::Contains("at byte 16"));
    CHECK(work.untouched());
}

TEST_CASE("transactions that are missing are noticed", "[server][import]") {
    const Work work("standalone");
    fs::remove(work.file("snapshot.31"));
    SECTION("at the end of a log that is not the last") { work.shorten("log.1", 0x30); }
    SECTION("a log of its own") { fs::remove(work.file("log.1")); }
    const auto report = work.import();
    REQUIRE_FALSE(report);
    CHECK(report.error().code == Errc::kDamaged);
    CHECK_THAT(report.error().where, Catch::Contains("log.32") && Catch::Contains("missing"));
}

TEST_CASE("an empty last log is passed over", "[server][import]") {
    const Work work("standalone");
    write(work.file("log.3b"), "");
    const auto report = work.import();
    REQUIRE(report);
    CHECK(report->remarks.size() == 1);
    check_tree(work.to, archived_trees()["standalone"]);
}

TEST_CASE("a tree with another digest than was logged is refused, unless it is asked for", "[server][import]") {
    const Work work("standalone");
    std::vector<std::string> payloads;
    REQUIRE(storage::read_zookeeper_log(work.file("log.32"), [&](std::string_view payload) {
        payloads.emplace_back(payload);
        return Result<void>();
    }));
    auto& payload = payloads.at(2);
    const auto txn = wire::read_zookeeper_txn(payload);
    REQUIRE(txn->digest);
    payload.back() = static_cast<char>(payload.back() ^ 1);
    work.rewrite("log.32", payloads);
    const auto refused = work.import();
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().where, Catch::Contains("digest at 0x34"));
    CHECK(work.untouched());
    const auto report = work.import(false);
    REQUIRE(report);
    CHECK(report->remarks.size() == 1);
    check_tree(work.to, archived_trees()["standalone"]);
}

TEST_CASE("whatever byte of a small log is wrong, it is refused, told, or makes no difference", "[server][import]") {
    const Work work("ensemble-truncated");
    const auto whole = read(work.file("log.400000004"));
    const auto end = whole.find_last_not_of('\0') + 1;
    std::size_t refused = 0;
    std::size_t told = 0;
    for (std::size_t i = 0; i < end; ++i) {
        CAPTURE(i);
        auto bytes = whole.substr(0, end);
        bytes[i] = static_cast<char>(bytes[i] ^ 0x55);
        write(work.file("log.400000004"), bytes);
        fs::remove_all(work.to);
        const auto report = work.import();
        if (!report) {
            ++refused;
            CHECK_THAT(report.error().where, Catch::Contains("log.400000004"));
            REQUIRE(work.untouched());
        } else if (!report->remarks.empty()) {
            ++told;
            CHECK(report->zxid < Zxid{0x400000006});
        } else {
            CHECK((i >= 8 && i < 16));  // the number of the database, which nobody looks at
        }
    }
    CHECK(refused > told);
    CHECK(told > 0);
}

// --- epochs, sessions, and the directories ---------------------------------------------------------------------------

TEST_CASE("epochs that cannot be are refused", "[server][import]") {
    const Work work("ensemble-truncated");
    const std::string what = GENERATE("older than the log", "above the accepted one", "no number");
    CAPTURE(what);
    if (what == "older than the log") write(work.file("currentEpoch"), "3");
    if (what == "above the accepted one") write(work.file("acceptedEpoch"), "3");
    if (what == "no number") write(work.file("currentEpoch"), "4x");
    const auto report = work.import();
    REQUIRE_FALSE(report);
    CHECK(report.error().code == Errc::kDamaged);
    CHECK_THAT(report.error().where, Catch::Contains("Epoch"));
    CHECK(work.untouched());
}

TEST_CASE("an epoch that a crash kept from its place counts", "[server][import]") {
    const Work work("ensemble-truncated");
    write(work.file("currentEpoch"), "3");
    write(work.file("currentEpoch.tmp"), "4");
    const auto report = work.import();
    REQUIRE(report);
    CHECK(report->current_epoch == 4);
}

TEST_CASE("ephemerals whose session is over by the end of the log go", "[server][import]") {
    const Work work("standalone");
    // The log ends before the last sessions are opened again or closed: only the tree knows of what they own.
    auto writer = storage::ZookeeperSnapshotWriter::create(work.file("snapshot.3a"));
    REQUIRE(writer);
    std::string bytes;
    wire::SnapshotEncoder out(bytes);
    out.begin_sessions(1);
    out.add(wire::SnapshotSession{SessionId{7}, 4000});
    out.begin_acls(0);
    const auto add = [&](const std::string& path, std::int64_t owner) {
        wire::SnapshotNode node;
        node.path = path;
        node.acl = wire::kOpenAclOfStream;
        node.owner = owner;
        out.add(node);
    };
    add("/", 0);
    add("/open", 7);
    add("/over", 8);
    out.end_nodes();
    REQUIRE((*writer)->add(bytes));
    REQUIRE((*writer)->finish({}));
    const auto report = work.import();
    REQUIRE(report);
    CHECK(report->nodes == 2);
    REQUIRE(report->remarks.size() == 1);
    CHECK_THAT(report->remarks[0], Catch::Contains("1 ephemeral"));
}

TEST_CASE("neither a target that holds anything nor a source that is none is taken", "[server][import]") {
    const Work work("standalone");
    SECTION("the target is not empty") {
        fs::create_directories(work.to);
        write(work.to / "a-file", "");
        const auto report = work.import();
        REQUIRE_FALSE(report);
        CHECK(report.error().code == Errc::kBadConfig);
        CHECK_THAT(report.error().where, Catch::Contains("not empty") && Catch::Contains("a-file"));
    }
    SECTION("there is a data directory of zabd already") {
        REQUIRE(work.import());
        const auto again = work.import();
        REQUIRE_FALSE(again);
        CHECK(again.error().code == Errc::kBadConfig);
        check_tree(work.to, archived_trees()["standalone"]);
    }
    SECTION("the source is no directory of ZooKeeper") {
        const auto report = import_zookeeper({.from = work.directory.path(), .to = work.to});
        REQUIRE_FALSE(report);
        CHECK(report.error().code == Errc::kBadConfig);
        CHECK(work.untouched());
    }
    SECTION("the source has no snapshot") {
        fs::remove(work.file("snapshot.0"));
        fs::remove(work.file("snapshot.31"));
        const auto report = work.import();
        REQUIRE_FALSE(report);
        CHECK_THAT(report.error().where, Catch::Contains("no snapshot"));
    }
}

TEST_CASE("what an attempt left that was cut short is no data directory, and no hindrance", "[server][import]") {
    const Work work("standalone");
    fs::create_directories(work.to / "unfinished" / "zabd");
    write(work.to / "unfinished" / "zabd" / "format", "version 2\n");
    REQUIRE(work.import());
    check_tree(work.to, archived_trees()["standalone"]);
}

TEST_CASE("the sessions of a directory keep the passwords that ZooKeeper gave them", "[server][import]") {
    const Work work("ensemble-truncated");
    REQUIRE(work.import());
    const auto found = opened(work.to);
    REQUIRE(found);
    for (const auto& [session, timeout] : found->recovered.sessions.all())
        CHECK(found->recovered.sessions.has_zookeeper_password(session));
}

TEST_CASE("what a member has logged is provisional until its ensemble confirms it", "[server][import]") {
    const std::string name = GENERATE("standalone", "ensemble-truncated");
    const Work work(name);
    REQUIRE(work.import());
    CHECK(opened(work.to)->hard_state.provisional == (name == "ensemble-truncated"));
}
