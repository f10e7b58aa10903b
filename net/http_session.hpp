// One connection: a request in, the handler's response out, and the end.
#pragma once

#include "net/http.hpp"
#include "net/http_parser.hpp"
#include "net/http_transport.hpp"

#include <boost/asio/steady_timer.hpp>

#include <array>
#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <string_view>

namespace zabd::net {

class HttpSession;

/// What the connections of a server share.
struct HttpShared {
    HttpOptions options;
    HttpHandler handler;
    std::set<HttpSession*> sessions{};
    bool stopped = false;
};

class HttpSession final : public HttpStream, public std::enable_shared_from_this<HttpSession> {
public:
    HttpSession(boost::asio::io_context& io, std::shared_ptr<HttpShared> shared,
                std::unique_ptr<HttpTransport> transport, std::string remote_address);
    ~HttpSession() override;
    HttpSession(const HttpSession&) = delete;
    HttpSession& operator=(const HttpSession&) = delete;

    /// Whole, to its end. `turned_away`: there are too many connections, so that it only says that (503).
    boost::asio::awaitable<void> run(bool turned_away);
    void close() { transport_->close(); }

private:
    boost::asio::awaitable<bool> read_request();
    boost::asio::awaitable<void> answer();
    boost::asio::awaitable<void> send(const HttpResponse& response);
    boost::asio::awaitable<void> send_refusal(unsigned status, std::string_view why);
    boost::asio::awaitable<void> send_stream(const HttpResponse& response);
    boost::asio::awaitable<bool> send_bytes(std::string_view bytes);
    boost::asio::awaitable<void> write(std::string_view bytes) override;
    void expire_after(std::chrono::milliseconds timeout);
    void failed(std::string_view why) const;

    std::shared_ptr<HttpShared> shared_;
    std::unique_ptr<HttpTransport> transport_;
    boost::asio::steady_timer deadline_;
    HttpParser parser_;
    std::string remote_address_;
    bool all_read_ = false;
};

/// The status line and headers, with the empty line; no body. `length` nullopt: chunks, or up to the end of the connection.
[[nodiscard]] std::string http_head(const HttpResponse& response, std::optional<std::size_t> length, bool chunked);
/// Whether they cannot break out of their line.
[[nodiscard]] bool http_headers_sound(const HttpResponse& response);

}  // namespace zabd::net
