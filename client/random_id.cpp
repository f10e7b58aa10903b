#include "client/random_id.hpp"

#include <random>

namespace zabd::client {

std::string random_id() {
    constexpr char kDigits[] = "0123456789abcdef";
    std::random_device random;
    std::string id;
    for (int word = 0; word < 4; ++word)
        for (auto bits = random(), left = 8u; left > 0; --left, bits >>= 4) id += kDigits[bits & 15];
    return id;
}

}  // namespace zabd::client
