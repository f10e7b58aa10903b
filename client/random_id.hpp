// Names that nobody else comes upon: 128 random bits as 32 hex digits.
#pragma once

#include <string>

namespace zabd::client {

std::string random_id();

}  // namespace zabd::client
