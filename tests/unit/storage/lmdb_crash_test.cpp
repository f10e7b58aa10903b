// The real LMDB code against a disk that loses power: every write and sync of a run is recorded, and the file is reopened
// as each crash may have left it.
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

/// The file as the disk has it: what was synced for certain, what was not perhaps.
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
        if (size_wanted_ != 0 && std::find(made_it.begin(), made_it.end(), false) == made_it.end())
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

/// Opens the file as a server would after the crash.
class Survivor {
public:
    struct Found {
        Model model;
        CheckpointSummary summary;
        std::string error;
    };

    Found open(const std::string& content) {
        write_changes(content);
        Found found;
        const auto store = LmdbStore::open({.directory = directory_.path(), .identity = kIdentity},
                                           found.model.visitor(), found.summary);
        if (!store) found.error = store.error().where;
        return found;
    }

private:
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
            REQUIRE(::pwrite(descriptor, content.data() + at, size, static_cast<off_t>(at)) ==
                    static_cast<ssize_t>(size));
        }
        ::close(descriptor);
        there_ = content;
    }

    TemporaryDirectory directory_{"/dev/shm"};
    std::string there_;
};

std::string content_of(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// Of the pieces that a sync has not yet covered, those that made it: none, all, all but one, some; and one torn.
class CrashStates {
public:
    CrashStates(const Disk& disk, std::mt19937& random) : disk_(disk), random_(random) {}

    void for_each(const std::function<void(const std::string&)>& visit) {
        const auto count = disk_.unsynced().size();
        visit(disk_.with(std::vector<bool>(count, false)));
        visit(disk_.with(std::vector<bool>(count, true)));
        if (count == 0) return;
        for (std::size_t missing = 0; missing < count; missing += 1 + count / 12) {
            std::vector<bool> all_but_one(count, true);
            all_but_one[missing] = false;
            visit(disk_.with(all_but_one));
        }
        for (int n = 0; n < 10; ++n) {
            std::vector<bool> some(count);
            for (std::size_t piece = 0; piece < count; ++piece) some[piece] = random_() % 2 != 0;
            const auto torn = random_() % count;
            some[torn] = false;
            auto content = disk_.with(some);
            tear(content, disk_.unsynced()[torn]);
            visit(content);
        }
    }

private:
    /// Of its sectors some made it.
    void tear(std::string& content, const Disk::Piece& piece) {
        for (std::size_t at = 0; at < piece.bytes.size(); at += kSector) {
            if (random_() % 2) Disk::put(content, {piece.offset + at, piece.bytes.substr(at, kSector)});
        }
    }

    const Disk& disk_;
    std::mt19937& random_;
};

struct Run {
    std::string fresh;  // the file before the first batch
    std::vector<DiskCall> calls;
    std::vector<Model> models;              // before the first batch, and after each
    std::vector<std::size_t> calls_behind;  // how many there had been when each was acknowledged
};

Run run_batches(int batches, std::uint32_t seed) {
    Run run;
    const TemporaryDirectory directory("/dev/shm");
    Model ignored;
    CheckpointSummary summary;
    auto store = LmdbStore::open({.directory = directory.path(), .identity = kIdentity, .bytes_initial = 64 << 10},
                                 ignored.visitor(), summary);
    REQUIRE(store);
    run.fresh = content_of(directory.path() / "data.mdb");
    auto& calls = DiskCalls::instance();
    calls.record(directory.path() / "data.mdb");
    RandomImages random(seed);
    PendingImages pending(Zxid{});
    Model model;
    run.models.push_back(model);
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

}  // namespace

TEST_CASE(
    "S-18 S-22: whatever a crash leaves of a batch, the last one acknowledged or the one in flight is there, whole",
    "[storage][lmdb]") {
    constexpr int kBatches = 120;
    const auto seed = GENERATE(1u, 2u);
    CAPTURE(seed);
    const auto run = run_batches(kBatches, seed);
    REQUIRE(run.calls.size() > kBatches * 3);
    REQUIRE(std::count_if(run.calls.begin(), run.calls.end(),
                          [](const auto& call) { return call.kind == DiskCall::Kind::kResize; }) > 0);

    std::mt19937 random(seed);
    Disk disk(run.fresh);
    Survivor survivor;
    std::size_t acknowledged = 0;  // batches
    std::size_t states = 0;
    const auto expect = [&](const std::string& content, std::size_t batch) {
        const auto found = survivor.open(content);
        ++states;
        if (!found.error.empty() || found.model != run.models[batch]) {
            CAPTURE(batch, acknowledged, found.error, found.summary.zxid.value);
            FAIL("not the state of this batch");
        }
    };
    for (std::size_t n = 0; n < run.calls.size(); ++n) {
        const auto& call = run.calls[n];
        while (acknowledged < run.calls_behind.size() && run.calls_behind[acknowledged] <= n) ++acknowledged;
        CAPTURE(n, acknowledged);
        switch (call.kind) {
            case DiskCall::Kind::kWrite: disk.write(call.offset, call.bytes); break;
            case DiskCall::Kind::kResize: disk.resize(call.offset); break;
            case DiskCall::Kind::kSync:
                CrashStates(disk, random).for_each([&](const auto& content) { expect(content, acknowledged); });
                disk.sync();
                break;
            case DiskCall::Kind::kSyncedWrite:
                // The one step that makes the batch count. It must not come before what it points to.
                CHECK(disk.unsynced().empty());
                // LMDB relies on a sector being written whole or not at all; its record of the state is within one.
                CHECK(call.offset / kSector == (call.offset + call.bytes.size() - 1) / kSector);
                expect(disk.with({}), acknowledged);
                disk.write(call.offset, call.bytes);
                disk.sync();
                expect(disk.with({}), acknowledged + 1);
                break;
        }
    }
    CHECK(states > kBatches * 15);
}

TEST_CASE("S-17: a crash while the file is being made leaves a fresh directory", "[storage][lmdb]") {
    const TemporaryDirectory directory("/dev/shm");
    const auto unfinished = directory.path() / "data.mdb.tmp";
    auto& calls = DiskCalls::instance();
    calls.record(unfinished);
    Model ignored;
    CheckpointSummary summary;
    const LmdbStoreOptions options{.directory = directory.path(), .identity = kIdentity};
    REQUIRE(LmdbStore::open(options, ignored.visitor(), summary));
    const auto recorded = calls.recorded();
    Disk disk{""};
    for (const auto& call : recorded) {
        if (call.kind == DiskCall::Kind::kSync) disk.sync();
        if (call.kind == DiskCall::Kind::kWrite) disk.write(call.offset, call.bytes);
        if (call.kind != DiskCall::Kind::kSyncedWrite) continue;
        CHECK(disk.unsynced().empty());
        disk.write(call.offset, call.bytes);
        disk.sync();
    }
    CHECK(disk.with({}) == content_of(directory.path() / "data.mdb").substr(0, disk.with({}).size()));
    CHECK_FALSE(std::filesystem::exists(unfinished));

    // Before it has its name, whatever of it is there does not matter.
    const TemporaryDirectory crashed("/dev/shm");
    std::ofstream(crashed.path() / "data.mdb.tmp") << std::string(5000, 'x');
    REQUIRE(LmdbStore::open({.directory = crashed.path(), .identity = kIdentity}, ignored.visitor(), summary));
    CHECK_FALSE(summary.present);
}
