#include "server/ensemble.hpp"

#include "server/config.hpp"
#include "tests/unit/storage/temporary_directory.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace zabd;
using namespace zabd::server;
using namespace std::chrono_literals;

namespace {

const std::string kThree =
    "initLimit=10\nsyncLimit=5\n"
    "server.1=a:2888:3888;2181\n"
    "server.2=b:2889:3889:participant;10.0.0.2:2182\n"
    "server.3=c:2890:3890:OBSERVER\n";

/// A data directory that says who we are.
class Member {
public:
    explicit Member(const std::string& myid) { std::ofstream{directory_.path() / "myid"} << myid; }

    [[nodiscard]] Result<Config> parse(const std::string& text, Overrides overrides = {}) const {
        overrides.data_dir = directory_.path();
        return parse_config("dataDir=/elsewhere\n" + text, "zoo.cfg", overrides);
    }
    [[nodiscard]] std::string error_of(const std::string& text) const {
        const auto config = parse(text);
        REQUIRE_FALSE(config);
        CHECK(config.error().code == Errc::kBadConfig);
        return config.error().where;
    }
    [[nodiscard]] std::string file() const { return (directory_.path() / "myid").string(); }

private:
    storage::TemporaryDirectory directory_;
};

std::set<ServerId> ids(std::initializer_list<int> numbers) {
    std::set<ServerId> result;
    for (const int number : numbers) result.insert(ServerId{static_cast<std::uint8_t>(number)});
    return result;
}

}  // namespace

TEST_CASE("a member of an ensemble knows itself, the others, and what a quorum is", "[server][ensemble]") {
    const Member member{"2\n"};
    const auto config = member.parse(kThree + "quorumListenOnAllIPs=true\n");
    INFO((config ? "" : config.error().where));
    REQUIRE(config);
    REQUIRE(config->ensemble);
    const auto& ensemble = *config->ensemble;
    CHECK(ensemble.self == ServerId{2});
    CHECK(ensemble.own().host == "b");
    CHECK(ensemble.own().quorum_port == 2889);
    CHECK(ensemble.own().election_port == 3889);
    CHECK(ensemble.membership.voters() == ids({1, 2}));
    CHECK(ensemble.membership.observers() == ids({3}));
    CHECK(ensemble.init_limit == 10);
    CHECK(ensemble.sync_limit == 5);
    CHECK(ensemble.listen_on_all_ips);
    CHECK(config->client_port == 2182);
    CHECK(config->client_address == "10.0.0.2");
}

TEST_CASE("the configuration is told in one form, ascending, the version last", "[server][ensemble]") {
    const Member member{"3"};
    CHECK(member.parse("clientPort=2183\n" + kThree)->ensemble->config_text ==
          "server.1=a:2888:3888:participant;0.0.0.0:2181\n"
          "server.2=b:2889:3889:participant;10.0.0.2:2182\n"
          "server.3=c:2890:3890:observer\n"
          "version=0");
}

TEST_CASE("server lines", "[server][ensemble]") {
    const auto ipv6 = parse_server("[fe80::1]:2888:3888:observer;[::]:2181");
    REQUIRE(ipv6);
    CHECK(ipv6->host == "fe80::1");
    CHECK(ipv6->observer);
    REQUIRE(ipv6->client);
    CHECK(ipv6->client->host == "::");
    CHECK(config_text_of({.servers = {{ServerId{9}, *ipv6}}, .groups = {}, .weights = {}}) ==
          "server.9=[fe80::1]:2888:3888:observer;[::]:2181\nversion=0");

    struct Case {
        std::string line, error;
    };
    const std::string form = "is not of the form host:port:port[:role][;[host:]clientPort]";
    const auto c = GENERATE_COPY(values<Case>({
        {"here", form},
        {"a:1", form},
        {":1:2", form},
        {"a:x:2", form},
        {"a:1:70000", form},
        {"[::1:1:2", form},
        {"a:1:2:observer:3", form},
        {"a:1:2;", form},
        {"a:1:2;b:c", form},
        {"a:1:2;2181;2281", form},
        {"a:1:2:boss", "names a role that is neither participant nor observer"},
        {"a:0:2", "has a port 0"},
        {"a:2:2", "has the same port for both purposes"},
        {"a:1:2|b:1:2", "names several addresses of one server, which zabd cannot use: leave one"},
    }));
    CAPTURE(c.line);
    const auto server = parse_server(c.line);
    REQUIRE_FALSE(server);
    CHECK(server.error().where == c.error);
}

TEST_CASE("what an ensemble cannot do without", "[server][ensemble]") {
    struct Case {
        std::string lines, error;
    };
    const auto c = GENERATE(values<Case>({
        {"syncLimit=5\nserver.1=a:1:2;1\nserver.2=b:1:2", "zoo.cfg: initLimit is missing: an ensemble needs it"},
        {"initLimit=5\nserver.1=a:1:2;1\nserver.2=b:1:2", "zoo.cfg: syncLimit is missing: an ensemble needs it"},
        {kThree + "server.4=a:1:2:observer", ""},
        {kThree + "clientPort=9\n", "zoo.cfg: clientPort=9 is not the 2181 of the own server line"},
        {"initLimit=5\nsyncLimit=5\nserver.1=a:1:2\nserver.2=b:1:2", "zoo.cfg: clientPort is missing"},
        {"server.1=a:1:2;1\nserver.2=b:1:2:observer",
         "zoo.cfg: one participant with observers needs standaloneEnabled=false"},
        {"server.0=a:1:2", "zoo.cfg:2: server.0=a:1:2 is for a server whose number is not from 1 to 254"},
        {"server.255=a:1:2", "zoo.cfg:2: server.255=a:1:2 is for a server whose number is not from 1 to 254"},
        {"server.x=a:1:2", "zoo.cfg:2: server.x=a:1:2 is for a server whose number is not from 1 to 254"},
        {"clientPort=1\ngroup.1=1:2", "zoo.cfg: groups and weights without servers"},
    }));
    CAPTURE(c.lines);
    const Member member{"1"};
    if (c.error.empty()) {
        CHECK(member.parse(c.lines));
    } else {
        CHECK(member.error_of(c.lines) == c.error);
    }
}

TEST_CASE("myid says which of the servers this one is", "[server][ensemble]") {
    CHECK(Member{" \t"}.error_of(kThree).find("myid: '' is not a number from 1 to 254") != std::string::npos);
    CHECK(Member{"0"}.error_of(kThree).find("myid: '0' is not a number from 1 to 254") != std::string::npos);
    CHECK(Member{"255"}.error_of(kThree).find("myid: '255' is not a number from 1 to 254") != std::string::npos);
    CHECK(Member{"2b"}.error_of(kThree).find("myid: '2b' is not a number from 1 to 254") != std::string::npos);
    const Member stranger{"4"};
    CHECK(stranger.error_of(kThree) == stranger.file() + ": 4 is not among the servers of zoo.cfg");
    const Member nameless{"1"};
    std::filesystem::remove(nameless.file());
    CHECK(nameless.error_of(kThree) ==
          nameless.file() + ": cannot be read; it holds the number of this server, the N of its server.N line");
}

TEST_CASE("groups and weights make the quorum", "[server][ensemble]") {
    const std::string servers =
        "initLimit=10\nsyncLimit=5\nserver.1=a:1:2;1\nserver.2=b:1:2\nserver.3=c:1:2\nserver.4=d:1:2:observer\n";
    const Member member{"1"};
    const auto config = member.parse(servers + "group.1=1:2\ngroup.2=3\nweight.2=0\n");
    INFO((config ? "" : config.error().where));
    REQUIRE(config);
    const auto& membership = config->ensemble->membership;
    CHECK(membership.has_quorum(ids({1, 3})));
    CHECK_FALSE(membership.has_quorum(ids({1, 2})));
    CHECK_FALSE(membership.may_lead(ServerId{2}));
    CHECK(config->ensemble->config_text.ends_with("\ngroup.1=1:2\ngroup.2=3\nweight.2=0\nversion=0"));

    struct Case {
        std::string lines, error;
    };
    const auto c = GENERATE(values<Case>({
        {"group.1=1:2", "zoo.cfg: server.3 is in no group"},
        {"group.1=1:2\ngroup.2=2:3", "zoo.cfg: server.2 is in two groups"},
        {"group.1=1:2:3:4", "zoo.cfg: group.1: 4 is no participant"},
        {"weight.1=2", "zoo.cfg: weights count in groups only, and there are none"},
        {"group.1=1:2:3\nweight.9=2", "zoo.cfg: weight.9 is for a server that no line names"},
        {"group.1=1:2:3\nweight.1=0\nweight.2=0\nweight.3=0", "zoo.cfg: no server has any weight"},
        {"group.1=1:2:3\nweight.1=-1", "zoo.cfg:9: weight.1=-1 is not from 0 to 2147483647"},
        {"group.1=", "zoo.cfg:8: group.1= is a group without servers"},
        {"group.1=1,2", "zoo.cfg:8: group.1=1,2 is not a list of servers' numbers with colons between"},
        {"group.a=1", "zoo.cfg:8: group.a=1 is a group without a number"},
    }));
    CAPTURE(c.lines);
    CHECK(member.error_of(servers + c.lines) == c.error);
}

TEST_CASE("what an ensemble's file says in vain is warned about", "[server][ensemble]") {
    const Member member{"1"};
    CHECK(member.parse(kThree + "peerType=observer")->warnings ==
          std::vector<std::string>{
              "zoo.cfg: 2 participants survive the loss of no more of them than 1 do",
              "zoo.cfg: peerType disagrees with the own server line, which counts",
          });
}

TEST_CASE("the command line wins over an ensemble's file", "[server][ensemble]") {
    const Member member{"1"};
    const auto config = member.parse(kThree, {.client_port = 0, .client_address = "127.0.0.1", .data_dir = {}});
    REQUIRE(config);
    CHECK(config->client_port == 0);
    CHECK(config->client_address == "127.0.0.1");
}
