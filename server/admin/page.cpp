// The web page: static files, for everybody who can reach the port. They hold nothing of the server's; the API, which
// they call, asks for credentials.

#include "server/admin/page_files.hpp"
#include "server/admin/reply.hpp"
#include "server/admin/services.hpp"

#include <boost/asio/awaitable.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace zabd::server::admin {
namespace {

namespace asio = boost::asio;

// Nothing runs but our own files, nothing is fetched but from here, and nobody frames the page: should a znode's text
// ever get into the page as markup, it would do nothing.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

std::string_view type_of(std::string_view name) {
    if (name.ends_with(".html")) return "text/html; charset=utf-8";
    if (name.ends_with(".css")) return "text/css; charset=utf-8";
    if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
    return "image/svg+xml";
}

net::HttpResponse file_reply(std::string_view name) {
    const auto files = page_files();
    const auto file = std::ranges::find(files, name, &PageFile::name);
    if (file == files.end()) return error_reply(404, "NotFound", "the page has no such file");
    net::HttpResponse response;
    response.content_type = type_of(name);
    response.body = file->content;
    response.headers.emplace_back("Content-Security-Policy", kPolicy);
    response.headers.emplace_back("Referrer-Policy", "no-referrer");
    response.headers.emplace_back("Cross-Origin-Opener-Policy", "same-origin");
    response.headers.emplace_back("Cross-Origin-Resource-Policy", "same-origin");
    return response;
}

asio::awaitable<net::HttpResponse> start_page(Call) { co_return file_reply("index.html"); }

asio::awaitable<net::HttpResponse> page_file(Call call) { co_return file_reply(call.rest); }

}  // namespace

void add_page_routes(Router& router, Services&) {
    router.add({.method = "GET", .pattern = "/", .needs = Role::kNobody, .handler = start_page});
    router.add({.method = "GET", .pattern = "/ui/*", .needs = Role::kNobody, .handler = page_file});
}

}  // namespace zabd::server::admin
