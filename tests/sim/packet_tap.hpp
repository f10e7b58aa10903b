// What one server sends to another on a quorum link, packet by packet: seen by checkers, and altered by planted bugs.
#pragma once

#include "tests/sim/planted_bugs.hpp"
#include "wire/packet_splitter.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace zabd::sim {

class PacketTap {
public:
    /// `see` may change the packet; false: it is not sent.
    template <class See>
    std::string pass(std::string_view bytes, const See& see) {
        std::string passed;
        splitter_.feed(bytes);
        while (auto packet = splitter_.next())
            if (see(*packet)) wire::encode(passed, *packet);
        return passed;
    }

private:
    wire::PacketSplitter splitter_{std::size_t{64} << 20};
};

}  // namespace zabd::sim
