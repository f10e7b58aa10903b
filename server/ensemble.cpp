#include "server/ensemble.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace zabd::server {
namespace {

constexpr const char* kForm = "is not of the form host:port:port[:role][;[host:]clientPort]";
constexpr const char* kAnyAddress = "0.0.0.0";

int number_of(ServerId server) { return static_cast<int>(server); }

/// Takes the parts of a text one by one. The first failure stays.
class Parts {
public:
    explicit Parts(std::string_view text) : rest_(text) {}

    std::string host() {
        const bool bracketed = rest_.starts_with('[');
        const auto end = bracketed ? rest_.find(']') : std::min(rest_.find(':'), rest_.size());
        if (end == rest_.npos) return fail(), std::string();
        const std::string host(rest_.substr(bracketed, end - bracketed));
        rest_.remove_prefix(end + bracketed);
        if (host.empty()) fail();
        return host;
    }
    std::uint16_t port() {
        std::uint16_t port = 0;
        const auto part = next();
        const auto [stopped, code] = std::from_chars(part.data(), part.data() + part.size(), port);
        if (code != std::errc() || stopped != part.data() + part.size()) fail();
        return port;
    }
    void separator(char wanted) {
        if (!rest_.starts_with(wanted)) return fail();
        rest_.remove_prefix(1);
    }
    std::string_view next() {
        const auto part = rest_.substr(0, rest_.find(':'));
        rest_.remove_prefix(part.size());
        return part;
    }
    [[nodiscard]] bool more() const { return !rest_.empty(); }
    [[nodiscard]] bool finished() const { return good_ && rest_.empty(); }

private:
    void fail() { good_ = false; }

    std::string_view rest_;
    bool good_ = true;
};

std::string lowered(std::string_view text) {
    std::string lower(text);
    for (auto& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return lower;
}

Result<EnsembleServer> parse_peer_part(std::string_view text) {
    Parts parts{text};
    EnsembleServer server;
    server.host = parts.host();
    parts.separator(':');
    server.quorum_port = parts.port();
    parts.separator(':');
    server.election_port = parts.port();
    std::string role = "participant";
    if (parts.more()) parts.separator(':'), role = lowered(parts.next());
    server.observer = role == "observer";
    if (!parts.finished()) return failure(Errc::kBadConfig, kForm);
    if (!server.observer && role != "participant") {
        return failure(Errc::kBadConfig, "names a role that is neither participant nor observer");
    }
    if (server.quorum_port == 0 || server.election_port == 0) return failure(Errc::kBadConfig, "has a port 0");
    if (server.quorum_port == server.election_port) {
        return failure(Errc::kBadConfig, "has the same port for both purposes");
    }
    return server;
}

Result<Endpoint> parse_client_part(std::string_view text) {
    const bool port_only = text.find(':') == text.npos;
    Parts parts{text};
    Endpoint client{.host = port_only ? kAnyAddress : parts.host(), .port = 0};
    if (!port_only) parts.separator(':');
    client.port = parts.port();
    if (!parts.finished()) return failure(Errc::kBadConfig, kForm);
    return client;
}

std::string shown_host(const std::string& host) {
    return host.find(':') == host.npos ? host : fmt::format("[{}]", host);
}

std::string shown(const EnsembleServer& server) {
    auto text = fmt::format("{}:{}:{}:{}", shown_host(server.host), server.quorum_port, server.election_port,
                            server.observer ? "observer" : "participant");
    if (server.client) text += fmt::format(";{}:{}", shown_host(server.client->host), server.client->port);
    return text;
}

std::set<ServerId> servers_of_kind(const EnsembleLines& lines, bool observer) {
    std::set<ServerId> servers;
    for (const auto& [id, server] : lines.servers) {
        if (server.observer == observer) servers.insert(id);
    }
    return servers;
}

Result<void> check_groups(const EnsembleLines& lines, const std::map<ServerId, std::int64_t>& group_of_voter) {
    std::int64_t weight = 0;
    for (const auto& [server, group] : group_of_voter) {
        if (!lines.voters().contains(server)) {
            return failure(Errc::kBadConfig, fmt::format("group.{}: {} is no participant", group, number_of(server)));
        }
        const auto own = lines.weights.find(server);
        weight += own == lines.weights.end() ? 1 : own->second;
    }
    for (const auto voter : lines.voters()) {
        if (group_of_voter.contains(voter)) continue;
        return failure(Errc::kBadConfig, fmt::format("server.{} is in no group", number_of(voter)));
    }
    if (weight == 0) return failure(Errc::kBadConfig, "no server has any weight");
    return {};
}

}  // namespace

Result<EnsembleServer> parse_server(std::string_view text) {
    if (text.find('|') != text.npos) {
        return failure(Errc::kBadConfig, "names several addresses of one server, which zabd cannot use: leave one");
    }
    const auto semicolon = text.find(';');
    auto server = parse_peer_part(text.substr(0, semicolon));
    if (!server || semicolon == text.npos) return server;
    auto client = parse_client_part(text.substr(semicolon + 1));
    if (!client) return std::unexpected(client.error());
    server->client = std::move(*client);
    return server;
}

std::set<ServerId> EnsembleLines::voters() const { return servers_of_kind(*this, false); }
std::set<ServerId> EnsembleLines::observers() const { return servers_of_kind(*this, true); }

Result<zab::Membership> membership_of(const EnsembleLines& lines) {
    for (const auto& [server, weight] : lines.weights) {
        if (lines.servers.contains(server)) continue;
        return failure(Errc::kBadConfig,
                       fmt::format("weight.{0} is for a server that no line names", number_of(server)));
    }
    if (lines.groups.empty()) {
        if (!lines.weights.empty())
            return failure(Errc::kBadConfig, "weights count in groups only, and there are none");
        return zab::Membership(lines.voters(), lines.observers());
    }
    std::map<ServerId, std::int64_t> group_of_voter;
    for (const auto& [group, servers] : lines.groups) {
        for (const auto server : servers) {
            if (group_of_voter.emplace(server, group).second) continue;
            return failure(Errc::kBadConfig, fmt::format("server.{} is in two groups", number_of(server)));
        }
    }
    if (auto checked = check_groups(lines, group_of_voter); !checked) return std::unexpected(checked.error());
    return zab::Membership(group_of_voter, lines.weights, lines.observers());
}

std::string config_text_of(const EnsembleLines& lines) {
    std::string text;
    for (const auto& [id, server] : lines.servers) text += fmt::format("server.{}={}\n", number_of(id), shown(server));
    for (const auto& [group, servers] : lines.groups) {
        text += fmt::format("group.{}=", group);
        for (const auto server : servers) {
            text += fmt::format("{}{}", server == *servers.begin() ? "" : ":", number_of(server));
        }
        text += "\n";
    }
    for (const auto& [id, weight] : lines.weights) text += fmt::format("weight.{}={}\n", number_of(id), weight);
    return text + "version=0";
}

}  // namespace zabd::server
