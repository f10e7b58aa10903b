// Several operations at once, so that they share round trips and the server's disk.
//
// Order     they are begun in the order given; what a client asks in its first step thus leaves in that order.
// Errors    all() throws the first failure in that order, once all have ended. Cancelling it cancels all.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <utility>
#include <vector>

namespace zabd::zabctl {

/// How many operations commands keep in flight at once.
inline constexpr std::size_t kConcurrent = 64;

namespace detail {

template <class T>
auto group_of(const boost::asio::any_io_executor& executor, std::vector<boost::asio::awaitable<T>> operations) {
    using Deferred =
        decltype(boost::asio::co_spawn(executor, std::declval<boost::asio::awaitable<T>>(), boost::asio::deferred));
    std::vector<Deferred> deferred;
    deferred.reserve(operations.size());
    for (auto& operation : operations) {
        deferred.push_back(boost::asio::co_spawn(executor, std::move(operation), boost::asio::deferred));
    }
    return boost::asio::experimental::make_parallel_group(std::move(deferred));
}

inline void rethrow_first(const std::vector<std::exception_ptr>& failures) {
    for (const auto& failure : failures) {
        if (failure) std::rethrow_exception(failure);
    }
}

}  // namespace detail

inline boost::asio::awaitable<void> all(std::vector<boost::asio::awaitable<void>> operations) {
    if (operations.empty()) co_return;
    auto group = detail::group_of(co_await boost::asio::this_coro::executor, std::move(operations));
    auto [order, failures] =
        co_await group.async_wait(boost::asio::experimental::wait_for_all(), boost::asio::use_awaitable);
    detail::rethrow_first(failures);
}

/// Results in the order of the operations.
template <class T>
boost::asio::awaitable<std::vector<T>> all(std::vector<boost::asio::awaitable<T>> operations) {
    if (operations.empty()) co_return std::vector<T>{};
    auto group = detail::group_of(co_await boost::asio::this_coro::executor, std::move(operations));
    auto [order, failures, results] =
        co_await group.async_wait(boost::asio::experimental::wait_for_all(), boost::asio::use_awaitable);
    detail::rethrow_first(failures);
    co_return std::move(results);
}

}  // namespace zabd::zabctl
