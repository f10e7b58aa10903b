#include "net/http_parser.hpp"

#include "wire/assert.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <cctype>
#include <limits>

namespace zabd::net {
namespace {

namespace http = boost::beast::http;

std::string lowered(std::string_view text) {
    std::string lower{text};
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return lower;
}

HttpParser::Refusal refusal_of(const boost::beast::error_code& error) {
    if (error == http::error::header_limit) return {431, "the head of the request is too large"};
    if (error == http::error::body_limit) return {413, "the body of the request is too large"};
    if (error == http::error::bad_version) return {505, "HTTP/1.1 is spoken here"};
    if (error == http::error::bad_transfer_encoding) return {400, "Transfer-Encoding is not taken"};
    return {400, "not a request of HTTP/1.1"};
}

bool add_parameters(std::string_view query, std::multimap<std::string, std::string>& parameters) {
    while (!query.empty()) {
        const auto item = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(query.size(), item.size() + 1));
        if (item.empty()) continue;
        const auto equals = item.find('=');
        const auto name = percent_decoded(item.substr(0, equals), true);
        const auto value = percent_decoded(equals == item.npos ? "" : item.substr(equals + 1), true);
        if (!name || !value) return false;
        parameters.emplace(*name, *value);
    }
    return true;
}

int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_blank) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '%') {
            decoded.push_back(plus_is_blank && text[at] == '+' ? ' ' : text[at]);
            continue;
        }
        if (text.size() - at < 3) return std::nullopt;
        const int high = digit(text[at + 1]);
        const int low = digit(text[at + 2]);
        if (high < 0 || low < 0) return std::nullopt;
        decoded.push_back(static_cast<char>(high * 16 + low));
        at += 2;
    }
    return decoded;
}

std::optional<std::string> HttpRequest::parameter(std::string_view name) const {
    const auto [first, last] = query.equal_range(std::string(name));
    return first == last ? std::nullopt : std::optional(first->second);
}

std::string_view HttpRequest::header(std::string_view lower_case_name) const {
    const auto found = headers.find(std::string(lower_case_name));
    return found == headers.end() ? std::string_view{} : std::string_view{found->second};
}

struct HttpParser::Impl {
    http::request_parser<http::string_body> parser;
    std::string waiting;  // fed, but not taken by the parser yet: an unfinished line
};

HttpParser::HttpParser(Limits limits) : impl_(std::make_unique<Impl>()), limits_(limits) {
    ZABD_ASSERT(limits.head_bytes_max <= std::numeric_limits<std::uint32_t>::max());
    impl_->parser.header_limit(static_cast<std::uint32_t>(limits.head_bytes_max));
    impl_->parser.body_limit(limits.body_bytes_max);
}

HttpParser::~HttpParser() = default;

HttpParser::State HttpParser::refuse(unsigned status, std::string_view why) {
    refusal_ = {.status = status, .why = why};
    return state_ = State::kRefused;
}

HttpParser::State HttpParser::feed(std::string_view bytes) {
    auto& [parser, waiting] = *impl_;
    waiting.append(bytes);
    while (state_ == State::kHead || state_ == State::kBody) {
        boost::beast::error_code error;
        const auto taken = parser.put(boost::asio::buffer(waiting), error);
        waiting.erase(0, taken);
        if (error == http::error::need_more) {
            // The parser's own limit counts whole lines only.
            if (!parser.is_header_done() && waiting.size() > limits_.head_bytes_max) {
                return refuse(431, "the head of the request is too large");
            }
            if (taken == 0 || waiting.empty()) return state_;
            continue;
        }
        if (error) {
            const auto refusal = refusal_of(error);
            return refuse(refusal.status, refusal.why);
        }
        if (state_ == State::kHead && parser.is_header_done() && examine_head() == State::kRefused) return state_;
        if (parser.is_done()) {
            request_.body = std::move(parser.get().body());
            return state_ = State::kComplete;
        }
        if (waiting.empty()) return state_;
    }
    return state_;
}

HttpParser::State HttpParser::examine_head() {
    const auto& message = impl_->parser.get();
    for (const auto& field : message) {
        const auto name = lowered({field.name_string().data(), field.name_string().size()});
        const bool first = request_.headers.emplace(name, std::string(field.value())).second;
        if (!first) return refuse(400, "a header is given twice");
    }
    const std::string target{message.target()};
    request_.method = std::string(message.method_string());
    is_head_ = request_.method == "HEAD";
    takes_chunks_ = message.version() >= 11;
    if (request_.headers.contains("transfer-encoding")) return refuse(411, "a body needs Content-Length");
    if (takes_chunks_ && !request_.headers.contains("host")) return refuse(400, "there is no Host header");
    if (!target.starts_with('/') || target.find('#') != target.npos) return refuse(400, "the target is not a path");
    const auto question = target.find('?');
    const auto path = percent_decoded(std::string_view{target}.substr(0, question));
    if (!path || path->find('\0') != path->npos) return refuse(400, "the path is not well-formed");
    request_.path = *path;
    if (question != target.npos && !add_parameters(std::string_view{target}.substr(question + 1), request_.query)) {
        return refuse(400, "the query is not well-formed");
    }
    if (const auto expected = request_.header("expect"); !expected.empty()) {
        if (lowered(expected) != "100-continue") return refuse(417, "only 100-continue may be expected");
        continue_wanted_ = takes_chunks_;
    }
    return state_ = State::kBody;
}

HttpRequest HttpParser::take() {
    ZABD_ASSERT(state_ == State::kComplete);
    return std::move(request_);
}

}  // namespace zabd::net
