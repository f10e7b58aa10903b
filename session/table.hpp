// The sessions that are open, as the history of transactions says: replicated state.
//
// Mutators  called when a createSession or closeSession transaction is applied, and by recovery.
// Order     iteration is by ascending id: the same history gives the same output.
#pragma once

#include "wire/ids.hpp"
#include "wire/time.hpp"

#include <cstddef>
#include <map>
#include <set>

namespace zabd::session {

class Table {
public:
    /// `timeout` is what createSession said; a client may negotiate another one later, which is not replicated.
    /// The session is not open.
    void open(SessionId session, Millis timeout, bool zookeeper_password = false);
    /// Recovery: ids up to this one have been given, though none may be open any more.
    void restore_highest(SessionId session);
    /// A close of an unknown session is harmless.
    void close(SessionId session);

    /// Its password may be the one that ZooKeeper makes of its id.
    [[nodiscard]] bool has_zookeeper_password(SessionId session) const { return zookeeper_.contains(session); }
    [[nodiscard]] bool is_open(SessionId session) const { return timeouts_.contains(session); }
    [[nodiscard]] const std::map<SessionId, Millis>& all() const { return timeouts_; }
    [[nodiscard]] std::size_t size() const { return timeouts_.size(); }
    /// Highest id ever opened that the server has given, closed ones included; kNone at first. Ids are given above it.
    [[nodiscard]] SessionId highest_of(ServerId server) const;

private:
    std::map<SessionId, Millis> timeouts_;
    std::set<SessionId> zookeeper_;
    std::map<ServerId, SessionId> highest_;
};

}  // namespace zabd::session
