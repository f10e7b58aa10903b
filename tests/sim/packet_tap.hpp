// What a server sends to another one on a quorum link, packet by packet: seen by checkers, and by the bugs that are planted
// in it. Each link has one.
#pragma once

#include "tests/sim/planted_bugs.hpp"
#include "tests/sim/random.hpp"
#include "wire/packet_splitter.hpp"
#include "wire/quorum.hpp"

#include <functional>
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

    wire::PacketSplitter splitter_{std::size_t{64} << 20};
    bool up_to_date_ = false;  // the learner at the other end has been told so
};

}  // namespace zabd::sim
