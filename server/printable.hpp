// Foreign text in messages and logs: what it says cannot forge a line or command a terminal.
#pragma once

#include <string>
#include <string_view>

namespace zabd::server {

/// The text with everything but printable ASCII as \xHH, cut after 200 bytes.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace zabd::server
