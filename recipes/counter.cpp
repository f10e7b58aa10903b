#include "recipes/counter.hpp"

#include "recipes/waiting.hpp"

#include <system_error>
#include <utility>

namespace zabd::recipes {

namespace asio = boost::asio;

namespace {

[[noreturn]] void fail_out_of_range() { fail(std::make_error_code(std::errc::result_out_of_range)); }

std::string encode(NumberForm form, std::int64_t number) {
    auto data = encode_number(form, number);
    if (!data) fail_out_of_range();
    return *std::move(data);
}

std::int64_t decode(NumberForm form, const std::string& data) {
    const auto number = decode_number(form, data);
    if (!number) fail(client::Errc::kMarshallingError);
    return *number;
}

}  // namespace

Counter::Counter(client::Client& client, std::string path, const CounterOptions& options)
    : form_(options.form),
      value_(client, std::move(path), {.seed = encode(options.form, options.initial), .traced = options.traced}) {}

asio::awaitable<std::int64_t> Counter::get() {
    const auto value = co_await value_.get();
    co_return decode(form_, value.data);
}

asio::awaitable<Counter::Change> Counter::add(std::int64_t amount) {
    const Next next = [amount](std::int64_t number) {
        std::int64_t sum = 0;
        if (__builtin_add_overflow(number, amount, &sum)) fail_out_of_range();
        return sum;
    };
    co_return co_await update(next);
}

asio::awaitable<Counter::Change> Counter::set(std::int64_t number) {
    const Next next = [number](std::int64_t) { return number; };
    co_return co_await update(next);
}

asio::awaitable<Counter::Change> Counter::update(Next next) {
    const SharedValue::Next next_data = [&](const std::string& data) {
        return encode(form_, next(decode(form_, data)));
    };
    const auto change = co_await value_.update(next_data);
    co_return Change{.before = decode(form_, change.before.data), .after = decode(form_, change.after.data)};
}

asio::awaitable<bool> Counter::compare_and_set(std::int64_t expected, std::int64_t number) {
    bool equal = false;
    const SharedValue::Next next = [&](const std::string& data) -> std::optional<std::string> {
        equal = decode(form_, data) == expected;
        return equal ? std::optional(encode(form_, number)) : std::nullopt;
    };
    co_await value_.update(next);
    co_return equal;
}

}  // namespace zabd::recipes
