// From a request to the handler that may answer it.
#pragma once

#include "net/http.hpp"
#include "server/admin/access.hpp"
#include "server/admin/router.hpp"

#include <boost/asio/awaitable.hpp>

namespace zabd::server::admin {

/// Access first, then the route's handler; headers that every response has. `router` and `access` outlive it.
[[nodiscard]] boost::asio::awaitable<net::HttpResponse> dispatch(const Router& router, Access& access,
                                                                 net::HttpRequest request);

/// What every response has, where it does not say it itself: not to be kept, guessed at, framed, or told about.
void add_common_headers(net::HttpResponse& response);

}  // namespace zabd::server::admin
