// Who changed what, one JSON object a line: audit.log, and audit.1.log ... which it was before.
//
// Record    {"time", "session", "user", "address", "operation", "path", "result", "error", "zxid"}; operations and
//           results by ZooKeeper's names: docs/monitoring.md.
// Threads   write() from any: it hands over and returns. A thread of its own makes the lines and writes them.
//           search() is for a thread that may wait for a disk.
// Bounds    kWaitingMax records wait, of kWaitingBytesMax; paths and users are cut (then "cut":true). What comes
//           beyond is dropped, counted, and told by a record of its own ("operation":"recordsDropped", "dropped":n)
//           and in the server's log. File sizes and their number by AuditConfig.
// Order     as written. A record reaches the file soon after the reply that it tells of, not before; a crash loses
//           the last.
// Errors    a file that cannot be written drops the record in the same way, and is tried again with the next.
// Injection no text of a client makes a line, or anything else than a JSON string in ASCII.
#pragma once

#include "server/config.hpp"
#include "server/core/core.hpp"

#include <nlohmann/json_fwd.hpp>

#include <atomic>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zabd::server::admin {

/// "2026-11-23T08:15:00.123Z": in order as text, up to the year 9999.
[[nodiscard]] std::string audit_time(WallTime time);
/// "token:operator", as Caller::user has it, in its two parts.
[[nodiscard]] wire::Id identity_of(std::string_view user);
/// As it is in the file, with its end.
[[nodiscard]] std::string audit_line(const core::Audited& audited);
/// For how many records there was no room.
[[nodiscard]] std::string dropped_line(std::uint64_t count, WallTime time);

/// All that is given must hold.
struct AuditQuery {
    std::string user{};     // one of the identities, "digest:ben", or a part of it behind the colon: "ben"
    std::string session{};  // "0x1a2b"
    std::string path{};     // it, and what is below it
    std::string operation{};
    std::string result{};
    std::int64_t since_ms = 0;  // wall
    std::size_t limit = 100;
    std::string cursor{};             // AuditFound::next of the answer before; empty: from the newest
    std::size_t bytes_max = 4 << 20;  // of files looked at
};
struct AuditFound {
    std::vector<nlohmann::json> records;  // newest first
    std::string next;                     // empty: that was all
    bool cursor_bad = false;              // not one of ours
};

class AuditLog {
public:
    static constexpr std::size_t kWaitingMax = 65'536;
    static constexpr std::size_t kWaitingBytesMax = 32 << 20;
    static constexpr std::size_t kSessionsNamedMax = 32;

    /// If it is enabled; else all that is written is ignored. Errc::kIo: the file cannot be opened, and why.
    static Result<std::unique_ptr<AuditLog>> open(const Config& config);
    /// Writes what waits.
    ~AuditLog();
    AuditLog(const AuditLog&) = delete;
    AuditLog& operator=(const AuditLog&) = delete;

    [[nodiscard]] bool enabled() const { return worker_ != nullptr; }
    void write(core::Audited audited);
    /// What that session does is `user`'s, besides the identities that it has. The newest kSessionsNamedMax are known.
    void name_session(SessionId session, std::string_view user);

    /// Since start.
    [[nodiscard]] std::uint64_t written_count() const;
    [[nodiscard]] std::uint64_t dropped_count() const;

    /// Over the current file and those it was before. Lines that are not ours are passed over.
    [[nodiscard]] AuditFound search(const AuditQuery& query) const;

private:
    class Worker;
    explicit AuditLog(AuditConfig config);

    AuditConfig config_;
    std::unique_ptr<Worker> worker_;
    std::mutex named_mutex_;
    std::deque<std::pair<SessionId, wire::Id>> named_;
};

}  // namespace zabd::server::admin
