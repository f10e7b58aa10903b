// What is in force, and why: every key that has an effect, with its value and where that comes from.
#pragma once

#include "server/config.hpp"

#include <map>
#include <string>
#include <vector>

namespace zabd::server {

/// A line that was taken: what a key was given, and where.
struct GivenValue {
    std::string value;
    std::string place;  // "zoo.cfg:12"
};
using GivenValues = std::map<std::string, GivenValue, std::less<>>;  // by the key, without "zookeeper."

/// In the order of docs/operations.md. Secrets are "***" where there is one, and empty where there is none.
[[nodiscard]] std::vector<Setting> settings_of(const Config& config, const GivenValues& given,
                                               const Overrides& overrides);

}  // namespace zabd::server
