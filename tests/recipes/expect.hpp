// CHECK for what has to be awaited.
//
//     co_await expect(barrier.set(), true);
//
// CHECK(co_await ...) will not do: the macro has its argument three times, and though two of them are in places that are
// never evaluated, g++ 12 awaits all three.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <catch2/catch.hpp>

#include <source_location>
#include <utility>

namespace zabd::recipes::tests {

template <class Value, class Expected>
boost::asio::awaitable<void> expect(boost::asio::awaitable<Value> work, Expected expected,
                                    std::source_location where = std::source_location::current()) {
    const Value got = co_await std::move(work);
    INFO(where.file_name() << ":" << where.line());
    CHECK(got == expected);
}

}  // namespace zabd::recipes::tests
