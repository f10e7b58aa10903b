// What a server sends to another one on a quorum link, packet by packet: seen by checkers, and by the bugs that are planted
// in it. Each link has one at each of its ends.
#pragma once

#include "tests/sim/planted_bugs.hpp"
#include "tests/sim/random.hpp"
#include "wire/packet_splitter.hpp"
#include "wire/quorum.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace zabd::sim {

class PacketTap {
public:
    struct Passed {
        std::string sent;
        std::string heard;  // planted: what the sender is made to believe that it was answered
    };
    /// `see` is told of each packet before a bug gets at it.
    Passed pass(std::string_view bytes, Planted planted, Random& random,
                const std::function<void(const wire::QuorumPacket&)>& see);

private:
    void plant(wire::QuorumPacket packet, Planted planted, Random& random, Passed& out);
    void plant_in_sync(wire::QuorumPacket packet, Bug bug, Passed& out);
    void plant_in_broadcast(wire::QuorumPacket packet, Bug bug, Random& random, Passed& out);
    void plant_in_requests(wire::QuorumPacket packet, Bug bug, Random& random, Passed& out);
    void swap_requests(wire::QuorumPacket packet, Random& random, Passed& out);
    void put_behind_sync(wire::QuorumPacket packet, Passed& out);

    wire::PacketSplitter splitter_{std::size_t{64} << 20};
    // Of the learner at the other end, if one is there.
    bool new_leader_sent_ = false;
    bool up_to_date_ = false;
    std::string held_;                                  // packets that go later
    int pings_ = 0;                                     // since something was held
    std::optional<wire::QuorumPacket> request_behind_;  // the next one
};

}  // namespace zabd::sim
