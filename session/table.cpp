#include "session/table.hpp"

#include "wire/assert.hpp"

#include <cstdint>

namespace zabd::session {
namespace {

std::uint64_t as_unsigned(SessionId session) { return static_cast<std::uint64_t>(session); }

}  // namespace

void Table::open(SessionId session, Millis timeout) {
    ZABD_ASSERT(session != SessionId::kNone);
    const bool added = timeouts_.emplace(session, timeout).second;
    ZABD_ASSERT(added);
    restore_highest(session);
}

void Table::restore_highest(SessionId session) {
    if (as_unsigned(session) > as_unsigned(highest_)) highest_ = session;
}

void Table::close(SessionId session) { timeouts_.erase(session); }

}  // namespace zabd::session
