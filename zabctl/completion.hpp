// What could stand in the place of the last word of a shell's line: a command, a flag of it, or a path.
#pragma once

#include "zabctl/context.hpp"
#include "zabctl/event_loop.hpp"
#include "zabctl/line_source.hpp"

#include <string_view>

namespace zabd::zabctl {

/// Asks the server for a path's siblings, and gives up after a second.
[[nodiscard]] Candidates complete(EventLoop& loop, Context& context, std::string_view line);

}  // namespace zabd::zabctl
