// The text of openapi.json, which the build puts into the program.
#pragma once

#include <string_view>

namespace zabd::server::admin {

/// Static.
[[nodiscard]] std::string_view openapi_json();

}  // namespace zabd::server::admin
