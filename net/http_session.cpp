#include "net/http_session.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/system_error.hpp>

#include <exception>
#include <utility>

namespace zabd::net {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

constexpr std::size_t kReadBytes = 16 << 10;
constexpr std::size_t kPieceBytes = 64 << 10;  // of a body, each of which has write_timeout
constexpr milliseconds kFinishTimeout{2000};   // for the client to hang up
constexpr milliseconds kNever{0};
constexpr std::string_view kNoException = "thrown was something that is no std::exception";

std::string chunk_size(std::size_t bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string size;
    for (; bytes != 0; bytes >>= 4) size.insert(size.begin(), kDigits[bytes & 0xf]);
    return size + "\r\n";
}

}  // namespace

HttpSession::HttpSession(asio::io_context& io, std::shared_ptr<HttpShared> shared,
                         std::unique_ptr<HttpTransport> transport, std::string remote_address)
    : shared_(std::move(shared)),
      transport_(std::move(transport)),
      deadline_(io),
      parser_({.head_bytes_max = shared_->options.head_bytes_max, .body_bytes_max = shared_->options.body_bytes_max}),
      remote_address_(std::move(remote_address)) {
    shared_->sessions.insert(this);
}

HttpSession::~HttpSession() { shared_->sessions.erase(this); }

asio::awaitable<void> HttpSession::run(bool turned_away) {
    expire_after(shared_->options.request_timeout);
    const auto error = co_await transport_->shake_hands();
    if (!error) {
        if (turned_away) {
            co_await send_refusal(503, "too many connections");
        } else if (co_await read_request()) {
            co_await answer();
        }
        expire_after(kFinishTimeout);
        co_await transport_->finish(all_read_);
    }
    expire_after(kNever);
    transport_->close();
}

/// Whether there is one; if not, and the client may still listen, it has been told why.
asio::awaitable<bool> HttpSession::read_request() {
    std::array<char, kReadBytes> buffer{};
    bool told_to_go_on = false;
    while (parser_.state() != HttpParser::State::kComplete) {
        const auto read = co_await transport_->read_some(asio::buffer(buffer));
        if (read.error) co_return false;
        const auto state = parser_.feed({buffer.data(), read.bytes});
        if (state == HttpParser::State::kRefused) {
            co_await send_refusal(parser_.refusal().status, parser_.refusal().why);
            co_return false;
        }
        if (state == HttpParser::State::kBody && parser_.continue_wanted() && !std::exchange(told_to_go_on, true)) {
            if (!co_await send_bytes("HTTP/1.1 100 Continue\r\n\r\n")) co_return false;
            expire_after(shared_->options.request_timeout);
        }
    }
    all_read_ = true;
    co_return true;
}

asio::awaitable<void> HttpSession::answer() {
    expire_after(kNever);
    auto request = parser_.take();
    request.remote_address = remote_address_;
    request.tls = !shared_->options.tls_key_file.empty();
    HttpResponse response;
    try {
        response = co_await shared_->handler(std::move(request));
    } catch (const std::exception& exception) {
        failed(exception.what());
        response = {};
        response.status = 0;
    } catch (...) {
        failed(kNoException);
        response = {};
        response.status = 0;
    }
    if (response.status != 0 && !http_headers_sound(response)) {
        failed("a header of the response has what headers cannot have");
        response.status = 0;
    }
    if (response.status == 0) {
        co_await send_refusal(500, "the server failed at this request; its log says why");
    } else if (response.stream) {
        co_await send_stream(response);
    } else {
        co_await send(response);
    }
}

asio::awaitable<void> HttpSession::send(const HttpResponse& response) {
    const auto head = http_head(response, response.body.size(), false);
    if (!co_await send_bytes(head) || parser_.is_head()) co_return;
    co_await send_bytes(response.body);
}

/// `why` is text of ours.
asio::awaitable<void> HttpSession::send_refusal(unsigned status, std::string_view why) {
    HttpResponse response;
    response.status = status;
    response.body = R"({"error":{"code":"Refused","message":")" + std::string(why) + "\"}}\n";
    response.headers = {{"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}};
    co_await send(response);
}

asio::awaitable<void> HttpSession::send_stream(const HttpResponse& response) {
    const auto head = http_head(response, std::nullopt, parser_.takes_chunks());
    if (!co_await send_bytes(head) || parser_.is_head()) co_return;
    bool whole = false;
    try {
        co_await response.stream(*this);
        whole = true;
    } catch (const boost::system::system_error& error) {
        const bool gone = error.code() == asio::error::operation_aborted || error.code() == asio::error::broken_pipe;
        if (!gone) failed(error.what());
    } catch (const std::exception& exception) {
        failed(exception.what());
    } catch (...) {
        failed(kNoException);
    }
    // Without its last chunk the client knows that it was not all.
    if (whole && parser_.takes_chunks()) co_await send_bytes("0\r\n\r\n");
    if (!whole) transport_->close();
}

asio::awaitable<void> HttpSession::write(std::string_view bytes) {
    if (bytes.empty()) co_return;  // a chunk of size 0 would be the end
    expire_after(shared_->options.write_timeout);
    const auto size = parser_.takes_chunks() ? chunk_size(bytes.size()) : std::string{};
    const std::string_view end = parser_.takes_chunks() ? "\r\n" : "";
    bool taken = co_await send_bytes(size);
    if (taken) taken = co_await send_bytes(bytes);
    if (taken) taken = co_await send_bytes(end);
    expire_after(kNever);
    if (!taken) throw boost::system::system_error(asio::error::broken_pipe);
}

/// Whether the socket has taken all of it.
asio::awaitable<bool> HttpSession::send_bytes(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto piece = bytes.substr(0, kPieceBytes);
        bytes.remove_prefix(piece.size());
        expire_after(shared_->options.write_timeout);
        if (const auto error = co_await transport_->write(asio::buffer(piece))) co_return false;
    }
    co_return true;
}

void HttpSession::expire_after(milliseconds timeout) {
    if (timeout == kNever) {
        deadline_.cancel();
        return;
    }
    deadline_.expires_after(timeout);
    deadline_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
        const auto self = weak.lock();
        if (!error && self) self->transport_->close();
    });
}

void HttpSession::failed(std::string_view why) const {
    if (shared_->options.on_failure) shared_->options.on_failure(why);
}

}  // namespace zabd::net
