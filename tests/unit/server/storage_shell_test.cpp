#include "server/storage_shell.hpp"

#include "tests/unit/storage/temporary_directory.hpp"

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <spdlog/spdlog.h>

#include <chrono>
#include <fstream>
#include <optional>
#include <variant>
#include <vector>

using namespace zabd;
using namespace zabd::server;
using namespace std::chrono_literals;

namespace {

Bytes text(const std::string& value) { return Bytes::copy_of(value); }

/// A storage whose core is this test: what it is told is kept.
class Disk final : public CoreFeed {
public:
    explicit Disk(const std::filesystem::path& directory, bool member = false) : config_(config_in(directory, member)) {
        spdlog::set_level(spdlog::level::off);
        const auto on_state = [this](core::Recovered found) {
            recovered.emplace(std::move(found));
            records.clear();
        };
        const auto on_record = [this](core::LogRecovered record) { records.push_back(record.zxid); };
        const auto opened = shell.open({.on_state = on_state, .on_record = on_record});
        INFO((opened ? "" : opened.error().where));
        REQUIRE(opened);
        shell.start();
    }
    ~Disk() { stop(); }

    void give(const core::Input& input) override {
        if (const auto* one = std::get_if<core::LogDurable>(&input)) durable = one->up_to;
        if (const auto* one = std::get_if<core::LogTruncated>(&input)) truncated.push_back(one->up_to);
        if (const auto* one = std::get_if<core::SnapshotInstalled>(&input)) installed = one->zxid;
        if (const auto* one = std::get_if<core::LogRead>(&input)) read.push_back(*one);
        if (std::holds_alternative<core::HardStateSaved>(input)) ++states_saved;
    }
    void settle() override {}
    [[nodiscard]] Zxid log_needed() const override { return kZxidUnknown; }

    void append(Zxid zxid) {
        core::AppendToLog output{zxid, text("txn")};
        shell.carry_out(output);
    }
    template <class Output>
    void carry_out(Output output) {
        shell.carry_out(output);
    }
    template <class Condition>
    void run_until(const Condition& holds) {
        if (shell.wants_flush()) shell.flush(false);
        const auto deadline = std::chrono::steady_clock::now() + 20s;
        while (!holds()) {
            io_.restart();
            io_.run_one_for(100ms);
            REQUIRE(std::chrono::steady_clock::now() < deadline);
        }
    }
    void stop() {
        if (std::exchange(stopped_, true)) return;
        shell.stop_log();
        shell.stop_checkpoint();
    }

    std::optional<core::Recovered> recovered;
    std::vector<Zxid> records;
    Zxid durable;
    std::vector<Zxid> truncated;
    std::optional<Zxid> installed;
    std::vector<core::LogRead> read;
    int states_saved = 0;

private:
    static Config config_in(const std::filesystem::path& directory, bool member) {
        Config config;
        config.data_dir = config.log_dir = directory / "data";
        if (member) {
            config.ensemble = Ensemble{.self = ServerId{1},
                                       .servers = {},
                                       .membership = zab::Membership({ServerId{1}, ServerId{2}}),
                                       .config_text = {}};
        }
        return config;
    }

    const Config config_;
    boost::asio::io_context io_;
    bool stopped_ = false;

public:
    StorageShell shell{io_, config_, *this};  // below what it uses
};

/// The images of a state with the node /a.
wire::StateImages images_of_one_node(Zxid zxid) {
    znode::State state;
    state.tree.create({.path = "/a",
                       .data = text("x"),
                       .acl = state.acls.intern({{wire::kAllPermissions, {"world", "anyone"}}}),
                       .zxid = zxid,
                       .time_ms = 1,
                       .parent_creations = 1});
    auto images = state.images();
    images.zxid = zxid;
    images.digest = state.tree.digest();
    return images;
}

}  // namespace

TEST_CASE("what was appended is told when it is durable, and is there after a restart", "[server][storage_shell]") {
    const storage::TemporaryDirectory directory;
    {
        Disk disk{directory.path()};
        disk.append(Zxid{1});
        disk.append(Zxid{2});
        disk.run_until([&] { return disk.durable == Zxid{2}; });
    }
    const Disk disk{directory.path()};
    CHECK(disk.records == std::vector<Zxid>{Zxid{1}, Zxid{2}});
    CHECK(disk.recovered->log_begin == Zxid{});
}

TEST_CASE("a truncation is told, and the log goes on behind it", "[server][storage_shell]") {
    const storage::TemporaryDirectory directory;
    {
        Disk disk{directory.path(), true};
        for (const std::uint64_t n : {1, 2, 3}) disk.append(Zxid{n});
        disk.run_until([&] { return disk.durable == Zxid{3}; });
        disk.carry_out(core::TruncateLog{Zxid{1}});
        disk.append(Zxid::of(1, 1));
        disk.run_until([&] { return disk.durable == Zxid::of(1, 1); });
        CHECK(disk.truncated == std::vector<Zxid>{Zxid{1}});
        disk.carry_out(core::ReadLog{.tag = 7, .after = Zxid{}, .bytes_max = 1000});
        disk.run_until([&] { return !disk.read.empty(); });
        CHECK(disk.read[0].tag == 7);
        REQUIRE(disk.read[0].records.size() == 2);
        CHECK(disk.read[0].records[1].zxid == Zxid::of(1, 1));
    }
    const Disk disk{directory.path(), true};
    CHECK(disk.records == std::vector<Zxid>{Zxid{1}, Zxid::of(1, 1)});
}

TEST_CASE("hard states are saved in order", "[server][storage_shell]") {
    const storage::TemporaryDirectory directory;
    const zab::HardState last{.accepted_epoch = 9, .current_epoch = 8, .has_history = true, .secret = {1, 2, 3}};
    {
        Disk disk{directory.path(), true};
        disk.append(Zxid{1});
        disk.run_until([&] { return disk.durable == Zxid{1}; });
        disk.carry_out(core::SaveHardState{{.accepted_epoch = 1}});
        disk.carry_out(core::SaveHardState{last});
        disk.run_until([&] { return disk.states_saved == 2; });
    }
    CHECK(Disk{directory.path(), true}.recovered->hard_state == last);
}

TEST_CASE("an installed snapshot takes the place of all there was, and what came behind it follows",
          "[server][storage_shell]") {
    const storage::TemporaryDirectory directory;
    const auto at = Zxid::of(2, 5);
    {
        Disk disk{directory.path(), true};
        disk.append(Zxid{1});
        disk.run_until([&] { return disk.durable == Zxid{1}; });
        disk.carry_out(core::PutInstall{.begins = true, .images = images_of_one_node(at)});
        disk.carry_out(core::FinishInstall{at});
        disk.append(Zxid::of(2, 6));
        disk.carry_out(core::SaveHardState{{.accepted_epoch = 2, .current_epoch = 2, .has_history = true}});
        CHECK(disk.states_saved == 0);
        disk.run_until([&] { return disk.installed && disk.durable == Zxid::of(2, 6) && disk.states_saved == 1; });
        CHECK(*disk.installed == at);
    }
    const Disk disk{directory.path(), true};
    CHECK(disk.recovered->zxid == at);
    CHECK(disk.recovered->state.tree.find("/a") != nullptr);
    CHECK(disk.recovered->hard_state.current_epoch == 2);
    CHECK(disk.records == std::vector<Zxid>{Zxid::of(2, 6)});
}

TEST_CASE("a member whose log is damaged begins anew, without a history", "[server][storage_shell]") {
    const storage::TemporaryDirectory directory;
    {
        Disk disk{directory.path(), true};
        disk.append(Zxid{1});
        disk.carry_out(core::SaveHardState{{.accepted_epoch = 4, .current_epoch = 4, .has_history = true}});
        disk.run_until([&] { return disk.durable == Zxid{1} && disk.states_saved == 1; });
    }
    for (const auto& file : std::filesystem::directory_iterator{directory.path() / "data/zabd/log"})
        std::filesystem::resize_file(file.path(), 100);
    const Disk disk{directory.path(), true};
    CHECK(disk.records.empty());
    CHECK(disk.recovered->fresh);
    CHECK_FALSE(disk.recovered->hard_state.has_history);
    CHECK(disk.recovered->hard_state.accepted_epoch == 4);
}
