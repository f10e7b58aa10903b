// What was measured as JSON. Units are in the keys; null is what is not known; "ok" is false if a request was refused.
#pragma once

#include "tests/bench/connections.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>

namespace zabd::bench {

using Json = nlohmann::ordered_json;

void add_latency(Json& json, const Histogram& latency);
Json report(const Outcome& outcome, std::optional<std::uint64_t> rss_before, std::optional<std::uint64_t> rss_after);
Json report(const IdleOutcome& outcome, std::size_t sessions);

}  // namespace zabd::bench
