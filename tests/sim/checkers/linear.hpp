// I-LIN: writes, and what is read behind a sync, are linearizable. Transactions carry their place in the one order, so a
// direct check is exact: nothing that was asked after another thing was answered may come before it.
#pragma once

#include "tests/sim/checkers/checker.hpp"

#include <deque>
#include <map>

namespace zabd::sim {

class LinearChecker final : public Checker {
public:
    void on_client_sent(ClientId client, const Sent& sent) override;
    void on_client_reply(ClientId client, const Sent& sent, const wire::ReplyHeader& header,
                         std::string_view body) override;
    void on_client_disconnected(ClientId client) override { asked_[client].clear(); }

private:
    struct Asked {
        Xid xid = 0;
        Zxid answered{};  // the highest that any client had been answered a write with when this was asked
    };
    std::map<ClientId, std::deque<Asked>> asked_;
    Zxid answered_;
};

}  // namespace zabd::sim
