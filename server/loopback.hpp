// Whether others than this machine can be meant.
#pragma once

#include <string_view>

namespace zabd::server {

/// localhost, 127.0.0.0/8 or ::1, also mapped into IPv6. Any other name is not, whatever it may resolve to.
[[nodiscard]] bool is_loopback(std::string_view address_or_name);
/// An IPv4 or IPv6 address rather than a name; without brackets.
[[nodiscard]] bool is_address(std::string_view text);

}  // namespace zabd::server
