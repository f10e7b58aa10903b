// The keys of the HTTP endpoint, of metrics and audit; and what is told of all keys.
#include "server/config.hpp"
#include "server/config_keys.hpp"
#include "server/config_settings.hpp"
#include "server/core_options.hpp"
#include "server/loopback.hpp"

#include <catch2/catch.hpp>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

using namespace zabd;
using namespace zabd::server;
using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

namespace {

constexpr auto kLeast = "dataDir=/d\nclientPort=2181\n";  // two lines
constexpr auto kToken = "0123456789abcdef";
const std::string kHash = "bjkZ9W+M82HUZ9xb8/Oy4cmJGfg=";  // 28 characters, as each SHA-1 has

Result<Config> parse(const std::string& more, const Overrides& overrides = {}) {
    return parse_config(kLeast + more, "zoo.cfg", overrides);
}

Config parsed(const std::string& more, const Overrides& overrides = {}) {
    const auto config = parse(more, overrides);
    INFO((config ? "" : config.error().where));
    REQUIRE(config);
    return *config;
}

Setting setting(const Config& config, const std::string& key) {
    for (const auto& one : config.settings) {
        if (one.key == key) return one;
    }
    FAIL("no setting " << key);
    return {};
}

class TokenFile {
public:
    explicit TokenFile(const std::string& text) {
        std::ofstream{path_} << text;
        std::filesystem::permissions(path_, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    }
    ~TokenFile() { std::filesystem::remove(path_); }
    TokenFile(const TokenFile&) = delete;
    TokenFile& operator=(const TokenFile&) = delete;
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_ =
        std::filesystem::temp_directory_path() / ("zabd-token-test-" + std::to_string(::getpid()));
};

}  // namespace

TEST_CASE("the endpoint is on by itself, for this machine alone and for reading", "[server][config]") {
    const auto config = parsed("");
    CHECK(config.admin.enabled);
    CHECK(config.admin.address == "127.0.0.1");
    CHECK(config.admin.port == 8080);
    CHECK_FALSE(config.admin.port_given);
    CHECK_FALSE(config.admin.has_credentials());
    CHECK_FALSE(config.metrics.enabled);
    CHECK_FALSE(config.audit.enabled);
    CHECK(config.slow_request == 1s);
}

TEST_CASE("keys for seeing into a server", "[server][config]") {
    struct Case {
        std::string lines;
        std::function<bool(const Config&)> holds;
    };
    const auto users = "ann:" + kHash + ", bob:" + kHash;
    const auto c = GENERATE_COPY(values<Case>({
        {"admin.enableServer=false", [](auto& got) { return !got.admin.enabled; }},
        {"zookeeper.admin.serverPort=0", [](auto& got) { return got.admin.port == 0 && got.admin.port_given; }},
        {"admin.serverAddress=::1", [](auto& got) { return got.admin.address == "::1"; }},
        {"admin.commandURL=/zk/commands", [](auto& got) { return got.admin.command_url == "/zk/commands"; }},
        {std::string("zabd.admin.operatorToken=") + kToken,
         [](auto& got) { return got.admin.operator_token == kToken && got.admin.has_credentials(); }},
        {std::string("zabd.admin.readerToken=") + kToken,
         [](auto& got) { return got.admin.reader_token == kToken && got.admin.has_credentials(); }},
        {"zabd.admin.operators=" + users,
         [](auto& got) {
             return got.admin.operators == Strings{"ann:" + kHash, "bob:" + kHash};
         }},
        {"zabd.admin.readers=ann:" + kHash, [](auto& got) { return got.admin.readers == Strings{"ann:" + kHash}; }},
        {"zabd.admin.hosts=Zk1.Example, zk2",
         [](auto& got) {
             return got.admin.hosts == Strings{"zk1.example", "zk2"};
         }},
        {"zabd.admin.tlsCertificate=/c.pem\nzabd.admin.tlsKey=/k.pem\nadmin.forceHttps=true",
         [](auto& got) { return got.admin.tls_certificate == "/c.pem" && got.admin.tls_key == "/k.pem"; }},
        {"metricsProvider.className=org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider\n"
         "metricsProvider.httpPort=7001\nmetricsProvider.httpHost=10.0.0.1",
         [](auto& got) {
             return got.metrics.enabled && got.metrics.port == 7001 && got.metrics.address == "10.0.0.1";
         }},
        {"metricsProvider.className=org.apache.zookeeper.metrics.impl.DefaultMetricsProvider",
         [](auto& got) { return !got.metrics.enabled; }},
        {"audit.enable=true", [](auto& got) { return got.audit.enabled && core_options(got, WallTime{}).audit; }},
        {"zabd.audit.file=/a/b\nzabd.audit.fileMaxMiB=3\nzabd.audit.filesMax=0",
         [](auto& got) {
             return got.audit.file == "/a/b" && got.audit.file_bytes_max == 3 << 20 && got.audit.files_max == 0;
         }},
        {"zabd.slowRequestMs=5",
         [](auto& got) { return got.slow_request == 5ms && core_options(got, WallTime{}).slow_request == 5ms; }},
        {"DigestAuthenticationProvider.superDigest=super:xyz",
         [](auto& got) { return got.admin.operators == Strings{"super:xyz"}; }},
    }));
    CAPTURE(c.lines);
    const auto config = parsed(c.lines);
    CHECK(c.holds(config));
    CHECK(config.warnings.empty());
}

TEST_CASE("what is wrong with the endpoint's keys, without the secrets among them", "[server][config]") {
    struct Case {
        std::string lines, error;
    };
    const auto c = GENERATE_COPY(values<Case>({
        {"zabd.admin.operatorToken=hush",
         "zoo.cfg:3: zabd.admin.operatorToken=*** is not a token of 16 to 512 characters"},
        {"zabd.admin.readerToken=0123456789 abcdef",
         "zoo.cfg:3: zabd.admin.readerToken=*** is not a token: it has blanks, or characters that are not ASCII"},
        {std::string("zabd.admin.operatorToken=") + kToken + "\nzabd.admin.readerToken=" + kToken,
         "zoo.cfg: zabd.admin.operatorToken and zabd.admin.readerToken are the same: readers would be operators"},
        {"zabd.admin.operatorTokenFile=/nowhere",
         "zoo.cfg:3: zabd.admin.operatorTokenFile=/nowhere is a file that cannot be read"},
        {"zabd.admin.operators=ann:password",
         "zoo.cfg:3: zabd.admin.operators=*** is not a list of user:base64(SHA-1(user:password)) with commas between"},
        {"zabd.admin.readers=:" + kHash,
         "zoo.cfg:3: zabd.admin.readers=*** is not a list of user:base64(SHA-1(user:password)) with commas between"},
        {"zabd.admin.hosts=a b", "zoo.cfg:3: zabd.admin.hosts=a b is not a list of host names with commas between"},
        {"admin.serverPort=65536", "zoo.cfg:3: admin.serverPort=65536 is not from 0 to 65535"},
        {"admin.commandURL=commands", "zoo.cfg:3: admin.commandURL=commands is not a path such as /commands"},
        {"admin.commandURL=/api/x", "zoo.cfg:3: admin.commandURL=/api/x is a path that zabd needs itself"},
        {"zabd.admin.tlsKey=/k.pem", "zoo.cfg: zabd.admin.tlsCertificate and zabd.admin.tlsKey need each other"},
        {"admin.forceHttps=true",
         "zoo.cfg: admin.forceHttps=true needs zabd.admin.tlsCertificate and zabd.admin.tlsKey (PEM)"},
        {"admin.needClientAuth=true",
         "zoo.cfg:3: admin.needClientAuth=true asks for clients' certificates, which zabd does not have yet"},
        {"admin.serverAddress=0.0.0.0",
         "zoo.cfg: admin.serverAddress=0.0.0.0 can be reached from other machines, but there are no credentials: set "
         "zabd.admin.operatorToken, zabd.admin.readerToken, zabd.admin.operators or zabd.admin.readers; or listen on "
         "127.0.0.1"},
        {"zabd.audit.fileMaxMiB=0", "zoo.cfg:3: zabd.audit.fileMaxMiB=0 is not from 1 to 1048576"},
        {"zabd.slowRequestMs=-1", "zoo.cfg:3: zabd.slowRequestMs=-1 is not from 0 to 2147483647"},
    }));
    CAPTURE(c.lines);
    const auto config = parse(c.lines);
    REQUIRE_FALSE(config);
    CHECK(config.error().where == c.error);
    CHECK(config.error().code == Errc::kBadConfig);
}

TEST_CASE("what is only worth a warning", "[server][config]") {
    struct Case {
        std::string lines, warning;
    };
    const auto c = GENERATE_COPY(values<Case>({
        {"admin.idleTimeout=1",
         "zoo.cfg:3: admin.idleTimeout has no effect: it is for connections that stay open between requests: zabd "
         "closes each"},
        {"admin.portUnification=true",
         "zoo.cfg:3: admin.portUnification=true has no effect: the port speaks TLS if zabd.admin.tlsCertificate is "
         "set, else plain HTTP"},
        {"metricsProvider.exportJvmInfo=true",
         "zoo.cfg:3: metricsProvider.exportJvmInfo has no effect: it is for the insides of the Java server's metrics"},
        {"metricsProvider.className=com.example.Metrics",
         "zoo.cfg:3: metricsProvider.className=com.example.Metrics is a class that zabd cannot load: it has no effect"},
        {std::string("admin.serverAddress=10.0.0.1\nzabd.admin.readerToken=") + kToken,
         "zoo.cfg: admin.serverAddress=10.0.0.1 without zabd.admin.tlsCertificate: credentials can be read on their "
         "way"},
    }));
    CAPTURE(c.lines);
    CHECK(parsed(c.lines).warnings == Strings{c.warning});
}

TEST_CASE("an endpoint that is off may say what it wants", "[server][config]") {
    CHECK(parsed("admin.enableServer=false\nadmin.serverAddress=0.0.0.0\nzabd.admin.tlsKey=/k").warnings.empty());
}

TEST_CASE("a token can have a file of its own", "[server][config]") {
    const TokenFile file{std::string(kToken) + "\n"};
    const auto line = "zabd.admin.operatorTokenFile=" + file.path().string();
    const auto config = parsed(line);
    CHECK(config.admin.operator_token == kToken);
    CHECK(config.warnings.empty());
    CHECK(setting(config, "zabd.admin.operatorToken").value == "***");
    CHECK(setting(config, "zabd.admin.operatorToken").source == "zoo.cfg:3");
    CHECK(setting(config, "zabd.admin.operatorTokenFile").value == file.path().string());

    const auto twice = parse(line + "\nzabd.admin.operatorToken=fedcba9876543210");
    REQUIRE_FALSE(twice);
    CHECK(twice.error().where.find("zabd.admin.operatorToken=*** is the second one") != std::string::npos);

    std::filesystem::permissions(file.path(), std::filesystem::perms::others_read, std::filesystem::perm_options::add);
    const auto open = parsed(line);
    REQUIRE(open.warnings.size() == 1);
    CHECK(open.warnings[0].find("others than its owner can read") != std::string::npos);
    CHECK(open.warnings[0].find(kToken) == std::string::npos);
}

TEST_CASE("what is in force is told with its source", "[server][config]") {
    const auto config = parsed("tickTime=500\nzookeeper.maxCnxns=7\nmaxCnxns=8\nserver.1=a:1:2\nskipACL=yes",
                               {.client_port = 2200, .client_address = {}, .data_dir = {}});
    struct Case {
        std::string key, value, source;
    };
    const auto c = GENERATE(values<Case>({
        {"tickTime", "500", "zoo.cfg:3"},
        {"minSessionTimeout", "1000", "derived"},
        {"maxCnxns", "8", "zoo.cfg:5"},
        {"clientPort", "2200", "command line"},
        {"dataDir", "/d", "zoo.cfg:1"},
        {"dataLogDir", "/d", "derived"},
        {"server.1", "a:1:2", "zoo.cfg:6"},
        {"skipACL", "yes", "zoo.cfg:7"},
        {"admin.serverPort", "8080", "default"},
        {"zabd.audit.file", "/d/audit.log", "derived"},
        {"4lw.commands.whitelist", "srvr", "default"},
        {"zabd.admin.operatorToken", "", "default"},
    }));
    CAPTURE(c.key);
    const auto got = setting(config, c.key);
    CHECK(got.value == c.value);
    CHECK(got.source == c.source);
}

TEST_CASE("secrets are told by no setting, warning or error", "[server][config]") {
    const auto config =
        parsed(std::string("zabd.admin.operatorToken=") + kToken + "-o\nzabd.admin.readerToken=" + kToken +
               "-r\nzabd.admin.operators=ann:" + kHash + "\nzabd.admin.readers=bob:" + kHash +
               "\nDigestAuthenticationProvider.superDigest=super:" + kHash);
    for (const auto& one : config.settings) {
        CAPTURE(one.key);
        CHECK(one.value.find(kToken) == std::string::npos);
        CHECK(one.value.find(kHash) == std::string::npos);
    }
    for (const auto& key : {"zabd.admin.operatorToken", "zabd.admin.readerToken", "zabd.admin.operators",
                            "zabd.admin.readers", "DigestAuthenticationProvider.superDigest"}) {
        CHECK(setting(config, key).value == "***");
    }
    CHECK(config.warnings.empty());
}

TEST_CASE("every key with an effect has a setting", "[server][config]") {
    // Only judged, never acting; a file of its own; or one line for each number.
    const std::set<std::string_view> without{"secureClientPort",
                                             "sslQuorum",
                                             "sessionRequireClientSASLAuth",
                                             "dynamicConfigFile",
                                             "electionAlg",
                                             "leaderServes",
                                             "forceSync",
                                             "quorum.auth.enableSasl",
                                             "quorum.auth.learnerRequireSasl",
                                             "quorum.auth.serverRequireSasl",
                                             "serverCnxnFactory",
                                             "localSessionsEnabled",
                                             "localSessionsUpgradingEnabled",
                                             "client.portUnification",
                                             "portUnification",
                                             "admin.portUnification",
                                             "admin.needClientAuth",
                                             "DigestAuthenticationProvider.digestAlg",
                                             "peerType",
                                             "initLimit",
                                             "syncLimit",
                                             "quorumListenOnAllIPs",
                                             "standaloneEnabled",
                                             "zabd.admin.operatorTokenFile",
                                             "zabd.admin.readerTokenFile"};
    const auto config = parsed("");
    for (const auto& key : config_keys()) {
        if (key.apply == nullptr || key.name.ends_with('*') || without.contains(key.name)) continue;
        CAPTURE(key.name);
        CHECK_FALSE(setting(config, std::string(key.name)).source.empty());
    }
    const auto given =
        parsed("peerType=participant\ninitLimit=5\nsyncLimit=2\nquorumListenOnAllIPs=true\nstandaloneEnabled=true");
    for (const auto& key : {"peerType", "initLimit", "syncLimit", "quorumListenOnAllIPs", "standaloneEnabled"}) {
        CHECK(setting(given, key).source.starts_with("zoo.cfg:"));
    }
}

TEST_CASE("what this machine alone can reach", "[server][config]") {
    struct Case {
        std::string text;
        bool loopback;
    };
    const auto c = GENERATE(values<Case>({
        {"localhost", true},
        {"LocalHost", true},
        {"127.0.0.1", true},
        {"127.1.2.3", true},
        {"::1", true},
        {"::ffff:127.0.0.1", true},
        {"", false},
        {"0.0.0.0", false},
        {"::", false},
        {"10.0.0.1", false},
        {"127.0.0.1.evil.example", false},
        {"localhost.evil.example", false},
        {"128.0.0.1", false},
    }));
    CAPTURE(c.text);
    CHECK(is_loopback(c.text) == c.loopback);
}
