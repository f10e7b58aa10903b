#include "server/config.hpp"

#include "server/config_keys.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

using namespace zabd;
using namespace zabd::server;
using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

namespace {

constexpr auto kLeast = "dataDir=/d\nclientPort=2181\n";  // two lines

Config parsed(const std::string& more) {
    const auto config = parse_config(kLeast + more, "zoo.cfg");
    INFO((config ? "" : config.error().where));
    REQUIRE(config);
    return *config;
}

}  // namespace

TEST_CASE("what a file does not say has ZooKeeper's default", "[server][config]") {
    const auto config = parsed("");
    CHECK(config.data_dir == "/d");
    CHECK(config.log_dir == "/d");
    CHECK(config.client_port == 2181);
    CHECK(config.client_address.empty());
    CHECK(config.tick == 3000ms);
    CHECK(config.session_timeout_min == 6000ms);
    CHECK(config.session_timeout_max == 60'000ms);
    CHECK(config.connections_per_address_max == 60);
    CHECK(config.connections_max == 0);
    CHECK(config.frame_bytes_max == 0xfffff);
    CHECK(config.first_frame_timeout == 10s);
    CHECK(config.outstanding_max == 1000);
    CHECK(config.epoch_counter_max == zab::kCounterMax);
    CHECK(config.words == std::set<std::string>{"srvr"});
    CHECK_FALSE(config.ttl_nodes);
    CHECK(config.warnings.empty());
}

TEST_CASE("the embedded default listens on loopback only", "[server][config]") {
    const Config config;
    CHECK(config.client_address == "127.0.0.1");
    CHECK(config.client_port == 2181);
    CHECK(config.data_dir == "zabd-data");
    CHECK(config.tick == 2000ms);
    CHECK(config.session_timeout_min == 4000ms);
    CHECK(config.session_timeout_max == 40'000ms);
}

TEST_CASE("keys that zabd acts on", "[server][config]") {
    struct Case {
        std::string line;
        std::function<bool(const Config&)> holds;
    };
    const auto c = GENERATE(values<Case>({
        {"clientPort=0", [](auto& got) { return got.client_port == 0; }},
        {"clientPort=65535", [](auto& got) { return got.client_port == 65535; }},
        {"clientPort: +2182", [](auto& got) { return got.client_port == 2182; }},
        {"clientPortAddress=10.0.0.1", [](auto& got) { return got.client_address == "10.0.0.1"; }},
        {"clientPortListenBacklog=50", [](auto& got) { return got.client_backlog == 50; }},
        {"maxClientCnxns=0", [](auto& got) { return got.connections_per_address_max == 0; }},
        {"maxClientCnxns=-1", [](auto& got) { return got.connections_per_address_max == 0; }},
        {"maxCnxns=7", [](auto& got) { return got.connections_max == 7; }},
        {"jute.maxbuffer=4194304",
         [](auto& got) { return got.frame_bytes_max == 4194304 && got.txn_bytes_extra == 4194304; }},
        {"jute.maxbuffer.extrasize=10", [](auto& got) { return got.txn_bytes_extra == 1024; }},
        {"nio.sessionlessCnxnTimeout=500", [](auto& got) { return got.first_frame_timeout == 500ms; }},
        {"clientTcpKeepAlive=true", [](auto& got) { return got.keep_alive; }},
        {"4lw.commands.whitelist=ruok, stat ,,mntr",
         [](auto& got) {
             return got.words == std::set<std::string>{"srvr", "ruok", "stat", "mntr"};
         }},
        {"4lw.commands.whitelist=*", [](auto& got) { return got.words.contains("*"); }},
        {"dataDir=/elsewhere", [](auto& got) { return got.data_dir == "/elsewhere" && got.log_dir == "/elsewhere"; }},
        {"dataLogDir=/log", [](auto& got) { return got.data_dir == "/d" && got.log_dir == "/log"; }},
        {"datadir.autocreate=false", [](auto& got) { return !got.create_directories; }},
        {"snapCount=1", [](auto& got) { return got.checkpoint.transactions == 2; }},
        {"zabd.checkpoint.memoryMiB=2",
         [](auto& got) { return got.checkpoint.bytes == 2 << 20 && got.checkpoint.bytes_max == 5 << 20; }},
        {"zabd.checkpoint.logMiB=3", [](auto& got) { return got.checkpoint.log_bytes == 3 << 20; }},
        {"zabd.checkpoint.ageMs=4", [](auto& got) { return got.checkpoint.age == 4ms; }},
        {"zabd.checkpoint.quietMs=5", [](auto& got) { return got.checkpoint.quiet == 5ms; }},
        {"preAllocSize=2048", [](auto& got) { return got.log_segment_bytes == 2 << 20; }},
        {"preAllocSize=1", [](auto& got) { return got.log_segment_bytes == 1 << 20; }},
        {"fsync.warningthresholdms=20", [](auto& got) { return got.slow_sync == 20ms; }},
        {"tickTime=100", [](auto& got) { return got.session_timeout_min == 200ms && got.session_timeout_max == 2s; }},
        {"minSessionTimeout=10", [](auto& got) { return got.session_timeout_min == 10ms; }},
        {"minSessionTimeout=0", [](auto& got) { return got.session_timeout_min == 1ms; }},
        {"tickTime=2000000000", [](auto& got) { return got.session_timeout_max == 2'147'483'647ms; }},
        {"minSessionTimeout=-1", [](auto& got) { return got.session_timeout_min == 6s; }},
        {"maxSessionTimeout=90000", [](auto& got) { return got.session_timeout_max == 90s; }},
        {"globalOutstandingLimit=5", [](auto& got) { return got.outstanding_max == 5; }},
        {"extendedTypesEnabled=true", [](auto& got) { return got.ttl_nodes; }},
        {"extendedTypesEnabled=TRUE", [](auto& got) { return got.ttl_nodes; }},
        {"reconfigEnabled=true", [](auto& got) { return got.reconfig_enabled; }},
        {"enforceQuota=true", [](auto& got) { return got.enforce_quota; }},
        {"znode.container.checkIntervalMs=50", [](auto& got) { return got.container_check_interval == 50ms; }},
        {"znode.container.maxPerMinute=60", [](auto& got) { return got.containers_per_minute_max == 60; }},
        {"znode.container.maxNeverUsedIntervalMs=9", [](auto& got) { return got.container_never_used_max == 9ms; }},
        {"DigestAuthenticationProvider.enabled=false", [](auto& got) { return !got.digest_enabled; }},
        {"DigestAuthenticationProvider.superDigest=super:xyz",
         [](auto& got) { return got.super_digest == "super:xyz"; }},
        {"enforce.auth.enabled=true\nenforce.auth.schemes=digest, ip",
         [](auto& got) { return got.enforced_schemes == Strings{"digest", "ip"}; }},
        {"enforce.auth.schemes=digest", [](auto& got) { return got.enforced_schemes.empty(); }},
        {"readonlymode.enabled=true", [](auto& got) { return got.read_only_enabled && got.words.contains("isro"); }},
        {"tickTime=100", [](auto& got) { return got.hold_max == 100ms; }},
        {"zabd.holdMs=0", [](auto& got) { return got.hold_max == 0ms; }},
        {"zabd.linearizableReads=true", [](auto& got) { return got.linearizable_reads; }},
        {"zabd.log.retainMiB=2", [](auto& got) { return got.log_retain_bytes == 2 << 20; }},
        {"zabd.epochCounterMax=1", [](auto& got) { return got.epoch_counter_max == 1; }},
        {"zabd.epochCounterMax=4293918719", [](auto& got) { return got.epoch_counter_max == zab::kCounterMax; }},
        {"zookeeper.extendedTypesEnabled=true", [](auto& got) { return got.ttl_nodes; }},
        {"tickTime=1\ntickTime=500", [](auto& got) { return got.tick == 500ms; }},
    }));
    CAPTURE(c.line);
    const auto config = parsed(c.line);
    CHECK(c.holds(config));
    CHECK(config.warnings.empty());
}

TEST_CASE("bad values are errors that name file, line, key and value", "[server][config]") {
    struct Case {
        std::string line, error;
    };
    const auto c = GENERATE(values<Case>({
        {"tickTime=abc", "zoo.cfg:3: tickTime=abc is not a number of ms"},
        {"tickTime=", "zoo.cfg:3: tickTime= is not a number of ms"},
        {"tickTime=0", "zoo.cfg:3: tickTime=0 is not from 1 to 2147483647"},
        {"\n\ntickTime=2 s", "zoo.cfg:5: tickTime=2 s is not a number of ms"},
        {"tickTime=99999999999999999999", "zoo.cfg:3: tickTime=99999999999999999999 is not a number of ms"},
        {"clientPort=65536", "zoo.cfg:3: clientPort=65536 is not from 0 to 65535"},
        {"clientPort=http", "zoo.cfg:3: clientPort=http is not a number"},
        {"maxClientCnxns=many", "zoo.cfg:3: maxClientCnxns=many is not a number"},
        {"reconfigEnabled=yes", "zoo.cfg:3: reconfigEnabled=yes is neither true nor false"},
        {"dataDir=", "zoo.cfg:3: dataDir= names no directory"},
        {"minSessionTimeout=100\nmaxSessionTimeout=99",
         "zoo.cfg: minSessionTimeout=100 is more than maxSessionTimeout=99"},
        {"minSessionTimeout=70000", "zoo.cfg: minSessionTimeout=70000 is more than maxSessionTimeout=60000"},
        {"electionAlg=0", "zoo.cfg:3: electionAlg=0 is not supported: 3 is the only election there is"},
        {"initLimit=0", "zoo.cfg:3: initLimit=0 is not from 1 to 2147483647"},
        {"zabd.holdMs=-1", "zoo.cfg:3: zabd.holdMs=-1 is not from 0 to 2147483647"},
        {"zabd.epochCounterMax=0", "zoo.cfg:3: zabd.epochCounterMax=0 is not from 1 to 4293918719"},
        {"zabd.epochCounterMax=4293918720", "zoo.cfg:3: zabd.epochCounterMax=4293918720 is not from 1 to 4293918719"},
        {"quorumListenOnAllIPs=yes", "zoo.cfg:3: quorumListenOnAllIPs=yes is neither true nor false"},
        {"peerType=boss", "zoo.cfg:3: peerType=boss is neither participant nor observer"},
        {"DigestAuthenticationProvider.superDigest=secret",
         "zoo.cfg:3: DigestAuthenticationProvider.superDigest=*** is not of the form user:base64"},
        {"enforce.auth.enabled=true", "zoo.cfg: enforce.auth.enabled=true needs enforce.auth.schemes"},
        {"tickTime=\\u001b[31m\\n9", "zoo.cfg:3: tickTime=\\x1b[31m\\x0a9 is not a number of ms"},
    }));
    CAPTURE(c.line);
    const auto config = parse_config(kLeast + c.line, "zoo.cfg");
    REQUIRE_FALSE(config);
    CHECK(config.error().code == Errc::kBadConfig);
    CHECK(config.error().where == c.error);
}

TEST_CASE("what would be dangerous to ignore is an error", "[server][config]") {
    struct Case {
        std::string line, error;
    };
    const auto c = GENERATE(values<Case>({
        {"secureClientPort=2281",
         "zoo.cfg:3: secureClientPort=2281 asks for TLS, which zabd does not have yet: remove it to serve without"},
        {"sslQuorum=true", "zoo.cfg:3: sslQuorum=true asks for TLS, which zabd does not have yet"},
        {"sessionRequireClientSASLAuth=true",
         "zoo.cfg:3: sessionRequireClientSASLAuth=true asks for SASL, which zabd does not have yet"},
        {"authProvider.1=com.example.Provider",
         "zoo.cfg:3: authProvider.1=com.example.Provider is a class that zabd cannot load: remove it to do without"},
        {"DigestAuthenticationProvider.digestAlg=SHA-256",
         "zoo.cfg:3: DigestAuthenticationProvider.digestAlg=SHA-256 is not supported: zabd has SHA1 only, so no "
         "identity would match its ACLs"},
        {"enforce.auth.schemes=sasl",
         "zoo.cfg:3: enforce.auth.schemes=sasl names a scheme that nobody can have here: zabd knows digest and ip"},
        {"dynamicConfigFile=/x",
         "zoo.cfg:3: dynamicConfigFile=/x is for reconfiguration, which zabd does not have yet: put the lines of that "
         "file into this one"},
        {"quorum.auth.enableSasl=true",
         "zoo.cfg:3: quorum.auth.enableSasl=true asks for SASL, which zabd does not have yet"},
        {"peerType=observer", "zoo.cfg: peerType=observer without an ensemble to observe"},
        {"server.1=a:1:2:observer", "zoo.cfg: observers without a participant"},
    }));
    CAPTURE(c.line);
    const auto config = parse_config(kLeast + c.line, "zoo.cfg");
    REQUIRE_FALSE(config);
    CHECK(config.error().where == c.error);
}

TEST_CASE("S-03: keys without effect, forceSync=no among them, are warned about by name", "[server][config]") {
    struct Case {
        std::string line, warning;
    };
    const auto c = GENERATE(values<Case>({
        {"zookeeper.commitLogCount=1",
         "zoo.cfg:3: zookeeper.commitLogCount has no effect: it is for the insides of ensembles of the Java server"},
        {"observerMasterPort=2191",
         "zoo.cfg:3: observerMasterPort has no effect: it is for what zabd does not have yet"},
        {"leaderServes=no", "zoo.cfg:3: leaderServes=no has no effect: a leader serves clients, always"},
        {"autopurge.purgeInterval=1",
         "zoo.cfg:3: autopurge.purgeInterval has no effect: it is for ZooKeeper's snapshots and logs; zabd's are kept "
         "in another way"},
        {"ssl.keyStore.password=hush",
         "zoo.cfg:3: ssl.keyStore.password has no effect: it is for TLS, which zabd does not have yet"},
        {"admin.rateLimiterIntervalInMS=1",
         "zoo.cfg:3: admin.rateLimiterIntervalInMS has no effect: it is for what zabd does not have yet"},
        {"client.portUnification=true",
         "zoo.cfg:3: client.portUnification=true has no effect: zabd does not have this yet"},
        {"forceSync=no", "zoo.cfg:3: forceSync=no has no effect: zabd syncs before it answers, always"},
        {"skipACL=yes", "zoo.cfg:3: skipACL=yes lets everybody do everything: ACLs are not checked"},
        {"localSessionsEnabled=true", "zoo.cfg:3: localSessionsEnabled=true has no effect: all sessions are durable"},
        {"authProvider.sasl=org.apache.zookeeper.server.auth.SASLAuthenticationProvider",
         "zoo.cfg:3: authProvider.sasl=org.apache.zookeeper.server.auth.SASLAuthenticationProvider has no effect: zabd "
         "does not have this scheme yet, and nobody will match ACLs that use it"},
        {"server.1=127.0.0.1:2888:3888", "zoo.cfg: one server is no ensemble: standalone"},
        {"extendedTypesEnabled=yes",
         "zoo.cfg:3: extendedTypesEnabled=yes is neither true nor false: taken as false, as ZooKeeper does"},
        {"serverCnxnFactory=com.example.Factory",
         "zoo.cfg:3: serverCnxnFactory=com.example.Factory is a class that zabd cannot load: it has no effect"},
        {"tikTime=2000", "zoo.cfg:3: tikTime is no key that zabd knows: it has no effect"},
        {"evil\\nkey=1", "zoo.cfg:3: evil\\x0akey is no key that zabd knows: it has no effect"},
    }));
    CAPTURE(c.line);
    CHECK(parsed(c.line).warnings == Strings{c.warning});
}

TEST_CASE("values that ask for what zabd does anyway pass without a word", "[server][config]") {
    const auto line = GENERATE(values<std::string>({
        "forceSync=yes",
        "skipACL=no",
        "electionAlg=3",
        "peerType=participant",
        "sslQuorum=false",
        "localSessionsEnabled=false",
        "admin.enableServer=false",
        "standaloneEnabled=true",
        "leaderServes=yes",
        "initLimit=10",
        "serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory",
        "authProvider.1=org.apache.zookeeper.server.auth.DigestAuthenticationProvider",
        "readonlymode.enabled=false",
    }));
    CAPTURE(line);
    CHECK(parsed(line).warnings.empty());
}

TEST_CASE("a file needs a data directory and a client port", "[server][config]") {
    CHECK(parse_config("clientPort=1", "zoo.cfg").error().where == "zoo.cfg: dataDir is missing");
    CHECK(parse_config("dataDir=/d", "zoo.cfg").error().where == "zoo.cfg: clientPort is missing");
    CHECK(parse_config("dataDir=/d\nserver.1=a:1:2;2183", "zoo.cfg")->client_port == 2183);
    CHECK(parse_config("dataDir=/d\nserver.1=a:1:2:participant;0.0.0.0:2184", "zoo.cfg")->client_port == 2184);
}

TEST_CASE("a file is read from disk, or told why not", "[server][config]") {
    const auto file = std::filesystem::temp_directory_path() / "zabd-config-test.cfg";
    std::ofstream{file} << kLeast;
    const auto config = read_config(file);
    REQUIRE(config);
    CHECK(config->file == file);
    std::filesystem::remove(file);

    const auto gone = read_config(file);
    REQUIRE_FALSE(gone);
    CHECK(gone.error().code == Errc::kBadConfig);
    CHECK(gone.error().where == file.string() + ": cannot be read: No such file or directory");
    CHECK_FALSE(read_config(std::filesystem::temp_directory_path()));
}

TEST_CASE("no key is in the table twice, and each has an effect or a reason", "[server][config]") {
    std::set<std::string_view> names;
    for (const auto& key : config_keys()) {
        CAPTURE(key.name);
        CHECK(names.insert(key.name).second);
        CHECK((key.apply == nullptr) != (key.why_not == nullptr));
        CHECK(find_config_key(key.name) == &key);
    }
}

TEST_CASE("docs/operations.md names every key", "[server][config]") {
    std::ostringstream page;
    page << std::ifstream{ZABD_SOURCE_DIR "/docs/operations.md"}.rdbuf();
    for (const auto& key : config_keys()) {
        CAPTURE(key.name);
        CHECK(page.str().find("`" + std::string(key.name) + "`") != std::string::npos);
    }
}
