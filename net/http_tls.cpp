// TLS by OpenSSL. Asio's own code for it is compiled here.
#include "net/http_transport.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <utility>

namespace zabd::net {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
constexpr auto kAsValue = asio::as_tuple(asio::use_awaitable);

class TlsTransport final : public HttpTransport {
public:
    TlsTransport(asio::ip::tcp::socket socket, TlsContext context)
        : context_(std::move(context)), stream_(std::move(socket), *context_) {}

    asio::awaitable<ErrorCode> shake_hands() override {
        const auto [error] = co_await stream_.async_handshake(ssl::stream_base::server, kAsValue);
        co_return error;
    }

    asio::awaitable<Read> read_some(asio::mutable_buffer buffer) override {
        const auto [error, bytes] = co_await stream_.async_read_some(buffer, kAsValue);
        co_return Read{.error = error, .bytes = bytes};
    }

    asio::awaitable<ErrorCode> write(asio::const_buffer buffer) override {
        const auto [error, bytes] = co_await asio::async_write(stream_, buffer, kAsValue);
        co_return error;
    }

    asio::awaitable<void> finish(bool all_read) override {
        // A close_notify in answer to ours cannot be told from what a client still sends.
        if (all_read) {
            if (const auto [error] = co_await stream_.async_shutdown(kAsValue); error) co_return;
        }
        co_await drain(stream_.next_layer());
    }

    void close() override {
        ErrorCode ignored;
        stream_.lowest_layer().close(ignored);
    }

private:
    TlsContext context_;  // before the stream, which uses it
    ssl::stream<asio::ip::tcp::socket> stream_;
};

}  // namespace

std::unique_ptr<HttpTransport> tls_transport(asio::ip::tcp::socket socket, TlsContext context) {
    return std::make_unique<TlsTransport>(std::move(socket), std::move(context));
}

Result<TlsContext> tls_context(const std::string& certificate_file, const std::string& key_file) {
    auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
    boost::system::error_code error;
    const auto failed = [&](const std::string& what) {
        return failure(Errc::kBadConfig, what + ": " + error.message());
    };
    context->set_options(ssl::context::default_workarounds | ssl::context::no_compression, error);
    if (error || ::SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION) != 1) return failed("TLS");
    // Each connection has one request: nothing to resume.
    ::SSL_CTX_set_session_cache_mode(context->native_handle(), SSL_SESS_CACHE_OFF);
    ::SSL_CTX_set_options(context->native_handle(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
    context->use_certificate_chain_file(certificate_file, error);
    if (error) return failed(certificate_file);
    context->use_private_key_file(key_file, ssl::context::pem, error);
    if (error) return failed(key_file);
    if (::SSL_CTX_check_private_key(context->native_handle()) != 1) {
        return failure(Errc::kBadConfig, key_file + ": is not the key of " + certificate_file);
    }
    return context;
}

}  // namespace zabd::net
