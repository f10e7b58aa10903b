#include "storage/log.hpp"

#include "storage/file.hpp"
#include "storage/log_format.hpp"
#include "tests/unit/storage/forked.hpp"
#include "tests/unit/storage/memory_file_system.hpp"
#include "tests/unit/storage/temporary_directory.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

using namespace zabd;
using namespace zabd::storage;
using Catch::Matchers::Contains;

namespace {

/// What a log says is durable, as the writer thread says it.
class Durable {
public:
    std::function<void(const LogProgress&)> callback() {
        return [this](const LogProgress& progress) {
            const std::lock_guard lock(mutex_);
            told_.push_back(progress.zxid_durable);
            grown_.notify_all();
        };
    }

    bool await(Zxid zxid) {
        std::unique_lock lock(mutex_);
        return grown_.wait_for(lock, std::chrono::seconds(60), [&] { return !told_.empty() && told_.back() >= zxid; });
    }

    std::vector<Zxid> told() {
        const std::lock_guard lock(mutex_);
        return told_;
    }

private:
    std::mutex mutex_;
    std::condition_variable grown_;
    std::vector<Zxid> told_;
};

std::vector<std::string> read_back(const LogOptions& options, Zxid after = {}) {
    std::vector<std::string> txns;
    LogScan scan;
    const auto log = Log::open(
        options, after, [&](const LogRecord& record) { txns.emplace_back(record.txn.view()); }, scan);
    REQUIRE(log);
    return txns;
}

std::unique_ptr<Log> open_log(const LogOptions& options, Zxid after = {}) {
    LogScan scan;
    auto log = Log::open(
        options, after, [](const LogRecord&) {}, scan);
    REQUIRE(log);
    return std::move(*log);
}

std::size_t file_count(const std::filesystem::path& directory) { return real_file_system().list(directory)->size(); }

}  // namespace

TEST_CASE("records become durable in order, many by one sync", "[storage][log]") {
    const TemporaryDirectory directory;
    const LogOptions options{.directory = directory.path(), .segment_bytes = 256 << 10};
    constexpr Counter kRecords = 20'000;
    Durable durable;
    {
        const auto log = open_log(options);
        log->start(durable.callback());
        for (Counter n = 1; n <= kRecords; ++n) {
            log->append(Zxid::of(0, n), Bytes::copy_of(std::to_string(n)));
            if (n % 10 == 0) log->flush(false);
        }
        CHECK(durable.await(Zxid::of(0, kRecords)));
        log->stop();
        const auto figures = log->figures();
        CHECK(figures.records == kRecords);
        CHECK(figures.syncs == durable.told().size());
        CHECK(figures.syncs < kRecords);
        CHECK(figures.sync_us_sum >= figures.sync_us_max);
    }
    const auto told = durable.told();
    CHECK(std::is_sorted(told.begin(), told.end()));
    const auto txns = read_back(options);
    REQUIRE(txns.size() == kRecords);
    for (Counter n = 1; n <= kRecords; ++n) REQUIRE(txns[n - 1] == std::to_string(n));
}

TEST_CASE("stop writes what is queued", "[storage][log]") {
    const TemporaryDirectory directory;
    const LogOptions options{.directory = directory.path()};
    for (Counter n = 1; n <= 5; ++n) {
        const auto log = open_log(options);
        log->start([](const LogProgress&) {});
        log->append(Zxid::of(0, n), Bytes::copy_of("txn"));
        log->stop();
        CHECK(read_back(options).size() == n);
    }
}

TEST_CASE("a log that never started leaves nothing behind but its first segment", "[storage][log]") {
    const TemporaryDirectory directory;
    const LogOptions options{.directory = directory.path()};
    open_log(options);
    CHECK(file_count(directory.path()) == 1);
    CHECK(read_back(options).empty());
}

TEST_CASE("what the checkpoint covers is discarded while writing goes on", "[storage][log]") {
    const TemporaryDirectory directory;
    const LogOptions options{.directory = directory.path(), .segment_bytes = 64 << 10, .retain_bytes = 0};
    Durable durable;
    const auto log = open_log(options);
    log->start(durable.callback());
    Counter next = 1;
    for (int round = 0; round < 40; ++round) {
        for (int n = 0; n < 100; ++n, ++next) log->append(Zxid::of(0, next), Bytes::copy_of(std::string(500, 'x')));
        log->flush(false);
        REQUIRE(durable.await(Zxid::of(0, next - 1)));
        log->discard_through(Zxid::of(0, next - 50));
    }
    log->stop();
    CHECK(file_count(directory.path()) < 15);  // of about 40 that were written
    CHECK(log->figures().size_bytes < 15 * options.segment_bytes);
    CHECK(read_back(options, Zxid::of(0, next - 50)).size() == 49);
}

TEST_CASE("S-01: a failed write or sync stops the server and nothing more is acknowledged", "[storage][log]") {
    const auto fails_at = GENERATE(range(1u, 7u));
    CAPTURE(fails_at);
    const auto ending = run_forked([fails_at] {
        MemoryFileSystem files;
        Durable durable;
        const auto log = open_log({.directory = "/log", .files = &files});
        files.fails_at = files.calls + fails_at;
        log->start(durable.callback());
        for (Counter n = 1; n <= 3; ++n) {
            log->append(Zxid::of(0, n), Bytes::copy_of("txn"));
            log->flush(false);
            durable.await(Zxid::of(0, n));
            if (2 * n >= fails_at) ::_exit(7);  // its write or sync failed, and yet it was acknowledged
        }
    });
    CHECK(ending.signal == SIGABRT);
    CHECK_THAT(ending.said, Contains("the disk failed") && Contains("this server stops"));
}

TEST_CASE("a lone record may be durable when it is handed over, and others go on behind it", "[storage][log]") {
    MemoryFileSystem files;
    const LogOptions options{.directory = "/log", .segment_bytes = 64 << 10, .files = &files};
    constexpr Counter kRecords = 2000;
    Durable durable;
    const auto log = open_log(options);
    log->start(durable.callback());
    Counter at_once = 0;
    for (Counter n = 1; n <= kRecords; ++n) {
        log->append(Zxid::of(0, n), Bytes::copy_of(std::to_string(n)));
        if (n % 7 == 0) {
            ++n;
            log->append(Zxid::of(0, n), Bytes::copy_of(std::to_string(n)));
        }
        const auto progress = log->flush(true);
        if (progress) {
            ++at_once;
            REQUIRE(progress->zxid_durable == Zxid::of(0, n));
        } else {
            REQUIRE(durable.await(Zxid::of(0, n)));
        }
    }
    CHECK(at_once > 0);
    CHECK_FALSE(log->flush(true));  // nothing to write
    log->stop();
    CHECK(read_back(options).size() == kRecords);
}

TEST_CASE("a zxid out of order stops the server", "[storage][log]") {
    const TemporaryDirectory directory;
    const auto ending = run_forked([&] {
        const auto log = open_log({.directory = directory.path()});
        log->append(Zxid::of(0, 2), Bytes::copy_of("txn"));
    });
    CHECK(ending.signal == SIGABRT);
}
