#include "server/core_options.hpp"

#include <catch2/catch.hpp>

using namespace zabd;
using namespace zabd::server;
using namespace std::chrono_literals;

TEST_CASE("a server without an ensemble is a voter alone", "[server][core_options]") {
    const auto options = core_options(Config{}, WallTime{5});
    CHECK(options.server == ServerId{1});
    CHECK(options.membership.voters() == std::set<ServerId>{ServerId{1}});
    CHECK(options.start == WallTime{5});
    CHECK(options.config_text.empty());
}

TEST_CASE("a member's core knows the ensemble", "[server][core_options]") {
    Config config;
    config.hold_max = 77ms;
    config.read_only_enabled = true;
    config.linearizable_reads = true;
    config.epoch_counter_max = 99;
    config.ensemble = Ensemble{.self = ServerId{3},
                               .servers = {},
                               .membership = zab::Membership({ServerId{1}, ServerId{3}}),
                               .config_text = "version=0",
                               .init_limit = 7,
                               .sync_limit = 4};
    const auto options = core_options(config, WallTime{});
    CHECK(options.server == ServerId{3});
    CHECK(options.membership.voters().size() == 2);
    CHECK(options.config_text == "version=0");
    CHECK(options.init_limit == 7);
    CHECK(options.sync_limit == 4);
    CHECK(options.hold_max == 77ms);
    CHECK(options.read_only_enabled);
    CHECK(options.linearizable_reads);
    CHECK(options.counter_max == 99);
}

TEST_CASE("a peer's packet may carry the longest transaction", "[server][core_options]") {
    Config config;
    config.frame_bytes_max = 8 << 20;
    config.txn_bytes_extra = 8 << 20;
    CHECK(core_options(config, WallTime{}).packet_bytes_max >= (16 << 20) + 4096);
}
