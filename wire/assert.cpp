#include "wire/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace zabd {

void fatal(std::string_view what) {
    std::fprintf(stderr, "fatal: %.*s\n", static_cast<int>(what.size()), what.data());
    std::abort();
}

void assertion_failed(const char* condition, const char* file, int line) {
    std::fprintf(stderr, "fatal: %s:%d: assertion failed: %s\n", file, line, condition);
    std::abort();
}

}  // namespace zabd
