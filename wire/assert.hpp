// Stopping at once when our own reasoning has failed.
//
// ZABD_ASSERT is on in every build: it costs less than a wrong answer. It is never used on input from outside.
#pragma once

#include <string_view>

namespace zabd {

/// Writes `what` to standard error and aborts. For a broken invariant, or a disk that failed: nothing that happens
/// afterwards could be trusted.
[[noreturn]] void fatal(std::string_view what);

[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);

}  // namespace zabd

#define ZABD_ASSERT(condition) \
    (static_cast<bool>(condition) ? void(0) : ::zabd::assertion_failed(#condition, __FILE__, __LINE__))
