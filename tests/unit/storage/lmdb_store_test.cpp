#include "storage/lmdb_store.hpp"

#include "storage/lmdb_environment.hpp"
#include "storage/lmdb_scan.hpp"
#include "storage/pending_images.hpp"
#include "tests/unit/storage/checkpoint_model.hpp"
#include "tests/unit/storage/disk_calls.hpp"
#include "tests/unit/storage/forked.hpp"
#include "tests/unit/storage/temporary_directory.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

using namespace zabd;
using namespace zabd::storage;
using Catch::Matchers::Contains;

namespace {

/// A store, and what it ought to hold.
class Tried {
public:
    explicit Tried(const std::filesystem::path& directory, std::uint64_t bytes_initial = 64 << 10)
        : options_{.directory = directory, .bytes_initial = bytes_initial} {
        auto opened = LmdbStore::open(options_, loaded.visitor(), summary);
        if (opened) {
            store = std::move(*opened);
        } else {
            error = opened.error();
        }
    }

    /// Sets the data of nodes, which it makes where they are missing, in one batch.
    Result<void> set(std::uint64_t first, std::uint64_t last, std::size_t data_bytes) {
        auto pending = next(first, last, data_bytes);
        auto committed = store->commit(pending.batch());
        if (committed) expected.apply(images_);
        return committed;
    }

    /// What set() would commit.
    PendingImages next(std::uint64_t first, std::uint64_t last, std::size_t data_bytes) {
        std::vector<wire::NodeImage> nodes;
        for (auto id = first; id <= last; ++id)
            nodes.push_back(node(id, "n", std::string(data_bytes, static_cast<char>('a' + counter_ % 26))));
        images_ = images_at(++counter_, std::move(nodes));
        images_.next_node = NodeId{1'000'000};
        PendingImages pending(Zxid{});
        pending.add(images_);
        return pending;
    }

    Model loaded;
    CheckpointSummary summary;
    std::unique_ptr<LmdbStore> store;
    Error error;
    Model expected;

private:
    LmdbStoreOptions options_;
    wire::StateImages images_;
    Counter counter_ = 0;
};

Model state_in(const std::filesystem::path& directory) {
    const Tried tried(directory);
    CHECK(tried.error.where == "");
    return tried.loaded;
}

/// While it lives, calls fail.
class Failing {
public:
    explicit Failing(const DiskCalls::Failures& failures) { DiskCalls::instance().fail(failures); }
    ~Failing() { DiskCalls::instance().fail({}); }
    Failing(const Failing&) = delete;
    Failing& operator=(const Failing&) = delete;
};

struct FileSize {
    std::uint64_t bytes = 0;
    std::uint64_t allocated = 0;
};
FileSize size_of(const std::filesystem::path& file) {
    struct stat status {};
    REQUIRE(::stat(file.c_str(), &status) == 0);
    return {static_cast<std::uint64_t>(status.st_size), static_cast<std::uint64_t>(status.st_blocks) * 512};
}

/// Another process that reads the checkpoint, as a backup does, and does not end its transaction.
class Reader {
public:
    explicit Reader(const std::filesystem::path& directory) {
        int ready[2];
        REQUIRE(::pipe(ready) == 0);
        child_ = ::fork();
        if (child_ == 0) hold(directory, ready[1]);
        char byte = 0;
        REQUIRE(::read(ready[0], &byte, 1) == 1);
        ::close(ready[0]);
        ::close(ready[1]);
    }
    ~Reader() { kill(); }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    void kill() {
        if (child_ <= 0) return;
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
        child_ = 0;
    }

private:
    [[noreturn]] static void hold(const std::filesystem::path& directory, int ready) {
        MDB_env* env = nullptr;
        MDB_txn* transaction = nullptr;
        if (mdb_env_create(&env) != 0 || mdb_env_open(env, directory.c_str(), MDB_RDONLY, 0) != 0 ||
            mdb_txn_begin(env, nullptr, MDB_RDONLY, &transaction) != 0 || ::write(ready, "r", 1) != 1)
            ::_exit(1);
        for (;;) ::pause();
    }

    pid_t child_ = 0;
};

}  // namespace

TEST_CASE("S-25: the file has its blocks before the map shows them, so that a commit allocates none",
          "[storage][lmdb]") {
    const TemporaryDirectory directory;
    const auto file = directory.path() / "data.mdb";
    Tried tried(directory.path());
    for (std::uint64_t batch = 0; batch < 30; ++batch) {
        REQUIRE(tried.set(1 + batch * 50, 50 + batch * 50, 2000));
        const auto size = size_of(file);
        CHECK(size.allocated >= size.bytes);
        CHECK(size.bytes == tried.store->size_bytes());
    }
    CHECK(tried.store->size_bytes() > 3'000'000);
    CHECK(tried.store->size_bytes() < 12'000'000);
}

TEST_CASE("S-14 S-25: a disk that fills while the file is extended changes nothing, and is met again later",
          "[storage][lmdb]") {
    const int error = GENERATE(ENOSPC, EDQUOT);
    CAPTURE(error);
    const TemporaryDirectory directory;
    Tried tried(directory.path());
    REQUIRE(tried.set(1, 10, 100));
    const auto before = size_of(directory.path() / "data.mdb");
    {
        const Failing failing({.allocate = error});
        for (int attempt = 0; attempt < 3; ++attempt) {
            const auto committed = tried.set(1, 2000, 1000);
            REQUIRE_FALSE(committed);
            CHECK(committed.error().code == Errc::kNoSpace);
            CHECK_THAT(committed.error().where, Contains("data.mdb") && Contains("extend"));
        }
        CHECK(size_of(directory.path() / "data.mdb").bytes == before.bytes);
        // What fits needs no more room.
        CHECK(tried.set(1, 5, 100));
    }
    REQUIRE(tried.set(1, 2000, 1000));
    tried.store.reset();
    CHECK(state_in(directory.path()) == tried.expected);
}

// (1) A batch is in the file, but head finds no space. (2) It is tried again and again: were it written anew each time,
// LMDB would use the pages of the state that counts. (3) The process is killed.
TEST_CASE("S-14: a head that finds no space leaves the state that counts as it is, however often", "[storage][lmdb]") {
    const TemporaryDirectory directory;
    Tried tried(directory.path());
    for (int batch = 0; batch < 5; ++batch) REQUIRE(tried.set(1, 2000, 100));
    auto pending = tried.next(1, 2000, 100);
    {
        const Failing failing({.rename = ENOSPC});
        for (int attempt = 0; attempt < 5; ++attempt) {
            const auto committed = tried.store->commit(pending.batch());
            REQUIRE_FALSE(committed);
            CHECK(committed.error().code == Errc::kNoSpace);
        }
    }
    const TemporaryDirectory after_a_kill;
    for (const auto* file : {"data.mdb", "head"})
        std::filesystem::copy(directory.path() / file, after_a_kill.path() / file);
    CHECK(state_in(after_a_kill.path()) == tried.expected);

    REQUIRE(tried.store->commit(pending.batch()));
    REQUIRE(tried.set(1, 10, 50));
}

TEST_CASE("S-25: any failure of a commit itself is final, a full disk too", "[storage][lmdb]") {
    struct Case {
        const char* name;
        DiskCalls::Failures failures;
    };
    const auto c = GENERATE(values<Case>({
        {"a write fails", {.write = EIO}},
        {"a write finds no room", {.write = ENOSPC}},
        {"a sync fails", {.sync = EIO}},
        {"a sync finds no room", {.sync = ENOSPC}},
    }));
    CAPTURE(c.name);
    const TemporaryDirectory directory;
    Tried tried(directory.path(), 1 << 20);
    REQUIRE(tried.set(1, 10, 100));
    {
        const Failing failing(c.failures);
        const auto committed = tried.set(1, 10, 200);
        REQUIRE_FALSE(committed);
        CHECK(committed.error().code == Errc::kIo);
    }
    // The process stops here. What the next one finds is the batch before.
    tried.store.reset();
    CHECK(state_in(directory.path()) == tried.expected);
}

TEST_CASE("S-19: a map that turns out too small is extended, and the batch written anew", "[storage][lmdb]") {
    const TemporaryDirectory directory;
    Tried tried(directory.path());
    REQUIRE(tried.set(1, 2000, 1000));
    {
        // The pages that it would use are held by somebody, which nobody can know beforehand.
        const Reader reader(directory.path());
        for (int n = 0; n < 12; ++n) REQUIRE(tried.set(1, 2000, 1000));
    }
    tried.store.reset();
    CHECK(state_in(directory.path()) == tried.expected);
}

TEST_CASE("S-20: who holds an old snapshot is told, and forgotten when it dies", "[storage][lmdb]") {
    const TemporaryDirectory directory;
    Tried tried(directory.path());
    REQUIRE(tried.set(1, 100, 1000));
    CHECK(tried.store->oldest_reader_lag().value() == std::nullopt);
    Reader reader(directory.path());
    CHECK(tried.store->oldest_reader_lag().value() == 0u);
    for (int n = 0; n < 3; ++n) REQUIRE(tried.set(1, 100, 1000));
    CHECK(tried.store->oldest_reader_lag().value() == 3u);
    reader.kill();
    CHECK(tried.store->oldest_reader_lag().value() == std::nullopt);
}

TEST_CASE("S-20: a reader that outlives the server does not lead the next one astray", "[storage][lmdb]") {
    const TemporaryDirectory directory;
    Tried tried(directory.path(), 1 << 20);
    for (int n = 0; n < 3; ++n) REQUIRE(tried.set(1, 100, 1000));
    const Reader reader(directory.path());
    {
        const Failing failing({.sync = EIO});  // LMDB takes the batch for committed, which it is not
        REQUIRE_FALSE(tried.set(1, 100, 500));
    }
    tried.store.reset();
    Tried next(directory.path());
    CHECK(next.error.where == "");
    CHECK(next.loaded == tried.expected);
    next.expected = next.loaded;
    REQUIRE(next.set(1, 100, 700));
    next.store.reset();
    CHECK(state_in(directory.path()) == next.expected);
}

TEST_CASE("S-20: pages are used again, so that the file stops growing", "[storage][lmdb]") {
    const TemporaryDirectory directory;
    Tried tried(directory.path());
    for (int n = 0; n < 5; ++n) REQUIRE(tried.set(1, 1000, 1000));
    const auto bytes = tried.store->size_bytes();
    for (int n = 0; n < 30; ++n) REQUIRE(tried.set(1, 1000, 1000));
    CHECK(tried.store->size_bytes() == bytes);
}

TEST_CASE("S-21: a directory is opened once in a process", "[storage][lmdb]") {
    const TemporaryDirectory directory;
    const TemporaryDirectory elsewhere;
    std::filesystem::create_directory_symlink(directory.path(), elsewhere.path() / "link");
    for (const auto& path : {directory.path(), elsewhere.path() / "link"}) {
        CAPTURE(path);
        Tried first(directory.path());
        REQUIRE(first.store);
        CHECK(Tried(path).error.code == Errc::kInUse);
        first.store.reset();
        CHECK(Tried(path).store);
    }
}

TEST_CASE("S-21: a child process cannot write, and its end changes nothing", "[storage][lmdb]") {
    const TemporaryDirectory directory;
    Tried tried(directory.path());
    REQUIRE(tried.set(1, 10, 100));
    const auto ending = run_forked([&] { (void)tried.set(1, 10, 200); });
    CHECK(ending.signal == SIGABRT);
    CHECK_THAT(ending.said, Contains("used after a fork"));
    CHECK(run_forked([&] { tried.store.reset(); }).exit_code == 0);
    REQUIRE(tried.set(1, 10, 300));
    tried.store.reset();
    CHECK(state_in(directory.path()) == tried.expected);
}

TEST_CASE("S-21: no descriptor of it goes to another program", "[storage][lmdb]") {
    const TemporaryDirectory directory;
    Tried tried(directory.path());
    REQUIRE(tried.set(1, 2000, 3000));  // so much that LMDB is opened anew
    int seen = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code gone;
        const auto target = std::filesystem::read_symlink(entry.path(), gone);
        if (target.parent_path() != directory.path()) continue;
        ++seen;
        CAPTURE(target);
        CHECK((::fcntl(std::stoi(entry.path().filename().string()), F_GETFD) & FD_CLOEXEC) != 0);
    }
    CHECK(seen == 3);  // the file twice, and its locks
}

template <class Take>
concept CanBeRead = requires(const LmdbScan& scan, Take take) {
    scan.read(take);
};

TEST_CASE("S-24: what points into the map cannot be kept", "[storage][lmdb]") {
    using View = std::string_view;
    using Escaping = View (*)(View);
    using EscapingPerhaps = std::optional<View> (*)(View);
    using EscapingByte = const char* (*)(View);
    using EscapingReference = const View& (*)(View);
    using Copying = std::string (*)(View);
    using Decoding = std::optional<wire::NodeRecord> (*)(View);
    STATIC_REQUIRE_FALSE(CanBeRead<Escaping>);
    STATIC_REQUIRE_FALSE(CanBeRead<EscapingPerhaps>);
    STATIC_REQUIRE_FALSE(CanBeRead<EscapingByte>);
    STATIC_REQUIRE_FALSE(CanBeRead<EscapingReference>);
    STATIC_REQUIRE(CanBeRead<Copying>);
    STATIC_REQUIRE(CanBeRead<Decoding>);
    STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<LmdbScan>);
}

TEST_CASE("memory of the map and of a large batch is given back", "[storage][lmdb]") {
    const TemporaryDirectory directory;
    Tried tried(directory.path());
    const auto resident = [&] {
        std::uint64_t kib = 0;
        std::ifstream lines("/proc/self/smaps");
        bool ours = false;
        for (std::string line; std::getline(lines, line);) {
            if (line.find(":") == line.find(" ") - 1) {
                if (ours && line.starts_with("Rss:")) kib += std::stoull(line.substr(4));
            } else {
                ours = line.ends_with((directory.path() / "data.mdb").string());
            }
        }
        return kib;
    };
    std::uint64_t while_written = 0;
    tried.store->set_pause([&] { while_written = std::max(while_written, resident()); });
    REQUIRE(tried.set(1, 5000, 1000));
    for (int n = 0; n < 3; ++n) REQUIRE(tried.set(1, 5000, 1000));
    CHECK(while_written < 1000);
    CHECK(resident() < 100);
    tried.store.reset();
    const Tried again(directory.path());
    CHECK(again.loaded.nodes.size() == 5000);
    CHECK(resident() < 100);
}
