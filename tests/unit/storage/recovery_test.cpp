#include "storage/recovery.hpp"

#include "tests/unit/storage/temporary_directory.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <string>
#include <vector>

using namespace zabd;
using namespace zabd::storage;

namespace {

wire::StateImages created(Counter counter, std::uint64_t id, const std::string& data) {
    wire::NodeImage node;
    node.record.id = NodeId{id};
    node.record.parent = NodeId::kRoot;
    node.record.name = std::to_string(id);
    node.data_changed = true;
    node.data = Bytes::copy_of(data);
    wire::StateImages images;
    images.zxid = Zxid::of(0, counter);
    images.digest = counter * 7u;
    images.next_node = NodeId{id + 1};
    images.nodes.push_back(node);
    return images;
}

/// A server reduced to its storage: what it was told when it started.
struct Server {
    explicit Server(const StorageOptions& options) {
        auto opened = open_storage(
            options, {.state = {.on_session = [](const auto&) { return Result<void>{}; },
                                .on_acl = [](const auto&) { return Result<void>{}; },
                                .on_node =
                                    [this](const wire::NodeRecord& node, const Bytes& data) {
                                        nodes.push_back(node.name + "=" + std::string(data.view()));
                                        return Result<void>{};
                                    }},
                      .on_state = [](const Found&, Checkpoint&) { return Result<void>{}; },
                      .on_record = [this](const LogRecord& record) { records.push_back(record.zxid.counter()); },
                      .on_quarantine =
                          [this] {
                              nodes.clear();
                              records.clear();
                          }});
        if (opened) {
            storage = std::move(*opened);
        } else {
            error = opened.error().where;
        }
    }

    void start() {
        storage.checkpoint->start(
            [this](const auto& progress) { storage.log->discard_through(progress.zxid_durable); });
        storage.log->start([](const auto&) {});
    }

    void log(Counter first, Counter last) {
        for (auto n = first; n <= last; ++n) storage.log->append(Zxid::of(0, n), Bytes::copy_of(std::string(900, 't')));
    }

    void checkpoint(Counter first, Counter last) {
        for (auto n = first; n <= last; ++n) storage.checkpoint->put(created(n, n + 1, "data"));
    }

    void stop() {
        storage.log->stop();
        storage.checkpoint->stop();
    }

    std::vector<std::string> nodes;
    std::vector<Counter> records;
    std::string error;
    Storage storage;
};

}  // namespace

TEST_CASE("what was logged and what was checkpointed come back", "[storage][recovery]") {
    const TemporaryDirectory directory;
    const TemporaryDirectory log_directory;
    const bool apart = GENERATE(false, true);
    CAPTURE(apart);
    const StorageOptions options{.data_root = directory.path(), .log_root = apart ? log_directory.path() : ""};
    {
        Server server(options);
        REQUIRE(server.error == "");
        CHECK_FALSE(server.storage.checkpoint_found.present);
        server.start();
        server.log(1, 5);
        server.checkpoint(1, 3);
        server.stop();
    }
    const Server server(options);
    REQUIRE(server.error == "");
    CHECK(server.nodes == std::vector<std::string>{"2=data", "3=data", "4=data"});
    CHECK(server.records == std::vector<Counter>{4, 5});
    CHECK(server.storage.checkpoint_found.zxid == Zxid::of(0, 3));
    CHECK(server.storage.checkpoint_found.digest == 21);
    CHECK(server.storage.log_found.zxid_last == Zxid::of(0, 5));
}

TEST_CASE("the log shrinks as the checkpoint advances, and both together stay whole", "[storage][recovery]") {
    const TemporaryDirectory directory;
    const StorageOptions options{.data_root = directory.path(),
                                 .log_root = {},
                                 .segment_bytes = 64 << 10,
                                 .retain_bytes = 0,
                                 .checkpoint = {.transactions = 50}};
    Counter next = 1;
    for (int life = 0; life < 5; ++life) {
        Server server(options);
        REQUIRE(server.error == "");
        REQUIRE(server.nodes.size() + server.records.size() == next - 1);
        server.start();
        server.log(next, next + 299);
        server.checkpoint(server.storage.checkpoint_found.zxid.counter() + 1, next + 289);  // as a replay puts them
        next += 300;
        server.stop();
    }
    Server server(options);
    CHECK(server.nodes.size() == next - 11);
    CHECK(server.records.size() == 10);
    CHECK(server.storage.log->figures().size_bytes < 40 * options.segment_bytes);
}

TEST_CASE("S-12: a log that has lost what the checkpoint holds is refused", "[storage][recovery]") {
    const TemporaryDirectory directory;
    const StorageOptions options{.data_root = directory.path(), .log_root = {}};
    {
        Server server(options);
        server.start();
        server.log(1, 5);
        server.checkpoint(1, 5);
        server.stop();
    }
    const auto log = directory.path() / "zabd" / "log";
    for (const auto& entry : std::filesystem::directory_iterator(log)) std::filesystem::remove(entry);
    const Server server(options);
    CHECK_THAT(server.error, Catch::Matchers::Contains(log.string()) && Catch::Matchers::Contains("0x0:00000005"));
    CHECK(std::filesystem::is_empty(log));
}

TEST_CASE("a log apart from its checkpoint's beginning is replayed from the first record", "[storage][recovery]") {
    const TemporaryDirectory directory;
    const StorageOptions options{.data_root = directory.path(), .log_root = {}};
    {
        Server server(options);
        server.start();
        server.log(1, 5);
        server.checkpoint(1, 5);
        server.stop();
    }
    std::filesystem::remove_all(directory.path() / "zabd" / "checkpoint");
    const Server server(options);
    CHECK(server.error == "");
    CHECK(server.records == std::vector<Counter>{1, 2, 3, 4, 5});
}

TEST_CASE("what the visitor refuses ends the recovery", "[storage][recovery]") {
    const TemporaryDirectory directory;
    const auto refuse = [](const Found&, Checkpoint&) { return failure(Errc::kDamaged, "refused"); };
    const auto opened = open_storage({.data_root = directory.path(), .log_root = {}},
                                     {.state = {}, .on_state = refuse, .on_record = {}, .on_quarantine = {}});
    REQUIRE_FALSE(opened);
    CHECK(opened.error().where == "refused");
}
