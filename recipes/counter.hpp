// A number that several processes add to.
//
// Layout    a persistent node at `path` with the number as its data, see number_form.hpp: as Curator's
//           DistributedAtomicLong (the default), its SharedCount and DistributedAtomicInteger, or kazoo's Counter.
// Promises  each addition that returns has been applied exactly once, and says between which two values. Those of a
//           SharedValue (shared_value.hpp), which it is.
// Failure   as there: an addition whose answer is lost and whose fate nobody can tell is thrown, never repeated; with
//           `traced` its fate is known. Data of another form throw kMarshallingError, a number that does not fit
//           std::errc::result_out_of_range; neither changes anything.
// Lifetime  the client outlives it, and stays where it is.
#pragma once

#include "client/client.hpp"
#include "recipes/number_form.hpp"
#include "recipes/shared_value.hpp"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <string>

namespace zabd::recipes {

struct CounterOptions {
    NumberForm form = NumberForm::kLong;
    std::int64_t initial = 0;  // where there is no node yet
    bool traced = false;       // see SharedValueOptions
};

class Counter {
public:
    /// Throws std::errc::result_out_of_range if the initial number does not fit.
    Counter(client::Client& client, std::string path, const CounterOptions& options = {});

    struct Change {
        std::int64_t before = 0;
        std::int64_t after = 0;
    };

    boost::asio::awaitable<std::int64_t> get();
    boost::asio::awaitable<Change> add(std::int64_t amount);
    boost::asio::awaitable<Change> set(std::int64_t number);
    /// False: it was another than `expected`.
    boost::asio::awaitable<bool> compare_and_set(std::int64_t expected, std::int64_t number);

private:
    using Next = std::function<std::int64_t(std::int64_t)>;
    boost::asio::awaitable<Change> update(Next next);

    NumberForm form_;
    SharedValue value_;
};

}  // namespace zabd::recipes
