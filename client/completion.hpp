// How the client's operations complete: on the handler's executor, with its cancellation slot let go first.
#pragma once

#include <boost/asio/any_completion_executor.hpp>
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/error_code.hpp>

#include <system_error>
#include <tuple>
#include <utility>

namespace zabd::client {

/// The error of a call that was cancelled compares with Asio's own, as handlers expect; std::error_code and back does not.
inline boost::system::error_code for_handler(const std::error_code& error) {
    static const std::error_code kCancelled = boost::system::error_code(boost::asio::error::operation_aborted);
    return error == kCancelled ? boost::system::error_code(boost::asio::error::operation_aborted)
                               : boost::system::error_code(error);
}

/// `fallback` is the client's executor, for handlers that have none of their own.
template <class... Results>
void complete(boost::asio::any_completion_handler<void(boost::system::error_code, Results...)> handler,
              const boost::asio::any_io_executor& fallback, boost::system::error_code error, Results... results) {
    auto slot = boost::asio::get_associated_cancellation_slot(handler);
    if (slot.is_connected()) slot.clear();
    const auto executor = boost::asio::get_associated_executor(handler, fallback);
    boost::asio::dispatch(executor, [handler = std::move(handler), error,
                                     values = std::tuple<Results...>(std::move(results)...)]() mutable {
        std::apply([&](auto&... value) { std::move(handler)(error, std::move(value)...); }, values);
    });
}

}  // namespace zabd::client
