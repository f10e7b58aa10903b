#include "client/hosts.hpp"

#include <charconv>
#include <optional>

namespace zabd::client {
namespace {

Result<Host> parse_host(std::string_view text) {
    const auto refuse = [&](const char* why) {
        return failure(Errc::kBadConfig, "connection string: " + std::string(text) + " " + why);
    };
    Host host;
    std::string_view port;
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end == std::string_view::npos) return refuse("has no closing bracket");
        host.name = text.substr(1, end - 1);
        port = text.substr(end + 1);
        if (!port.empty() && port.front() != ':') return refuse("has something between its bracket and its port");
    } else {
        const auto colon = text.find(':');
        if (colon != text.rfind(':')) return refuse("is no host:port (an IPv6 address stands in brackets)");
        host.name = text.substr(0, colon);
        if (colon != std::string_view::npos) port = text.substr(colon);
    }
    if (host.name.empty()) return refuse("names no host");
    if (!port.empty()) {
        port.remove_prefix(1);
        const auto* end = port.data() + port.size();
        const auto [stop, error] = std::from_chars(port.data(), end, host.port);
        if (error != std::errc() || stop != end || host.port == 0) return refuse("has no port from 1 to 65535");
    }
    return host;
}

}  // namespace

Result<ConnectionString> ConnectionString::parse(std::string_view text) {
    ConnectionString parsed;
    const auto slash = text.find('/');
    auto hosts = text.substr(0, slash);
    if (slash != std::string_view::npos) parsed.chroot = text.substr(slash);
    if (parsed.chroot == "/") parsed.chroot.clear();
    if (parsed.chroot.ends_with('/') || parsed.chroot.find("//") != std::string::npos) {
        return failure(Errc::kBadConfig, "connection string: " + parsed.chroot + " is no path");
    }
    for (;;) {
        const auto comma = hosts.find(',');
        auto host = parse_host(hosts.substr(0, comma));
        if (!host) return std::unexpected(host.error());
        parsed.hosts.push_back(std::move(*host));
        if (comma == std::string_view::npos) return parsed;
        hosts.remove_prefix(comma + 1);
    }
}

}  // namespace zabd::client
