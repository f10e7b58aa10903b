#include "storage/log_format.hpp"
#include "storage/log_segments.hpp"
#include "storage/log_writer.hpp"
#include "tests/unit/storage/forked.hpp"
#include "tests/unit/storage/log_history.hpp"

#include <catch2/catch.hpp>

#include <csignal>
#include <limits>
#include <optional>
#include <random>

using namespace zabd;
using namespace zabd::storage;
using Catch::Matchers::Contains;

namespace {

LogOptions options_for(MemoryFileSystem& files, std::size_t segment_bytes = 24 << 10) {
    return {.directory = "/log", .segment_bytes = segment_bytes, .identity = 42, .retain_bytes = 0, .files = &files};
}

void check_reopened(const LogOptions& options, const History& expected) {
    const auto opened = open_segments(options);
    INFO(opened.error.where);
    REQUIRE(opened.log);
    REQUIRE(opened.seen == expected);
    REQUIRE(opened.scan.zxid_last == (expected.empty() ? Zxid{} : expected.back().zxid));
}

}  // namespace

TEST_CASE("Z-10: a log that is truncated anywhere ends there, and goes on from there", "[storage][log]") {
    const auto all = entries(0, 1, 70);
    for (Counter at = 0; at <= 70; ++at) {
        CAPTURE(at);
        MemoryFileSystem files;
        const auto options = options_for(files);
        const auto zxid = Zxid::of(0, at);
        auto expected = up_to(all, zxid);
        {
            const auto log = std::move(open_segments(options).log);
            fill(*log, files, all);
            REQUIRE(truncate(*log, files, zxid));
            REQUIRE(log->zxid_last() == zxid);
            REQUIRE(history_of(*log->read({}, 1 << 20)) == expected);
        }
        check_reopened(options, expected);
        {
            const auto log = std::move(open_segments(options).log);
            const auto more = entries(0, at + 1, at + 30, "again");
            fill(*log, files, more);
            REQUIRE(history_of(*log->read({}, 1 << 20)) == expected + more);
            // Once more, into what came after the first cut or before it.
            const auto second = Zxid::of(0, at % 3 == 0 ? at / 2 : at + 11);
            REQUIRE(truncate(*log, files, second));
            expected = up_to(expected + more, second) + entries(1, 1, 9);
            fill(*log, files, entries(1, 1, 9));
            REQUIRE(history_of(*log->read({}, 1 << 20)) == expected);
        }
        check_reopened(options, expected);
        check_reopened(options, expected);
    }
}

TEST_CASE("a truncation to where the log ends changes nothing on the disk", "[storage][log]") {
    MemoryFileSystem files;
    const auto log = std::move(open_segments(options_for(files)).log);
    CHECK_FALSE(log->rolls_for_truncate(Zxid{}));
    REQUIRE(log->truncate(Zxid{}));
    fill(*log, files, entries(0, 1, 5));
    const auto calls = files.calls;
    REQUIRE(log->truncate(Zxid::of(0, 5)));
    CHECK(files.calls == calls);
}

TEST_CASE("a log is not truncated to what it does not have", "[storage][log]") {
    MemoryFileSystem files;
    const auto log = std::move(open_segments(options_for(files)).log);
    fill(*log, files, entries(0, 1, 5));
    fill(*log, files, entries(2, 1, 5));
    for (const auto zxid : {Zxid::of(0, 6), Zxid::of(1, 1), Zxid::of(2, 6), Zxid::of(3, 1)}) {
        const auto truncated = truncate(*log, files, zxid);
        REQUIRE_FALSE(truncated);
        CHECK(truncated.error().code == Errc::kDamaged);
        CHECK_THAT(truncated.error().where, Contains("/log: the log has no zxid"));
    }
    CHECK(log->zxid_last() == Zxid::of(2, 5));
}

TEST_CASE("Z-09: a truncation below what a checkpoint covers stops the server, and its traces are refused",
          "[storage][log]") {
    MemoryFileSystem files;
    const auto options = options_for(files);
    const auto log = std::move(open_segments(options).log);
    fill(*log, files, entries(0, 1, 20));
    const auto ending = run_forked([&] {
        (void)log->release_through(Zxid::of(0, 10));
        (void)truncate(*log, files, Zxid::of(0, 9));
    });
    CHECK(ending.signal == SIGABRT);

    REQUIRE(truncate(*log, files, Zxid::of(0, 9)));
    const auto opened = open_segments(options, Zxid::of(0, 10));
    CHECK(opened.error.code == Errc::kDamaged);
    CHECK_THAT(opened.error.where, Contains("it ends at zxid 0x0:00000009, but the checkpoint is at 0x0:0000000a"));
}

namespace {

/// A member whose leaders change: appends in batches, truncations, and a checkpoint that follows.
struct Lives {
    MemoryFileSystem files;
    History acknowledged;
    std::optional<History> in_flight;  // may be there instead
    Zxid covered;

    [[nodiscard]] LogOptions options() { return options_for(files, 12 << 10); }

    bool append_all(LogSegments& log, const History& history) {
        for (std::size_t n = 0; n < history.size(); n += 4) {
            const History batch{history.begin() + static_cast<std::ptrdiff_t>(n),
                                history.begin() + static_cast<std::ptrdiff_t>(std::min(n + 4, history.size()))};
            in_flight = acknowledged + batch;
            if (!append(log, files, batch)) return false;
            acknowledged = *std::exchange(in_flight, std::nullopt);
        }
        return true;
    }

    bool cut(LogSegments& log, Zxid zxid) {
        in_flight = up_to(acknowledged, zxid);
        if (!truncate(log, files, zxid)) return false;
        acknowledged = *std::exchange(in_flight, std::nullopt);
        return true;
    }

    bool discard(LogSegments& log, Zxid zxid) {
        covered = zxid;
        return drop_segments(files, log.release_through(zxid)).has_value();
    }

    void live() {
        const auto opened = open_segments(options());
        if (!opened.log) return;
        auto& log = *opened.log;
        (void)(append_all(log, entries(1, 1, 40)) && cut(log, Zxid::of(1, 14)) && append_all(log, entries(2, 1, 17)) &&
               discard(log, Zxid::of(1, 10)) && cut(log, Zxid::of(1, 13)) &&
               append_all(log, entries(1, 14, 20, "again")) && discard(log, Zxid::of(1, 13)) &&
               cut(log, Zxid::of(1, 16)) && append_all(log, entries(3, 1, 25)) && discard(log, Zxid::of(3, 20)) &&
               append_all(log, entries(3, 26, 60)) && discard(log, Zxid::of(3, 50)));
    }

    void check_and_append(const std::string& salt) {
        const auto again = open_segments(options(), covered);
        INFO(again.error.where);
        REQUIRE(again.log);
        const bool either =
            again.seen == behind(acknowledged, covered) || (in_flight && again.seen == behind(*in_flight, covered));
        REQUIRE(either);
        if (again.seen != behind(acknowledged, covered)) acknowledged = *in_flight;
        in_flight.reset();
        const auto epoch = again.scan.zxid_last.epoch() + 1;
        const auto more = entries(epoch, 1, 6, salt);
        REQUIRE(append(*again.log, files, more));
        acknowledged = acknowledged + more;
        REQUIRE(history_of(*again.log->read(covered, 1 << 20)) == behind(acknowledged, covered));
    }
};

}  // namespace

TEST_CASE("Z-10: a power cut at any call of the disk leaves the old end or the cut, and never revives what was cut",
          "[storage][log]") {
    std::uint64_t calls = 0;
    {
        Lives lives;
        lives.live();
        REQUIRE(lives.acknowledged.back().zxid == Zxid::of(3, 60));
        calls = lives.files.calls;
    }
    for (std::uint64_t fails_at = 1; fails_at <= calls; ++fails_at) {
        for (std::uint32_t seed = 0; seed < 8; ++seed) {
            CAPTURE(fails_at, seed);
            Lives lives;
            lives.files.fails_at = fails_at;
            lives.live();
            std::mt19937 random(seed);
            if (seed % 4 == 3) {
                lives.files.fails_at = std::numeric_limits<std::uint64_t>::max();  // killed: the disk goes on
            } else {
                lives.files.crash(random);
            }
            lives.check_and_append("first");
            lives.files.crash(random);
            lives.check_and_append("second");
            lives.check_and_append("third");
        }
    }
}

TEST_CASE("S-06: a later segment does not cut without proof", "[storage][log]") {
    MemoryFileSystem files;
    const auto options = options_for(files);
    {
        const auto log = std::move(open_segments(options).log);
        fill(*log, files, entries(0, 1, 30));
        REQUIRE(truncate(*log, files, Zxid::of(0, 12)));
        fill(*log, files, entries(1, 1, 20));
    }
    const auto last = files.paths().back();
    auto content = files.content(last);
    const auto number = *segment_number(last.filename().string());

    SECTION("its begin has rotted, but later batches say that it was there") {
        content[kBlockBytes + 40] ^= 1;
        files.put(last, content);
        const auto opened = open_segments(options);
        CHECK(opened.error.code == Errc::kDamaged);
        CHECK_THAT(opened.error.where, Contains(last.string() + ": damaged at byte 4096"));
    }
    SECTION("it continues another history") {
        std::string batch;
        BatchEncoder(batch, {.segment = {42, number},
                             .offset = kBlockBytes,
                             .before = {.zxid = Zxid::of(0, 12), .chain = 4711},
                             .zxid_durable = Zxid::of(0, 12)})
            .finish();
        content.replace(kBlockBytes, batch.size(), batch);
        files.put(last, content);
        const auto opened = open_segments(options);
        CHECK(opened.error.code == Errc::kDamaged);
        CHECK_THAT(opened.error.where, Contains("records up to zxid 0x0:0000000c of another history"));
    }
    SECTION("it has records, and so is no cut") {
        std::string batch;
        BatchEncoder encoder(batch, {.segment = {42, number},
                                     .offset = kBlockBytes,
                                     .before = decode_batch_header(content, {42, number}, kBlockBytes)->before,
                                     .zxid_durable = Zxid::of(0, 12)});
        encoder.add(Zxid::of(0, 13), "txn");
        encoder.finish();
        content.replace(kBlockBytes, batch.size(), batch);
        files.put(last, content);
        const auto opened = open_segments(options);
        CHECK(opened.error.code == Errc::kDamaged);
    }
}

TEST_CASE("segments that were cut wholly go in their turn, and a log may begin in their midst", "[storage][log]") {
    MemoryFileSystem files;
    const auto options = options_for(files, 12 << 10);
    const auto log = std::move(open_segments(options).log);
    fill(*log, files, entries(1, 1, 100));
    REQUIRE(truncate(*log, files, Zxid::of(1, 5)));
    fill(*log, files, entries(2, 1, 4));
    const auto before = files.paths();
    REQUIRE(before.size() > 8);
    const auto dropped = log->release_through(Zxid::of(2, 2));
    REQUIRE(dropped.size() > 3);
    CHECK(log->zxid_begin() == Zxid::of(1, 5));
    for (std::size_t n = 0; n < dropped.size(); ++n) {  // as far as a crash let them go
        CAPTURE(n);
        const auto opened = open_segments(options, Zxid::of(2, 2));
        INFO(opened.error.where);
        REQUIRE(opened.log);
        CHECK(opened.seen == entries(2, 3, 4));
        CHECK(opened.scan.zxid_begin == (n == 0 ? Zxid{} : Zxid::of(1, 5)));
        REQUIRE(files.remove(dropped[n]));
    }
    CHECK(open_segments(options, Zxid::of(2, 2)).seen == entries(2, 3, 4));
}

TEST_CASE("a scan tells where the log begins and where its epochs end", "[storage][log]") {
    MemoryFileSystem files;
    const auto options = options_for(files);
    {
        const auto log = std::move(open_segments(options).log);
        fill(*log, files, entries(1, 1, 5));
        fill(*log, files, entries(3, 1, 40));
        fill(*log, files, entries(4, 1, 2));
        REQUIRE(truncate(*log, files, Zxid::of(3, 30)));
        fill(*log, files, entries(6, 1, 8));
        fill(*log, files, entries(7, 1, 1));
    }
    const std::vector<Zxid> ends{Zxid::of(1, 5), Zxid::of(3, 30), Zxid::of(6, 8)};
    auto opened = open_segments(options);
    CHECK(opened.scan.zxid_begin == Zxid{});
    CHECK(opened.scan.epoch_ends == ends);
    REQUIRE(drop_segments(files, opened.log->release_through(Zxid::of(6, 1))));
    const auto begin = opened.log->zxid_begin();
    CHECK(begin == Zxid::of(3, 30));  // what was cut from there on went too
    CHECK(opened.log->read(Zxid::of(3, 29), 1)->empty());
    CHECK_FALSE(opened.log->read(begin, 1)->empty());
    // Files that wait to be recycled are still whole.
    opened = open_segments(options, Zxid::of(6, 1));
    CHECK(opened.scan.zxid_begin <= begin);
    CHECK(opened.scan.epoch_ends.back() == Zxid::of(6, 8));
}

TEST_CASE("a log that is created behind a zxid begins there", "[storage][log]") {
    MemoryFileSystem files;
    const auto options = options_for(files);
    const auto begin = Zxid::of(5, 77);
    {
        const auto created = LogSegments::create(options, begin);
        REQUIRE(created);
        CHECK((*created)->zxid_last() == begin);
        CHECK((*created)->zxid_begin() == begin);
        CHECK_FALSE(LogSegments::create(options, begin));
    }
    std::mt19937 random(1);
    files.crash(random);
    const auto opened = open_segments(options, begin);
    INFO(opened.error.where);
    REQUIRE(opened.log);
    CHECK(opened.scan.zxid_begin == begin);
    CHECK(opened.scan.zxid_last == begin);
    CHECK(opened.scan.epoch_ends.empty());
    fill(*opened.log, files, entries(5, 78, 90));
    fill(*opened.log, files, entries(6, 1, 3));
    const auto again = open_segments(options, begin);
    CHECK(again.seen == entries(5, 78, 90) + entries(6, 1, 3));
    CHECK(again.scan.epoch_ends == std::vector<Zxid>{Zxid::of(5, 90)});
    CHECK_THAT(open_segments(options).error.where, Contains("begins behind zxid 0x5:0000004d"));
    REQUIRE(truncate(*again.log, files, begin));
    CHECK(open_segments(options, begin).seen.empty());
}

TEST_CASE("a writer truncates in order with what is added, and waits for a segment to do so", "[storage][log]") {
    MemoryFileSystem files;
    const auto options = options_for(files);
    LogWriter writer(std::move(open_segments(options).log));
    const auto add = [&](const History& history) {
        for (auto& record : records_of(history)) writer.add(std::move(record));
    };
    const Instant now{};
    const auto work = [&] {
        for (;;) {
            if (const auto errand = writer.next_errand(now)) {
                auto done = run_errand(files, *errand);
                REQUIRE(done);
                writer.finish_errand(std::move(*done), now);
            } else if (writer.has_batch()) {
                REQUIRE(writer.write_batch());
            } else {
                return;
            }
        }
    };
    add(entries(1, 1, 9));
    writer.truncate(Zxid::of(1, 4));
    writer.truncate(Zxid::of(1, 3));
    add(entries(2, 1, 3));
    writer.truncate(Zxid::of(2, 3));
    CHECK(writer.next_batch().size() == 9);
    REQUIRE(writer.write_batch());
    CHECK(writer.progress().zxid_durable == Zxid::of(1, 9));
    CHECK_FALSE(writer.has_batch());  // until there is a segment to go on in
    CHECK_FALSE(writer.empty());
    files.free_bytes = 0;
    work();
    CHECK(writer.progress().room_bytes == 0);
    CHECK(writer.progress().truncations == 0);
    files.free_bytes = std::numeric_limits<std::uint64_t>::max();
    auto errand = writer.next_errand(now + LogWriter::kRetrySpace);
    REQUIRE(errand);
    writer.finish_errand(*run_errand(files, *errand), now);
    work();
    CHECK(writer.empty());
    CHECK(writer.progress().truncations == 3);
    CHECK(writer.progress().zxid_durable == Zxid::of(2, 3));
    CHECK(writer.kept() == 0);
    check_reopened(options, entries(1, 1, 3) + entries(2, 1, 3));
}
