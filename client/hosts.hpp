// The connection string: "a:2181,b,[::1]:2182/app" - servers, and the path under which all of the client's paths lie.
#pragma once

#include "wire/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::client {

inline constexpr std::uint16_t kDefaultPort = 2181;

struct Host {
    std::string name;  // host name or address, without brackets
    std::uint16_t port = kDefaultPort;
    friend bool operator==(const Host&, const Host&) = default;
};

struct ConnectionString {
    std::vector<Host> hosts;  // at least one
    std::string chroot;       // empty, or "/a/b"

    /// Errc::kBadConfig names the part that cannot be.
    static Result<ConnectionString> parse(std::string_view text);
};

}  // namespace zabd::client
