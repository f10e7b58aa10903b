#include "tests/sim/disk.hpp"

#include "tests/sim/power_cut.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>

namespace zabd::sim {
namespace {

const Disk::Path kDirectory = "/d";
const Disk::Path kFile = "/d/file";

/// A file that survives everything, of two sectors of 'o'.
void put_old(Disk& disk) { disk.put(kFile, std::string(1024, 'o')); }

std::string all_of(Disk& disk, const Disk::Path& path = kFile) { return disk.content(path); }

}  // namespace

TEST_CASE("of what was not synced each sector survives a power cut or does not", "[disk]") {
    Disk disk;
    put_old(disk);
    const auto file = disk.open(kFile);
    REQUIRE((*file)->write_at(0, std::string(1024, 'n')));
    REQUIRE(disk.unsynced().size() == 2);
    SECTION("none") {
        disk.crash({false, false});
        CHECK(all_of(disk) == std::string(1024, 'o'));
    }
    SECTION("the second") {
        disk.crash({false, true});
        CHECK(all_of(disk) == std::string(512, 'o') + std::string(512, 'n'));
    }
    SECTION("synced, both do") {
        REQUIRE((*file)->sync_data());
        CHECK(disk.unsynced().empty());
        disk.crash({});
        CHECK(all_of(disk) == std::string(1024, 'n'));
    }
}

TEST_CASE("a name survives once its directory is synced", "[disk]") {
    Disk disk;
    const auto file = disk.create(kFile, false);
    REQUIRE((*file)->write_at(0, "content"));
    REQUIRE((*file)->sync_all());
    SECTION("not synced, and lost") {
        disk.crash({false});
        CHECK(disk.paths().empty());
    }
    SECTION("not synced, and kept") {
        disk.crash({true});
        CHECK(all_of(disk) == "content");
    }
    SECTION("synced") {
        REQUIRE(disk.sync_directory(kDirectory));
        disk.crash({});
        CHECK(all_of(disk) == "content");
    }
    SECTION("a rename whose file was never there is lost too") {
        REQUIRE(disk.rename(kFile, "/d/other"));
        disk.crash({false, true});
        CHECK(disk.paths().empty());
    }
}

TEST_CASE("what a failed sync did not write no later sync writes, and reads behind the cache show it", "[disk]") {
    Disk disk;
    put_old(disk);
    bool fails = true;
    disk.before_call = [&](DiskCall call, const Disk::Path&) -> std::optional<Errc> {
        if (call == DiskCall::kSync && fails) return Errc::kIo;
        return std::nullopt;
    };
    const auto file = disk.open(kFile);
    REQUIRE((*file)->write_at(0, std::string(1024, 'n')));
    CHECK_FALSE((*file)->sync_data());
    fails = false;
    CHECK((*file)->sync_data());
    CHECK(all_of(disk) == std::string(1024, 'n'));
    (*file)->drop_cache();
    CHECK(all_of(disk) == std::string(1024, 'o'));
}

TEST_CASE("when the power goes at a call, that call is half done and nothing works behind it", "[disk]") {
    Disk disk;
    put_old(disk);
    const auto file = disk.open(kFile);
    disk.cut_after(1);
    CHECK((*file)->write_at(0, std::string(512, 'a')));
    CHECK_FALSE((*file)->write_at(512, std::string(512, 'b')));
    CHECK(disk.cut());
    CHECK_FALSE((*file)->sync_data());
    CHECK_FALSE(disk.open(kFile));
    CHECK(disk.unsynced().size() == 2);
    disk.crash({true, true});
    CHECK(all_of(disk) == std::string(512, 'a') + std::string(512, 'b'));
    CHECK(disk.open(kFile));
}

TEST_CASE("a full disk takes nothing more, and what is there can be overwritten", "[disk]") {
    Disk disk;
    put_old(disk);
    disk.capacity = 1500;
    const auto file = disk.open(kFile);
    CHECK((*file)->allocate(2000).error().code == Errc::kNoSpace);
    CHECK((*file)->write_at(1024, std::string(500, 'x')).error().code == Errc::kNoSpace);
    CHECK((*file)->write_at(0, std::string(1024, 'x')));
    CHECK((*file)->allocate(1500));
    CHECK(disk.used_bytes() == 1500);
}

TEST_CASE("every manner of loss comes about", "[disk]") {
    Random random(1);
    FaultCounts faults;
    for (int n = 0; n < 200; ++n) {
        Disk disk;
        put_old(disk);
        const auto file = disk.open(kFile);
        REQUIRE((*file)->write_at(0, std::string(3 * 4096, 'n')));
        REQUIRE(disk.create("/d/new", false));
        cut_power(disk, random, faults);
    }
    for (const auto fault :
         {Fault::kLostUnsynced, Fault::kTornWrite, Fault::kReorderedWrites, Fault::kLostDirectoryEntry})
        CHECK(faults.of(fault) > 10);
}

}  // namespace zabd::sim
