#include "recipes/fence.hpp"

#include "recipes/contest.hpp"
#include "recipes/waiting.hpp"

namespace zabd::recipes {

namespace asio = boost::asio;

client::Multi fenced(const Grant& grant) {
    client::Multi multi;
    multi.check(grant.path());  // the name is never given twice, so any version of it is the grant's
    return multi;
}

asio::awaitable<client::Stat> fenced_set(client::Client& client, const Grant& grant, std::string path, std::string data,
                                         client::VersionOptions options) {
    if (grant.path().empty()) fail(ContestErrc::kFenced);
    auto multi = fenced(grant);
    multi.set(path, data, options.version);
    const client::CallOptions call{.timeout = options.timeout};
    const auto [error, results] = co_await client.multi(multi, call, as_value);
    const bool fenced_off = !results.empty() && results.front().error == client::Errc::kNoNode;
    if (fenced_off) fail(ContestErrc::kFenced);
    throw_if(error);
    co_return results.at(1).stat;
}

}  // namespace zabd::recipes
