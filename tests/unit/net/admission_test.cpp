#include "net/admission.hpp"

#include <catch2/catch.hpp>

using zabd::net::Admission;

TEST_CASE("an address has at most its share of connections", "[net]") {
    Admission admission{{.per_address_max = 2, .total_max = 0}};
    CHECK(admission.enter("a"));
    CHECK(admission.enter("a"));
    CHECK_FALSE(admission.enter("a"));
    CHECK(admission.enter("b"));
    admission.leave("a");
    CHECK(admission.enter("a"));
    CHECK(admission.total() == 3);
}

TEST_CASE("all addresses together have at most the total", "[net]") {
    Admission admission{{.per_address_max = 0, .total_max = 2}};
    CHECK(admission.enter("a"));
    CHECK(admission.enter("b"));
    CHECK_FALSE(admission.enter("c"));
    admission.leave("a");
    CHECK(admission.enter("c"));
}
