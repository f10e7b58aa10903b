#include "recipes/group_membership.hpp"

#include "tests/recipes/expect.hpp"
#include "tests/recipes/support.hpp"

#include <fmt/format.h>

#include <vector>

namespace zabd::recipes::tests {

namespace {

constexpr const char* kGroup = "/services/web";

/// Takes what the group tells until it tells that.
asio::awaitable<void> until(Group& group, Group::Members awaited) {
    for (;;) {
        const auto members = co_await group.next();
        if (members == awaited) co_return;
    }
}

}  // namespace

TEST_CASE("members are known while they are present", "[group_membership]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto watcher = co_await site.connect();
        auto one = co_await site.connect();
        auto two = co_await site.connect();
        Group group(watcher, kGroup);
        co_await expect(group.next(), Group::Members());

        auto alice = join_group(one, kGroup, "alice", "10.0.0.1");
        const Group::Members first{{"alice", "10.0.0.1"}};
        co_await expect(group.next(), first);
        auto bob = join_group(two, kGroup, "bob", "10.0.0.2");
        const Group::Members both{{"alice", "10.0.0.1"}, {"bob", "10.0.0.2"}};
        co_await expect(group.next(), both);
        co_await expect(group.members(), both);

        co_await alice.close();
        const Group::Members second{{"bob", "10.0.0.2"}};
        co_await expect(group.next(), second);
        co_await bob.close();
        co_await expect(group.next(), Group::Members());
    });
}

TEST_CASE("a member whose session ended is a member again", "[group_membership]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto watcher = co_await site.connect();
        auto client = co_await site.connect();
        Group group(watcher, kGroup);
        auto member = join_group(client, kGroup, "alice", "here");
        const Group::Members present{{"alice", "here"}};
        co_await until(group, present);
        co_await site.expire(client);
        co_await until(group, present);  // told although the names are the same
        co_await member.close();
    });
}

TEST_CASE("a group is told after a lost connection what it has missed", "[group_membership]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto watcher = co_await site.connect();
        auto client = co_await site.connect();
        Group group(watcher, kGroup);
        co_await expect(group.next(), Group::Members());
        for (int round = 0; round < 4; ++round) {
            CAPTURE(round);
            watcher.drop_connection();
            if (round == 2) co_await site.expire(watcher);
            auto member = join_group(client, kGroup, "alice");
            co_await member.established();
            const Group::Members present{{"alice", ""}};
            co_await until(group, present);
            watcher.drop_connection();
            co_await member.close();
            co_await until(group, {});
        }
    });
}

TEST_CASE("a large group is read whole", "[group_membership]") {
    const Site site;
    run([&]() -> asio::awaitable<void> {
        auto client = co_await site.connect();
        std::vector<PersistentEphemeral> members;
        Group::Members expected;
        for (int i = 0; i < 150; ++i) {
            const auto id = fmt::format("member-{}", i);
            members.push_back(join_group(client, kGroup, id, id));
            expected.emplace(id, id);
        }
        Group group(client, kGroup);
        co_await until(group, expected);
    });
}

}  // namespace zabd::recipes::tests
