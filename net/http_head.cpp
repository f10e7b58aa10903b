#include "net/http_session.hpp"

#include <algorithm>
#include <ctime>
#include <iterator>
#include <map>

namespace zabd::net {
namespace {

std::string_view reason(unsigned status) {
    static const std::map<unsigned, std::string_view> kReasons{
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };
    const auto found = kReasons.find(status);
    return found == kReasons.end() ? "Status" : found->second;
}

/// In English whatever the locale.
std::string http_date() {
    static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto now = std::time(nullptr);
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    std::array<char, 32> rest{};
    const auto two = [](int value) { return (value < 10 ? "0" : "") + std::to_string(value); };
    std::strftime(rest.data(), rest.size(), "%Y %H:%M:%S GMT", &utc);
    return std::string(kDays[utc.tm_wday]) + ", " + two(utc.tm_mday) + " " + kMonths[utc.tm_mon] + " " + rest.data();
}

bool is_text(std::string_view value) {
    return std::ranges::none_of(value, [](unsigned char c) { return (c < ' ' && c != '\t') || c == 0x7f; });
}

bool is_name(std::string_view name) {
    return !name.empty() &&
           std::ranges::none_of(name, [](unsigned char c) { return c <= ' ' || c >= 0x7f || c == ':'; });
}

}  // namespace

bool http_headers_sound(const HttpResponse& response) {
    return is_text(response.content_type) && std::ranges::all_of(response.headers, [](const auto& header) {
               return is_name(header.first) && is_text(header.second);
           });
}

std::string http_head(const HttpResponse& response, std::optional<std::size_t> length, bool chunked) {
    std::string head = "HTTP/1.1 " + std::to_string(response.status) + " ";
    head.append(reason(response.status)).append("\r\nDate: ").append(http_date());
    head += "\r\nConnection: close\r\n";
    if (!response.content_type.empty()) head += "Content-Type: " + response.content_type + "\r\n";
    if (length) head += "Content-Length: " + std::to_string(*length) + "\r\n";
    if (chunked) head += "Transfer-Encoding: chunked\r\n";
    for (const auto& [name, value] : response.headers) head.append(name).append(": ").append(value).append("\r\n");
    return head + "\r\n";
}

}  // namespace zabd::net
