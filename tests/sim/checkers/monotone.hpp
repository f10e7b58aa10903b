// I-MONO: a client never sees a zxid below one that it has seen, whatever connection or session it came by.
#pragma once

#include "tests/sim/checkers/checker.hpp"

#include <map>

namespace zabd::sim {

class MonotoneChecker final : public Checker {
public:
    void on_client_reply(ClientId client, const Sent& sent, const wire::ReplyHeader& header,
                         std::string_view body) override;

private:
    std::map<ClientId, Zxid> seen_;
};

}  // namespace zabd::sim
