#include "server/storage_progress.hpp"

#include <catch2/catch.hpp>

using namespace zabd;
using namespace zabd::server;

namespace {

constexpr auto kUnlimited = core::kUnlimitedRoom;
const Zxid kLogged = Zxid::of(0, 9);

storage::LogProgress logged(Zxid durable, std::uint64_t room, std::uint64_t truncations = 0) {
    return {.zxid_durable = durable, .room_bytes = room, .zxid_begin = {}, .truncations = truncations};
}

}  // namespace

TEST_CASE("what the core hears of the log depends on the checkpoint", "[server][storage]") {
    struct Case {
        const char* name;
        std::uint64_t log_room;
        bool behind;
        bool checkpoint_full;
        std::optional<std::uint64_t> room;  // nullopt: commits are held back
        bool out_of_space;
    };
    const auto c = GENERATE(values<Case>({
        {"all is well", kUnlimited, false, false, kUnlimited, false},
        {"the checkpoint is behind", kUnlimited, true, false, std::nullopt, false},
        {"the checkpoint has no space but bears more", kUnlimited, false, true, kUnlimited, true},
        {"the checkpoint is behind and has no space to go on", kUnlimited, true, true, 0, true},
        {"the log has no space", 5000, false, false, 5000, true},
        {"neither has", 5000, true, true, 0, true},
    }));
    CAPTURE(c.name);
    StorageProgress progress;
    progress.take(logged(kLogged, c.log_room));
    progress.take(storage::CheckpointProgress{Zxid::of(0, 3), c.behind, c.checkpoint_full});
    const auto told = progress.told();
    REQUIRE(told.has_value() == c.room.has_value());
    if (told) {
        CHECK(told->durable.up_to == kLogged);
        CHECK(told->room.bytes == c.room);
    }
    CHECK(progress.out_of_space() == c.out_of_space);
    progress.let_go();
    CHECK(progress.told()->durable.up_to == kLogged);
}

TEST_CASE("progress that another has overtaken says nothing", "[server][storage]") {
    StorageProgress progress(Zxid::of(0, 5), Zxid::of(0, 5));
    progress.take(logged(kLogged, 100));
    progress.take(logged(Zxid::of(0, 8), kUnlimited));
    CHECK(progress.told()->durable.up_to == kLogged);
    CHECK(progress.told()->room.bytes == 100);
}

TEST_CASE("a truncated log is durable up to less, and that is news", "[server][storage]") {
    StorageProgress progress(kLogged, Zxid::of(0, 5));
    progress.take(logged(Zxid::of(0, 7), kUnlimited, 1));
    CHECK(progress.told()->durable.up_to == Zxid::of(0, 7));
    progress.take(logged(kLogged, kUnlimited));
    CHECK(progress.told()->durable.up_to == Zxid::of(0, 7));
}
