// What the handlers of sessions, connections and watches share.
//
// Effects   none. Threads: any.
#pragma once

#include "server/admin/router.hpp"
#include "server/admin/services.hpp"
#include "wire/ids.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace zabd::server::admin {

/// "0x1a2b", at most 16 digits; nullopt: something else.
[[nodiscard]] std::optional<std::uint64_t> parse_hex(std::string_view text);

/// What a watch is told of: "data", "child", "persistent", "recursive".
[[nodiscard]] std::string_view name_of(znode::WatchKind kind);

void add_watch_routes(Router& router, Services& services);  // watches.cpp

}  // namespace zabd::server::admin
