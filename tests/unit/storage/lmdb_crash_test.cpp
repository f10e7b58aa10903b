// The real LMDB code against a disk that loses power: every write and sync of a run is recorded, and the checkpoint is
// opened again as each crash may have left it.
//
// The disk  what was synced is there. Of what was not, any blocks of 4 KiB may be there, in any order, a block with some
//           of its sectors too: LMDB's first pages are no exception. A file renamed to another's name replaces it in one step.
#include "storage/lmdb_store.hpp"
#include "storage/pending_images.hpp"
#include "tests/unit/storage/checkpoint_model.hpp"
#include "tests/unit/storage/disk_calls.hpp"
#include "tests/unit/storage/temporary_directory.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <vector>

using namespace zabd;
using namespace zabd::storage;

namespace {

constexpr std::size_t kBlock = 4096;
constexpr std::size_t kSector = 512;
constexpr std::uint64_t kIdentity = 77;

std::string content_of(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// data.mdb and head.
struct Files {
    std::string data;
    std::string head;
};

/// The file data.mdb as the disk has it: what was synced for certain, what was not perhaps.
class Disk {
public:
    struct Piece {  // within one block
        std::uint64_t offset = 0;
        std::string bytes;
    };

    explicit Disk(std::string durable) : durable_(std::move(durable)) {}

    void write(std::uint64_t offset, const std::string& bytes) {
        for (std::size_t done = 0; done < bytes.size();) {
            const auto at = offset + done;
            const auto size = std::min(bytes.size() - done, kBlock - at % kBlock);
            unsynced_.push_back({at, bytes.substr(done, size)});
            done += size;
        }
    }
    void resize(std::uint64_t size) { size_wanted_ = size; }

    void sync() {
        durable_ = with(std::vector<bool>(unsynced_.size(), true));
        unsynced_.clear();
    }

    [[nodiscard]] const std::vector<Piece>& unsynced() const { return unsynced_; }

    /// What a crash leaves if of the unsynced pieces just these made it.
    [[nodiscard]] std::string with(const std::vector<bool>& made_it) const {
        auto content = durable_;
        if (std::find(made_it.begin(), made_it.end(), false) == made_it.end())
            content.resize(std::max<std::size_t>(content.size(), size_wanted_));
        for (std::size_t n = 0; n < unsynced_.size(); ++n) {
            if (made_it[n]) put(content, unsynced_[n]);
        }
        return content;
    }

    static void put(std::string& content, const Piece& piece) {
        content.resize(std::max<std::size_t>(content.size(), piece.offset + piece.bytes.size()));
        content.replace(piece.offset, piece.bytes.size(), piece.bytes);
    }

private:
    std::string durable_;
    std::vector<Piece> unsynced_;
    std::size_t size_wanted_ = 0;
};

/// Of the pieces that no sync has covered yet, those that made it: none, all, all but one, one alone, some; of which one
/// may be torn.
class CrashStates {
public:
    CrashStates(const Disk& disk, std::mt19937& random) : disk_(disk), random_(random) {}

    void for_each(const std::function<void(const std::string&)>& visit) {
        const auto count = disk_.unsynced().size();
        visit(disk_.with(std::vector<bool>(count, true)));
        if (count == 0) return;
        visit(disk_.with(std::vector<bool>(count, false)));
        for (std::size_t one = 0; one < count; one += 1 + count / 8) {
            std::vector<bool> made_it(count, true);
            made_it[one] = false;
            visit(disk_.with(made_it));
            made_it.flip();
            visit(disk_.with(made_it));
        }
        // The last thing written is where LMDB's state begins: without what it points to.
        std::vector<bool> last_alone(count);
        last_alone.back() = true;
        visit(disk_.with(last_alone));
        for (int n = 0; n < 8; ++n) visit(some_torn());
    }

private:
    std::string some_torn() {
        const auto count = disk_.unsynced().size();
        std::vector<bool> made_it(count);
        for (std::size_t piece = 0; piece < count; ++piece) made_it[piece] = random_() % 2 != 0;
        const auto torn = random_() % count;
        made_it[torn] = false;
        auto content = disk_.with(made_it);
        const auto& piece = disk_.unsynced()[torn];
        for (std::size_t at = 0; at < piece.bytes.size(); at += kSector) {
            if (random_() % 2) Disk::put(content, {piece.offset + at, piece.bytes.substr(at, kSector)});
        }
        return content;
    }

    const Disk& disk_;
    std::mt19937& random_;
};

/// Opens the checkpoint as a server would after the crash.
class Survivor {
public:
    struct Found {
        Model model;
        CheckpointSummary summary;
        std::string error;
    };

    Found open(const Files& files) {
        std::ofstream(directory_.path() / "head", std::ios::binary) << files.head;
        write_changes(files.data);
        Found found;
        const LmdbStoreOptions options{.directory = directory_.path(), .identity = kIdentity};
        const auto store = LmdbStore::open(options, found.model.visitor(), found.summary);
        if (!store) found.error = store.error().where;
        note_what_opening_changed(files);
        return found;
    }

private:
    void note_what_opening_changed(const Files& files) {
        const auto file = directory_.path() / "data.mdb";
        there_ = files.data;
        there_.resize(std::filesystem::file_size(file));  // by zeros
        std::ifstream(file, std::ios::binary).read(there_.data(), 2 * kBlock);
    }

    /// All but what is there already, which is most of it.
    void write_changes(const std::string& content) {
        const auto file = directory_.path() / "data.mdb";
        const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT, 0600);
        REQUIRE(descriptor >= 0);
        if (content.size() != there_.size()) REQUIRE(::ftruncate(descriptor, static_cast<off_t>(content.size())) == 0);
        there_.resize(content.size());
        for (std::size_t at = 0; at < content.size(); at += kBlock) {
            const auto size = std::min(kBlock, content.size() - at);
            if (std::memcmp(there_.data() + at, content.data() + at, size) == 0) continue;
            const auto written = ::pwrite(descriptor, content.data() + at, size, static_cast<off_t>(at));
            if (written != static_cast<ssize_t>(size)) FAIL("cannot write");
        }
        ::close(descriptor);
    }

    TemporaryDirectory directory_{"/dev/shm"};
    std::string there_;
};

struct Run {
    Files fresh;  // before the first batch
    std::vector<DiskCall> calls;
    std::vector<Model> models;              // before the first batch, and after each
    std::vector<std::size_t> calls_behind;  // how many there had been when each was acknowledged
};

Run run_batches(int batches, std::uint32_t seed) {
    const TemporaryDirectory directory("/dev/shm");
    const auto file = directory.path() / "data.mdb";
    Model model;
    CheckpointSummary summary;
    const LmdbStoreOptions options{.directory = directory.path(), .identity = kIdentity, .bytes_initial = 64 << 10};
    auto store = LmdbStore::open(options, model.visitor(), summary);
    REQUIRE(store);
    Run run{.fresh = {content_of(file), content_of(directory.path() / "head")},
            .calls = {},
            .models = {model},
            .calls_behind = {}};
    auto& calls = DiskCalls::instance();
    calls.record(file);
    RandomImages random(seed);
    PendingImages pending(Zxid{});
    for (int batch = 0; batch < batches; ++batch) {
        for (int n = 0; n < 1 + batch % 20; ++n) {
            auto images = random.next();
            model.apply(images);
            pending.add(std::move(images));
        }
        auto writing = pending.split();
        REQUIRE((*store)->commit(writing.batch()));
        run.models.push_back(model);
        run.calls_behind.push_back(calls.count());
    }
    run.calls = calls.recorded();
    return run;
}

/// Plays the calls of a run to a disk, and asks at every step what a crash would leave.
class Replay {
public:
    Replay(const Run& run, std::uint32_t seed)
        : run_(run), disk_(run.fresh.data), head_(run.fresh.head), random_(seed) {}

    void play() {
        for (std::size_t n = 0; n < run_.calls.size(); ++n) {
            CAPTURE(n);
            play(run_.calls[n]);
            if (n + 1 == run_.calls_behind[acknowledged_]) acknowledge();
        }
        CHECK(acknowledged_ + 1 == run_.models.size());
    }
    [[nodiscard]] std::size_t states() const { return states_; }

private:
    void play(const DiskCall& call) {
        switch (call.kind) {
            case DiskCall::Kind::kWrite: return disk_.write(call.offset, call.bytes);
            case DiskCall::Kind::kResize: return disk_.resize(call.offset);
            case DiskCall::Kind::kSync: expect_whatever_made_it(acknowledged_); return disk_.sync();
            case DiskCall::Kind::kReplace:
                // The one step that makes the batch count. It must not come before what it points to is durable.
                CHECK(disk_.unsynced().empty());
                expect_whatever_made_it(acknowledged_);
                head_ = call.bytes;
                return expect_whatever_made_it(acknowledged_ + 1);
            case DiskCall::Kind::kSyncedWrite: FAIL("LMDB syncs by itself");
        }
    }

    void acknowledge() {
        ++acknowledged_;
        CHECK(disk_.unsynced().empty());
    }

    void expect_whatever_made_it(std::size_t batch) {
        CrashStates(disk_, random_).for_each([&](const std::string& data) {
            ++states_;
            const auto found = survivor_.open({data, head_});
            if (found.error.empty() && found.model == run_.models[batch]) return;
            CAPTURE(batch, found.error, found.summary.zxid.value);
            FAIL("not the state of this batch");
        });
    }

    const Run& run_;
    Disk disk_;
    std::string head_;
    std::mt19937 random_;
    Survivor survivor_;
    std::size_t acknowledged_ = 0;  // batches
    std::size_t states_ = 0;
};

}  // namespace

TEST_CASE("S-18 S-22 S-25: whatever a crash leaves of a batch, it is there whole or not at all", "[storage][lmdb]") {
    constexpr int kBatches = 100;
    const auto seed = GENERATE(1u, 2u);
    CAPTURE(seed);
    const auto run = run_batches(kBatches, seed);
    REQUIRE(std::count_if(run.calls.begin(), run.calls.end(),
                          [](const auto& call) { return call.kind == DiskCall::Kind::kResize; }) > 0);
    Replay replay(run, seed);
    replay.play();
    CHECK(replay.states() > kBatches * 20);
}

TEST_CASE("S-17: a crash while the file is being made leaves a fresh directory", "[storage][lmdb]") {
    const TemporaryDirectory directory("/dev/shm");
    const auto unfinished = directory.path() / "data.mdb.tmp";
    auto& calls = DiskCalls::instance();
    calls.record(unfinished);
    Model ignored;
    CheckpointSummary summary;
    REQUIRE(LmdbStore::open({.directory = directory.path(), .identity = kIdentity}, ignored.visitor(), summary));
    // It gets its name last, when all of it is durable.
    bool durable = false;
    std::size_t renamed = 0;
    for (const auto& call : calls.recorded()) {
        if (call.kind == DiskCall::Kind::kReplace) {
            ++renamed;
            CHECK(durable);
        } else {
            durable = call.kind != DiskCall::Kind::kWrite;
        }
    }
    CHECK(renamed == 2);  // head, data.mdb

    // Before it has its name, whatever of it is there does not matter.
    const TemporaryDirectory crashed("/dev/shm");
    std::ofstream(crashed.path() / "data.mdb.tmp") << std::string(5000, 'x');
    std::ofstream(crashed.path() / "head") << content_of(directory.path() / "head");
    REQUIRE(LmdbStore::open({.directory = crashed.path(), .identity = kIdentity}, ignored.visitor(), summary));
    CHECK_FALSE(summary.present);
}
