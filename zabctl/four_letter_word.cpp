#include "zabctl/four_letter_word.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace zabd::zabctl {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr auto as_value = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kAnswerBytesMax = 1 << 20;

asio::awaitable<WordAnswer> converse(const client::Host& host, const std::string& word) {
    const auto executor = co_await asio::this_coro::executor;
    tcp::resolver resolver(executor);
    const auto [unknown, endpoints] = co_await resolver.async_resolve(host.name, std::to_string(host.port), as_value);
    if (unknown) co_return WordAnswer{unknown, {}};
    tcp::socket socket(executor);
    const auto [refused, endpoint] = co_await asio::async_connect(socket, endpoints, as_value);
    if (refused) co_return WordAnswer{refused, {}};
    const auto [unsent, sent] = co_await asio::async_write(socket, asio::buffer(word), as_value);
    if (unsent) co_return WordAnswer{unsent, {}};
    WordAnswer answer;
    auto buffer = asio::dynamic_buffer(answer.text, kAnswerBytesMax);
    const auto [ended, received] = co_await asio::async_read(socket, buffer, as_value);
    if (ended != asio::error::eof) answer.error = ended;
    co_return answer;
}

}  // namespace

bool WordAnswer::answered() const {
    return !error && !text.empty() && text.find("not in the whitelist") == std::string::npos &&
           text.find("not currently serving") == std::string::npos;
}

asio::awaitable<WordAnswer> ask_word(client::Host host, std::string word, client::Millis timeout) {
    using namespace asio::experimental::awaitable_operators;
    asio::steady_timer deadline(co_await asio::this_coro::executor, timeout);
    auto outcome = co_await (converse(host, word) || deadline.async_wait(asio::use_awaitable));
    if (outcome.index() == 1) co_return WordAnswer{asio::error::timed_out, {}};
    co_return std::get<0>(std::move(outcome));
}

std::map<std::string, std::string> fields_of(std::string_view text, std::string_view separator) {
    std::map<std::string, std::string> fields;
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        const auto at = line.find(separator);
        if (at != std::string_view::npos) fields.emplace(line.substr(0, at), line.substr(at + separator.size()));
    }
    return fields;
}

std::string text_of(const client::Host& host) {
    const bool v6 = host.name.find(':') != std::string::npos;
    return fmt::format(fmt::runtime(v6 ? "[{}]:{}" : "{}:{}"), host.name, host.port);
}

}  // namespace zabd::zabctl
