// A connection's bytes, plain or through TLS.
#pragma once

#include "wire/result.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <string>

namespace boost::asio::ssl {
class context;
}

namespace zabd::net {

class HttpTransport {
public:
    using ErrorCode = boost::system::error_code;
    struct Read {
        ErrorCode error;
        std::size_t bytes = 0;
    };

    virtual ~HttpTransport() = default;
    /// First of all.
    virtual boost::asio::awaitable<ErrorCode> shake_hands() = 0;
    virtual boost::asio::awaitable<Read> read_some(boost::asio::mutable_buffer buffer) = 0;
    /// All of it, or an error.
    virtual boost::asio::awaitable<ErrorCode> write(boost::asio::const_buffer buffer) = 0;
    /// Says that nothing more will be written, and waits for the client to hang up, so that it gets all: closing a socket
    /// that has something unread would take what we have sent from it. `all_read`: nothing is expected from the client.
    virtual boost::asio::awaitable<void> finish(bool all_read) = 0;
    /// Ends what is under way with an error. Any number of times.
    virtual void close() = 0;
};

/// For finish(): ends the stream of bytes, and passes over what the client still sends, up to a bound.
boost::asio::awaitable<void> drain(boost::asio::ip::tcp::socket& socket);

using TlsContext = std::shared_ptr<boost::asio::ssl::context>;

std::unique_ptr<HttpTransport> plain_transport(boost::asio::ip::tcp::socket socket);
std::unique_ptr<HttpTransport> tls_transport(boost::asio::ip::tcp::socket socket, TlsContext context);

/// TLS 1.2 and above. Errc::kBadConfig: which file, and why.
Result<TlsContext> tls_context(const std::string& certificate_file, const std::string& key_file);

}  // namespace zabd::net
