#include "zabctl/line_source.hpp"

#include "zabctl/line_editor.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <unistd.h>

#include <cstdio>

namespace zabd::zabctl {
namespace {

namespace asio = boost::asio;
constexpr std::size_t kLineBytesMax = 16 << 20;

class PlainLines : public LineSource {
public:
    explicit PlainLines(EventLoop& loop) : loop_(loop), input_(loop.io(), ::dup(STDIN_FILENO)) {}

    std::optional<std::string> read(const std::string&) override {
        std::optional<std::string> line;
        try {
            loop_.complete(take_line(line));
        } catch (const boost::system::system_error&) {  // a signal, or an input that fails
        }
        return line;
    }

    void print(std::string_view lines) override {
        std::fwrite(lines.data(), 1, lines.size(), stdout);
        std::fputs("\n", stdout);
        std::fflush(stdout);
    }

    void remember(const std::string&) override {}
    [[nodiscard]] bool interactive() const override { return false; }

private:
    asio::awaitable<void> take_line(std::optional<std::string>& line) {
        auto buffer = asio::dynamic_buffer(pending_, kLineBytesMax);
        const auto [error, size] =
            co_await asio::async_read_until(input_, buffer, '\n', asio::as_tuple(asio::use_awaitable));
        if (error && pending_.empty()) co_return;
        const auto end = error ? pending_.size() : size;  // the last line may lack its end
        line = pending_.substr(0, error ? end : end - 1);
        pending_.erase(0, end);
    }

    EventLoop& loop_;
    asio::posix::stream_descriptor input_;
    std::string pending_;
};

}  // namespace

std::unique_ptr<LineSource> open_line_source(EventLoop& loop, Complete complete) {
    if (::isatty(STDIN_FILENO) && ::isatty(STDOUT_FILENO)) {
        return std::make_unique<LineEditor>(loop, std::move(complete));
    }
    return std::make_unique<PlainLines>(loop);
}

}  // namespace zabd::zabctl
