// What the operating system says of this process and machine.
#pragma once

#include "server/words.hpp"

namespace zabd::server {

/// As many descriptors as the hard limit allows.
void raise_descriptor_limit();
/// Memory of this process that is in RAM; 0: it cannot be told.
[[nodiscard]] std::uint64_t resident_bytes();
/// Fills in the descriptors. Lists them: not at every turn.
void count_descriptors(ServerFigures& figures);
[[nodiscard]] Environment environment();
/// Has the calling thread's heap give back to the system what it keeps free. Takes milliseconds when that is much.
void give_back_memory();

}  // namespace zabd::server
