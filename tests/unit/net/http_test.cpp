// The server with real sockets, in the test's own thread.
#include "net/http.hpp"

#include "net/http_session.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>

#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

using namespace zabd;
using namespace zabd::net;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr auto kGet = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";

HttpResponse text(std::string body) {
    HttpResponse response;
    response.content_type = "text/plain";
    response.body = std::move(body);
    return response;
}

class Loopback {
public:
    explicit Loopback(HttpHandler handler, HttpOptions options = {})
        : server(io, with_log(std::move(options)), std::move(handler)) {
        REQUIRE(server.listen("127.0.0.1", 0));
    }

    [[nodiscard]] bool until(const std::function<bool()>& holds) {
        const auto deadline = std::chrono::steady_clock::now() + 10s;
        while (!holds()) {
            if (std::chrono::steady_clock::now() > deadline) return false;
            io.restart();
            io.run_one_for(20ms);
        }
        return true;
    }

    tcp::socket connect(const std::string& bytes = "") {
        tcp::socket client{clients};
        client.connect({asio::ip::make_address("127.0.0.1"), server.port()});
        asio::write(client, asio::buffer(bytes));
        client.non_blocking(true);
        return client;
    }

    /// All that comes until the server has nothing more to say.
    std::string rest(tcp::socket& client) {
        std::string received;
        REQUIRE(until([&] { return !read_some(client, received); }));
        return received;
    }
    std::string ask(const std::string& bytes) {
        auto client = connect(bytes);
        return rest(client);
    }

    /// False: the server has closed.
    static bool read_some(tcp::socket& client, std::string& received) {
        std::vector<char> buffer(1 << 16);
        boost::system::error_code error;
        const auto size = client.read_some(asio::buffer(buffer), error);
        received.append(buffer.data(), size);
        return !error || error == asio::error::would_block;
    }

    asio::io_context io{1};
    asio::io_context clients;
    std::vector<std::string> failures;
    HttpServer server;

private:
    HttpOptions with_log(HttpOptions options) {
        options.on_failure = [this](std::string_view why) { failures.emplace_back(why); };
        return options;
    }
};

asio::awaitable<HttpResponse> echo(HttpRequest request) {
    co_return text(request.method + " " + request.path + " " + request.remote_address + " " + request.body);
}

std::string status_line(const std::string& answer) { return answer.substr(0, answer.find("\r\n")); }
std::string body_of(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }

}  // namespace

TEST_CASE("a request is answered and its connection closed", "[net][http]") {
    Loopback loopback{echo};
    const auto answer = loopback.ask("POST /a%20b HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
    CHECK(status_line(answer) == "HTTP/1.1 200 OK");
    CHECK(body_of(answer) == "POST /a b 127.0.0.1 hi");
    CHECK(answer.find("\r\nConnection: close\r\n") != std::string::npos);
    CHECK(answer.find("\r\nContent-Type: text/plain\r\n") != std::string::npos);
    CHECK(answer.find("\r\nContent-Length: 22\r\n") != std::string::npos);
    CHECK(answer.find("\r\nDate: ") != std::string::npos);
}

TEST_CASE("a second request behind the first one has no answer", "[net][http]") {
    Loopback loopback{echo};
    const auto answer = loopback.ask(std::string(kGet) + kGet);
    CHECK(answer.find("HTTP/1.1") == answer.rfind("HTTP/1.1"));
}

TEST_CASE("HEAD is answered without a body, but with its length", "[net][http]") {
    Loopback loopback{echo};
    const auto answer = loopback.ask("HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(answer.find("\r\nContent-Length: 18\r\n") != std::string::npos);
    CHECK(body_of(answer).empty());
}

TEST_CASE("a client that asks whether it may go on is told so", "[net][http]") {
    Loopback loopback{echo};
    auto client = loopback.connect("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    std::string received;
    REQUIRE(loopback.until([&] { return Loopback::read_some(client, received) && received.ends_with("\r\n\r\n"); }));
    CHECK(received == "HTTP/1.1 100 Continue\r\n\r\n");
    asio::write(client, asio::buffer("ok", 2));
    CHECK(body_of(loopback.rest(client)) == "POST / 127.0.0.1 ok");
}

TEST_CASE("what a handler throws is answered with 500 and told to the log, not to the client", "[net][http]") {
    Loopback loopback{[](HttpRequest) -> asio::awaitable<HttpResponse> {
        throw std::runtime_error("the details");
        co_return HttpResponse{};
    }};
    const auto answer = loopback.ask(kGet);
    CHECK(status_line(answer) == "HTTP/1.1 500 Internal Server Error");
    CHECK(answer.find("details") == std::string::npos);
    CHECK(loopback.failures == std::vector<std::string>{"the details"});
}

TEST_CASE("so it is with what is thrown and is no exception", "[net][http]") {
    struct Whatever {};
    Loopback loopback{[](HttpRequest request) -> asio::awaitable<HttpResponse> {
        if (request.path == "/now") throw Whatever{};
        auto response = text("");
        response.stream = [](HttpStream& out) -> asio::awaitable<void> {
            co_await out.write("half");
            throw Whatever{};
        };
        co_return response;
    }};
    CHECK(status_line(loopback.ask("GET /now HTTP/1.1\r\nHost: a\r\n\r\n")) == "HTTP/1.1 500 Internal Server Error");
    CHECK(body_of(loopback.ask(kGet)) == "4\r\nhalf\r\n");
    CHECK(loopback.failures.size() == 2);
}

TEST_CASE("a header that would break out of its line is never sent", "[net][http]") {
    Loopback loopback{[](HttpRequest) -> asio::awaitable<HttpResponse> {
        auto response = text("");
        response.headers.emplace_back("X-Name", "a\r\nSet-Cookie: b");
        co_return response;
    }};
    const auto answer = loopback.ask(kGet);
    CHECK(status_line(answer) == "HTTP/1.1 500 Internal Server Error");
    CHECK(answer.find("Set-Cookie") == std::string::npos);
}

TEST_CASE("a body that is written as it comes goes out in chunks", "[net][http]") {
    Loopback loopback{[](HttpRequest) -> asio::awaitable<HttpResponse> {
        auto response = text("");
        response.stream = [](HttpStream& out) -> asio::awaitable<void> {
            co_await out.write("first ");
            co_await out.write("");
            const std::string second(17, 'x');
            co_await out.write(second);
        };
        co_return response;
    }};
    const auto answer = loopback.ask(kGet);
    CHECK(answer.find("\r\nTransfer-Encoding: chunked\r\n") != std::string::npos);
    CHECK(body_of(answer) == "6\r\nfirst \r\n11\r\nxxxxxxxxxxxxxxxxx\r\n0\r\n\r\n");
    // HTTP/1.0 knows no chunks: its body ends with the connection.
    const auto old = loopback.ask("GET / HTTP/1.0\r\n\r\n");
    CHECK(body_of(old) == "first xxxxxxxxxxxxxxxxx");
}

TEST_CASE("a stream that breaks off has no end", "[net][http]") {
    Loopback loopback{[](HttpRequest) -> asio::awaitable<HttpResponse> {
        auto response = text("");
        response.stream = [](HttpStream& out) -> asio::awaitable<void> {
            co_await out.write("half");
            throw std::runtime_error("broke");
        };
        co_return response;
    }};
    CHECK(body_of(loopback.ask(kGet)) == "4\r\nhalf\r\n");
    CHECK(loopback.failures == std::vector<std::string>{"broke"});
}

TEST_CASE("a stream is held back by a client that does not read, and ends when it goes", "[net][http]") {
    std::size_t written = 0;
    bool ended = false;
    Loopback loopback{[&](HttpRequest) -> asio::awaitable<HttpResponse> {
        auto response = text("");
        response.stream = [&](HttpStream& out) -> asio::awaitable<void> {
            struct End {
                bool& flag;
                ~End() { flag = true; }
            } end{ended};
            const std::string piece(1 << 16, 'x');
            for (;;) {
                co_await out.write(piece);
                written += piece.size();
            }
        };
        co_return response;
    }};
    auto client = loopback.connect(kGet);
    std::size_t before = 1;
    REQUIRE(loopback.until([&] {  // no more is taken
        loopback.io.restart();
        loopback.io.run_for(50ms);
        return written != 0 && std::exchange(before, written) == written;
    }));
    CHECK(written < 64 << 20);
    CHECK_FALSE(ended);
    client.close();
    CHECK(loopback.until([&] { return ended; }));
}

TEST_CASE("who takes too long is cut off", "[net][http]") {
    HttpOptions options;
    options.request_timeout = 150ms;
    options.write_timeout = 150ms;
    SECTION("with its request") {
        Loopback loopback{echo, options};
        auto client = loopback.connect("GET / HTTP/1.1\r\nHost:");
        const auto start = std::chrono::steady_clock::now();
        CHECK(loopback.rest(client).empty());
        CHECK(std::chrono::steady_clock::now() - start >= 100ms);
    }
    SECTION("with every byte of it") {
        options.head_bytes_max = 64 << 20;
        Loopback loopback{echo, options};
        auto client = loopback.connect("GET / HTTP/1.1\r\nX: ");
        std::string received;
        CHECK(loopback.until([&] {
            boost::system::error_code gone;
            client.write_some(asio::buffer("x", 1), gone);
            return gone || !Loopback::read_some(client, received);
        }));
        CHECK(received.empty());
    }
    SECTION("with reading the answer") {
        bool done = false;
        Loopback loopback{
            [](HttpRequest) -> asio::awaitable<HttpResponse> { co_return text(std::string(64 << 20, 'x')); }, options};
        auto client = loopback.connect(kGet);
        std::string received;
        loopback.io.restart();
        loopback.io.run_for(600ms);
        done = loopback.until([&] { return !Loopback::read_some(client, received); });
        CHECK(done);
        CHECK(received.size() < 64 << 20);
    }
}

TEST_CASE("a body that is too large is refused so that the client can read why", "[net][http]") {
    HttpOptions options;
    options.body_bytes_max = 1000;
    Loopback loopback{echo, options};
    auto client = loopback.connect("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
    boost::system::error_code ignored;
    const std::string body(100'000, 'x');
    client.write_some(asio::buffer(body), ignored);
    CHECK(status_line(loopback.rest(client)) == "HTTP/1.1 413 Content Too Large");
}

TEST_CASE("beyond the number of connections, one more is told so", "[net][http]") {
    HttpOptions options;
    options.connections_max = 2;
    Loopback loopback{echo, options};
    auto one = loopback.connect();
    auto two = loopback.connect();
    auto three = loopback.connect();
    CHECK(status_line(loopback.rest(three)) == "HTTP/1.1 503 Service Unavailable");
    three.close();
    one.close();
    REQUIRE(loopback.until([&] { return status_line(loopback.ask(kGet)) == "HTTP/1.1 200 OK"; }));
}

TEST_CASE("stop ends what there is", "[net][http]") {
    bool ended = false;
    Loopback loopback{[&](HttpRequest) -> asio::awaitable<HttpResponse> {
        auto response = text("");
        response.stream = [&](HttpStream& out) -> asio::awaitable<void> {
            struct End {
                bool& flag;
                ~End() { flag = true; }
            } end{ended};
            for (;;) {
                co_await out.write("tick\n");
                asio::steady_timer timer{co_await asio::this_coro::executor, 5ms};
                co_await timer.async_wait(asio::use_awaitable);
            }
        };
        co_return response;
    }};
    auto busy = loopback.connect(kGet);
    auto idle = loopback.connect();
    std::string received;
    REQUIRE(
        loopback.until([&] { return Loopback::read_some(busy, received) && received.find("tick") != received.npos; }));
    const auto port = loopback.server.port();
    loopback.server.stop();
    CHECK(loopback.rest(idle).empty());
    CHECK(loopback.until([&] { return ended; }));
    tcp::socket late{loopback.clients};
    boost::system::error_code refused;
    late.connect({asio::ip::make_address("127.0.0.1"), port}, refused);
    CHECK(refused == asio::error::connection_refused);
}

TEST_CASE("an address or certificate that cannot be used is told", "[net][http]") {
    asio::io_context io{1};
    HttpServer one{io, {}, echo};
    REQUIRE(one.listen("127.0.0.1", 0));
    HttpServer two{io, {}, echo};
    const auto taken = two.listen("127.0.0.1", one.port());
    REQUIRE_FALSE(taken);
    CHECK(taken.error().code == Errc::kIo);
    CHECK(taken.error().where.find(std::to_string(one.port())) != std::string::npos);

    HttpOptions options;
    options.tls_certificate_file = options.tls_key_file = "/nowhere.pem";
    HttpServer three{io, options, echo};
    const auto no_key = three.listen("127.0.0.1", 0);
    REQUIRE_FALSE(no_key);
    CHECK(no_key.error().code == Errc::kBadConfig);
    CHECK(no_key.error().where.starts_with("/nowhere.pem: "));
}
