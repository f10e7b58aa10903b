#include "storage/log_writer.hpp"

#include "storage/log_format.hpp"
#include "tests/unit/storage/memory_file_system.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <utility>

using namespace std::chrono_literals;
using namespace zabd;
using namespace zabd::storage;

namespace {

constexpr std::size_t kSegmentBytes = 64 << 10;
constexpr Instant kStart{1000s};

/// A writer on a disk in memory, which does its errands at once.
struct Written {
    MemoryFileSystem files;
    std::unique_ptr<LogWriter> writer = open();
    Instant now = kStart;
    Counter next = 1;

    std::unique_ptr<LogWriter> open() {
        LogScan scan;
        auto segments = LogSegments::open(
            {.directory = "/log", .segment_bytes = kSegmentBytes, .identity = 42, .retain_bytes = 0, .files = &files},
            Zxid{}, [](const LogRecord&) {}, scan);
        REQUIRE(segments);
        return std::make_unique<LogWriter>(std::move(*segments));
    }
    void add(std::size_t txn_bytes = 100) {
        writer->add({Zxid::of(0, next++), Bytes::copy_of(std::string(txn_bytes, 'x'))});
    }
    /// Batches and errands, as long as there are any.
    void work() {
        for (;;) {
            if (const auto errand = writer->next_errand(now)) {
                auto done = run_errand(files, *errand);
                REQUIRE(done);
                writer->finish_errand(std::move(*done), now);
            } else if (writer->has_batch()) {
                REQUIRE(writer->write_batch());
            } else {
                return;
            }
        }
    }
    [[nodiscard]] Zxid last_added() const { return Zxid::of(0, next - 1); }
};

}  // namespace

TEST_CASE("what waits goes in one batch, and is durable when it is written", "[storage][log]") {
    Written log;
    for (int n = 0; n < 50; ++n) log.add();
    CHECK(log.writer->next_batch().size() == 50);
    CHECK(log.writer->progress() == LogProgress{Zxid{}, kUnlimitedRoom});
    log.work();
    CHECK(log.writer->empty());
    CHECK(log.writer->progress() == LogProgress{log.last_added(), kUnlimitedRoom});
}

TEST_CASE("S-02: what is added while a batch is written is not in it", "[storage][log]") {
    Written log;
    log.add();
    REQUIRE(log.writer->write_batch());
    log.add();
    CHECK(log.writer->progress().zxid_durable == Zxid::of(0, 1));
}

TEST_CASE("S-14: the next segment is there before it is needed", "[storage][log]") {
    Written log;
    while (!log.writer->segments().wants_next()) {
        log.add();
        REQUIRE(log.writer->write_batch());
    }
    CHECK(log.writer->segments().room_bytes() > 0);
    log.work();
    CHECK(log.writer->segments().has_next());
}

TEST_CASE("S-14: on a full disk the log says what has room, writes that, and goes on when there is space",
          "[storage][log]") {
    Written log;
    log.files.free_bytes = 0;
    while (log.writer->progress().room_bytes == kUnlimitedRoom) {
        log.add();
        log.work();
    }
    const auto room = log.writer->progress().room_bytes;
    CHECK(room > 0);
    CHECK(room % kBlockBytes == 0);

    // As many as have room at worst are written; what is too much waits, whole.
    const auto worst = 100 + kRecordOverheadBytesMax;
    for (std::uint64_t bytes = worst; bytes <= room; bytes += worst) {
        log.add();
        log.work();
        REQUIRE(log.writer->empty());
    }
    while (log.writer->empty()) {
        log.add();
        log.work();
    }
    CHECK(log.writer->progress().zxid_durable == Zxid::of(0, log.next - 2));

    log.files.free_bytes = std::numeric_limits<std::uint64_t>::max();
    log.work();
    CHECK_FALSE(log.writer->empty());  // not before it looks again
    log.now = *log.writer->retry_at();
    log.work();
    CHECK(log.writer->empty());
    CHECK(log.writer->progress() == LogProgress{log.last_added(), kUnlimitedRoom});
}

TEST_CASE("S-14 S-17: a segment that found no space leaves nothing behind", "[storage][log]") {
    Written log;
    log.files.free_bytes = 0;
    const auto before = log.files.paths();
    while (log.writer->progress().room_bytes == kUnlimitedRoom) {
        log.add();
        log.work();
    }
    CHECK(log.files.paths() == before);
}

TEST_CASE("a writer that is never idle keeps no record it has written", "[storage][log]") {
    Written log;
    const auto txn = Bytes::copy_of(std::string(1 << 20, 'x'));
    for (int n = 0; n < 6; ++n) log.writer->add({Zxid::of(0, log.next++), txn});
    for (int round = 0; round < 40; ++round) {
        for (int n = 0; n < 4; ++n) log.writer->add({Zxid::of(0, log.next++), txn});  // as many as a batch takes
        if (const auto errand = log.writer->next_errand(log.now)) {
            auto done = run_errand(log.files, *errand);
            REQUIRE(done);
            log.writer->finish_errand(std::move(*done), log.now);
        }
        if (log.writer->has_batch()) REQUIRE(log.writer->write_batch());
        REQUIRE_FALSE(log.writer->empty());
        REQUIRE(log.writer->kept() <= 20);
    }
}

TEST_CASE("a record longer than a segment gets one", "[storage][log]") {
    Written log;
    log.add();
    log.add(3 * kSegmentBytes);
    log.add();
    log.work();
    CHECK(log.writer->progress().zxid_durable == log.last_added());
}

TEST_CASE("S-13: released segments are recycled", "[storage][log]") {
    Written log;
    std::size_t files_max = 0;
    for (int n = 0; n < 400; ++n) {
        log.add(1000);
        log.work();
        log.writer->release_through(log.last_added());
        log.work();
        files_max = std::max(files_max, log.files.paths().size());
    }
    CHECK(files_max <= 7);  // the current, the next, and what waits to be recycled
}
