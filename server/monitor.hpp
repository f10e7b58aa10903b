// The figures that monitors read, once for all who tell them: the word mntr, /commands/monitor, /metrics.
//
// Names     ZooKeeper's, without the "zk_" that mntr puts before them; what only zabd has begins with "zabd_".
// Pure      functions of what they are given.
#pragma once

#include "server/words.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace zabd::server {

struct Figure {
    std::string_view name;  // of static storage
    std::variant<std::int64_t, std::uint64_t, double, std::string> value;
};

/// `voters`: how many the ensemble has. Averages have at most four decimals.
[[nodiscard]] std::vector<Figure> monitor_figures(const core::Status& status, const ServerFigures& figures,
                                                  std::size_t voters);

/// "leader", "standalone", ...
[[nodiscard]] std::string_view state_name(core::ServerState state);
/// As cons shows a client's last operation: "GETD"; "NA" where it has no name.
[[nodiscard]] std::string_view operation_name(wire::OpCode operation);
/// sum / count, 0 of nothing, rounded to four decimals.
[[nodiscard]] double average(std::uint64_t sum, std::uint64_t count);
/// An average as text, with at least one decimal: "0.0", "11.4", "0.3333".
[[nodiscard]] std::string decimal(double average);

}  // namespace zabd::server
