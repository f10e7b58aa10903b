#include "zabctl/version.hpp"

namespace zabd::zabctl {

std::string_view version() { return ZABD_VERSION; }

}  // namespace zabd::zabctl
