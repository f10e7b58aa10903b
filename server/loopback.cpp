#include "server/loopback.hpp"

#include "server/config_values.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <string>

namespace zabd::server {

bool is_loopback(std::string_view address_or_name) {
    if (equal_but_for_case("localhost", address_or_name)) return true;
    const std::string text{address_or_name};
    in_addr four{};
    if (::inet_pton(AF_INET, text.c_str(), &four) == 1) return ntohl(four.s_addr) >> 24 == 127;
    in6_addr six{};
    if (::inet_pton(AF_INET6, text.c_str(), &six) != 1) return false;
    const auto* bytes = six.s6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&six)) return bytes[12] == 127;
    return IN6_IS_ADDR_LOOPBACK(&six);
}

bool is_address(std::string_view text) {
    const std::string whole{text};
    in6_addr any{};  // large enough for both
    return ::inet_pton(AF_INET, whole.c_str(), &any) == 1 || ::inet_pton(AF_INET6, whole.c_str(), &any) == 1;
}

}  // namespace zabd::server
