#include "recipes/contenders.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace zabd::recipes {
namespace {

const std::string kUuid = "01234567-89ab-cdef-0123-456789abcdef";
const std::string kHex = "0123456789abcdef0123456789abcdef";
const std::string kOtherHex = "ffffffffffffffff0123456789abcdef";

std::string lock_name(const std::string& number) { return "_c_" + kUuid + "-lock-" + number; }

std::vector<std::string> names_of(const std::vector<Contender>& contenders) {
    std::vector<std::string> names;
    for (const auto& contender : contenders) names.push_back(contender.name);
    return names;
}

/// The name of whom `name` waits for among `children`; "-" for nobody.
std::string blocker_of(const std::vector<std::string>& children, const std::string& name) {
    const auto contenders = parse_contenders(children);
    const auto* blocker = recipes::blocker_of(contenders, place_of(contenders, name).value());
    return blocker == nullptr ? "-" : blocker->name;
}

TEST_CASE("every known form of a contender's name is understood", "[recipes][contenders]") {
    struct Case {
        std::string name;
        Dialect dialect;
        Share share;
        std::int32_t number;
    };
    const auto c = GENERATE(values<Case>({
        {"_c_" + kUuid + "-lock-0000000042", Dialect::kCurator, Share::kExclusive, 42},
        {"_c_" + kUuid + "-latch-0000000000", Dialect::kCurator, Share::kExclusive, 0},
        {"_c_" + kUuid + "-__WRIT__0000000007", Dialect::kCurator, Share::kExclusive, 7},
        {"_c_" + kUuid + "-__READ__0000000008", Dialect::kCurator, Share::kShared, 8},
        {"lock-2147483647", Dialect::kCurator, Share::kExclusive, 2147483647},
        {"_c_" + kHex + "-lock-0000000003", Dialect::kGoZk, Share::kExclusive, 3},
        {kHex + "__lock__0000000009", Dialect::kKazoo, Share::kExclusive, 9},
        {kHex + "__rlock__0000000010", Dialect::kKazoo, Share::kShared, 10},
        {"x-72057594037927936-0000000001", Dialect::kZooKeeper, Share::kExclusive, 1},
        {"x--72057594037927936-0000000001", Dialect::kZooKeeper, Share::kExclusive, 1},
        {"x-0100000000000f00-0000000002", Dialect::kZooKeeper, Share::kExclusive, 2},
        {"n_0000000004", Dialect::kZooKeeper, Share::kExclusive, 4},
        // The counter has wrapped: the sign takes the place of a digit, as long as there are ten.
        {"_c_" + kUuid + "-lock--000000005", Dialect::kCurator, Share::kExclusive, -5},
        {"_c_" + kUuid + "-lock--2147483648", Dialect::kCurator, Share::kExclusive, -2147483647 - 1},
        {kHex + "__lock__-000000005", Dialect::kKazoo, Share::kExclusive, -5},
        {"x-12--000000005", Dialect::kZooKeeper, Share::kExclusive, -5},
    }));
    CAPTURE(c.name);
    const auto contender = parse_contender(c.name);
    REQUIRE(contender.has_value());
    CHECK(contender->name == c.name);
    CHECK(contender->dialect == c.dialect);
    CHECK(contender->share == c.share);
    CHECK(contender->number == c.number);
}

TEST_CASE("a stranger's node is no contender", "[recipes][contenders]") {
    const auto name = GENERATE(values<std::string>({
        "",
        "config",
        "lock-",
        "lock-17",
        "lock-00000000017x",
        "lock-2147483648",
        "_c_",
        "_c_" + kUuid,
        "_c_" + kUuid + "-",
        "_c_" + kUuid + "-lease-0000000001",
        "_c_" + kUuid.substr(1) + "-lock-0000000001",
        "_c_" + kHex + "-latch-0000000001",
        kHex,
        kHex + "__party__0000000001",
        kHex.substr(1) + "__lock__0000000001",
        "__lock__0000000001",
        "x-",
        "x--",
        "x-1",
        "x-1-",
        "x-yz-0000000001",
        "queue-0000000001",
    }));
    CAPTURE(name);
    CHECK_FALSE(parse_contender(name).has_value());
}

TEST_CASE("contenders stand in the order of their numbers, whatever their names begin with", "[recipes][contenders]") {
    const auto goes_last = "_c_" + kOtherHex + "-lock-0000000012";
    const auto contenders = parse_contenders({lock_name("0000000010"), "stranger", "lock-0000000009", goes_last});
    CHECK(names_of(contenders) == std::vector<std::string>{"lock-0000000009", lock_name("0000000010"), goes_last});
}

TEST_CASE("numbers tell the order until the counter wraps", "[recipes][contenders]") {
    struct Case {
        const char* what;
        std::vector<std::string> names;
        bool tell;
    };
    const auto c = GENERATE(values<Case>({
        {"nobody", {}, true},
        {"different numbers", {"lock-0000000001", "lock-2147483647"}, true},
        {"a read lock under its owner's write lock", {"__WRIT__0000000003", "__READ__0000000003"}, true},
        {"a negative number", {"lock--2147483648"}, false},
        {"a number met twice", {"lock-2147483647", lock_name("2147483647")}, false},
    }));
    CAPTURE(c.what);
    CHECK(numbers_tell_order(parse_contenders(c.names)) == c.tell);
}

TEST_CASE("after the counter has wrapped, the czxid tells who came first", "[recipes][contenders]") {
    auto contenders = parse_contenders({"lock--2147483648", "lock-2147483647", "lock--2147483647"});
    for (auto& contender : contenders) {
        contender.czxid = contender.number > 0 ? Zxid{1} : Zxid{2 + (static_cast<std::uint32_t>(contender.number) & 1)};
    }
    order_by_czxid(contenders);
    CHECK(names_of(contenders) == std::vector<std::string>{"lock-2147483647", "lock--2147483648", "lock--2147483647"});
}

TEST_CASE("each waits for the one in front, and who shares for the nearest that does not", "[recipes][contenders]") {
    const std::string first = "__READ__0000000001";
    const std::string second = "__READ__0000000002";
    const std::string writer = "__WRIT__0000000003";
    const std::string behind = "__READ__0000000004";
    const std::string last = "__READ__0000000005";
    const std::string last_writer = "__WRIT__0000000006";
    const std::vector<std::string> children{last_writer, last, behind, writer, second, first};
    CHECK(blocker_of(children, first) == "-");
    CHECK(blocker_of(children, second) == "-");
    CHECK(blocker_of(children, writer) == second);
    CHECK(blocker_of(children, behind) == writer);
    CHECK(blocker_of(children, last) == writer);
    CHECK(blocker_of(children, last_writer) == last);
}

TEST_CASE("a writer waits for the read lock that another one holds under its write lock", "[recipes][contenders]") {
    const std::vector<std::string> children{"__WRIT__0000000004", "__READ__0000000003", "__WRIT__0000000003"};
    CHECK(blocker_of(children, "__WRIT__0000000004") == "__READ__0000000003");
}

TEST_CASE("a path that Curator and kazoo share is unsafe", "[recipes][contenders]") {
    struct Case {
        const char* what;
        std::vector<std::string> names;
        bool unsafe;
    };
    const auto kazoo = kHex + "__lock__0000000001";
    const auto c = GENERATE_COPY(values<Case>({
        {"Curator alone", {lock_name("0000000001"), lock_name("0000000002")}, false},
        {"Curator and go-zk", {lock_name("0000000001"), "_c_" + kHex + "-lock-0000000002"}, false},
        {"kazoo alone", {kazoo, kHex + "__rlock__0000000002"}, false},
        {"Curator and kazoo", {lock_name("0000000002"), kazoo}, true},
        {"go-zk and kazoo", {"_c_" + kHex + "-lock-0000000002", kazoo}, true},
    }));
    CAPTURE(c.what);
    CHECK(mixes_blind_dialects(parse_contenders(c.names)) == c.unsafe);
}

TEST_CASE("the names that we write are understood by ourselves as what they are", "[recipes][contenders]") {
    const auto flavor = GENERATE(Flavor::kCurator, Flavor::kKazoo);
    const auto purpose = GENERATE(Purpose::kLock, Purpose::kRead, Purpose::kWrite, Purpose::kLatch);
    const auto prefix = flavor == Flavor::kKazoo ? kHex : "_c_" + kUuid + "-";
    const auto contender = parse_contender(prefix + std::string(base_name(flavor, purpose)) + "0000000001");
    REQUIRE(contender.has_value());
    CHECK(contender->dialect == (flavor == Flavor::kKazoo ? Dialect::kKazoo : Dialect::kCurator));
    CHECK(contender->share == (purpose == Purpose::kRead ? Share::kShared : Share::kExclusive));
}

}  // namespace
}  // namespace zabd::recipes
