#include "tests/sim/checkers/order.hpp"

#include <fmt/format.h>

namespace zabd::sim {

void OrderChecker::on_client_reply(ClientId client, const Sent&, const wire::ReplyHeader& header, std::string_view) {
    if (header.xid == wire::kXidPing) return;
    auto& asked = asked_[client];
    if (asked.empty() || asked.front() != header.xid)
        violated("I-FIFO", fmt::format("client {} is answered xid {}, but {} is next", client, header.xid,
                                       asked.empty() ? 0 : asked.front()));
    asked.pop_front();
}

}  // namespace zabd::sim
