// For what goes on in the background and must not give up: errors as values, and pauses that grow.
#pragma once

#include "client/client.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/system/error_code.hpp>

#include <functional>
#include <random>

namespace zabd::recipes {

/// What became of a coroutine. Of exceptions only system_error is caught.
boost::asio::awaitable<boost::system::error_code> outcome_of(boost::asio::awaitable<void> work);

/// Asks again, after growing pauses, as long as the error may_pass().
boost::asio::awaitable<void> persist(std::function<boost::asio::awaitable<boost::system::error_code>()> attempt);

/// Whether the same may succeed later by itself: the connection, the session or the server's load was the matter.
[[nodiscard]] bool may_pass(const boost::system::error_code& error);

boost::asio::awaitable<void> pause_for(client::Millis time);

/// Random times up to a limit that doubles from 50 ms to 5 s, so that those who failed together do not return together.
class Backoff {
public:
    [[nodiscard]] client::Millis next();
    void reset() { limit_ = kMin; }

private:
    static constexpr client::Millis kMin{50};
    static constexpr client::Millis kMax{5'000};

    client::Millis limit_{kMin};
    std::minstd_rand random_{std::random_device{}()};
};

}  // namespace zabd::recipes
