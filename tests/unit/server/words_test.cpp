#include "server/words.hpp"

#include "server/version.hpp"

#include <catch2/catch.hpp>

using namespace zabd;
using namespace zabd::server;
using namespace std::chrono_literals;

namespace {

const std::string kVersionLine = "Zookeeper version: " + zookeeper_version_text() + "\n";

core::Status busy() {
    core::Status status;
    status.zxid_applied = Zxid::of(1, 4);
    status.traffic = {
        .received = 8, .sent = 7, .requests = 5, .latency_ms_sum = 57, .latency_ms_min = 0, .latency_ms_max = 32};
    status.connections = 2;
    status.outstanding = 3;
    status.sessions = 1;
    status.nodes = 6;
    status.ephemerals = 1;
    status.watches = 9;
    status.approximate_bytes = 44;
    status.digest = 17;
    status.reply_bytes_last = 16;
    status.reply_bytes_min = 16;
    status.reply_bytes_max = 90;
    status.auth_failures = 2;
    status.sessions_expired = 4;
    status.uptime = 1500ms;
    return status;
}

/// One with a session, one that only asks.
std::vector<core::ConnectionStatus> two_connections() {
    core::ConnectionStatus client;
    client.connection = ConnectionId{1};
    client.address = "127.0.0.1";
    client.port = 36672;
    client.session = SessionId{0x1000016a9190012};
    client.queued = 2;
    client.traffic = {
        .received = 49, .sent = 48, .requests = 40, .latency_ms_sum = 41, .latency_ms_min = 0, .latency_ms_max = 5};
    client.last_op = wire::OpCode::kCreate2;
    client.established = WallTime{1795329120426};
    client.timeout = 10s;
    client.last_xid = 0x30;
    client.zxid_last = Zxid{0xad};
    client.responded_last = Instant{1605722ms};
    client.latency_ms_last = 1;
    core::ConnectionStatus asking;
    asking.connection = ConnectionId{2};
    asking.address = "::1";
    asking.port = 41934;
    asking.established = WallTime{1795329404000};
    return {client, asking};
}

core::WatchesStatus watches() {
    return {.connections = 2, .by_path = {{"/a", {SessionId{0x11}}}, {"/a/b", {SessionId{0x11}, SessionId{-1}}}}};
}

}  // namespace

TEST_CASE("the words are known, lower case only", "[server][words]") {
    for (const auto* word : {"ruok", "srvr", "stat", "mntr", "conf", "cons", "envi", "isro", "dirs", "wchs", "wchc",
                             "wchp", "dump", "crst", "srst", "gtmk", "hash"}) {
        CAPTURE(word);
        CHECK(word_argument_bytes(word) == std::size_t{0});
    }
    CHECK(word_argument_bytes("stmk") == std::size_t{8});
    for (const auto* word : {"zzzz", "RUOK", "ruo", "", "stak"}) CHECK_FALSE(word_argument_bytes(word));
}

TEST_CASE("a word is answered if the list has it, srvr always", "[server][words]") {
    CHECK(word_enabled("srvr", {}));
    CHECK_FALSE(word_enabled("ruok", {"srvr"}));
    CHECK(word_enabled("ruok", {"ruok"}));
    CHECK(word_enabled("wchp", {"*"}));
    CHECK(not_enabled_text("ruok") == "ruok is not executed because it is not in the whitelist.\n");
}

TEST_CASE("the version is in the form that clients parse", "[server][words]") {
    const auto text = zookeeper_version_text();
    CHECK(text.starts_with("3.9.5-zabd-" + std::string(zabd_version())));
    CHECK(text.find(", built on 2") != std::string::npos);
    CHECK(text.ends_with(" UTC"));
}

TEST_CASE("srvr", "[server][words]") {
    CHECK(srvr_text(busy(), {.words_received = 2, .words_sent = 1}) == kVersionLine +
                                                                           "Latency min/avg/max: 0/11.4/32\n"
                                                                           "Received: 10\n"
                                                                           "Sent: 8\n"
                                                                           "Connections: 2\n"
                                                                           "Outstanding: 3\n"
                                                                           "Zxid: 0x100000004\n"
                                                                           "Mode: standalone\n"
                                                                           "Node count: 7\n");
}

TEST_CASE("srvr tells the part that a member has", "[server][words]") {
    struct Case {
        core::ServerState state;
        std::string mode;
    };
    using enum core::ServerState;
    const auto c = GENERATE(values<Case>({
        {kLeading, "leader"},
        {kFollowing, "follower"},
        {kObserving, "observer"},
        {kReadOnly, "read-only"},
    }));
    CAPTURE(c.mode);
    auto status = busy();
    status.state = c.state;
    const auto text = srvr_text(status, {.proposals = {.last = 5, .min = 4, .max = 9}});
    CHECK(text.find("\nMode: " + c.mode + "\n") != std::string::npos);
    CHECK(text.ends_with("\nProposal sizes last/min/max: 5/4/9\n") == (c.state == kLeading));
    CHECK(text.starts_with(kVersionLine + "READ-ONLY mode; serving only read-only clients\n") ==
          (c.state == kReadOnly));
    CHECK(mntr_text(status, {}).find("zk_server_state\t" + c.mode + "\n") != std::string::npos);
}

TEST_CASE("a member without a leader answers only what needs none", "[server][words]") {
    auto status = busy();
    status.state = core::ServerState::kLooking;
    status.serving = false;
    for (const auto* word : {"ruok", "isro", "envi", "gtmk", "stmk"}) CHECK(word_answerable(word, status));
    for (const auto* word : {"srvr", "stat", "mntr", "conf", "dump"}) CHECK_FALSE(word_answerable(word, status));
    CHECK(not_serving_text() == "This ZooKeeper instance is not currently serving requests\n");
    CHECK(isro_text(status) == "null");
    status.state = core::ServerState::kReadOnly;
    CHECK(word_answerable("srvr", status));
    CHECK(isro_text(status) == "ro");
    CHECK(isro_text(busy()) == "rw");
}

TEST_CASE("average latencies have one to four decimals", "[server][words]") {
    struct Case {
        std::uint64_t sum, count;
        std::string text;
    };
    const auto c = GENERATE(values<Case>({
        {0, 0, "0.0"},
        {0, 7, "0.0"},
        {1, 3, "0.3333"},
        {2, 3, "0.6667"},
        {30, 3, "10.0"},
        {1, 2, "0.5"},
        {1, 100000, "0.0"},
        {100, 1, "100.0"},
    }));
    CAPTURE(c.sum, c.count);
    core::Status status;
    status.traffic.latency_ms_sum = c.sum;
    status.traffic.requests = c.count;
    CHECK(srvr_text(status, {}).find("Latency min/avg/max: 0/" + c.text + "/0\n") != std::string::npos);
}

TEST_CASE("stat lists the clients, the asking one among them", "[server][words]") {
    const auto text = stat_text(busy(), {.words_received = 1}, two_connections(), ConnectionId{2});
    CHECK(text.starts_with(kVersionLine + "Clients:\n"
                                          " /127.0.0.1:36672[1](queued=2,recved=49,sent=48)\n"
                                          " /[::1]:41934[0](queued=0,recved=1,sent=0)\n"
                                          "\n"
                                          "Latency min/avg/max: 0/11.4/32\n"
                                          "Received: 9\n"));
    CHECK(text.ends_with("Mode: standalone\nNode count: 7\n"));
}

TEST_CASE("cons", "[server][words]") {
    CHECK(cons_text(two_connections(), ConnectionId{2}) ==
          " /127.0.0.1:36672[1](queued=2,recved=49,sent=48,sid=0x1000016a9190012,lop=CREA,est=1795329120426,to=10000,"
          "lcxid=0x30,lzxid=0xad,lresp=1605722,llat=1,minlat=0,avglat=1,maxlat=5)\n"
          " /[::1]:41934[0](queued=0,recved=1,sent=0)\n"
          "\n");
}

TEST_CASE("cons leaves out the last xid of a session that has had none", "[server][words]") {
    auto connections = two_connections();
    connections[0].last_xid = -1;
    connections[0].last_op = wire::OpCode::kCreateSession;
    CHECK(cons_text(connections, ConnectionId{2}).find("lop=SESS,est=1795329120426,to=10000,lzxid=0xad") !=
          std::string::npos);
}

TEST_CASE("mntr", "[server][words]") {
    const ServerFigures figures{.words_received = 1,
                                .words_sent = 0,
                                .connections_rejected = 3,
                                .syncs = 4,
                                .sync_us_sum = 5000,
                                .sync_us_max = 2999,
                                .descriptors_open = 12,
                                .descriptors_max = 1024};
    CHECK(mntr_text(busy(), figures) == "zk_version\t" + zookeeper_version_text() + "\nzk_zabd_version\t" +
                                            std::string(zabd_version()) +
                                            "\n"
                                            "zk_server_state\tstandalone\n"
                                            "zk_zabd_zxid\t0x100000004\n"
                                            "zk_zabd_digest\t17\n"
                                            "zk_avg_latency\t11.4\n"
                                            "zk_max_latency\t32\n"
                                            "zk_min_latency\t0\n"
                                            "zk_packets_received\t9\n"
                                            "zk_packets_sent\t7\n"
                                            "zk_num_alive_connections\t2\n"
                                            "zk_outstanding_requests\t3\n"
                                            "zk_uptime\t1500\n"
                                            "zk_znode_count\t7\n"
                                            "zk_watch_count\t9\n"
                                            "zk_ephemerals_count\t1\n"
                                            "zk_approximate_data_size\t44\n"
                                            "zk_global_sessions\t1\n"
                                            "zk_local_sessions\t0\n"
                                            "zk_open_file_descriptor_count\t12\n"
                                            "zk_max_file_descriptor_count\t1024\n"
                                            "zk_connection_drop_probability\t0.0\n"
                                            "zk_last_client_response_size\t16\n"
                                            "zk_max_client_response_size\t90\n"
                                            "zk_min_client_response_size\t16\n"
                                            "zk_outstanding_tls_handshake\t0\n"
                                            "zk_auth_failed_count\t2\n"
                                            "zk_non_mtls_remote_conn_count\t0\n"
                                            "zk_non_mtls_local_conn_count\t0\n"
                                            "zk_stale_sessions_expired\t4\n"
                                            "zk_connection_rejected\t3\n"
                                            "zk_avg_fsynctime\t1.25\n"
                                            "zk_max_fsynctime\t2\n"
                                            "zk_cnt_fsynctime\t4\n"
                                            "zk_sum_fsynctime\t5\n");
}

TEST_CASE("mntr tells of the ensemble", "[server][words]") {
    auto status = busy();
    status.state = core::ServerState::kLeading;
    status.leader = ServerId{3};
    status.epoch = 7;
    status.followers_synced = 2;
    status.observers_synced = 1;
    status.elections = 4;
    status.election_last = 210ms;
    status.digests_compared = 12;
    status.digest_mismatches = 1;
    const std::string member =
        "zk_peer_state\tleading - broadcast\n"
        "zk_quorum_size\t3\n"
        "zk_epoch\t7\n"
        "zk_cnt_election_time\t4\n"
        "zk_last_election_time\t210\n"
        "zk_zabd_digests_compared\t12\n"
        "zk_digest_mismatches_count\t1\n"
        "zk_leader_id\t3\n";
    const std::string leader =
        "zk_learners\t3\n"
        "zk_followers\t2\n"
        "zk_synced_followers\t2\n"
        "zk_synced_non_voting_followers\t0\n"
        "zk_synced_observers\t1\n"
        "zk_leader_uptime\t90\n"
        "zk_last_proposal_size\t8\n"
        "zk_min_proposal_size\t2\n"
        "zk_max_proposal_size\t9\n";
    const ServerFigures figures{.proposals = {.last = 8, .min = 2, .max = 9}, .part_held = 90ms};
    CHECK(mntr_text(status, figures, 3).ends_with(member + leader));
    status.state = core::ServerState::kFollowing;
    CHECK(mntr_text(status, figures, 3).find("zk_peer_state\tfollowing - broadcast\n") != std::string::npos);
    CHECK(mntr_text(status, figures, 3).find("synced_followers") == std::string::npos);
}

TEST_CASE("conf tells of the ensemble", "[server][words]") {
    Config config;
    config.ensemble = Ensemble{.self = ServerId{2},
                               .servers = {{ServerId{2}, *parse_server("b:2888:3888:observer")}},
                               .membership = zab::Membership({ServerId{1}}, {ServerId{2}}),
                               .config_text = "server.1=a:1:2:participant\nversion=0",
                               .init_limit = 10,
                               .sync_limit = 5};
    CHECK(conf_text(config, {})
              .ends_with("serverId=2\n"
                         "initLimit=10\n"
                         "syncLimit=5\n"
                         "electionAlg=3\n"
                         "electionPort=3888\n"
                         "quorumPort=2888\n"
                         "peerType=1\n"
                         "membership: \n"
                         "server.1=a:1:2:participant\n"
                         "version=0"));
}

TEST_CASE("conf", "[server][words]") {
    Config config;
    config.data_dir = "/data";
    config.log_dir = "/log";
    CHECK(conf_text(config, {.checkpoint_bytes = 8192, .log_bytes = 67108880}) ==
          "clientPort=2181\n"
          "secureClientPort=-1\n"
          "dataDir=/data\n"
          "dataDirSize=8192\n"
          "dataLogDir=/log\n"
          "dataLogSize=67108880\n"
          "tickTime=2000\n"
          "maxClientCnxns=60\n"
          "minSessionTimeout=4000\n"
          "maxSessionTimeout=40000\n"
          "clientPortListenBacklog=-1\n"
          "serverId=0\n");
}

TEST_CASE("dirs", "[server][words]") {
    CHECK(dirs_text({.checkpoint_bytes = 1, .log_bytes = 2}) == "datadir_size: 1\nlogdir_size: 2\n");
}

TEST_CASE("envi", "[server][words]") {
    const Environment environment{.host_name = "host",
                                  .os_name = "Linux",
                                  .os_arch = "x86_64",
                                  .os_version = "6.1",
                                  .user_name = "me",
                                  .user_home = "/home/me",
                                  .user_dir = "/srv",
                                  .memory_free_mb = 1,
                                  .memory_max_mb = 3,
                                  .memory_total_mb = 2};
    CHECK(envi_text(environment) == "Environment:\nzookeeper.version=" + zookeeper_version_text() +
                                        "\n"
                                        "host.name=host\n"
                                        "java.version=<NA>\n"
                                        "java.vendor=<NA>\n"
                                        "java.home=<NA>\n"
                                        "java.class.path=<NA>\n"
                                        "java.library.path=<NA>\n"
                                        "java.io.tmpdir=<NA>\n"
                                        "java.compiler=<NA>\n"
                                        "os.name=Linux\n"
                                        "os.arch=x86_64\n"
                                        "os.version=6.1\n"
                                        "user.name=me\n"
                                        "user.home=/home/me\n"
                                        "user.dir=/srv\n"
                                        "os.memory.free=1MB\n"
                                        "os.memory.max=3MB\n"
                                        "os.memory.total=2MB\n"
                                        "zabd.version=" +
                                        std::string(zabd_version()) + "\n");
}

TEST_CASE("dump", "[server][words]") {
    core::SessionsStatus sessions;
    sessions.by_expiry_ms = {{1795329404000, {SessionId{0x1000016a9190012}, SessionId{0x300001bfc740000}}}};
    sessions.ephemerals = {{SessionId{0x1000016a9190012}, {"/e", "/f"}}};
    CHECK(dump_text(sessions, two_connections(), 10s) ==
          "SessionTracker dump:\n"
          "Session Sets (1)/(2):\n"
          "2 expire at Sun Nov 22 06:36:44 UTC 2026:\n"
          "\t0x1000016a9190012\n"
          "\t0x300001bfc740000\n"
          "ephemeral nodes dump:\n"
          "Sessions with Ephemerals (1):\n"
          "0x1000016a9190012:\n"
          "\t/e\n"
          "\t/f\n"
          "Connections dump:\n"
          "Connections Sets (2)/(2):\n"
          "1 expire at Sun Nov 22 06:36:50 UTC 2026:\n"
          "\tip: /127.0.0.1:36672 sessionId: 0x1000016a9190012\n"
          "1 expire at Sun Nov 22 06:37:00 UTC 2026:\n"
          "\tip: /[::1]:41934 sessionId: 0x0\n");
}

TEST_CASE("wchs, wchc and wchp", "[server][words]") {
    CHECK(wchs_text(watches()) == "2 connections watching 2 paths\nTotal watches:3\n");
    CHECK(wchc_text(watches()) == "0xffffffffffffffff\n\t/a/b\n0x11\n\t/a\n\t/a/b\n\n");
    CHECK(wchp_text(watches()) == "/a\n\t0x11\n/a/b\n\t0x11\n\t0xffffffffffffffff\n\n");
}

TEST_CASE("hash", "[server][words]") {
    CHECK(hash_text({{Zxid{0x80}, 3280994264}, {Zxid{0x100}, 5610796362}}) == "80: 3280994264\n100: 5610796362\n");
    CHECK(hash_text({}).empty());
}
