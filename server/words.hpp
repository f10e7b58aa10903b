// The four-letter words: their answers as texts in ZooKeeper's formats, so that existing monitors can read them.
//
// Pure      functions of what they are given.
// Counts    ZooKeeper's tree has a second root, with an empty path: node counts here are higher by one than the core's,
//           so that the numbers of two servers with the same content are the same.
// Units     times in ms; UTC.
#pragma once

#include "server/config.hpp"
#include "server/core/status.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::server {

/// Bytes behind the word that belong to it; nullopt: there is no such word.
[[nodiscard]] std::optional<std::size_t> word_argument_bytes(std::string_view word);
/// Whether it is to be answered; srvr always is. `enabled` may hold "*", which stands for all.
[[nodiscard]] bool word_enabled(std::string_view word, const std::set<std::string>& enabled);
[[nodiscard]] std::string not_enabled_text(std::string_view word);
/// Whether there is something to tell: while a member looks for a leader most words have no answer but the text below.
[[nodiscard]] bool word_answerable(std::string_view word, const core::Status& status);
[[nodiscard]] std::string not_serving_text();

/// In bytes; -1: there was none.
struct ProposalSizes {
    std::int64_t last = -1;
    std::int64_t min = -1;
    std::int64_t max = -1;
    void add(std::int64_t bytes) {
        last = bytes;
        min = min < 0 ? bytes : std::min(min, bytes);
        max = std::max(max, bytes);
    }
};

/// What is told of the process rather than of the state.
struct ServerFigures {
    std::uint64_t words_received = 0;  // since start or srst
    std::uint64_t words_sent = 0;
    std::uint64_t connections_rejected = 0;  // over a limit
    std::uint64_t checkpoint_bytes = 0;
    std::uint64_t log_bytes = 0;
    std::uint64_t syncs = 0;  // of the log
    std::uint64_t sync_us_sum = 0;
    std::uint64_t sync_us_max = 0;
    std::uint64_t sync_us_max_recent = 0;  // of the last second or two
    std::uint64_t sync_us_now = 0;         // for how long the one that is running has been; 0: none is
    std::uint64_t slow_syncs = 0;          // about how many took longer than Config::slow_sync
    Zxid zxid_durable{};                   // in the log
    Zxid zxid_checkpointed{};              // of the checkpoint on disk
    std::int64_t checkpoint_at = 0;        // wall ms: when it was written; 0: there is none
    bool disk_full = false;                // writes are refused once the log has no room left
    ProposalSizes proposals{};
    milliseconds part_held{0};  // for how long this server has led, if it leads
    std::uint64_t descriptors_open = 0;
    std::uint64_t descriptors_max = 0;
};

struct Environment {
    std::string host_name, os_name, os_arch, os_version, user_name, user_home, user_dir;
    std::uint64_t memory_free_mb = 0, memory_max_mb = 0, memory_total_mb = 0;
};

[[nodiscard]] std::string srvr_text(const core::Status& status, const ServerFigures& figures);
/// `asking` is the connection that the word came through: it sent one packet and is not read from any more.
[[nodiscard]] std::string stat_text(const core::Status& status, const ServerFigures& figures,
                                    const std::vector<core::ConnectionStatus>& connections, ConnectionId asking);
[[nodiscard]] std::string cons_text(const std::vector<core::ConnectionStatus>& connections, ConnectionId asking);
/// `voters`: how many the ensemble has.
[[nodiscard]] std::string mntr_text(const core::Status& status, const ServerFigures& figures, std::size_t voters = 1);
[[nodiscard]] std::string isro_text(const core::Status& status);
[[nodiscard]] std::string conf_text(const Config& config, const ServerFigures& figures);
[[nodiscard]] std::string envi_text(const Environment& environment);
[[nodiscard]] std::string dirs_text(const ServerFigures& figures);
/// `sessionless_timeout`: how long a connection may do without a session.
[[nodiscard]] std::string dump_text(const core::SessionsStatus& sessions,
                                    const std::vector<core::ConnectionStatus>& connections,
                                    milliseconds sessionless_timeout);
[[nodiscard]] std::string wchs_text(const core::WatchesStatus& watches);
[[nodiscard]] std::string wchc_text(const core::WatchesStatus& watches);
[[nodiscard]] std::string wchp_text(const core::WatchesStatus& watches);
[[nodiscard]] std::string hash_text(const std::vector<core::DigestSample>& samples);

}  // namespace zabd::server
