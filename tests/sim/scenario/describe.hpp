// What servers say to each other and to clients, in words.
#pragma once

#include "tests/sim/workload.hpp"
#include "wire/ids.hpp"
#include "wire/quorum.hpp"
#include "wire/requests.hpp"

#include <map>
#include <string>
#include <string_view>

namespace zabd::sim::scenario {

/// Of sessions: their clients'.
using Names = std::map<SessionId, std::string>;

/// "epoch:counter"; "-" for unknown.
[[nodiscard]] std::string text_of(Zxid zxid);
[[nodiscard]] std::string text_of(wire::ErrorCode error);
[[nodiscard]] std::string text_of(SessionId session, const Names& names);
[[nodiscard]] std::string text_of_txn(std::string_view txn, const Names& names);
[[nodiscard]] std::string text_of(const wire::QuorumPacket& packet, const Names& names);
[[nodiscard]] std::string_view name_of(wire::PacketType type);
[[nodiscard]] std::string text_of(const wire::WatcherEvent& event);
/// Of what was asked and answered kOk.
[[nodiscard]] std::string text_of_reply(const ClientRequest& asked, std::string_view body);

}  // namespace zabd::sim::scenario
