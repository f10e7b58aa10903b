// Names that nobody else comes upon: 128 random bits as 32 hex digits.
#pragma once

#include <string>

namespace zabd::recipes {

std::string random_id();

}  // namespace zabd::recipes
