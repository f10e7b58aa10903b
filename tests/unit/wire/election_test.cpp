#include "wire/election.hpp"

#include "tests/unit/wire/hex.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <string_view>

namespace zabd::wire {
namespace {

using Kind = HelloOutcome::Kind;

constexpr std::string_view kHello = "ffffffffffff0000 0000000000000002 0000000f 3132372e302e302e313a3338383232";

const Notification kLooking{.state = PeerState::kLooking,
                            .leader = 3,
                            .zxid = 0x10000001a,
                            .round = 2,
                            .epoch = 1,
                            .version = 2,
                            .config = "server.1=a:1:2\nversion=0"};
constexpr std::string_view kFieldsUpToRound = "00000000 0000000000000003 000000010000001a 0000000000000002";
constexpr std::string_view kEpoch = "0000000000000001";

std::string text(std::initializer_list<std::string_view> parts) {
    std::string all;
    for (const auto part : parts) all += part;
    return unhex(all);
}

TEST_CASE("a notification is written with the configuration", "[wire][election]") {
    CHECK(encoded_notification(kLooking) == text({kFieldsUpToRound, kEpoch, "00000002 00000018"}) + kLooking.config);
}

TEST_CASE("no opinion is the smallest number", "[wire][election]") {
    const auto bytes = encoded_notification({.state = PeerState::kObserving, .round = 1, .config = {}});
    CHECK(hex(bytes) ==
          "00000003 8000000000000000 8000000000000000 0000000000000001 8000000000000000"
          "00000002 00000000"_packed);
}

TEST_CASE("a notification is read in each shape that a release sent", "[wire][election]") {
    struct Case {
        const char* name;
        std::string payload;
        std::int64_t epoch;
        std::int32_t version;
        std::string config;
    };
    const auto c = GENERATE(values<Case>({
        {"28 bytes: the epoch is the zxid's", text({kFieldsUpToRound}), 1, 0, ""},
        {"40 bytes: no version", text({kFieldsUpToRound, "0000000000000009", "00000001"}), 9, 0, ""},
        {"version 1", text({kFieldsUpToRound, "0000000000000009", "00000001 00000000"}), 9, 1, ""},
        {"version 1, whatever follows", text({kFieldsUpToRound, "0000000000000009", "00000001 99"}), 9, 1, ""},
        {"version 0, whatever follows", text({kFieldsUpToRound, "0000000000000009", "00000000 fffffff0"}), 9, 0, ""},
        {"version 2", text({kFieldsUpToRound, "0000000000000009", "00000002 00000003 612062"}), 9, 2, "a b"},
        {"version 2, more behind", text({kFieldsUpToRound, "0000000000000009", "00000002 00000001 61 99"}), 9, 2, "a"},
        {"version 2, empty configuration", text({kFieldsUpToRound, "0000000000000009", "00000002 00000000"}), 9, 2, ""},
        {"a later version", text({kFieldsUpToRound, "0000000000000009", "00000003 00000001 61 99"}), 9, 3, "a"},
    }));
    CAPTURE(c.name);
    auto expected = kLooking;
    expected.epoch = c.epoch;
    expected.version = c.version;
    expected.config = c.config;
    CHECK(decode_notification(c.payload) == expected);
}

TEST_CASE("a notification that is cut off, or of another kind, is dropped", "[wire][election]") {
    struct Case {
        const char* name;
        std::string payload;
    };
    const auto c = GENERATE(values<Case>({
        {"state 4", text({"00000004 0000000000000003 000000010000001a 0000000000000002"})},
        {"a negative state", text({"ffffffff 0000000000000003 000000010000001a 0000000000000002"})},
        {"no length of the configuration", text({kFieldsUpToRound, kEpoch, "00000002 00"})},
        {"a negative length", text({kFieldsUpToRound, kEpoch, "00000002 ffffffff"})},
        {"a length beyond the end", text({kFieldsUpToRound, kEpoch, "00000002 00000002 61"})},
        {"a hostile length", text({kFieldsUpToRound, kEpoch, "00000002 7fffffff 61"})},
    }));
    CAPTURE(c.name);
    CHECK_FALSE(decode_notification(c.payload));
}

TEST_CASE("only some lengths of a notification are whole ones", "[wire][election]") {
    const auto whole = encoded_notification(kLooking);
    for (std::size_t size = 0; size <= whole.size(); ++size) {
        CAPTURE(size);
        const bool readable = size == 28 || size == 40 || size == whole.size();
        CHECK(decode_notification(std::string_view(whole).substr(0, size)).has_value() == readable);
    }
    CHECK(decode_notification(whole) == kLooking);
}

TEST_CASE("a hello with one address is of the form that all releases read", "[wire][election]") {
    CHECK(hex(encoded_hello({.server = 2, .addresses = {"127.0.0.1:38822"}})) == hex(unhex(std::string(kHello))));
}

TEST_CASE("a hello with several addresses is of the later form", "[wire][election]") {
    const Hello hello{.server = 2, .addresses = {"a:1", "[::1]:2"}};
    const auto bytes = encoded_hello(hello);
    CHECK(hex(bytes) == "ffffffffffff0001 0000000000000002 0000000b 613a317c5b3a3a315d3a32"_packed);
    CHECK(decode_hello(bytes).hello == hello);
}

TEST_CASE("a hello is known by its last byte, and what follows is not its own", "[wire][election]") {
    const auto whole = unhex(std::string(kHello));
    for (std::size_t size = 0; size < whole.size(); ++size) {
        CHECK(decode_hello(std::string_view(whole).substr(0, size)).kind == Kind::kIncomplete);
    }
    const auto outcome = decode_hello(whole + "more");
    CHECK(outcome.kind == Kind::kWhole);
    CHECK(outcome.bytes == whole.size());
    CHECK(outcome.hello == Hello{.server = 2, .addresses = {"127.0.0.1:38822"}});
}

TEST_CASE("hellos of other forms", "[wire][election]") {
    struct Case {
        const char* name;
        std::string hex;
        Kind kind;
        std::size_t bytes;
        Hello hello;
    };
    const auto c = GENERATE(values<Case>({
        {"a bare id", "0000000000000003 00", Kind::kWhole, 8, {3, {}}},
        {"empty ones between",
         "ffffffffffff0001 0000000000000003 00000005 7c617c7c62",
         Kind::kWhole,
         25,
         {3, {"a", "b"}}},
        {"a bar is no separator in the first form",
         "ffffffffffff0000 0000000000000003 00000003 617c62",
         Kind::kWhole,
         23,
         {3, {"a|b"}}},
        {"a negative id", "ffffffffffff0000 fffffffffffffffe 00000001 61", Kind::kWhole, 21, {-2, {"a"}}},
        {"another version", "ffffffffffff0002", Kind::kMalformed, 0, {}},
        {"version -1", "ffffffffffffffff", Kind::kMalformed, 0, {}},
        {"no address", "ffffffffffff0000 0000000000000003 00000000", Kind::kMalformed, 0, {}},
        {"null", "ffffffffffff0000 0000000000000003 ffffffff", Kind::kMalformed, 0, {}},
        {"the longest", "ffffffffffff0000 0000000000000003 00000800", Kind::kIncomplete, 0, {}},
        {"longer", "ffffffffffff0000 0000000000000003 00000801", Kind::kMalformed, 0, {}},
        {"negative", "ffffffffffff0000 0000000000000003 80000000", Kind::kMalformed, 0, {}},
    }));
    CAPTURE(c.name);
    const auto outcome = decode_hello(unhex(c.hex));
    CHECK(outcome.kind == c.kind);
    CHECK(outcome.bytes == c.bytes);
    CHECK(outcome.hello == c.hello);
}

}  // namespace
}  // namespace zabd::wire
