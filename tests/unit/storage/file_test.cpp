#include "storage/file.hpp"

#include "tests/unit/storage/temporary_directory.hpp"

#include <catch2/catch.hpp>
#include <sys/stat.h>

#include <cerrno>
#include <string>

using namespace zabd;
using namespace zabd::storage;
using Catch::Matchers::Contains;

TEST_CASE("S-16: writes and reads are whole, at any offset", "[storage][file]") {
    const TemporaryDirectory directory;
    auto& files = real_file_system();
    const auto path = directory.path() / "file";
    {
        const auto file = files.create(path);
        REQUIRE(file);
        REQUIRE((*file)->write_at(5, "hello"));
        REQUIRE((*file)->sync_data());
    }
    const auto file = files.open(path);
    REQUIRE(file);
    CHECK(*(*file)->size() == 10);
    CHECK(*read_whole(**file) == std::string(5, '\0') + "hello");
    std::string into(8, '?');
    CHECK(*(*file)->read_at(7, into) == 3);
    CHECK(into == "llo?????");
    CHECK(*(*file)->read_at(100, into) == 0);
}

TEST_CASE("S-26: a replaced file is the old one or the new one, and leaves no other", "[storage][file]") {
    const TemporaryDirectory directory;
    auto& files = real_file_system();
    const auto path = directory.path() / "file";
    for (const auto* content : {"old", "new"}) {
        REQUIRE(replace_file(files, path, content));
        CHECK(*read_whole(**files.open(path)) == content);
    }
    CHECK(*files.list(directory.path()) == std::vector<std::string>{"file"});
}

TEST_CASE("a secret file is for its owner alone", "[storage][file]") {
    const TemporaryDirectory directory;
    const auto path = directory.path() / "file";
    REQUIRE(replace_file(real_file_system(), path, "secret", true));
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("errors name the file, the call and the reason", "[storage][file]") {
    auto& files = real_file_system();
    const auto opened = files.open("/nowhere/file");
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == Errc::kIo);
    CHECK(opened.error().where == "/nowhere/file: cannot open: No such file or directory");
    CHECK_THAT(files.list("/nowhere").error().where, Contains("/nowhere: cannot list"));
    CHECK_THAT(files.remove("/nowhere/file").error().where, Contains("cannot remove"));
    CHECK_THAT(files.rename("/nowhere/a", "/nowhere/b").error().where, Contains("/nowhere/a: cannot rename"));
    CHECK_THAT(files.sync_directory("/nowhere").error().where, Contains("/nowhere"));
}

TEST_CASE("S-14: a full disk and a full quota are told apart from other errors", "[storage][file]") {
    CHECK(system_error(ENOSPC, "f", "write").code == Errc::kNoSpace);
    CHECK(system_error(EDQUOT, "f", "write").code == Errc::kNoSpace);
    CHECK(system_error(EIO, "f", "write").code == Errc::kIo);
}
