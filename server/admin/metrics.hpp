// /metrics: what is counted, in Prometheus' text format.
#pragma once

#include "net/http.hpp"
#include "server/admin/services.hpp"

#include <boost/asio/awaitable.hpp>

namespace zabd::server::admin {

/// On the admin thread. No secrets, no paths, no names in it: labels are of fixed sets. `services` outlives the
/// coroutine.
[[nodiscard]] boost::asio::awaitable<net::HttpResponse> metrics_reply(Services& services);

}  // namespace zabd::server::admin
