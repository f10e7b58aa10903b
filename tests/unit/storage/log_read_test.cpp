#include "storage/log.hpp"
#include "storage/log_index.hpp"
#include "storage/log_segments.hpp"
#include "tests/unit/storage/log_history.hpp"
#include "tests/unit/storage/temporary_directory.hpp"

#include <catch2/catch.hpp>

#include <condition_variable>
#include <future>
#include <limits>
#include <mutex>
#include <string>

using namespace zabd;
using namespace zabd::storage;
using Catch::Matchers::Contains;

namespace {

LogOptions options_for(MemoryFileSystem& files, std::size_t segment_bytes = 24 << 10) {
    return {.directory = "/log", .segment_bytes = segment_bytes, .identity = 42, .retain_bytes = 0, .files = &files};
}

/// What a log's threads say.
class Heard {
public:
    std::function<void(const LogProgress&)> callback() {
        return [this](const LogProgress& progress) {
            const std::lock_guard lock(mutex_);
            progress_ = progress;
            changed_.notify_all();
        };
    }
    template <class Condition>
    bool await(const Condition& condition) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(60), [&] { return condition(progress_); });
    }
    bool durable(Zxid zxid) {
        return await([&](const LogProgress& progress) { return progress.zxid_durable >= zxid; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    LogProgress progress_;
};

std::unique_ptr<Log> open_log(const LogOptions& options) {
    LogScan scan;
    auto log = Log::open(
        options, {}, [](const LogRecord&) {}, scan);
    REQUIRE(log);
    return std::move(*log);
}

History read(Log& log, Zxid after, std::size_t bytes_max = 1 << 20) {
    std::promise<Log::Records> answer;
    log.read(after, bytes_max, [&](Log::Records records) { answer.set_value(std::move(records)); });
    return history_of(answer.get_future().get());
}

}  // namespace

TEST_CASE("a log is read from any of its positions, and from no other", "[storage][log]") {
    MemoryFileSystem files;
    const auto log = std::move(open_segments(options_for(files)).log);
    const auto all = entries(1, 1, 60) + entries(4, 1, 60);
    CHECK(log->read({}, 100)->empty());
    fill(*log, files, all);
    REQUIRE(files.paths().size() > 3);
    for (std::size_t n = 0; n <= all.size(); ++n) {
        CAPTURE(n);
        const auto after = n == 0 ? Zxid{} : all[n - 1].zxid;
        const History rest(all.begin() + static_cast<std::ptrdiff_t>(n), all.end());
        REQUIRE(history_of(*log->read(after, 1 << 20)) == rest);
        const auto one = *log->read(after, 1);
        REQUIRE(one.size() == std::min<std::size_t>(1, rest.size()));
        const auto some = *log->read(after, 3000);
        std::size_t bytes = 0;
        for (const auto& record : some) bytes += record.txn.size();
        REQUIRE((bytes < 3000 + 1024 && (bytes > 2000 || some.size() == rest.size())));
    }
    for (const auto zxid : {Zxid::of(0, 1), Zxid::of(1, 61), Zxid::of(3, 1), Zxid::of(4, 61), Zxid::of(9, 1)})
        CHECK(log->read(zxid, 1 << 20)->empty());
}

TEST_CASE("a position in a long segment is found without reading all of it", "[storage][log]") {
    const TemporaryDirectory directory;
    const auto log = LogSegments::create({.directory = directory.path(), .segment_bytes = 8 << 20}, {});
    REQUIRE(log);
    REQUIRE(build_next(**log, real_file_system()));
    Counter next = 1;
    for (; next <= 1600; ++next)
        REQUIRE(append(**log, real_file_system(), {{Zxid::of(0, next), std::string(3000, 'x')}}));
    for (const Counter at : {0u, 1u, 700u, 1598u}) {
        const auto records = (*log)->read(Zxid::of(0, at), 1);
        REQUIRE(records);
        REQUIRE(records->size() == 1);
        CHECK(records->front().zxid == Zxid::of(0, at + 1));
    }
}

TEST_CASE("Z-22: what is being read is not let go", "[storage][log]") {
    LogIndex index{Zxid{}};
    for (Counter n = 0; n < 4; ++n) index.add_batch(n + 1, 4096, 8192, Zxid::of(0, 10 * n), Zxid::of(0, 10 * n + 10));
    {
        const auto reading = index.read_behind(Zxid::of(0, 15));
        REQUIRE(reading);
        REQUIRE(reading->extents.size() == 3);
        CHECK(reading->extents.front().segment == 2);
        CHECK(index.release(1));
        CHECK_FALSE(index.release(2));
        CHECK(index.zxid_begin() == Zxid::of(0, 10));
        CHECK_FALSE(index.read_behind(Zxid::of(0, 9)));
        CHECK(index.read_behind(Zxid::of(0, 10)));
    }
    CHECK(index.release(2));
    CHECK(index.zxid_begin() == Zxid::of(0, 20));
}

TEST_CASE("of what a checkpoint covers, the newest part is kept for readers", "[storage][log]") {
    MemoryFileSystem files;
    auto options = options_for(files);
    options.retain_bytes = 3 * options.segment_bytes;
    const auto log = std::move(open_segments(options).log);
    fill(*log, files, entries(0, 1, 400));
    REQUIRE(drop_segments(files, log->release_through(Zxid::of(0, 10))));
    CHECK(log->zxid_begin() == Zxid{});
    REQUIRE(drop_segments(files, log->release_through(Zxid::of(0, 400))));
    const auto begin = log->zxid_begin();
    CHECK(begin > Zxid::of(0, 100));
    CHECK(begin < Zxid::of(0, 380));
    CHECK(history_of(*log->read(begin, 1 << 20)) == entries(0, begin.counter() + 1, 400));
    CHECK(log->read(Zxid::of(0, begin.counter() - 1), 1 << 20)->empty());
}

TEST_CASE("S-15: damage that a read meets is told with file and offset", "[storage][log]") {
    MemoryFileSystem files;
    const auto options = options_for(files);
    const auto log = open_log(options);
    Heard heard;
    log->start(heard.callback());
    for (auto& record : records_of(entries(0, 1, 20))) log->append(record.zxid, record.txn);
    (void)log->flush(false);
    REQUIRE(heard.durable(Zxid::of(0, 20)));
    CHECK(read(*log, {}) == entries(0, 1, 20));
    CHECK(log->figures().reads_failed == 0);
    auto content = files.content("/log/0000000000000001.log");
    content[kBlockBytes + 100] ^= 1;
    files.put("/log/0000000000000001.log", content);
    CHECK(read(*log, {}).empty());
    CHECK(log->figures().reads_failed == 1);
    CHECK_THAT(log->figures().read_error, Contains("/log/0000000000000001.log: damaged at byte 4160"));
}

TEST_CASE("Z-22: one who lags reads all of a log that goes on, while what was read is let go", "[storage][log]") {
    const TemporaryDirectory directory;
    const LogOptions options{.directory = directory.path(), .segment_bytes = 64 << 10, .retain_bytes = 128 << 10};
    constexpr Counter kRecords = 20'000;
    const auto log = open_log(options);
    Heard heard;
    log->start(heard.callback());
    Zxid at;
    for (Counter next = 1; at < Zxid::of(0, kRecords);) {
        for (int n = 0; n < 100 && next <= kRecords; ++n, ++next)
            log->append(Zxid::of(0, next), Bytes::copy_of(std::to_string(next) + std::string(200, 'x')));
        (void)log->flush(false);
        // More would go in one batch, and its segment could not go before all of it has been read.
        REQUIRE(heard.durable(Zxid::of(0, next > kRecords ? kRecords : next - 101)));
        log->discard_through(at);
        for (const auto& entry : read(*log, at, 40'000)) {
            REQUIRE(entry.zxid == Zxid{at.value + 1});
            REQUIRE(entry.txn.starts_with(std::to_string(entry.zxid.counter()) + "x"));
            at = entry.zxid;
        }
    }
    log->discard_through(at);
    CHECK(heard.await([&](const LogProgress& progress) { return progress.zxid_begin > Zxid::of(0, kRecords - 2000); }));
    log->stop();
    CHECK(log->figures().reads_failed == 0);
    CHECK(log->figures().size_bytes < 20 * options.segment_bytes);  // of about 80 that were written
}

TEST_CASE("a read that was asked for behind a truncation sees nothing of what was cut", "[storage][log]") {
    MemoryFileSystem files;
    const auto options = options_for(files);
    const auto log = open_log(options);
    Heard heard;
    log->start(heard.callback());
    History expected;
    for (Epoch epoch = 1; epoch <= 30; ++epoch) {
        const auto more = entries(epoch, 1, 20);
        for (const auto& record : records_of(more)) log->append(record.zxid, record.txn);
        const auto cut = Zxid::of(epoch, epoch % 20 + 1);
        log->truncate(cut);
        expected = expected + up_to(more, cut);
        REQUIRE(read(*log, {}) == expected);
        REQUIRE(heard.await([&](const LogProgress& progress) { return progress.truncations >= epoch; }));
    }
    log->stop();
    CHECK(open_segments(options).seen == expected);
}
