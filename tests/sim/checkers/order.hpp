// I-FIFO: a client is answered in the order in which it asked. Pings overtake.
#pragma once

#include "tests/sim/checkers/checker.hpp"

#include <deque>
#include <map>

namespace zabd::sim {

class OrderChecker final : public Checker {
public:
    void on_client_sent(ClientId client, const Sent& sent) override { asked_[client].push_back(sent.xid); }
    void on_client_reply(ClientId client, const Sent& sent, const wire::ReplyHeader& header,
                         std::string_view body) override;
    void on_client_disconnected(ClientId client) override { asked_[client].clear(); }

private:
    std::map<ClientId, std::deque<Xid>> asked_;
};

}  // namespace zabd::sim
