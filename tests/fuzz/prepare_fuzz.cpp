// Any bytes as the bodies of writes, multis among them: each becomes a transaction that apply() takes, whatever is
// still in flight when it is prepared.
//
// Input     steps: a byte says who asks and whether the oldest in flight commits first, a byte the operation, then the
//           body with its length in two bytes.
#include "tests/fuzz/input.hpp"
#include "wire/assert.hpp"
#include "wire/opcodes.hpp"
#include "wire/txns.hpp"
#include "znode/apply.hpp"
#include "znode/prepare.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

namespace {

using namespace zabd;
using wire::OpCode;

constexpr OpCode kWrites[] = {OpCode::kCreate,    OpCode::kCreate2, OpCode::kCreateContainer,
                              OpCode::kCreateTtl, OpCode::kDelete,  OpCode::kSetData,
                              OpCode::kSetAcl,    OpCode::kMulti,   OpCode::kCloseSession};
constexpr std::size_t kSessions = 3;

class Server {
public:
    void step(fuzz::Input& input) {
        const auto how = input.byte();
        for (std::size_t commits = how / kSessions % 4; commits > 0 && !in_flight_.empty(); --commits) commit();
        prepare(kWrites[input.below(std::size(kWrites))], how % kSessions, input);
    }
    void finish() {
        while (!in_flight_.empty()) commit();
        state_.check_invariants();
        ZABD_ASSERT(preparer_.overlay().size() == 0);
    }

private:
    void prepare(OpCode op, std::size_t asker, fuzz::Input& input) {
        const auto body = input.text();
        ++zxid_.value;
        const znode::WriteContext context{static_cast<SessionId>(asker + 1), 1, zxid_, WallTime{1000},
                                          std::span(&identities_[asker], 1)};
        auto& txn = in_flight_.emplace_back();
        if (op == OpCode::kCloseSession) {
            preparer_.prepare_close_session(context, txn);
        } else {
            preparer_.prepare(op, body, context, txn);
        }
    }
    void commit() {
        wire::Decoder in(in_flight_.front());
        wire::TxnHeader header;
        wire::decode(in, header);
        ZABD_ASSERT(!in.failed());
        ZABD_ASSERT(znode::apply(header, in.rest(), state_, changes_));
        ZABD_ASSERT(header.type == OpCode::kMulti || changes_.results.size() == 1);
        ZABD_ASSERT(changes_.images.digest == 0 || changes_.images.digest == state_.tree.digest());
        preparer_.applied(header.zxid);
        in_flight_.pop_front();
    }

    znode::State state_;
    znode::Preparer preparer_{
        state_,
        {.extended_types = true, .enforce_quota = true, .txn_bytes_max = 4096, .ephemeral_bytes_per_session_max = 256}};
    const std::vector<wire::Id> identities_ = {{"super", ""}, {"digest", "bob:hash"}, {"ip", "127.0.0.1"}};
    znode::Changes changes_;
    std::deque<std::string> in_flight_;
    Zxid zxid_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    Server server;
    for (int steps = 0; steps < 200 && !input.empty(); ++steps) server.step(input);
    server.finish();
    return 0;
}
