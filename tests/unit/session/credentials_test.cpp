#include "session/credentials.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <numeric>
#include <set>
#include <string>
#include <string_view>

namespace zabd::session {
namespace {

constexpr std::uint64_t kContainerMarker = 0x8000'0000'0000'0000;

std::uint64_t number_of(SessionId session) { return static_cast<std::uint64_t>(session); }

Secret counting_secret() {
    Secret secret;
    std::iota(secret.begin(), secret.end(), static_cast<unsigned char>(0));
    return secret;
}

std::string hex(const wire::Password& password) {
    std::string text;
    for (const auto byte : password) {
        constexpr std::string_view kDigits = "0123456789abcdef";
        text += kDigits[static_cast<unsigned char>(byte) >> 4];
        text += kDigits[static_cast<unsigned char>(byte) & 15];
    }
    return text;
}

std::uint64_t first_id(std::uint8_t server, std::int64_t start_ms, std::uint64_t highest = 0) {
    IdSource ids(ServerId{server}, WallTime{start_ms});
    ids.skip(static_cast<SessionId>(highest));
    return number_of(ids.next());
}

TEST_CASE("a password is the start of the HMAC-SHA-256 of the id", "[session][credentials]") {
    struct Case {
        std::uint64_t session;
        const char* password;
    };
    // Computed with Python's hmac module: the secret is the bytes 0 to 31.
    const auto c = GENERATE(values<Case>({
        {0x0000'0000'0000'0001, "c432e059c378eef7fe2f1181a4050836"},
        {0x0100'0014'cf99'0000, "86ef6a77fb498e269810f26e875a98a9"},
        {0xfe00'0000'0000'0000, "af650545627af121766926466a07606b"},
    }));
    CAPTURE(c.session);
    CHECK(hex(Credentials(counting_secret()).password(static_cast<SessionId>(c.session))) == c.password);
}

TEST_CASE("ZooKeeper's password is made of the id alone", "[session][credentials]") {
    struct Case {
        std::uint64_t session;
        const char* password;
    };
    // 16 bytes of a java.util.Random that is seeded with the id and 0xB3415C00.
    const auto c = GENERATE(values<Case>({
        {0x0000'0000'0000'0001, "054cc74a37327db215e702e20c73f005"},
        {0x0100'0014'cf99'0000, "6dd2a4c5f6b74c8b9323bacf2f805d89"},
        {0xfe00'0000'0000'0000, "f22acd4a97e69d6d20a49bb638eadb38"},
    }));
    CAPTURE(c.session);
    const auto session = static_cast<SessionId>(c.session);
    const auto password = Credentials::zookeeper_password(session);
    CHECK(hex(password) == c.password);
    CHECK(Credentials::matches_zookeeper(session, {password.data(), password.size()}));
    CHECK_FALSE(Credentials::matches_zookeeper(session, {password.data(), password.size() - 1}));
    CHECK_FALSE(Credentials::matches_zookeeper(SessionId{77}, {password.data(), password.size()}));
    CHECK_FALSE(Credentials(counting_secret()).matches(session, {password.data(), password.size()}));
}

TEST_CASE("a password fits its session, its secret and nothing else", "[session][credentials]") {
    const Credentials credentials(counting_secret());
    const SessionId session{0x0100'0014'cf99'0000};
    const auto password = credentials.password(session);
    const std::string right(password.data(), password.size());
    CHECK(credentials.matches(session, right));
    CHECK_FALSE(credentials.matches(SessionId{0x0100'0014'cf99'0001}, right));
    CHECK_FALSE(Credentials(Secret{}).matches(session, right));

    for (std::size_t i = 0; i < right.size() * 8; ++i) {
        auto wrong = right;
        wrong[i / 8] = static_cast<char>(wrong[i / 8] ^ (1 << i % 8));
        CAPTURE(i);
        CHECK_FALSE(credentials.matches(session, wrong));
    }
    for (std::size_t size = 0; size < right.size(); ++size)
        CHECK_FALSE(credentials.matches(session, right.substr(0, size)));
    CHECK_FALSE(credentials.matches(session, right + '\0'));
    CHECK_FALSE(credentials.matches(session, right + right));
}

TEST_CASE("a password that ends in zeros is not matched by its shorter part", "[session][credentials]") {
    const Credentials credentials(counting_secret());
    for (std::int64_t id = 1;; ++id) {
        const auto password = credentials.password(SessionId{id});
        if (password.back() != '\0') continue;
        CHECK_FALSE(credentials.matches(SessionId{id}, std::string_view(password.data(), password.size() - 1)));
        break;
    }
}

TEST_CASE("ids begin with the server and the start time", "[session][credentials]") {
    CHECK(first_id(1, 1'700'000'000'000) == 0x018b'cfe5'6800'0000);
    CHECK(first_id(254, (std::int64_t{1} << 41) + 5) == 0xfe00'0000'0005'0000);
    CHECK(first_id(1, 0) == 0x0100'0000'0000'0000);
}

TEST_CASE("ids count up", "[session][credentials]") {
    IdSource ids(ServerId{1}, WallTime{0x1234});
    CHECK(ids.next() == SessionId{0x0100'0000'1234'0000});
    CHECK(ids.next() == SessionId{0x0100'0000'1234'0001});
    CHECK(ids.next() == SessionId{0x0100'0000'1234'0002});
}

TEST_CASE("neither no session nor the container marker is given", "[session][credentials]") {
    CHECK(first_id(0, 0) == 1);
    CHECK(first_id(128, 0) == kContainerMarker + 1);
    CHECK(first_id(128, 0, kContainerMarker + 1) == kContainerMarker + 2);
}

TEST_CASE("ids begin above the highest that was given", "[session][credentials]") {
    struct Case {
        const char* name;
        std::uint64_t highest, first;
    };
    const auto c = GENERATE(values<Case>({
        {"a later start", 0x0100'0000'0fff'ffff, 0x0100'0000'1000'0000},
        {"an earlier one: the clock was set back", 0x0100'0000'2000'0007, 0x0100'0000'2000'0008},
        {"the same: the server is back within a millisecond", 0x0100'0000'1000'0000, 0x0100'0000'1000'0001},
        {"a server with a lower number gave it", 0x0000'0000'ffff'ffff, 0x0100'0000'1000'0000},
        {"a server with a higher number gave it", 0x0300'0000'0000'0000, 0x0100'0000'1000'0000},
    }));
    CAPTURE(c.name);
    CHECK(first_id(1, 0x1000, c.highest) == c.first);
}

TEST_CASE("Z-67: a member's ids follow its history, and never go back", "[session][credentials]") {
    IdSource ids(ServerId{2}, WallTime{});
    ids.follow(Zxid::of(3, 7));
    CHECK(ids.next() == SessionId{0x0200'0003'0000'0008});
    CHECK(ids.next() == SessionId{0x0200'0003'0000'0009});
    ids.follow(Zxid::of(3, 8));
    CHECK(ids.next() == SessionId{0x0200'0003'0000'000a});
    ids.follow(Zxid::of(0x0100'0004, 0));
    CHECK(ids.next() == SessionId{0x0200'0004'0000'0001});
}

TEST_CASE("no id is given twice though the clock goes wrong between restarts", "[session][credentials]") {
    std::set<SessionId> given;
    auto highest = SessionId::kNone;
    for (const std::int64_t start : {5000, 4000, 4001, 4000, 0, 5000, 1'700'000, 6000}) {
        IdSource ids(ServerId{1}, WallTime{start});
        ids.skip(highest);
        for (int i = 0; i < 70'000; ++i) {  // more than a millisecond's worth of ids
            const auto id = ids.next();
            REQUIRE(given.insert(id).second);
            highest = id;
        }
    }
}

}  // namespace
}  // namespace zabd::session
