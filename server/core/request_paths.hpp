// Which nodes a request is about, for what is told of it.
#pragma once

#include "wire/opcodes.hpp"

#include <string_view>
#include <vector>

namespace zabd::core {

struct Touched {
    wire::OpCode op = wire::OpCode::kError;
    std::string_view path;  // borrowed from the request
};

/// The operation and its path; of a multi each one's. Empty: it is malformed. An operation without a path has an empty one.
[[nodiscard]] std::vector<Touched> touched_by(wire::OpCode op, std::string_view body);

}  // namespace zabd::core
