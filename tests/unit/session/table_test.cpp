#include "session/table.hpp"

#include <catch2/catch.hpp>

#include <map>

namespace zabd::session {
namespace {

constexpr Millis kTimeout{4000};

TEST_CASE("a session is open from open() to close()", "[session][table]") {
    Table table;
    const SessionId session{7};
    CHECK_FALSE(table.is_open(session));
    table.open(session, kTimeout);
    CHECK(table.is_open(session));
    CHECK(table.size() == 1);
    table.close(session);
    CHECK_FALSE(table.is_open(session));
    CHECK(table.size() == 0);
}

TEST_CASE("what a session's password may be goes with the session", "[session][table]") {
    Table table;
    table.open(SessionId{7}, kTimeout, true);
    table.open(SessionId{8}, kTimeout);
    CHECK(table.has_zookeeper_password(SessionId{7}));
    CHECK_FALSE(table.has_zookeeper_password(SessionId{8}));
    table.close(SessionId{7});
    CHECK_FALSE(table.has_zookeeper_password(SessionId{7}));
    table.open(SessionId{7}, kTimeout);
    CHECK_FALSE(table.has_zookeeper_password(SessionId{7}));
}

TEST_CASE("closing a session that is not open changes nothing", "[session][table]") {
    Table table;
    table.open(SessionId{7}, kTimeout);
    table.close(SessionId{8});
    CHECK(table.all() == std::map<SessionId, Millis>{{SessionId{7}, kTimeout}});
}

TEST_CASE("the highest id of each server is kept, though it is closed", "[session][table]") {
    constexpr std::int64_t kOfServer2 = std::int64_t{2} << 56;
    Table table;
    CHECK(table.highest_of(ServerId{0}) == SessionId::kNone);
    table.open(SessionId{5}, kTimeout);
    table.open(SessionId{3}, kTimeout);
    table.open(SessionId{kOfServer2 + 9}, kTimeout);
    table.open(SessionId{-1}, kTimeout);
    table.open(SessionId{-7}, kTimeout);
    table.close(SessionId{-1});
    table.close(SessionId{5});
    CHECK(table.highest_of(ServerId{0}) == SessionId{5});
    CHECK(table.highest_of(ServerId{1}) == SessionId::kNone);
    CHECK(table.highest_of(ServerId{2}) == SessionId{kOfServer2 + 9});
    CHECK(table.highest_of(ServerId{255}) == SessionId{-1});
}

TEST_CASE("sessions are told in ascending order with their timeouts", "[session][table]") {
    Table table;
    table.open(SessionId{3}, Millis(30));
    table.open(SessionId{1}, Millis(10));
    table.open(SessionId{2}, Millis(20));
    CHECK(table.all() == std::map<SessionId, Millis>{
                             {SessionId{1}, Millis(10)}, {SessionId{2}, Millis(20)}, {SessionId{3}, Millis(30)}});
}

}  // namespace
}  // namespace zabd::session
