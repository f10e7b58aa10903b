// The ensemble as zoo.cfg tells it: who belongs to it, where each server listens, whose vote counts for how much.
//
// Errors    Errc::kBadConfig; the text goes on behind what it is about.
#pragma once

#include "server/core/options.hpp"
#include "wire/ids.hpp"
#include "wire/result.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace zabd::server {

inline constexpr int kServerNumberMin = 1;
inline constexpr int kServerNumberMax = 254;  // it is the top byte of session ids, and TTL nodes need 255

struct Endpoint {
    std::string host;
    std::uint16_t port = 0;
};

struct EnsembleServer {
    std::string host;  // of the two ports on which servers talk to each other
    std::uint16_t quorum_port = 0;
    std::uint16_t election_port = 0;
    bool observer = false;
    std::optional<Endpoint> client;  // 0.0.0.0 where only a port was given
};

/// host:quorumPort:electionPort[:role][;[clientHost:]clientPort]; IPv6 addresses in brackets.
Result<EnsembleServer> parse_server(std::string_view text);

/// The lines server.N, group.N and weight.N.
struct EnsembleLines {
    std::map<ServerId, EnsembleServer> servers;
    std::map<std::int64_t, std::set<ServerId>> groups;
    std::map<ServerId, std::int64_t> weights;

    [[nodiscard]] std::set<ServerId> voters() const;
    [[nodiscard]] std::set<ServerId> observers() const;
};

/// What the lines say about votes, checked.
Result<zab::Membership> membership_of(const EnsembleLines& lines);
/// In the form in which servers tell it to each other and to clients: one line each, then the version, which is 0.
[[nodiscard]] std::string config_text_of(const EnsembleLines& lines);

struct Ensemble {
    ServerId self{};
    std::map<ServerId, EnsembleServer> servers;
    zab::Membership membership;
    std::string config_text;
    int init_limit = 0;              // ticks
    int sync_limit = 0;              // ticks
    bool listen_on_all_ips = false;  // with the quorum and election ports

    [[nodiscard]] const EnsembleServer& own() const { return servers.at(self); }
};

}  // namespace zabd::server
