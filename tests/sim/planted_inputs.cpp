#include "tests/sim/planted_inputs.hpp"

#include "wire/election.hpp"
#include "wire/requests.hpp"

#include <cstddef>
#include <map>
#include <utility>

namespace zabd::sim {

using wire::OpCode;

namespace {

std::string watches_set_anew(std::string frame) {
    constexpr std::size_t kHeaderBytes = 8;
    constexpr std::size_t kZxidBytes = 8;
    const auto header = wire::decoded<wire::RequestHeader>(frame);
    const bool sets = header && (header->op == OpCode::kSetWatches || header->op == OpCode::kSetWatches2);
    if (!sets || frame.size() < kHeaderBytes + kZxidBytes) return frame;
    frame.replace(kHeaderBytes, kZxidBytes, kZxidBytes, '\xff');
    frame[kHeaderBytes] = '\x7f';
    return frame;
}

}  // namespace

std::string frame_with_planted_bug(std::string_view frame, Planted planted) {
    if (planted.is(Bug::kWatchesSetAnew)) return watches_set_anew(std::string(frame));
    return std::string(frame);
}

std::string vote_with_planted_bug(std::string payload, ServerId self, Planted planted) {
    if (!planted.is(Bug::kVoteInflated)) return payload;
    auto notification = wire::decode_notification(payload);
    const bool own = notification && notification->leader == static_cast<std::int64_t>(self);
    if (!own || notification->zxid <= 0) return payload;
    notification->zxid += 10;
    return wire::encoded_notification(*notification);
}

zab::Membership membership_with_planted_bug(const zab::Membership& membership, ServerId self, Planted planted) {
    const bool own_heavy = planted.is(Bug::kQuorumOfOne) && membership.votes(self);
    if (!own_heavy) return membership;
    std::map<ServerId, std::int64_t> groups;
    for (const auto voter : membership.voters()) groups[voter] = 1;
    return zab::Membership(groups, {{self, static_cast<std::int64_t>(groups.size())}}, membership.observers());
}

}  // namespace zabd::sim
