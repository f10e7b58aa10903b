// Which zabctl this is.
#pragma once

#include <string_view>

namespace zabd::zabctl {

[[nodiscard]] std::string_view version();  // "0.1.0"

}  // namespace zabd::zabctl
