#include "storage/log_segments.hpp"

#include "tests/unit/storage/memory_file_system.hpp"

#include <catch2/catch.hpp>

#include <limits>
#include <random>
#include <string>
#include <vector>

using namespace zabd;
using namespace zabd::storage;
using Catch::Matchers::Contains;

namespace {

const std::filesystem::path kDirectory = "/log";
constexpr std::uint64_t kIdentity = 42;

LogOptions options_for(MemoryFileSystem& files, std::size_t segment_bytes = 32 << 10) {
    return {.directory = kDirectory,
            .segment_bytes = segment_bytes,
            .identity = kIdentity,
            .retain_bytes = 0,
            .files = &files};
}

std::string txn_of(Zxid zxid) { return std::string(zxid.counter() % 700, 'a') + std::to_string(zxid.value); }

std::vector<LogRecord> records(Counter first, Counter last, Epoch epoch = 0) {
    std::vector<LogRecord> all;
    for (auto counter = first; counter <= last; ++counter) {
        const auto zxid = Zxid::of(epoch, counter);
        all.push_back({zxid, Bytes::copy_of(txn_of(zxid))});
    }
    return all;
}

struct Opened {
    std::unique_ptr<LogSegments> log;
    std::vector<LogRecord> seen;
    LogScan scan;
    Error error;
};

Opened open_log(const LogOptions& options, Zxid after = {}) {
    Opened opened;
    auto log = LogSegments::open(
        options, after, [&](LogRecord record) { opened.seen.push_back(record); }, opened.scan);
    if (log) {
        opened.log = std::move(*log);
    } else {
        opened.error = log.error();
    }
    return opened;
}

void check_records(const std::vector<LogRecord>& seen, Counter first, Counter last) {
    REQUIRE(seen.size() == last - first + 1);
    for (const auto& record : seen) {
        REQUIRE(record.zxid == Zxid::of(0, first++));
        REQUIRE(record.txn.view() == txn_of(record.zxid));
    }
}

/// As the writer does, but that the next segment is built when it is needed.
Result<void> append(LogSegments& log, MemoryFileSystem& files, const std::vector<LogRecord>& records) {
    if (log.rolls_for(records) && !log.has_next()) {
        auto built = build_segment(files, log.next_plan());
        if (!built) return std::unexpected(built.error());
        log.adopt(std::move(*built));
    }
    return log.append(records);
}

/// Batches of seven, up to `last`.
void fill(LogSegments& log, MemoryFileSystem& files, Counter first, Counter last) {
    for (auto from = first; from <= last; from += 7)
        REQUIRE(append(log, files, records(from, std::min(from + 6, last))));
}

}  // namespace

TEST_CASE("a log goes on where it ended, across segments", "[storage][log]") {
    MemoryFileSystem files;
    const auto options = options_for(files);
    fill(*open_log(options).log, files, 1, 140);
    CHECK(files.paths().size() > 2);
    auto again = open_log(options);
    REQUIRE(again.log);
    check_records(again.seen, 1, 140);
    CHECK(again.scan.zxid_last == Zxid::of(0, 140));
    fill(*again.log, files, 141, 200);
    check_records(open_log(options).seen, 1, 200);
    check_records(open_log(options, Zxid::of(0, 160)).seen, 161, 200);
}

TEST_CASE("an epoch's first zxid follows the last of the epoch before", "[storage][log]") {
    MemoryFileSystem files;
    const auto options = options_for(files);
    {
        const auto opened = open_log(options);
        REQUIRE(opened.log->append(records(1, 3)));
        REQUIRE(append(*opened.log, files, records(1, 2, 5)));
    }
    const auto again = open_log(options, Zxid::of(0, 2));
    REQUIRE(again.seen.size() == 3);
    CHECK(again.seen.back().zxid == Zxid::of(5, 2));
}

TEST_CASE("a record longer than a segment is kept whole", "[storage][log]") {
    MemoryFileSystem files;
    const auto options = options_for(files, 16 << 10);
    const std::string big(200'000, 'b');
    const auto opened = open_log(options);
    REQUIRE(opened.log->append(records(1, 1)));
    REQUIRE(append(*opened.log, files, {{Zxid::of(0, 2), Bytes::copy_of(big)}}));
    REQUIRE(append(*opened.log, files, records(3, 3)));
    const auto again = open_log(options);
    REQUIRE(again.seen.size() == 3);
    CHECK(again.seen[1].txn.view() == big);
}

TEST_CASE("a torn tail is cut durably", "[storage][log]") {
    MemoryFileSystem files;
    const auto options = options_for(files);
    fill(*open_log(options).log, files, 1, 7);
    const auto path = kDirectory / segment_name(1);
    const auto whole = files.content(path);
    REQUIRE(open_log(options).log->append(records(8, 20)));
    auto torn = files.content(path);
    torn[torn.find_last_not_of('\0')] ^= 1;
    files.put(path, torn);

    const auto cut = open_log(options);
    check_records(cut.seen, 1, 7);
    CHECK(cut.scan.torn_bytes > 0);
    CHECK(files.content(path) == whole);
    CHECK(open_log(options).scan.torn_bytes == 0);
}

TEST_CASE("S-06: damage in an older segment is told with file and offset, and nothing is changed", "[storage][log]") {
    MemoryFileSystem files;
    const auto options = options_for(files);
    fill(*open_log(options).log, files, 1, 140);
    const auto path = kDirectory / segment_name(1);
    auto content = files.content(path);

    SECTION("a flipped bit within") {
        content[kBlockBytes + 100] ^= 1;  // in the batch's second record
        files.put(path, content);
        const auto calls = files.calls;
        const auto opened = open_log(options);
        CHECK(opened.error.code == Errc::kDamaged);
        CHECK_THAT(opened.error.where,
                   Contains(path.string() + ": damaged at byte " + std::to_string(kBlockBytes + 82)));
        CHECK(files.calls == calls);
    }
    SECTION("its last batch is gone, and only the next segment knows") {
        std::uint64_t last = 0;
        for (auto offset = kBlockBytes; offset < content.size(); offset += kBlockBytes) {
            if (decode_batch_header(content, {kIdentity, 1}, offset)) last = offset;
        }
        content.replace(last, content.size() - last, content.size() - last, '\0');
        files.put(path, content);
        const auto opened = open_log(options);
        CHECK_THAT(opened.error.where, Contains(path.string() + ": damaged at byte " + std::to_string(last)));
    }
    SECTION("the whole file is gone") {
        REQUIRE(files.paths().size() > 2);
        REQUIRE(files.remove(kDirectory / segment_name(2)));
        CHECK_THAT(open_log(options).error.where, Contains(segment_name(2) + " is missing"));
    }
}

TEST_CASE("S-12: a log that does not reach the checkpoint is damage", "[storage][log]") {
    MemoryFileSystem files;
    const auto options = options_for(files);
    SECTION("it is gone") {
        CHECK(open_log(options, Zxid::of(0, 3)).error.code == Errc::kDamaged);
        CHECK(files.paths().empty());
    }
    SECTION("it ends before") {
        fill(*open_log(options).log, files, 1, 7);
        const auto opened = open_log(options, Zxid::of(0, 8));
        CHECK(opened.error.code == Errc::kDamaged);
        CHECK_THAT(opened.error.where, Contains("ends at zxid 0x0:00000007") && Contains("0x0:00000008"));
    }
    SECTION("it begins behind") {
        const auto log = std::move(open_log(options).log);
        fill(*log, files, 1, 70);
        for (const auto& path : log->release_through(Zxid::of(0, 70))) REQUIRE(files.remove(path));
        const auto spares = files.paths();
        for (std::size_t n = 0; n + 1 < spares.size(); ++n) REQUIRE(files.remove(spares[n]));
        for (const auto after : {Zxid::of(0, 3), Zxid{}}) {
            const auto opened = open_log(options, after);
            CHECK_THAT(opened.error.where, Contains("begins behind zxid"));
            CHECK(opened.seen.empty());
        }
        CHECK(open_log(options, Zxid::of(0, 70)).log);
    }
    SECTION("it skips it") {
        fill(*open_log(options).log, files, 1, 7);
        REQUIRE(open_log(options).log->append(records(1, 1, 2)));
        const auto opened = open_log(options, Zxid::of(1, 1));
        CHECK_THAT(opened.error.where, Contains("has no zxid 0x1:00000001"));
        CHECK(opened.seen.empty());
    }
}

// (1) A batch that does not fit goes into the next segment, as its first. (2) The power goes: its header is on the disk,
// its records are not. (3) After the start a smaller batch fits into the segment before. The header must not be taken for
// a witness against it.
TEST_CASE("S-07: a batch torn at the begin of a segment says nothing of what comes before it later", "[storage][log]") {
    MemoryFileSystem files;
    const auto options = options_for(files);
    {
        const auto opened = open_log(options);
        fill(*opened.log, files, 1, 7);
        REQUIRE(append(*opened.log, files, records(8, 8)));
        REQUIRE(append(*opened.log, files, {{Zxid::of(0, 9), Bytes::copy_of(std::string(24 << 10, 'x'))}}));
    }
    const auto last = files.paths().back();
    auto content = files.content(last);
    content.resize(kBlockBytes + kBatchHeaderBytes);
    content.resize(options.segment_bytes);
    files.put(last, content);

    Counter next = 9;
    {
        const auto again = open_log(options);
        REQUIRE(again.scan.zxid_last == Zxid::of(0, 8));
        REQUIRE_FALSE(again.log->rolls_for(records(next, next)));
        REQUIRE(again.log->append(records(next, next)));
    }
    const auto opened = open_log(options);
    INFO(opened.error.where);
    REQUIRE(opened.log);
    check_records(opened.seen, 1, next);
}

TEST_CASE("S-15: a log that cannot be read is an error, and nothing is changed", "[storage][log]") {
    MemoryFileSystem files;
    const auto options = options_for(files);
    fill(*open_log(options).log, files, 1, 140);
    const auto calls = files.calls;
    files.reads_fail = true;
    CHECK(open_log(options).error.code == Errc::kIo);
    CHECK(files.calls == calls);
    files.reads_fail = false;
    check_records(open_log(options).seen, 1, 140);
}

TEST_CASE("S-13: released segments go oldest first, and the last record always stays", "[storage][log]") {
    MemoryFileSystem files;
    const auto options = options_for(files);
    const auto log = std::move(open_log(options).log);
    fill(*log, files, 1, 350);
    const auto before = files.paths().size();
    REQUIRE(before == 8);
    CHECK(log->release_through(Zxid{}).empty());
    const auto dropped = log->release_through(Zxid::of(0, 300));
    REQUIRE(drop_segments(files, dropped));
    REQUIRE(dropped.size() == 2);  // and four are kept to be recycled
    CHECK(std::is_sorted(dropped.begin(), dropped.end()));
    CHECK(open_log(options, Zxid::of(0, 300)).seen.size() == 50);

    REQUIRE(drop_segments(files, log->release_through(Zxid::of(0, 350))));
    const auto all_covered = open_log(options, Zxid::of(0, 350));
    REQUIRE(all_covered.log);
    CHECK(all_covered.seen.empty());
    CHECK(all_covered.scan.zxid_last == Zxid::of(0, 350));
}

TEST_CASE("released segments are recycled under new numbers", "[storage][log]") {
    MemoryFileSystem files;
    const auto options = options_for(files);
    const auto log = std::move(open_log(options).log);
    for (Counter first = 1; first < 7'000; first += 70) {
        fill(*log, files, first, first + 69);
        REQUIRE(drop_segments(files, log->release_through(Zxid::of(0, first + 60))));
        CHECK(files.paths().size() < 10);
        if (first % 490 == 1) {
            const auto seen = open_log(options, Zxid::of(0, first + 60)).seen;
            check_records(seen, first + 61, first + 69);
        }
    }
    CHECK(log->size_bytes() < 10 * options.segment_bytes);
    const auto newest = files.content(files.paths().back());
    CHECK(decode_segment_header(newest)->recycled);
}

TEST_CASE("the next segment is wanted when the current one is half full, and used when it is full", "[storage][log]") {
    MemoryFileSystem files;
    const auto options = options_for(files);
    const auto log = std::move(open_log(options).log);
    CHECK_FALSE(log->wants_next());
    Counter next = 1;
    for (; !log->wants_next(); ++next) REQUIRE(log->append(records(next, next)));
    CHECK(files.paths().size() == 1);
    auto built = build_segment(files, log->next_plan());
    REQUIRE(built);
    log->adopt(std::move(*built));
    CHECK_FALSE(log->wants_next());
    CHECK(open_log(options).seen.size() == next - 1);  // an empty segment behind the last is no damage
    const auto calls = files.calls;
    for (; !log->rolls_for(records(next, next)); ++next) REQUIRE(log->append(records(next, next)));
    REQUIRE(log->append(records(next, next)));
    CHECK(files.paths().size() == 2);
    CHECK(files.calls - calls < 40);  // no file was built on the way
    check_records(open_log(options).seen, 1, next);
}

TEST_CASE("S-17: a segment that was not finished is dropped", "[storage][log]") {
    MemoryFileSystem files;
    const auto options = options_for(files);
    fill(*open_log(options).log, files, 1, 7);
    files.put(kDirectory / (segment_name(2) + ".tmp"), "half a segment");
    check_records(open_log(options).seen, 1, 7);
    CHECK(files.paths().size() == 1);
}

namespace {

/// One life of a server after another on one disk: batches of four, discarding what a checkpoint covers.
struct Lives {
    MemoryFileSystem files;
    Zxid acknowledged;
    Zxid covered;

    [[nodiscard]] LogOptions options() { return options_for(files, 12 << 10); }

    void live() {
        const auto opened = open_log(options());
        if (!opened.log) return;
        for (Counter next = 1; next <= 60; next += 4) {
            if (!append(*opened.log, files, records(next, next + 3))) return;
            acknowledged = Zxid::of(0, next + 3);
            if (next % 20 != 1) continue;
            covered = Zxid::of(0, next);
            if (!drop_segments(files, opened.log->release_through(covered))) return;
        }
    }

    /// Everything acknowledged is there, and nothing is out of order; the log goes on.
    Zxid check_and_append() {
        const auto again = open_log(options(), covered);
        INFO(again.error.where);
        REQUIRE(again.log);
        REQUIRE(again.scan.zxid_last >= acknowledged);
        check_records(again.seen, covered.counter() + 1, again.scan.zxid_last.counter());
        const auto next = again.scan.zxid_last.counter() + 1;
        REQUIRE(append(*again.log, files, records(next, next + 2)));
        acknowledged = Zxid::of(0, next + 2);
        return again.scan.zxid_last;
    }

    static std::uint64_t calls_of_a_life() {
        Lives lives;
        lives.live();
        REQUIRE(lives.acknowledged == Zxid::of(0, 60));
        return lives.files.calls;
    }
};

}  // namespace

TEST_CASE("S-02 S-04 S-05 S-16: a power cut at any call of the disk loses nothing acknowledged", "[storage][log]") {
    const auto calls = Lives::calls_of_a_life();
    for (std::uint64_t fails_at = 1; fails_at <= calls; ++fails_at) {
        for (std::uint32_t seed = 0; seed < 8; ++seed) {
            CAPTURE(fails_at, seed);
            Lives lives;
            lives.files.fails_at = fails_at;
            lives.live();
            std::mt19937 random(seed);
            lives.files.crash(random);
            lives.check_and_append();
            lives.check_and_append();
        }
    }
}

TEST_CASE("S-01: what a start finds after a kill is durable before it counts", "[storage][log]") {
    const auto calls = Lives::calls_of_a_life();
    for (std::uint64_t fails_at = 1; fails_at <= calls; ++fails_at) {
        for (std::uint32_t seed = 0; seed < 8; ++seed) {
            CAPTURE(fails_at, seed);
            Lives lives;
            lives.files.fails_at = fails_at;
            lives.live();
            lives.files.fails_at = std::numeric_limits<std::uint64_t>::max();  // killed: the disk goes on
            if (seed % 2 == 0) {
                lives.acknowledged = open_log(lives.options(), lives.covered).scan.zxid_last;
            } else {
                lives.check_and_append();
            }
            std::mt19937 random(seed);
            lives.files.crash(random);
            lives.check_and_append();
        }
    }
}
