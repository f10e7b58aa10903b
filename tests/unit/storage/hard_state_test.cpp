#include "storage/hard_state.hpp"

#include "storage/hard_state_writer.hpp"
#include "tests/unit/storage/forked.hpp"
#include "tests/unit/storage/memory_file_system.hpp"

#include <catch2/catch.hpp>

#include <csignal>
#include <future>
#include <random>
#include <string>

using namespace zabd;
using namespace zabd::storage;
using Catch::Matchers::Contains;

namespace {

const std::filesystem::path kPath = "/zabd/hard-state";

StoredHardState state_of(Epoch epoch) {
    StoredHardState state{.accepted_epoch = epoch + 1, .current_epoch = epoch, .has_history = epoch % 2 == 1};
    state.secret.fill(static_cast<unsigned char>(epoch + 7));
    state.generation = epoch / 3;
    state.provisional = epoch % 3 == 2;
    state.fuzzy_until = Zxid::of(epoch, 11);
    state.mixed_from = Zxid::of(epoch, 12);
    state.mixed_until = Zxid::of(epoch, 13);
    return state;
}

std::unique_ptr<HardStateFile> open_file(MemoryFileSystem& files) {
    auto file = HardStateFile::open(files, kPath, state_of(0));
    REQUIRE(file);
    return std::move(*file);
}

}  // namespace

TEST_CASE("a slot comes back as it was, and not with a bit changed", "[storage][hard_state]") {
    const HardStateSlot slot{.write = 9, .state = state_of(5)};
    const auto bytes = encode_slot(slot);
    REQUIRE(bytes.size() == kHardStateSlotBytes);
    const auto back = decode_slot(bytes);
    REQUIRE(back);
    CHECK(back->write == slot.write);
    CHECK(back->state == slot.state);
    for (std::size_t at = 0; at < 100; ++at) {
        auto changed = bytes;
        changed[at] ^= 1;
        CAPTURE(at);
        CHECK_FALSE(decode_slot(changed));
        CHECK_FALSE(decode_slot(bytes.substr(0, at)));
    }
    CHECK_FALSE(decode_slot(std::string(kHardStateSlotBytes, '\0')));
}

TEST_CASE("what was saved last is there after a power cut", "[storage][hard_state]") {
    MemoryFileSystem files;
    std::mt19937 random(1);
    for (Epoch epoch = 0; epoch < 9; ++epoch) {
        const auto file = open_file(files);
        CHECK(file->current() == state_of(epoch));
        REQUIRE(file->save(state_of(epoch + 1)));
        CHECK(file->current() == state_of(epoch + 1));
        files.crash(random);
    }
}

TEST_CASE("Z-16: a power cut at any call of the disk leaves the old state or the new one", "[storage][hard_state]") {
    for (std::uint64_t fails_at = 1; fails_at < 20; ++fails_at) {
        for (std::uint32_t seed = 0; seed < 8; ++seed) {
            CAPTURE(fails_at, seed);
            MemoryFileSystem files;
            files.fails_at = fails_at;
            Epoch saved = 0;
            bool made = false;
            if (const auto file = HardStateFile::open(files, kPath, state_of(0))) {
                made = true;
                while (saved < 6 && (*file)->save(state_of(saved + 1))) ++saved;
            }
            std::mt19937 random(seed);
            files.crash(random);
            const auto file = open_file(files);
            const auto there = file->current().current_epoch;
            CHECK(file->current() == state_of(there));
            CHECK((there == saved || (made && there == saved + 1)));
            REQUIRE(file->save(state_of(7)));
            files.crash(random);
            CHECK(open_file(files)->current() == state_of(7));
        }
    }
}

TEST_CASE("Z-16: with one slot damaged the other counts, with both it is an error", "[storage][hard_state]") {
    MemoryFileSystem files;
    {
        const auto file = open_file(files);
        REQUIRE(file->save(state_of(1)));
        REQUIRE(file->save(state_of(2)));
    }
    auto content = files.content(kPath);
    REQUIRE(content.size() == kHardStateSlots * kHardStateSlotBytes);
    const bool first = decode_slot(content)->state == state_of(2);
    content[first ? 30 : kHardStateSlotBytes + 30] ^= 1;
    files.put(kPath, content);
    CHECK(open_file(files)->current() == state_of(1));
    content[first ? kHardStateSlotBytes + 30 : 30] ^= 1;
    files.put(kPath, content);
    const auto opened = HardStateFile::open(files, kPath, state_of(0));
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == Errc::kDamaged);
    CHECK_THAT(opened.error().where, Contains(kPath.string()) && Contains("Restore"));
}

TEST_CASE("Z-15: a hard state that should be there is not made anew", "[storage][hard_state]") {
    MemoryFileSystem files;
    const auto opened = HardStateFile::open(files, kPath, std::nullopt);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == Errc::kDamaged);
    CHECK(files.paths().empty());
}

TEST_CASE("S-15: a hard state that cannot be read is an error, and nothing is changed", "[storage][hard_state]") {
    MemoryFileSystem files;
    open_file(files);
    const auto calls = files.calls;
    files.reads_fail = true;
    const auto opened = HardStateFile::open(files, kPath, state_of(0));
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == Errc::kIo);
    CHECK(files.calls == calls);
}

TEST_CASE("epochs and the generation never decrease", "[storage][hard_state]") {
    const auto ending = run_forked([] {
        MemoryFileSystem files;
        const auto file = open_file(files);
        auto state = state_of(4);
        REQUIRE(file->save(state));
        state.accepted_epoch = 4;
        (void)file->save(state);
    });
    CHECK(ending.signal == SIGABRT);
}

TEST_CASE("changes of several owners are saved in order, each on top of the others", "[storage][hard_state]") {
    MemoryFileSystem files;
    {
        HardStateWriter writer(open_file(files));
        std::promise<void> last;
        for (Epoch epoch = 1; epoch <= 100; ++epoch) {
            writer.update([epoch](StoredHardState& state) { state.accepted_epoch = epoch; }, [] {});
            writer.update(
                [epoch](StoredHardState& state) {
                    CHECK(state.accepted_epoch == epoch);
                    ++state.generation;
                },
                [&last, epoch] {
                    if (epoch == 100) last.set_value();
                });
        }
        last.get_future().wait();
    }
    const auto state = open_file(files)->current();
    CHECK(state.accepted_epoch == 100);
    CHECK(state.generation == 100);
}

TEST_CASE("S-01: a hard state that is not saved stops the server", "[storage][hard_state]") {
    const auto ending = run_forked([] {
        MemoryFileSystem files;
        HardStateWriter writer(open_file(files));
        files.fails_at = files.calls + 1;
        std::promise<void> saved;
        writer.update([](StoredHardState& state) { ++state.generation; }, [&] { saved.set_value(); });
        saved.get_future().wait();
    });
    CHECK(ending.signal == SIGABRT);
    CHECK_THAT(ending.said, Contains("hard state: the disk failed") && Contains("this server stops"));
}
