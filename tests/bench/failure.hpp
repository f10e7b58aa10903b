// Why a run cannot go on. A load generator can do nothing about a lost server or a refused descriptor but say so and
// end, so these are exceptions, caught in main and nowhere else.
#pragma once

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace zabd::bench {

struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Throws with errno's text behind `what`.
[[noreturn]] inline void fail_with_errno(const std::string& what) { throw Failure(what + ": " + std::strerror(errno)); }

}  // namespace zabd::bench
