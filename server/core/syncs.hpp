// Who waits for a sync: that the leader still led at some moment after it was asked, and that all it had proposed by then
// has been applied here.
//
// Groups    one question is on its way at a time; who comes meanwhile joins the next one. So a lone sync is asked at once,
//           and many share a confirmation. Groups are numbered, and pass in that order.
// Members   connections of this server; on the leader also learners' forwarded syncs, by their link.
// Use       join(); while must_ask(), ask() and the question; settle() when its answer comes; pass() with what has been
//           applied.
#pragma once

#include "wire/ids.hpp"

#include <cstdint>
#include <deque>
#include <vector>

namespace zabd::core {

class Syncs {
public:
    using Group = std::uint64_t;

    Group join(ConnectionId connection);
    void join(LinkId link);
    /// Nobody needs to be asked: the connection waits for `bound` only. Bounds do not go back.
    Group join_settled(ConnectionId connection, Zxid bound);

    /// Somebody waits whom no question that is on its way serves.
    [[nodiscard]] bool must_ask() const { return asked_.number == 0 && next_.number != 0; }
    /// Answers a connection among its members, in whose name the question may be put; kNone if all are links.
    ConnectionId ask();
    /// The question has been answered: its group passes once `bound` is applied. Answers the links among its members, in
    /// their order. There is a question.
    std::vector<LinkId> settle(Zxid bound);
    [[nodiscard]] bool asking() const { return asked_.number != 0; }

    /// Connections of the next group that has passed, now that `applied` is; empty: none.
    std::vector<ConnectionId> pass(Zxid applied);
    [[nodiscard]] bool passed(Group group) const { return group <= passed_; }

    /// The leader is gone: nobody waits here any more.
    void clear();

private:
    struct Members {
        Group number = 0;  // 0: nobody
        Zxid bound;        // if settled
        std::vector<ConnectionId> connections;
        std::vector<LinkId> links;
    };
    Members& next();

    Members next_;
    Members asked_;
    std::deque<Members> settled_;
    Group given_ = 0;
    Group passed_ = 0;
};

}  // namespace zabd::core
