// Why a command ended, in plain words, and the exit code that says so to scripts.
//
// Errors    a command throws Failure; what the client throws becomes one in at(), which knows the path.
#pragma once

#include "zabctl/exit_code.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/system/system_error.hpp>

#include <stdexcept>
#include <string>
#include <utility>

namespace zabd::zabctl {

class Failure : public std::runtime_error {
public:
    Failure(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
    [[nodiscard]] ExitCode code() const { return code_; }

private:
    ExitCode code_;
};

/// `where` is the path that was asked for, or empty.
[[nodiscard]] Failure failure_of(const boost::system::error_code& error, const std::string& where);

/// The operation's result; its failure names `path`, which the caller keeps alive.
template <class T>
boost::asio::awaitable<T> at(const std::string& path, boost::asio::awaitable<T> operation) {
    try {
        co_return co_await std::move(operation);
    } catch (const boost::system::system_error& error) {
        throw failure_of(error.code(), path);
    }
}

}  // namespace zabd::zabctl
