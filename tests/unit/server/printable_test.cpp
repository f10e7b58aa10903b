#include "server/printable.hpp"

#include <catch2/catch.hpp>

using zabd::server::printable;

TEST_CASE("foreign text cannot forge a line or command a terminal", "[server][printable]") {
    CHECK(printable("plain /path=1") == "plain /path=1");
    CHECK(printable("a\nb\r\x1b[2J\x7f") == "a\\x0ab\\x0d\\x1b[2J\\x7f");
    CHECK(printable("\xe2\x80\xa8") == "\\xe2\\x80\\xa8");
    CHECK(printable(std::string(201, 'x')) == std::string(200, 'x') + "...");
}
