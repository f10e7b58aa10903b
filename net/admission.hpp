// Who may connect: limits per address and in total.
#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>

namespace zabd::net {

class Admission {
public:
    struct Limits {
        std::size_t per_address_max = 0;  // 0: none
        std::size_t total_max = 0;        // 0: none
    };
    explicit Admission(const Limits& limits) : limits_(limits) {}

    /// Counts a connection, unless that would be one too many.
    [[nodiscard]] bool enter(const std::string& address);
    /// One that entered is gone.
    void leave(const std::string& address);
    [[nodiscard]] std::size_t total() const { return total_; }

private:
    Limits limits_;
    std::size_t total_ = 0;
    std::unordered_map<std::string, std::size_t> by_address_;
};

}  // namespace zabd::net
