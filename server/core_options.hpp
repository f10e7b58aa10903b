// What the core is told at its making, from the configuration.
#pragma once

#include "server/config.hpp"
#include "server/core/options.hpp"

namespace zabd::server {

[[nodiscard]] core::Options core_options(const Config& config, WallTime start);

}  // namespace zabd::server
