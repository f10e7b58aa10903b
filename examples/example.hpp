// What all examples begin with: a connection to the server of the command line, in a coroutine of its own.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <zabd/client/client.hpp>

#include <exception>
#include <iostream>

namespace asio = boost::asio;
using zabd::client::Client;

/// `body` is a coroutine that takes a Client&.
template <class Body>
int run_example(int argc, char** argv, Body body) {
    const char* servers = argc > 1 ? argv[1] : "127.0.0.1:2181";
    int status = 0;
    const auto session = [&]() -> asio::awaitable<void> {
        auto client = co_await Client::connect(servers);
        co_await body(client);
        co_await client.close();
    };
    asio::io_context io;
    asio::co_spawn(io, session, [&](std::exception_ptr failed) {
        if (!failed) return;
        try {
            std::rethrow_exception(failed);
        } catch (const std::exception& error) {
            std::cerr << error.what() << '\n';
            status = 1;
        }
    });
    io.run();
    return status;
}
