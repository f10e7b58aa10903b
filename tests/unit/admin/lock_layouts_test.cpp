#include "server/admin/lock_layouts.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

namespace zabd::server::admin {
namespace {

using Lines = std::vector<std::string>;

constexpr const char* kUuid1 = "_c_00000000-aaaa-bbbb-cccc-000000000001-";
constexpr const char* kUuid2 = "_c_ffffffff-aaaa-bbbb-cccc-000000000002-";
constexpr const char* kUuid3 = "_c_55555555-aaaa-bbbb-cccc-000000000003-";
constexpr const char* kHex1 = "00000000aaaabbbbcccc000000000001";
constexpr const char* kHex2 = "ffffffffaaaabbbbcccc000000000002";
constexpr const char* kHex3 = "55555555aaaabbbbcccc000000000003";

/// Nodes as a walk meets them, each created behind the ones before.
class Tree {
public:
    Tree& ephemeral(const std::string& path, int session) {
        ++last_;
        finder.see({path, SessionId{session}, Zxid{last_}, static_cast<std::int64_t>(last_)});
        return *this;
    }
    Tree& persistent(const std::string& path) { return ephemeral(path, 0); }

    /// "/a lock curator: one | two, three": names are sessions, and modes where there are any.
    [[nodiscard]] Lines found(const std::map<std::string, std::size_t>& limits = {}) const {
        Lines lines;
        for (const auto& lock : finder.find(limits)) {
            std::string line = lock.path + " " + std::string(name_of(lock.kind)) + " " + std::string(lock.layout) + ":";
            for (const auto& entry : lock.holders) line += " " + text_of(entry);
            line += " |";
            for (const auto& entry : lock.waiting) line += " " + text_of(entry);
            lines.push_back(std::move(line));
        }
        return lines;
    }

    LockFinder finder;

private:
    static std::string text_of(const LockEntry& entry) {
        auto text = std::to_string(static_cast<int>(entry.node.session));
        if (entry.node.session == SessionId::kNone) text = entry.node.path.substr(entry.node.path.rfind('/') + 1);
        if (entry.mode == LockEntry::Mode::kRead) text += "r";
        if (entry.mode == LockEntry::Mode::kWrite) text += "w";
        return text;
    }
    std::uint64_t last_ = 0;
};

std::string name(const char* prefix, const char* base, int number) {
    char digits[16];
    std::snprintf(digits, sizeof digits, "%010d", number);
    return std::string(prefix) + base + digits;
}

TEST_CASE("of a lock the one with the lowest number holds, whatever its random id", "[admin][locks]") {
    Tree tree;
    tree.ephemeral("/a/" + name(kUuid2, "lock-", 7), 1);
    tree.ephemeral("/a/" + name(kUuid1, "lock-", 8), 2);
    tree.ephemeral("/a/" + name(kUuid3, "lock-", 9), 3);
    tree.ephemeral("/k/" + name(kHex2, "__lock__", 0), 4);
    tree.ephemeral("/k/" + name(kHex1, "__lock__", 1), 5);
    tree.ephemeral("/z/x-0x1a-0000000001", 9).ephemeral("/z/x-26-0000000001", 6).ephemeral("/z/x-1b-0000000002", 7);
    CHECK(tree.found() == Lines{"/a lock curator: 1 | 2 3", "/k lock kazoo: 4 | 5", "/z lock zookeeper: 6 | 7"});
}

TEST_CASE("once the counter has wrapped, who was created first comes first", "[admin][locks]") {
    Tree tree;
    tree.ephemeral("/a/" + name(kUuid2, "lock-", 2147483647), 1);
    tree.ephemeral("/a/" + std::string(kUuid1) + "lock--2147483648", 2);
    CHECK(tree.found() == Lines{"/a lock curator: 1 | 2"});
}

TEST_CASE("all readers in front of the first writer hold", "[admin][locks]") {
    Tree tree;
    tree.ephemeral("/a/" + name(kUuid1, "__READ__", 1), 1).ephemeral("/a/" + name(kUuid2, "__READ__", 2), 2);
    tree.ephemeral("/a/" + name(kUuid3, "__WRIT__", 3), 3).ephemeral("/a/" + name(kUuid1, "__READ__", 4), 4);
    tree.ephemeral("/k/" + name(kHex1, "__lock__", 1), 1).ephemeral("/k/" + name(kHex2, "__rlock__", 2), 2);
    tree.ephemeral("/w/" + name(kUuid1, "__WRIT__", 1), 1);
    CHECK(tree.found() == Lines{"/a read_write_lock curator: 1r 2r | 3w 4r", "/k read_write_lock kazoo: 1w | 2r",
                                "/w read_write_lock curator: 1w |"});
}

TEST_CASE("a read lock under the same owner's write lock holds too", "[admin][locks]") {
    Tree tree;
    tree.ephemeral("/a/" + name(kUuid1, "__WRIT__", 5), 1).ephemeral("/a/" + name(kUuid2, "__WRIT__", 6), 2);
    tree.ephemeral("/a/" + name(kUuid3, "__READ__", 5), 1);
    CHECK(tree.found() == Lines{"/a read_write_lock curator: 1w 1r | 2w"});
}

TEST_CASE("a latch and an election of the documentation's kind are elections", "[admin][locks]") {
    Tree tree;
    tree.ephemeral("/a/" + name(kUuid2, "latch-", 1), 1).ephemeral("/a/" + name(kUuid1, "latch-", 2), 2);
    tree.ephemeral("/z/n_0000000003", 4).ephemeral("/z/n_0000000001", 3);
    CHECK(tree.found() == Lines{"/a election curator: 1 | 2", "/z election zookeeper: 3 | 4"});
}

TEST_CASE("where Curator's contenders and kazoo's meet, both hold", "[admin][locks]") {
    Tree tree;
    tree.ephemeral("/a/" + name(kUuid2, "lock-", 1), 1).ephemeral("/a/" + name(kHex1, "__lock__", 2), 2);
    CHECK(tree.found() == Lines{"/a lock curator: 1 |", "/a lock kazoo: 2 |"});
}

TEST_CASE("leases hold a semaphore, but for that of who is still acquiring", "[admin][locks]") {
    Tree tree;
    tree.persistent("/s/locks").persistent("/s/leases");
    tree.ephemeral("/s/leases/" + name(kUuid1, "lease-", 1), 1).ephemeral("/s/leases/" + name(kUuid2, "lease-", 2), 2);
    CHECK(tree.found() == Lines{"/s semaphore curator: 1 2 |"});
    tree.ephemeral("/s/locks/" + name(kUuid3, "lock-", 3), 3);
    tree.ephemeral("/s/leases/" + name(kUuid3, "lease-", 3), 3).ephemeral("/s/locks/" + name(kUuid1, "lock-", 4), 4);
    CHECK(tree.found() == Lines{"/s semaphore curator: 1 2 | 3 4"});
}

TEST_CASE("of kazoo's semaphore its data say how many hold", "[admin][locks]") {
    Tree tree;
    tree.ephemeral(std::string("/s/") + kHex2, 1).ephemeral(std::string("/s/") + kHex1, 2);
    tree.ephemeral("/s-__lock__/" + name(kHex3, "__lock__", 3), 3);
    CHECK(tree.finder.limits_wanted() == std::vector<std::string>{"/s"});
    CHECK(tree.found({{"/s", 2}}) == Lines{"/s semaphore kazoo: 1 2 | 3"});
    CHECK(tree.found({{"/s", 1}}) == Lines{"/s semaphore kazoo: 1 | 3"});
    CHECK(tree.found() == Lines{"/s-__lock__ lock kazoo: 3 |"});  // members of a group, say, and a lock beside it
}

TEST_CASE("members of a double barrier hold once it is open", "[admin][locks]") {
    const std::string member = "_c_00000000-aaaa-bbbb-cccc-000000000001-member";
    Tree tree;
    tree.ephemeral("/a/" + member, 1).ephemeral("/b/" + member, 2).persistent("/b/ready");
    tree.ephemeral(std::string("/k/") + kHex1, 3).persistent("/k/ready");
    tree.ephemeral(std::string("/group/") + kHex1, 4);
    CHECK(tree.found() == Lines{"/a barrier curator: | 1", "/b barrier curator: 2 |", "/k barrier kazoo: 3 |"});
}

TEST_CASE("entries of a queue are in its order, and those that are claimed are held", "[admin][locks]") {
    Tree tree;
    tree.persistent("/q/queue-0000000002").persistent("/q/queue-0000000001").persistent("/q/queue-0000000003");
    tree.ephemeral("/q-locks/queue-0000000001", 5);
    tree.persistent("/p/queue-1000000050000000001").persistent("/p/queue-0FFFFFFFF0000000002");
    tree.persistent("/k/entry-100-0000000001").persistent("/k/entry-005-0000000002");
    tree.persistent("/l/entries/entry-100-0000000001").persistent("/l/entries/entry-100-0000000002");
    tree.persistent("/l/taken").ephemeral("/l/taken/entry-100-0000000001", 6);
    CHECK(tree.found() == Lines{"/k queue kazoo: | entry-005-0000000002 entry-100-0000000001",
                                "/l queue kazoo: 6 | entry-100-0000000002",
                                "/p queue curator: | queue-0FFFFFFFF0000000002 queue-1000000050000000001",
                                "/q queue curator: 5 | queue-0000000002 queue-0000000003"});
}

TEST_CASE("other nodes are none of these, and are not kept", "[admin][locks]") {
    Tree tree;
    tree.persistent("/a/lock-0000000001");  // not ephemeral: some application's own
    tree.ephemeral("/a/lock-1", 1).ephemeral("/a/latch-", 1).ephemeral("/a/x-0000000001", 1).ephemeral("/a/n_", 1);
    tree.ephemeral("/a/queue-", 1).persistent("/a/queue-x").persistent("/a/entry-1").persistent("/a/lease-1");
    tree.persistent("/config").persistent("/a/" + std::string(kHex1)).persistent("/");
    CHECK(tree.found().empty());
    CHECK(tree.finder.kept() == 0);
}

TEST_CASE("a node that may not be read still has its place in the queue", "[admin][locks]") {
    LockFinder finder;
    finder.see({.path = "/a/" + name(kUuid1, "lock-", 2)});
    finder.see({.path = "/a/" + name(kUuid2, "lock-", 1)});
    const auto found = finder.find({});
    REQUIRE(found.size() == 1);
    REQUIRE(found[0].holders.size() == 1);
    CHECK(found[0].holders[0].node.path == "/a/" + name(kUuid2, "lock-", 1));
    CHECK(found[0].waiting.size() == 1);
}

}  // namespace
}  // namespace zabd::server::admin
