// What the operating system says of this process and machine.
#pragma once

#include "server/words.hpp"

namespace zabd::server {

/// As many descriptors as the hard limit allows.
void raise_descriptor_limit();
/// Fills in the descriptors.
void count_descriptors(ServerFigures& figures);
[[nodiscard]] Environment environment();
/// Has the calling thread's heap give back to the system what it keeps free. Takes milliseconds when that is much.
void give_back_memory();

}  // namespace zabd::server
