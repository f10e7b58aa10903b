#include "tests/sim/checkers/monotone.hpp"

#include <fmt/format.h>

namespace zabd::sim {

void MonotoneChecker::on_client_reply(ClientId client, const Sent&, const wire::ReplyHeader& header, std::string_view) {
    if (header.xid == wire::kXidPing) return;  // clients do not remember it
    auto& seen = seen_[client];
    if (header.zxid < seen)
        violated("I-MONO", fmt::format("client {} sees zxid {:#x} after {:#x}", client, header.zxid.value, seen.value));
    seen = header.zxid;
}

}  // namespace zabd::sim
