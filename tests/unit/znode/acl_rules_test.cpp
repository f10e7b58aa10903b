#include "znode/acl_rules.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace zabd;
using namespace zabd::znode;
using wire::Acl;
using wire::AclList;
using wire::Id;

namespace {

constexpr auto kAll = wire::kAllPermissions;
const Id kWorld{"world", "anyone"};
const Id kBob{"digest", "bob:ikIaKsbtGweaHnb/jKn7OHqbunM="};
const Id kAmy{"digest", "amy:hash"};
const Id kAddress{"ip", "10.1.2.3"};
const Id kSuper{"super", ""};

AclList only(const Id& id, std::int32_t permissions = kAll) { return {{permissions, id}}; }

}  // namespace

TEST_CASE("an entry admits whom it names, for the bits it has", "[znode][acl]") {
    struct Case {
        const char* name;
        AclList list;
        std::int32_t wanted;
        std::vector<Id> who;
        bool allowed;
    };
    const auto c = GENERATE(values<Case>({
        {"an empty list admits all", {}, wire::kAdmin, {}, true},
        {"world admits all", only(kWorld), wire::kRead, {}, true},
        {"world without the bit", only(kWorld, wire::kRead), wire::kWrite, {kBob}, false},
        {"one of two wanted bits will do", only(kWorld, wire::kAdmin), wire::kRead | wire::kAdmin, {}, true},
        {"a bit that no operation knows", only(kWorld, 32), kAll, {}, false},
        {"world by another name", only({"world", "someone"}), wire::kRead, {}, false},
        {"the digest", only(kBob), wire::kRead, {kAddress, kBob}, true},
        {"another digest", only(kBob), wire::kRead, {kAddress, kAmy}, false},
        {"a digest that only begins alike", only(kBob), wire::kRead, {{"digest", "bob:"}}, false},
        {"nobody", only(kBob), wire::kRead, {}, false},
        {"the id under another scheme", only(kBob), wire::kRead, {{"sasl", kBob.id}}, false},
        {"a scheme without provider", only({"x509", "CN=a"}), wire::kRead, {{"x509", "CN=a"}}, false},
        {"the second entry", {{kAll, kAmy}, {wire::kRead, kBob}}, wire::kRead, {kBob}, true},
        {"bits of one entry do not count for another",
         {{kAll, kAmy}, {wire::kRead, kBob}},
         wire::kWrite,
         {kBob},
         false},
        {"super among others", only(kAmy, 0), wire::kAdmin, {kAddress, kSuper}, true},
        {"super as an entry", only(kSuper), wire::kRead, {kBob}, false},
    }));
    CAPTURE(c.name);
    CHECK(allowed(c.list, c.wanted, c.who) == c.allowed);
}

TEST_CASE("an ip entry is a network", "[znode][acl]") {
    struct Case {
        const char* entry;
        const char* address;
        bool inside;
    };
    const auto c = GENERATE(values<Case>({
        {"10.1.2.3", "10.1.2.3", true},
        {"10.1.2.3", "10.1.2.4", false},
        {"10.1.2.3/32", "10.1.2.3", true},
        {"10.9.9.9/8", "10.1.2.3", true},
        {"10.1.2.0/23", "10.1.3.255", true},
        {"10.1.2.0/23", "10.1.4.0", false},
        {"11.0.0.0/7", "10.1.2.3", true},
        {"0.0.0.0/0", "255.255.255.255", true},
        {"0.0.0.0/0", "::1", false},
        {"::/0", "10.1.2.3", false},
        {"2001:db8::/32", "2001:db8:1:2:3:4:5:6", true},
        {"2001:db8::/32", "2001:db9::1", false},
        {"::1", "0:0:0:0:0:0:0:1", true},
        {"fe80::/10", "fe80:0:0:0:1:2:3:4%eth0", true},
        {"1:2:3:4:5:6:7:8/127", "1:2:3:4:5:6:7:9", true},
        {"1:2:3:4:5:6:7:8/128", "1:2:3:4:5:6:7:9", false},
        {"10.1.2.3", "::ffff:10.1.2.3", true},
        {"::ffff:a01:203", "10.1.2.3", true},
        {"10.1.2.3", "unknown", false},
        {"10.1.2.3", "", false},
    }));
    CAPTURE(c.entry, c.address);
    CHECK(allowed(only({"ip", c.entry}), wire::kRead, std::vector{Id{"ip", c.address}}) == c.inside);
}

TEST_CASE("an id is accepted by its scheme, or the list is no ACL", "[znode][acl]") {
    struct Case {
        Id id;
        bool accepted;
    };
    const auto c = GENERATE(values<Case>({
        {{"world", "anyone"}, true},
        {{"world", "Anyone"}, false},
        {{"world", ""}, false},
        {{"digest", "a:b"}, true},
        {{"digest", ":b"}, true},
        {{"digest", "a:b:"}, true},
        {{"digest", "abc"}, false},
        {{"digest", "a:b:c"}, false},
        {{"digest", "a:"}, false},
        {{"digest", ":"}, false},
        {{"digest", ""}, false},
        {{"ip", "1.2.3.4"}, true},
        {{"ip", "1.2.3.4/0"}, true},
        {{"ip", "1.2.3.4/32"}, true},
        {{"ip", "1.2.3.4/33"}, false},
        {{"ip", "1.2.3.4/-1"}, false},
        {{"ip", "1.2.3.4/"}, false},
        {{"ip", "1.2.3.4/8/8"}, false},
        {{"ip", "1.2.3.4/x"}, false},
        {{"ip", "1.2.3"}, false},
        {{"ip", "1.2.3.4.5"}, false},
        {{"ip", "1.2.3."}, false},
        {{"ip", "1.2..4"}, false},
        {{"ip", "1.2.3.256"}, false},
        {{"ip", "1.2.3.-4"}, false},
        {{"ip", "1.2.3.99999999999"}, false},
        {{"ip", "host"}, false},
        {{"ip", ""}, false},
        {{"ip", "::"}, true},
        {{"ip", "::1/128"}, true},
        {{"ip", "::1/129"}, false},
        {{"ip", "1::8"}, true},
        {{"ip", "1:2:3:4:5:6:7:8"}, true},
        {{"ip", "1:2:3:4:5:6:1.2.3.4"}, true},
        {{"ip", "::ffff:1.2.3.4"}, true},
        {{"ip", "::ffff:1.2.3.4/96"}, false},
        {{"ip", "1:2:3:4:5:6:7"}, false},
        {{"ip", "1:2:3:4:5:6:7:8:9"}, false},
        {{"ip", "1:2:3:4::5:6:7:8"}, false},
        {{"ip", "1::2::3"}, false},
        {{"ip", ":1"}, false},
        {{"ip", "1:"}, false},
        {{"ip", ":::"}, false},
        {{"ip", "12345::"}, false},
        {{"ip", "1.2.3.4::"}, false},
        {{"ip", "g::"}, false},
        {{"super", ""}, false},
        {{"sasl", "bob"}, false},
        {{"x509", "CN=bob"}, false},
        {{"", ""}, false},
    }));
    CAPTURE(c.id.scheme, c.id.id);
    const auto fixed = fixed_up(only(c.id), {});
    CHECK(fixed.has_value() == c.accepted);
    if (fixed) CHECK(*fixed == only(c.id));
}

TEST_CASE("a list is fixed up when it is set", "[znode][acl]") {
    struct Case {
        const char* name;
        std::optional<AclList> list;
        std::vector<Id> who;
        std::optional<AclList> fixed;
    };
    const Id auth{"auth", "ignored"};
    const auto c = GENERATE_REF(values<Case>({
        {"null is no list", std::nullopt, {kBob}, std::nullopt},
        {"nor is an empty one", AclList{}, {kBob}, std::nullopt},
        {"bits are kept as they come", only(kWorld, -1), {}, only(kWorld, -1)},
        {"no bits at all are fine", only(kWorld, 0), {}, only(kWorld, 0)},
        {"duplicates go, order stays",
         AclList{{1, kBob}, {2, kAmy}, {1, kBob}, {3, kBob}},
         {},
         AclList{{1, kBob}, {2, kAmy}, {3, kBob}}},
        {"auth stands for whoever has shown credentials",
         only(auth, 5),
         {kAddress, kBob, kAmy, kSuper},
         AclList{{5, kBob}, {5, kAmy}}},
        {"auth of nobody", only(auth), {kAddress, kSuper}, std::nullopt},
        {"what auth expands to is not merged again",
         AclList{{1, kBob}, {1, auth}},
         {kBob},
         AclList{{1, kBob}, {1, kBob}}},
        {"one bad entry spoils the list", AclList{{1, kWorld}, {1, {"digest", "x"}}}, {}, std::nullopt},
    }));
    CAPTURE(c.name);
    CHECK(fixed_up(c.list, c.who) == c.fixed);
}

TEST_CASE("auth entries do not multiply without bound", "[znode][acl]") {
    AclList list;
    for (int i = 0; i < 1001; ++i) list.push_back({i, {"auth", ""}});
    std::vector<Id> who;
    for (int i = 0; i < 100; ++i) who.push_back({"digest", "user:" + std::to_string(i)});
    CHECK_FALSE(fixed_up(list, who));
    list.pop_back();
    CHECK(fixed_up(list, who)->size() == kAclEntriesMax);
}

TEST_CASE("a list of many entries takes no quadratic time", "[znode][acl]") {
    AclList list;
    for (int i = 0; i < 80'000; ++i) list.push_back({i % 40'000, kWorld});
    CHECK(fixed_up(list, {})->size() == 40'000);
}

TEST_CASE("digest hashes are hidden, everything else is shown", "[znode][acl]") {
    CHECK(redacted(
              {{1, kBob}, {2, kAddress}, {3, {"sasl", "a:b"}}, {4, {"digest", "u:h:i"}}, {5, {"digest", "plain"}}}) ==
          AclList{{1, {"digest", "bob:x"}},
                  {2, kAddress},
                  {3, {"sasl", "a:b"}},
                  {4, {"digest", "u:x"}},
                  {5, {"digest", "plain"}}});
}

TEST_CASE("a digest identity is the user and the hash of the whole text", "[znode][acl]") {
    CHECK(digest_identity("bob:pw") == "bob:ikIaKsbtGweaHnb/jKn7OHqbunM=");
    CHECK(digest_identity("super:pw") == "super:0bX78nEegDzJM3ju0iLBEJdWzjg=");
    CHECK(digest_identity("nopass") == "nopass:lzMveuimm4pmrQTpblPb5NTiZUY=");
    CHECK(digest_identity("a:b:c").starts_with("a:"));
    CHECK(digest_identity("") == ":2jmj7l5rSw0yVb/vlWAYkK/YBwk=");
}
