#include "storage/data_dir.hpp"

#include "storage/file.hpp"
#include "storage/hard_state.hpp"
#include "tests/unit/storage/forked.hpp"
#include "tests/unit/storage/temporary_directory.hpp"

#include <catch2/catch.hpp>
#include <sys/stat.h>

#include <fstream>
#include <string>

using namespace zabd;
using namespace zabd::storage;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

void write_file(const fs::path& path, const std::string& content) {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << content;
}

StoredHardState hard_state_of(const fs::path& root) {
    const auto file = HardStateFile::open(real_file_system(), root / "zabd" / "hard-state", std::nullopt);
    REQUIRE(file);
    return (*file)->current();
}

}  // namespace

TEST_CASE("a data directory is made once and is the same ever after", "[storage][data_dir]") {
    const TemporaryDirectory directory;
    const auto root = directory.path() / "a" / "b";
    std::uint64_t identity = 0;
    {
        const auto made = DataDir::open(root, root);
        REQUIRE(made);
        identity = (*made)->identity(0);
        CHECK((*made)->log_directory(0) == root / "zabd" / "log");
        CHECK((*made)->checkpoint_directory(0) == root / "zabd" / "checkpoint");
        CHECK(fs::is_directory((*made)->log_directory(0)));
        CHECK(fs::is_directory((*made)->checkpoint_directory(0)));
    }
    const auto begun = hard_state_of(root);
    CHECK(begun.secret != std::array<unsigned char, 32>{});
    CHECK_FALSE(begun.has_history);
    CHECK(identity != 0);
    const auto again = DataDir::open(root, root);
    REQUIRE(again);
    CHECK(hard_state_of(root) == begun);
    CHECK((*again)->identity(0) == identity);
    CHECK((*again)->identity(1) != identity);
}

TEST_CASE("two data directories have nothing in common", "[storage][data_dir]") {
    const TemporaryDirectory a;
    const TemporaryDirectory b;
    const auto first = DataDir::open(a.path(), a.path());
    const auto second = DataDir::open(b.path(), b.path());
    CHECK(hard_state_of(a.path()).secret != hard_state_of(b.path()).secret);
    CHECK((*first)->identity(0) != (*second)->identity(0));
}

TEST_CASE("the secret is for the owner alone", "[storage][data_dir]") {
    const TemporaryDirectory directory;
    REQUIRE(DataDir::open(directory.path(), directory.path()));
    struct stat status {};
    REQUIRE(::stat((directory.path() / "zabd" / "hard-state").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("S-27: a second process is refused, and told who holds the directory", "[storage][data_dir]") {
    const TemporaryDirectory directory;
    {
        const auto held = DataDir::open(directory.path(), directory.path());
        REQUIRE(held);
        const auto second = DataDir::open(directory.path(), directory.path());
        REQUIRE_FALSE(second);
        CHECK(second.error().code == Errc::kInUse);
        CHECK_THAT(second.error().where, Contains("in use by process " + std::to_string(::getpid())));
        const auto ending = run_forked([&] {
            const auto other = DataDir::open(directory.path(), directory.path());
            ::_exit(!other && other.error().code == Errc::kInUse ? 5 : 6);
        });
        CHECK(ending.exit_code == 5);
    }
    CHECK(DataDir::open(directory.path(), directory.path()));
}

TEST_CASE("a directory with ZooKeeper's own files is refused and left as it is", "[storage][data_dir]") {
    const TemporaryDirectory directory;
    const TemporaryDirectory other;
    write_file(directory.path() / "version-2" / "snapshot.0", "ZKSN");
    const bool as_log = GENERATE(false, true);
    CAPTURE(as_log);
    const auto opened =
        as_log ? DataDir::open(other.path(), directory.path()) : DataDir::open(directory.path(), directory.path());
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == Errc::kUnsupported);
    CHECK_THAT(opened.error().where, Contains(directory.path().string()) && Contains("Apache ZooKeeper") &&
                                         Contains("choose another dataDir"));
    CHECK_FALSE(fs::exists(directory.path() / "zabd"));
    CHECK_FALSE(fs::exists(other.path() / "zabd"));
}

TEST_CASE("a format that is not ours is refused", "[storage][data_dir]") {
    struct Case {
        const char* name;
        std::string format;
        Errc code;
        const char* says;
    };
    const auto c = GENERATE(values<Case>({
        {"later", "version 3\nanything\n", Errc::kUnsupported, "version '3', but this zabd reads 2"},
        {"empty", "", Errc::kUnsupported, "version ''"},
        {"cut short", "version 2\nholds state+log\niden", Errc::kDamaged, "does not read"},
        {"no number", "version 2\nholds state+log\nidentity xyz\n", Errc::kDamaged, "does not read"},
    }));
    CAPTURE(c.name);
    const TemporaryDirectory directory;
    write_file(directory.path() / "zabd" / "format", c.format);
    const auto opened = DataDir::open(directory.path(), directory.path());
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == c.code);
    CHECK_THAT(opened.error().where, Contains((directory.path() / "zabd" / "format").string()) && Contains(c.says));
}

TEST_CASE("S-12: directories that do not belong together are told", "[storage][data_dir]") {
    const TemporaryDirectory top;
    const auto state = top.path() / "state";
    const auto log = top.path() / "log";
    {
        const auto made = DataDir::open(state, log);
        REQUIRE(made);
        CHECK((*made)->log_directory(0) == log / "zabd" / "log");
        CHECK_FALSE(fs::exists(state / "zabd" / "log"));
    }
    REQUIRE(DataDir::open(state, log));

    SECTION("swapped") { CHECK_THAT(DataDir::open(log, state).error().where, Contains("swapped?")); }
    SECTION("the log's disk is not mounted") {
        fs::remove_all(log);
        const auto opened = DataDir::open(state, log);
        CHECK(opened.error().code == Errc::kDamaged);
        CHECK_THAT(opened.error().where, Contains("Is its disk mounted?"));
    }
    SECTION("dataLogDir was dropped from the configuration") {
        CHECK_THAT(DataDir::open(state, state).error().where, Contains("its log is in another directory"));
    }
    SECTION("dataLogDir was added to the configuration") {
        REQUIRE(DataDir::open(top.path() / "one", top.path() / "one"));
        CHECK_THAT(DataDir::open(top.path() / "one", top.path() / "new").error().where,
                   Contains("holds its log itself"));
    }
    SECTION("the log of another server") {
        REQUIRE(DataDir::open(top.path() / "state2", top.path() / "log2"));
        CHECK_THAT(DataDir::open(state, top.path() / "log2").error().where, Contains("belongs to another server"));
    }
    SECTION("a fresh data directory beside a log that is in use") {
        write_file(log / "zabd" / "log" / "0000000000000001.log", "");
        CHECK_THAT(DataDir::open(top.path() / "fresh", log).error().where, Contains("log of another directory"));
    }
    SECTION("a crash left the log directory's format alone") {
        fs::remove_all(state);
        if (GENERATE(false, true)) fs::remove_all(log / "zabd" / "log");
        CHECK(DataDir::open(state, log));
        CHECK(DataDir::open(state, log));
    }
}

TEST_CASE("directories of generations come and go, and nothing else", "[storage][data_dir]") {
    const TemporaryDirectory top;
    const bool apart = GENERATE(false, true);
    CAPTURE(apart);
    const auto state = top.path() / "state";
    const auto log = apart ? top.path() / "log" : state;
    const auto directory = DataDir::open(state, log);
    REQUIRE(directory);
    REQUIRE((*directory)->make_generation(12));
    CHECK(fs::is_directory(log / "zabd" / "log.12"));
    CHECK(fs::is_directory(state / "zabd" / "checkpoint.12"));
    write_file(state / "zabd" / "log.old" / "kept", "");
    write_file(state / "zabd" / "checkpoint.012" / "kept", "");
    write_file(state / "zabd" / "quarantine-1" / "kept", "");
    write_file(log / "zabd" / "log" / "0000000000000001.log", "");

    REQUIRE((*directory)->remove_other_generations(12));
    CHECK_FALSE(fs::exists(log / "zabd" / "log"));
    CHECK_FALSE(fs::exists(state / "zabd" / "checkpoint"));
    CHECK(fs::is_directory(log / "zabd" / "log.12"));
    CHECK(fs::is_directory(state / "zabd" / "checkpoint.12"));
    CHECK(fs::exists(state / "zabd" / "log.old" / "kept"));
    CHECK(fs::exists(state / "zabd" / "checkpoint.012" / "kept"));
    CHECK(fs::exists(state / "zabd" / "quarantine-1" / "kept"));

    const auto aside = (*directory)->quarantine(12);
    REQUIRE(aside);
    CHECK(*aside == state / "zabd" / "quarantine-2");
    CHECK(fs::is_directory(log / "zabd" / "quarantine-2" / "log.12"));
    CHECK(fs::is_directory(state / "zabd" / "quarantine-2" / "checkpoint.12"));
    CHECK_FALSE(fs::exists(log / "zabd" / "log.12"));
}

TEST_CASE("a directory that cannot be made is an error with its name", "[storage][data_dir]") {
    const TemporaryDirectory directory;
    write_file(directory.path() / "file", "");
    const auto root = directory.path() / "file" / "below";
    const auto opened = DataDir::open(root, root);
    REQUIRE_FALSE(opened);
    CHECK_THAT(opened.error().where, Contains("file"));
}
