#include "session/table.hpp"

#include "wire/assert.hpp"

#include <cstdint>

namespace zabd::session {
namespace {

std::uint64_t as_unsigned(SessionId session) { return static_cast<std::uint64_t>(session); }

ServerId server_of(SessionId session) { return ServerId{static_cast<std::uint8_t>(as_unsigned(session) >> 56)}; }

}  // namespace

void Table::open(SessionId session, Millis timeout, bool zookeeper_password) {
    ZABD_ASSERT(session != SessionId::kNone);
    const bool added = timeouts_.emplace(session, timeout).second;
    ZABD_ASSERT(added);
    if (zookeeper_password) zookeeper_.insert(session);
    restore_highest(session);
}

void Table::restore_highest(SessionId session) {
    auto& highest = highest_[server_of(session)];
    if (as_unsigned(session) > as_unsigned(highest)) highest = session;
}

SessionId Table::highest_of(ServerId server) const {
    const auto found = highest_.find(server);
    return found == highest_.end() ? SessionId::kNone : found->second;
}

void Table::close(SessionId session) {
    timeouts_.erase(session);
    zookeeper_.erase(session);
}

}  // namespace zabd::session
