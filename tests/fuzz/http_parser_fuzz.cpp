// Any bytes as a request: the same parts or the same refusal, however they are cut up on their way, within the bounds.
#include "net/http_parser.hpp"
#include "wire/assert.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace {

using namespace zabd::net;
using State = HttpParser::State;

constexpr HttpParser::Limits kLimits{.head_bytes_max = 256, .body_bytes_max = 64};

void check(const HttpRequest& request) {
    ZABD_ASSERT(!request.method.empty());
    ZABD_ASSERT(request.path.starts_with('/') && request.path.find('\0') == request.path.npos);
    ZABD_ASSERT(request.body.size() <= kLimits.body_bytes_max);
    ZABD_ASSERT(!request.headers.contains("transfer-encoding"));
    for (const auto& [name, value] : request.headers) {
        ZABD_ASSERT(value.find_first_of("\r\n") == value.npos);
        for (const char c : name) ZABD_ASSERT(c < 'A' || c > 'Z');
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::size_t piece = 1 + data[0] % 16;
    HttpParser whole{kLimits};
    HttpParser cut{kLimits};
    whole.feed(text);
    for (std::size_t at = 0; at < text.size(); at += piece) {
        const auto state = cut.feed(text.substr(at, piece));
        if (state == State::kComplete || state == State::kRefused) break;
    }
    // What is refused as soon as it is too long may be refused for what is wrong with it, if that comes along.
    const bool refused = whole.state() == State::kRefused || cut.state() == State::kRefused;
    ZABD_ASSERT(refused || whole.state() == cut.state());
    if (whole.state() == State::kRefused) ZABD_ASSERT(whole.refusal().status >= 400);
    if (whole.state() != State::kComplete || cut.state() != State::kComplete) return 0;
    const auto one = whole.take();
    const auto other = cut.take();
    check(one);
    ZABD_ASSERT(one.method == other.method && one.path == other.path && one.query == other.query);
    ZABD_ASSERT(one.headers == other.headers && one.body == other.body);
    return 0;
}
