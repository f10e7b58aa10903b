#include "net/outbox.hpp"

#include <catch2/catch.hpp>

#include <random>

using zabd::net::Outbox;

TEST_CASE("bytes leave an outbox in the order in which they came", "[net]") {
    std::mt19937 random{1};
    Outbox outbox;
    std::string put, got;
    for (int i = 0; i < 2000; ++i) {
        const std::string bytes(random() % 50, static_cast<char>('a' + random() % 26));
        outbox.append(bytes);
        put += bytes;
        const auto size = random() % (outbox.size() + 1);
        got += outbox.waiting().substr(0, size);
        outbox.take(size);
        REQUIRE(outbox.size() == put.size() - got.size());
    }
    got += outbox.waiting();
    CHECK(got == put);
}

TEST_CASE("an empty outbox gives its room away and takes another's", "[net]") {
    Outbox one, two;
    CHECK_FALSE(one.owns_room());
    one.append(std::string(1000, 'x'));
    one.take(1000);
    REQUIRE(one.empty());
    two.adopt(one.release());
    CHECK_FALSE(one.owns_room());
    CHECK(two.owns_room());
    two.append("y");
    CHECK(two.waiting() == "y");
}
