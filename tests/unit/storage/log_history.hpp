// What tests of a log that is truncated have in common: histories, and a log that builds its next segment when it needs it.
#pragma once

#include "storage/log_segments.hpp"
#include "tests/unit/storage/memory_file_system.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace zabd::storage {

struct Entry {
    Zxid zxid;
    std::string txn;
    friend bool operator==(const Entry&, const Entry&) = default;
};
using History = std::vector<Entry>;

/// `salt` tells apart what is written at the same zxid before and after a cut.
inline History entries(Epoch epoch, Counter first, Counter last, const std::string& salt = "") {
    History history;
    for (auto counter = first; counter <= last; ++counter) {
        const auto zxid = Zxid::of(epoch, counter);
        history.push_back({zxid, salt + std::to_string(zxid.value) + std::string(counter * 97 % 700, 'a')});
    }
    return history;
}

inline std::vector<LogRecord> records_of(const History& history) {
    std::vector<LogRecord> records;
    for (const auto& entry : history) records.push_back({entry.zxid, Bytes::copy_of(entry.txn)});
    return records;
}

inline History history_of(const std::vector<LogRecord>& records) {
    History history;
    for (const auto& record : records) history.push_back({record.zxid, std::string(record.txn.view())});
    return history;
}

inline History operator+(History before, const History& after) {
    before.insert(before.end(), after.begin(), after.end());
    return before;
}

inline History up_to(const History& history, Zxid zxid) {
    History cut;
    std::ranges::copy_if(history, std::back_inserter(cut), [&](const Entry& entry) { return entry.zxid <= zxid; });
    return cut;
}

inline History behind(const History& history, Zxid zxid) {
    History rest;
    std::ranges::copy_if(history, std::back_inserter(rest), [&](const Entry& entry) { return entry.zxid > zxid; });
    return rest;
}

struct OpenedLog {
    std::unique_ptr<LogSegments> log;
    History seen;
    LogScan scan;
    Error error;
};

inline OpenedLog open_segments(const LogOptions& options, Zxid after = {}) {
    OpenedLog opened;
    auto log = LogSegments::open(
        options, after,
        [&](const LogRecord& record) {
            opened.seen.push_back({record.zxid, std::string(record.txn.view())});
        },
        opened.scan);
    if (log) {
        opened.log = std::move(*log);
    } else {
        opened.error = log.error();
    }
    return opened;
}

inline Result<void> build_next(LogSegments& log, FileSystem& files) {
    auto built = build_segment(files, log.next_plan());
    if (!built) return std::unexpected(built.error());
    log.adopt(std::move(*built));
    return {};
}

/// As one batch.
inline Result<void> append(LogSegments& log, FileSystem& files, const History& history) {
    const auto records = records_of(history);
    if (log.rolls_for(records) && !log.has_next()) {
        if (auto built = build_next(log, files); !built) return built;
    }
    return log.append(records);
}

inline Result<void> truncate(LogSegments& log, FileSystem& files, Zxid zxid) {
    if (log.rolls_for_truncate(zxid) && !log.has_next()) {
        if (auto built = build_next(log, files); !built) return built;
    }
    return log.truncate(zxid);
}

/// In batches of seven.
inline void fill(LogSegments& log, FileSystem& files, const History& history) {
    for (std::size_t n = 0; n < history.size(); n += 7) {
        const auto end = std::min(n + 7, history.size());
        REQUIRE(append(
            log, files,
            {history.begin() + static_cast<std::ptrdiff_t>(n), history.begin() + static_cast<std::ptrdiff_t>(end)}));
    }
}

}  // namespace zabd::storage
