#include "zab/membership.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

namespace zabd::zab {
namespace {

std::set<ServerId> servers_1_to(std::size_t last) {
    std::set<ServerId> servers;
    for (std::size_t id = 1; id <= last; ++id) servers.insert(static_cast<ServerId>(id));
    return servers;
}

TEST_CASE("a quorum is more than half of the voters", "[zab][membership]") {
    struct Case {
        std::size_t voters, quorum;
    };
    const auto c = GENERATE(values<Case>({{1, 1}, {2, 2}, {3, 2}, {4, 3}, {5, 3}, {6, 4}, {7, 4}}));
    CAPTURE(c.voters);
    const Membership membership(servers_1_to(c.voters));
    for (std::size_t count = 0; count <= c.voters; ++count) {
        CAPTURE(count);
        CHECK(membership.has_quorum(servers_1_to(count)) == (count >= c.quorum));
    }
}

TEST_CASE("every two quorums share a voter", "[zab][membership]") {
    const auto voters = GENERATE(range(std::size_t{1}, std::size_t{8}));
    CAPTURE(voters);
    const Membership membership(servers_1_to(voters));
    const auto chosen = [&](unsigned mask) {
        std::set<ServerId> servers;
        for (const auto voter : membership.voters()) {
            if (mask >> (static_cast<unsigned>(voter) - 1) & 1u) servers.insert(voter);
        }
        return servers;
    };
    for (unsigned mask = 0; mask < 1u << voters; ++mask) {
        const auto others = ~mask & ((1u << voters) - 1);
        CHECK_FALSE((membership.has_quorum(chosen(mask)) && membership.has_quorum(chosen(others))));
    }
}

TEST_CASE("servers that are no voters do not count", "[zab][membership]") {
    const Membership membership({ServerId{1}, ServerId{2}, ServerId{3}});
    CHECK_FALSE(membership.has_quorum({ServerId{1}, ServerId{4}, ServerId{5}, ServerId{6}}));
    CHECK(membership.has_quorum({ServerId{1}, ServerId{3}, ServerId{9}}));
    CHECK(membership.committed({{ServerId{1}, Zxid{7}}, {ServerId{4}, Zxid{9}}, {ServerId{5}, Zxid{9}}}) == Zxid{});
}

TEST_CASE("a proposal commits once a quorum has it durable", "[zab][membership]") {
    struct Case {
        const char* name;
        std::vector<Counter> durable;
        Counter committed;
    };
    const auto c = GENERATE(values<Case>({
        {"a lone voter decides alone", {7}, 7},
        {"a lone voter with nothing", {0}, 0},
        {"two voters need both", {7, 5}, 5},
        {"the leader alone is no quorum", {7, 0, 0}, 0},
        {"the leader's disk is slowest", {0, 9, 8}, 8},
        {"all have the same", {4, 4, 4}, 4},
        {"four voters need three", {9, 9, 4, 0}, 4},
        {"five voters need three", {1, 5, 2, 4, 3}, 3},
        {"six voters need four", {6, 1, 5, 2, 4, 3}, 3},
        {"seven voters need four", {1, 7, 2, 6, 3, 5, 4}, 4},
    }));
    CAPTURE(c.name);
    const Membership membership(servers_1_to(c.durable.size()));
    std::map<ServerId, Zxid> durable;
    for (std::size_t i = 0; i < c.durable.size(); ++i) {
        durable[static_cast<ServerId>(i + 1)] = Zxid::of(3, c.durable[i]);
    }
    CHECK(membership.committed(durable) == Zxid::of(3, c.committed));
}

TEST_CASE("a voter that has not spoken has nothing", "[zab][membership]") {
    const Membership membership(servers_1_to(3));
    CHECK(membership.committed({}) == Zxid{});
    CHECK(membership.committed({{ServerId{2}, Zxid{5}}}) == Zxid{});
    CHECK(membership.committed({{ServerId{2}, Zxid{5}}, {ServerId{3}, Zxid{6}}}) == Zxid{5});
}

TEST_CASE("zxids are compared unsigned and by epoch first", "[zab][membership]") {
    const Membership membership(servers_1_to(3));
    CHECK(membership.committed({{ServerId{1}, Zxid::of(0x80000000, 1)},
                                {ServerId{2}, Zxid::of(0x7fffffff, 9)},
                                {ServerId{3}, Zxid::of(2, 0xffffffff)}}) == Zxid::of(0x7fffffff, 9));
}

std::set<ServerId> servers(std::initializer_list<int> ids) {
    std::set<ServerId> all;
    for (const int id : ids) all.insert(static_cast<ServerId>(id));
    return all;
}

/// Three sites: servers 1 to 3, 4 and 5, 6 and 7.
Membership three_sites(const std::map<ServerId, std::int64_t>& weights = {}) {
    std::map<ServerId, std::int64_t> groups;
    for (const int id : {1, 2, 3}) groups[static_cast<ServerId>(id)] = 1;
    for (const int id : {4, 5}) groups[static_cast<ServerId>(id)] = 2;
    for (const int id : {6, 7}) groups[static_cast<ServerId>(id)] = 3;
    return Membership(groups, weights);
}

TEST_CASE("with groups, most of most groups are a quorum", "[zab][membership]") {
    const auto sites = three_sites();
    CHECK(sites.has_quorum(servers({1, 2, 4, 5})));
    CHECK(sites.has_quorum(servers({4, 5, 6, 7})));
    CHECK_FALSE(sites.has_quorum(servers({1, 2, 3, 4, 6})));
    CHECK_FALSE(sites.has_quorum(servers({1, 2, 3})));
    CHECK(sites.committed({{ServerId{1}, Zxid{9}},
                           {ServerId{2}, Zxid{7}},
                           {ServerId{6}, Zxid{8}},
                           {ServerId{7}, Zxid{5}},
                           {ServerId{4}, Zxid{9}}}) == Zxid{5});
}

TEST_CASE("a group without weight does not count, and its members never lead", "[zab][membership]") {
    const auto sites = three_sites({{ServerId{6}, 0}, {ServerId{7}, 0}, {ServerId{1}, 5}});
    CHECK(sites.votes(ServerId{6}));
    CHECK_FALSE(sites.may_lead(ServerId{6}));
    CHECK(sites.may_lead(ServerId{1}));
    CHECK(sites.has_quorum(servers({1, 4, 5})));
    CHECK_FALSE(sites.has_quorum(servers({2, 3, 4, 5, 6, 7})));
}

TEST_CASE("observers neither count nor lead", "[zab][membership]") {
    const Membership membership(servers({1, 2, 3}), servers({4, 5}));
    CHECK_FALSE(membership.has_quorum(servers({1, 4, 5})));
    CHECK_FALSE(membership.may_lead(ServerId{4}));
    CHECK(membership.committed({{ServerId{1}, Zxid{5}}, {ServerId{4}, Zxid{5}}, {ServerId{5}, Zxid{5}}}) == Zxid{});
}

}  // namespace
}  // namespace zabd::zab
