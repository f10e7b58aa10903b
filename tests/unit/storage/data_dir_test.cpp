#include "storage/data_dir.hpp"

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

}  // namespace

TEST_CASE("a data directory is made once and is the same ever after", "[storage][data_dir]") {
    const TemporaryDirectory directory;
    const auto root = directory.path() / "a" / "b";
    std::array<unsigned char, 32> secret{};
    std::uint64_t identity = 0;
    {
        const auto made = DataDir::open(root, root);
        REQUIRE(made);
        secret = (*made)->secret();
        identity = (*made)->identity();
        CHECK((*made)->log_directory() == root / "zabd" / "log");
        CHECK((*made)->checkpoint_directory() == root / "zabd" / "checkpoint");
        CHECK(fs::is_directory((*made)->log_directory()));
        CHECK(fs::is_directory((*made)->checkpoint_directory()));
    }
    CHECK(secret != std::array<unsigned char, 32>{});
    CHECK(identity != 0);
    const auto again = DataDir::open(root, root);
    REQUIRE(again);
    CHECK((*again)->secret() == secret);
    CHECK((*again)->identity() == identity);
}

TEST_CASE("two data directories have nothing in common", "[storage][data_dir]") {
    const TemporaryDirectory a;
    const TemporaryDirectory b;
    const auto first = DataDir::open(a.path(), a.path());
    const auto second = DataDir::open(b.path(), b.path());
    CHECK((*first)->secret() != (*second)->secret());
    CHECK((*first)->identity() != (*second)->identity());
}

TEST_CASE("the secret is for the owner alone", "[storage][data_dir]") {
    const TemporaryDirectory directory;
    REQUIRE(DataDir::open(directory.path(), directory.path()));
    struct stat status {};
    REQUIRE(::stat((directory.path() / "zabd" / "secret").c_str(), &status) == 0);
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
        {"later", "version 2\nanything\n", Errc::kUnsupported, "version '2', but this zabd reads 1"},
        {"empty", "", Errc::kUnsupported, "version ''"},
        {"cut short", "version 1\nholds state+log\niden", Errc::kDamaged, "does not read"},
        {"no number", "version 1\nholds state+log\nidentity xyz\n", Errc::kDamaged, "does not read"},
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
        CHECK((*made)->log_directory() == log / "zabd" / "log");
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
        CHECK_THAT(DataDir::open(top.path() / "fresh", log).error().where, Contains("log of another directory"));
    }
    SECTION("a crash left the log directory's format alone") {
        fs::remove_all(state);
        fs::remove_all(log / "zabd" / "log");
        CHECK(DataDir::open(state, log));
        CHECK(DataDir::open(state, log));
    }
}

TEST_CASE("a secret of the wrong length is damage", "[storage][data_dir]") {
    const TemporaryDirectory directory;
    REQUIRE(DataDir::open(directory.path(), directory.path()));
    write_file(directory.path() / "zabd" / "secret", "short");
    const auto opened = DataDir::open(directory.path(), directory.path());
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == Errc::kDamaged);
}

TEST_CASE("a directory that cannot be made is an error with its name", "[storage][data_dir]") {
    const TemporaryDirectory directory;
    write_file(directory.path() / "file", "");
    const auto root = directory.path() / "file" / "below";
    const auto opened = DataDir::open(root, root);
    REQUIRE_FALSE(opened);
    CHECK_THAT(opened.error().where, Contains("file"));
}
