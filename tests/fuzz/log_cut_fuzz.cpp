// A log of several segments, appended to and truncated, then changed in any way, and opened: what it tells is a history
// made of what was written, reading says the same as the scan, and an unchanged one is what it was.
//
// Input     a byte (odd: checksums of batch headers are made to fit after the changes, so that the checks behind them are
//           reached), what is done to the log, then changes: a file, an offset, and what is written there.
#include "storage/crc32c.hpp"
#include "storage/log_segments.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/unit/storage/memory_file_system.hpp"
#include "wire/assert.hpp"
#include "wire/jute.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace zabd;
using namespace zabd::storage;

using Entry = std::pair<Zxid, std::string>;

struct Disk {
    MemoryFileSystem files;
    LogOptions options{.directory = "/log",
                       .segment_bytes = 4 * kBlockBytes,
                       .identity = 0x0123'4567'89ab'cdef,
                       .retain_bytes = 0,
                       .files = &files};
    std::vector<Entry> history;  // what the log holds
    std::vector<Entry> written;  // and ever held
};

Result<std::unique_ptr<LogSegments>> open_log(const Disk& disk, std::vector<Entry>& seen) {
    LogScan scan;
    return LogSegments::open(
        disk.options, Zxid{},
        [&](const LogRecord& record) { seen.emplace_back(record.zxid, std::string(record.txn.view())); }, scan);
}

void append(fuzz::Input& input, Disk& disk, LogSegments& log) {
    std::vector<LogRecord> records;
    auto zxid = log.zxid_last();
    for (auto count = input.below(4); count > 0; --count) {
        zxid = input.below(8) == 0 ? Zxid::of(zxid.epoch() + 1, 1) : Zxid{zxid.value + 1};
        const std::string txn(input.short_text());
        records.push_back({zxid, Bytes::copy_of(txn)});
        disk.history.emplace_back(zxid, txn);
        disk.written.emplace_back(zxid, txn);
    }
    ZABD_ASSERT(log.append(records));
}

void truncate(fuzz::Input& input, Disk& disk, LogSegments& log) {
    disk.history.resize(input.below(disk.history.size() + 1));
    ZABD_ASSERT(log.truncate(disk.history.empty() ? Zxid{} : disk.history.back().first));
}

void write_log(fuzz::Input& input, Disk& disk) {
    std::vector<Entry> nothing;
    const auto log = *open_log(disk, nothing);
    for (auto count = input.below(24); count > 0; --count) {
        if (!log->has_next()) log->adopt(*build_segment(disk.files, log->next_plan()));
        input.below(4) == 0 ? truncate(input, disk, *log) : append(input, disk, *log);
    }
}

/// True: something is not as it was.
bool change(fuzz::Input& input, Disk& disk) {
    const auto paths = disk.files.paths();
    const auto& path = paths[input.below(paths.size())];
    auto content = disk.files.content(path);
    const auto before = content;
    const auto at = input.number() % content.size();
    const auto bytes = input.short_text().substr(0, content.size() - at);
    content.replace(at, bytes.size(), bytes);
    disk.files.put(path, content);
    return content != before;
}

void put_checksums(Disk& disk) {
    for (const auto& path : disk.files.paths()) {
        auto content = disk.files.content(path);
        for (std::size_t block = kBlockBytes; block + kBatchHeaderBytes <= content.size(); block += kBlockBytes) {
            const auto crc = crc32c(std::string_view(content).substr(block + 8, kBatchHeaderBytes - 8));
            content.replace(block + 4, sizeof crc, wire::encoded(static_cast<std::int32_t>(crc)));
        }
        disk.files.put(path, content);
    }
}

void check(const Disk& disk, bool changed) {
    std::vector<Entry> seen;
    const auto log = open_log(disk, seen);
    if (!log) {
        ZABD_ASSERT(changed && log.error().code == Errc::kDamaged);
        return;
    }
    ZABD_ASSERT(changed || seen == disk.history);
    Zxid last;
    for (const auto& entry : seen) {
        ZABD_ASSERT(follows(last, entry.first));
        ZABD_ASSERT(std::ranges::find(disk.written, entry) != disk.written.end());
        last = entry.first;
    }
    ZABD_ASSERT((*log)->zxid_last() == last);
    const auto read = (*log)->read(Zxid{}, 1 << 20);
    ZABD_ASSERT(read && std::ranges::equal(*read, seen, [](const LogRecord& record, const Entry& entry) {
                    return record.zxid == entry.first && record.txn.view() == entry.second;
                }));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    Disk disk;
    const bool forged = input.byte() % 2 == 1;
    write_log(input, disk);
    check(disk, false);
    bool changed = false;
    for (auto count = input.below(4); count > 0; --count) changed |= change(input, disk);
    if (forged) put_checksums(disk);
    check(disk, changed || forged);
    return 0;
}
