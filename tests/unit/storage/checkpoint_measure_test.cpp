// Figures, not tests: they run only when asked for by their tag.
//
//     build/release/tests/unit/zabd_unit_storage '[measure]'
#include "storage/lmdb_store.hpp"
#include "storage/pending_images.hpp"
#include "tests/unit/storage/temporary_directory.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

using namespace zabd;
using namespace zabd::storage;

namespace {

constexpr std::uint64_t kNodes = 1'000'000;
constexpr std::size_t kDataBytes = 100;

double cpu_seconds() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}
double wall_seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double rss_mib() {
    std::ifstream in("/proc/self/statm");
    std::size_t all = 0;
    std::size_t resident = 0;
    in >> all >> resident;
    return static_cast<double>(resident) * 4096 / (1 << 20);
}
/// By the whole machine: what a process is said to have written counts pages of the cache, not blocks.
double written_mib() {
    std::ifstream in("/proc/diskstats");
    double sectors = 0;
    for (std::string line; std::getline(in, line);) {
        char name[32];
        unsigned long long count = 0;
        if (std::sscanf(line.c_str(), "%*d %*d %31s %*d %*d %*d %*d %*d %*d %llu", name, &count) == 2)
            sectors += static_cast<double>(count);
    }
    return sectors * 512 / (1 << 20);
}

wire::NodeImage image_of(std::uint64_t id, std::uint64_t zxid) {
    wire::NodeImage image;
    image.record.id = NodeId{id};
    image.record.parent = id == 1 ? NodeId::kNone : NodeId::kRoot;
    image.record.name = "node-" + std::to_string(id);
    image.record.mzxid = Zxid{zxid};
    image.data_changed = true;
    image.data = Bytes::copy_of(std::string(kDataBytes, static_cast<char>('a' + zxid % 26)));
    return image;
}

class Writing {
public:
    explicit Writing(const std::filesystem::path& directory) {
        const CheckpointVisitor visitor{.on_session = [](const auto&) { return Result<void>{}; },
                                        .on_acl = [](const auto&) { return Result<void>{}; },
                                        .on_node = [](const auto&, const auto&) { return Result<void>{}; }};
        auto opened = LmdbStore::open({.directory = directory}, visitor, summary_);
        REQUIRE(opened);
        store_ = std::move(*opened);
    }

    /// As a core hands them over: some at a time, each kind of image as apply() makes it.
    void add(const std::vector<std::uint64_t>& ids, bool created) {
        constexpr std::size_t kAtOnce = 64;
        for (std::size_t n = 0; n < ids.size();) {
            wire::StateImages images;
            for (const auto end = std::min(ids.size(), n + kAtOnce); n < end; ++n) {
                images.nodes.push_back(image_of(ids[n], ++zxid_));
                if (created) images.nodes.push_back(root_);
                next_node_ = std::max(next_node_, ids[n] + 1);
            }
            images.zxid = Zxid{zxid_};
            images.next_node = NodeId{next_node_};
            const auto start = cpu_seconds();
            pending_.add(std::move(images));
            fold_ += cpu_seconds() - start;
        }
        count_ += ids.size();
    }

    void write() {
        const auto cpu = cpu_seconds();
        const auto wall = wall_seconds();
        const auto written = written_mib();
        {
            auto writing = pending_.split();
            pending_bytes_ = std::max(pending_bytes_, writing.bytes());
            const auto batch = writing.batch();
            sort_ += cpu_seconds() - cpu;
            const auto committed = store_->commit(batch);
            if (!committed) FAIL(committed.error().where);
            rss_ = std::max(rss_, rss_mib());
        }
        write_ += cpu_seconds() - cpu;
        wall_ += wall_seconds() - wall;
        written_ += written_mib() - written;
        ++batches_;
    }

    void print(const char* what, std::size_t batch) {
        const auto us = [&](double seconds) { return seconds * 1e6 / static_cast<double>(count_); };
        const double before_trim = rss_mib();
        ::malloc_trim(0);
        std::printf(
            "%-14s batch %8zu  us/node: fold %.2f sort %.2f write %.2f (wall %.2f)  per batch: %6.0f ms %6.1f MiB"
            "  file %5.0f MiB  rss peak %.0f after %.0f trimmed %.0f  pending %.0f MiB\n",
            what, batch, us(fold_), us(sort_), us(write_ - sort_), us(wall_), wall_ * 1e3 / batches_,
            written_ / batches_, static_cast<double>(store_->size_bytes()) / (1 << 20), rss_, before_trim, rss_mib(),
            static_cast<double>(pending_bytes_) / (1 << 20));
        std::fflush(stdout);
        fold_ = sort_ = write_ = wall_ = written_ = rss_ = 0;
        count_ = pending_bytes_ = 0;
        batches_ = 0;
    }
    LmdbStore& store() { return *store_; }

private:
    CheckpointSummary summary_;
    std::unique_ptr<LmdbStore> store_;
    PendingImages pending_{Zxid{}};
    wire::NodeImage root_ = [] {
        auto image = image_of(1, 1);
        image.data_changed = false;
        return image;
    }();
    std::uint64_t zxid_ = 0, next_node_ = 1, count_ = 0, pending_bytes_ = 0;
    int batches_ = 0;
    double fold_ = 0, sort_ = 0, write_ = 0, wall_ = 0, written_ = 0, rss_ = 0;
};

}  // namespace

TEST_CASE("what a node costs: created in order, then set at random", "[.][measure]") {
    const TemporaryDirectory directory;
    Writing writing(directory.path());
    std::uint64_t id = 1;
    writing.add({1}, false);
    writing.write();
    for (const std::size_t batch : {50'000u, 200'000u, 750'000u}) {
        const auto end = id + (batch == 750'000u ? 750'000u : 125'000u + (batch == 200'000u ? 75'000u : 0u));
        while (id < end) {
            std::vector<std::uint64_t> ids;
            for (; ids.size() < batch && id < end;) ids.push_back(++id);
            writing.add(ids, true);
            writing.write();
        }
        writing.print("create", batch);
    }
    std::mt19937_64 random(1);
    for (const std::size_t batch : {1'000u, 10'000u, 50'000u, 200'000u, 500'000u, 1'000'000u}) {
        for (std::size_t done = 0, rounds = 0; rounds < 3 || done < 200'000; ++rounds) {
            std::vector<std::uint64_t> ids;
            for (std::size_t n = 0; n < batch; ++n) ids.push_back(1 + random() % kNodes);
            writing.add(ids, false);
            writing.write();
            done += batch;
        }
        writing.print("set", batch);
    }
}

namespace {

/// What the log does: overwrites blocks of a file, each time waiting until they are on disk.
class Syncing {
public:
    explicit Syncing(const std::filesystem::path& file) : descriptor_(::open(file.c_str(), O_RDWR | O_CREAT, 0600)) {
        const std::string block(1 << 20, 'x');
        for (off_t n = 0; n < 16; ++n) REQUIRE(::pwrite(descriptor_, block.data(), block.size(), n << 20) > 0);
        REQUIRE(::fsync(descriptor_) == 0);
        thread_ = std::thread([this] { run(); });
    }
    ~Syncing() {
        stopping_ = true;
        thread_.join();
        ::close(descriptor_);
    }

    void print(const char* what) {
        std::vector<double> took;
        {
            const std::lock_guard lock(mutex_);
            took.swap(took_us_);
        }
        std::sort(took.begin(), took.end());
        const auto at = [&](double share) {
            return took[static_cast<std::size_t>(share * static_cast<double>(took.size() - 1))];
        };
        std::printf("%-60s syncs %6zu  us: p50 %5.0f p90 %5.0f p99 %6.0f p99.9 %6.0f max %6.0f\n", what, took.size(),
                    at(0.5), at(0.9), at(0.99), at(0.999), at(1));
        std::fflush(stdout);
    }

private:
    void run() {
        // Where it may, it goes before whatever else runs on the machine: the disk is what is measured.
        const sched_param priority{.sched_priority = 1};
        (void)::pthread_setschedparam(::pthread_self(), SCHED_FIFO, &priority);
        const std::string block(4096, 'y');
        for (off_t n = 0; !stopping_; n = (n + 1) % 4096) {
            const auto start = wall_seconds();
            if (::pwrite(descriptor_, block.data(), block.size(), n * 4096) != 4096 || ::fdatasync(descriptor_) != 0)
                std::abort();
            const std::lock_guard lock(mutex_);
            took_us_.push_back((wall_seconds() - start) * 1e6);
        }
    }

    int descriptor_;
    std::atomic<bool> stopping_ = false;
    std::mutex mutex_;
    std::vector<double> took_us_;
    std::thread thread_;
};

}  // namespace

TEST_CASE("what a batch does to the log's syncs", "[.][measure-syncs]") {
    using namespace std::chrono_literals;
    const TemporaryDirectory directory;
    Writing writing(directory.path());
    std::uint64_t id = 1;
    writing.add({1}, false);
    for (int n = 0; n < 5; ++n) {
        std::vector<std::uint64_t> ids;
        while (ids.size() < kNodes / 5) ids.push_back(++id);
        writing.add(ids, true);
        writing.write();
    }
    writing.print("create", kNodes / 5);
    std::mt19937_64 random(1);
    const auto add = [&] {
        std::vector<std::uint64_t> ids;
        for (std::size_t n = 0; n < 500'000; ++n) ids.push_back(1 + random() % kNodes);
        writing.add(ids, false);
    };
    add();
    writing.write();
    Syncing syncing(directory.path() / "log");
    std::this_thread::sleep_for(8s);
    syncing.print("nothing else");
    for (const bool with_pauses : {false, true}) {
        auto began = wall_seconds();
        writing.store().set_pause([&] {
            if (with_pauses) std::this_thread::sleep_for(std::chrono::duration<double>(4 * (wall_seconds() - began)));
            began = wall_seconds();
        });
        add();
        syncing.print("images of 500,000 sets come in");
        const auto start = wall_seconds();
        began = start;
        writing.write();
        std::printf("    a batch of them took %.1f s\n", wall_seconds() - start);
        syncing.print(with_pauses ? "while it is written with pauses" : "while it is written at full speed");
    }
    writing.print("set", 500'000);
}
