// Asking the core from a coroutine of the admin thread.
#pragma once

#include "server/desk.hpp"

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <type_traits>
#include <utility>

namespace zabd::server::admin {

/// What `question(inside)` returns, asked at the desk; the coroutine goes on on its own executor.
///     const auto status = co_await ask(desk, [](Inside& inside) { return inside.core().status(); });
template <class Question, class Answer = std::invoke_result_t<Question&, Inside&>>
boost::asio::awaitable<Answer> ask(Desk& desk, Question question) {
    namespace asio = boost::asio;
    auto executor = co_await asio::this_coro::executor;
    auto initiation = [&desk, &question, &executor](auto handler) {
        desk.ask([question = std::move(question), executor, handler = std::move(handler),
                  work = asio::make_work_guard(executor)](Inside& inside) mutable {
            asio::post(executor, [handler = std::move(handler), answer = question(inside)]() mutable {
                std::move(handler)(std::move(answer));
            });
        });
    };
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Answer)>(std::move(initiation),
                                                                                         asio::use_awaitable);
}

}  // namespace zabd::server::admin
