// What the coroutines of several recipes need: deadlines, waiting for a watch, and errors as values.
//
// Effects   none of their own.
// Errors    what cannot be returned is thrown as system_error.
#pragma once

#include "client/client.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>

#include <chrono>
#include <optional>
#include <system_error>

namespace zabd::recipes {

inline constexpr auto as_value = boost::asio::as_tuple(boost::asio::use_awaitable);

using Deadline = std::chrono::steady_clock::time_point;
inline constexpr Deadline kNever = Deadline::max();

[[nodiscard]] Deadline deadline_in(client::Millis time);
/// As an operation's timeout: never zero, unless the deadline is kNever, which leaves the client's own.
[[nodiscard]] client::Millis time_left(Deadline deadline);
/// Whether a read failed only because its time_left() was up.
[[nodiscard]] bool ran_out(const boost::system::error_code& error, Deadline deadline);

[[noreturn]] void fail(const std::error_code& error);
void throw_if(const boost::system::error_code& error);

/// After a read: whether it failed only because the session ended, and is to be asked again now that there is a new one.
/// Throws when there is not to be one; returns at the deadline too, which the next read then finds passed.
boost::asio::awaitable<bool> session_renewed(client::Client& client, boost::system::error_code error,
                                             Deadline deadline = kNever);

/// The next event; nullopt when the deadline comes first.
boost::asio::awaitable<std::optional<client::Event>> next_until(client::Watch& watch, Deadline deadline);

/// Whether what was read when the watch was armed may have changed since. A lost connection alone changes nothing; a
/// new one may have missed something, and whoever reads after a session's end arms the watch anew.
[[nodiscard]] bool makes_stale(const client::Event& event);

/// Waits for an event that makes_stale(); false when the deadline comes first.
boost::asio::awaitable<bool> stale_until(client::Watch& watch, Deadline deadline);

}  // namespace zabd::recipes
