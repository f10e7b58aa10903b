#include "recipes/lock.hpp"

#include "recipes/within.hpp"

#include <utility>

namespace zabd::recipes {

namespace asio = boost::asio;

Lock::Lock(client::Client& client, std::string path, ContestOptions options, Purpose purpose)
    : contest_(client, std::move(path), std::move(options)), purpose_(purpose) {}

asio::awaitable<Grant> Lock::acquire() { return contest_.win(purpose_); }

asio::awaitable<std::optional<Grant>> Lock::acquire_within(client::Millis limit) { return within(limit, acquire()); }

asio::awaitable<std::optional<Grant>> Lock::try_acquire() { return contest_.try_win(purpose_); }

asio::awaitable<std::vector<Participant>> Lock::contenders() { return contest_.participants(); }

}  // namespace zabd::recipes
