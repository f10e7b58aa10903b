// An HTTP/1.1 server, plain or over TLS: requests to one handler and its responses back. What they mean is the handler's.
//
// Threads   everything on the io_context's one thread, the handler's coroutines too; so they need no locks.
// Order     one request per connection, answered with `Connection: close`: nothing to smuggle behind a request (hazard
//           class: a proxy and we disagree where one ends).
// Strict    what can be read in two ways is refused with 400: a header given twice, no Host, a target that does not begin
//           with /, a % without its two digits, a NUL.
// Bounds    head and body by Options, connections by Options; each must be complete, and each write taken, in time. Beyond:
//           431, 413, 503, or a close. A body needs Content-Length; Transfer-Encoding, and both, are refused (411, 400).
// Errors    what a handler throws is answered with 500 and told to Options::on_failure; a client that goes away ends the
//           handler's coroutine at its next write.
#pragma once

#include "wire/result.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace zabd::net {

struct HttpRequest {
    std::string method;                             // "GET"
    std::string path;                               // percent-decoded, begins with /; never has a NUL
    std::multimap<std::string, std::string> query;  // decoded
    std::map<std::string, std::string> headers;     // names in lower case; one that comes twice is refused before (400)
    std::string body;
    std::string remote_address;  // of the socket, without the port: X-Forwarded-For means nothing
    bool tls = false;

    /// The first one; nullopt: there is none.
    [[nodiscard]] std::optional<std::string> parameter(std::string_view name) const;
    /// Empty: there is none.
    [[nodiscard]] std::string_view header(std::string_view lower_case_name) const;
};

/// The way out of a response whose body is not there at once.
class HttpStream {
public:
    virtual ~HttpStream() = default;
    /// Sent as one chunk; done when the socket has taken it. Throws system_error when the client is gone or takes nothing
    /// for Options::write_timeout.
    virtual boost::asio::awaitable<void> write(std::string_view bytes) = 0;
};

struct HttpResponse {
    unsigned status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;  // besides Content-Type, -Length, Connection and Date
    /// If set, it writes the body, in chunks; `body` is not looked at.
    std::function<boost::asio::awaitable<void>(HttpStream&)> stream;
};

using HttpHandler = std::function<boost::asio::awaitable<HttpResponse>(HttpRequest)>;

struct HttpOptions {
    std::size_t head_bytes_max = 8 << 10;
    std::size_t body_bytes_max = 2 << 20;
    std::size_t connections_max = 256;
    std::chrono::milliseconds request_timeout{
        10'000};  // from accept to the last byte of the body, TLS handshake included
    std::chrono::milliseconds write_timeout{30'000};  // for the client to take something
    std::string tls_certificate_file;  // PEM, with its chain; with tls_key_file: only TLS (1.2 and above) is spoken
    std::string tls_key_file;          // PEM
    /// Told what a handler threw. May be empty; must not throw.
    std::function<void(std::string_view)> on_failure;
};

class HttpServer {
public:
    /// `io` outlives it, and is run by one thread.
    HttpServer(boost::asio::io_context& io, HttpOptions options, HttpHandler handler);
    ~HttpServer();

    /// Binds and listens; `port` 0 takes a free one. May be called again for a further address, with the same handler.
    /// Errc::kIo: the address, and why. Errc::kBadConfig: certificate or key, and why.
    Result<void> listen(const std::string& address, std::uint16_t port);
    /// Of the first one.
    [[nodiscard]] std::uint16_t port() const;
    /// Takes no more, and closes what there is.
    void stop();

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace zabd::net
