// Runs a command to its end, and turns whatever becomes of it into an exit code and words.
#pragma once

#include "zabctl/command_line.hpp"
#include "zabctl/event_loop.hpp"

#include <exception>

namespace zabd::zabctl {

/// Prints the failure, if it fails. The exit code.
int run_invocation(EventLoop& loop, Context& context, const Invocation& invocation);

/// Of any exception.
[[nodiscard]] Failure failure_of(const std::exception_ptr& exception);

}  // namespace zabd::zabctl
