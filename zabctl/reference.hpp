// The reference of all commands as Markdown, made of what they declare; docs/zabctl.md ends with it.
#pragma once

#include <string>

namespace zabd::zabctl {

[[nodiscard]] std::string markdown_reference();

}  // namespace zabd::zabctl
