#include "znode/acl_table.hpp"

#include "replica.hpp"

#include <catch2/catch.hpp>

namespace zabd::znode {

namespace {

wire::AclList list_of(std::string user) { return {{wire::kRead, {"digest", std::move(user)}}}; }

struct Told {
    AclId id;
    bool gone;
    friend bool operator==(const Told&, const Told&) = default;
};

std::vector<Told> released(AclTable& table) {
    std::vector<wire::AclImage> images;
    table.release_unused(images);
    std::vector<Told> told;
    for (const auto& image : images) told.push_back({image.id, !image.encoded_list});
    return told;
}

std::vector<Told> taken(AclTable& table) {
    std::vector<wire::AclImage> images;
    table.take_new(images);
    std::vector<Told> told;
    for (const auto& image : images) {
        told.push_back({image.id, !image.encoded_list});
        CHECK(image.encoded_list == wire::encoded(table.list(image.id)));
    }
    return told;
}

}  // namespace

TEST_CASE("the open list is never stored", "[znode][acl_table]") {
    AclTable table;
    CHECK(table.intern(kOpenAcl) == AclId::kOpen);
    CHECK(table.list(AclId::kOpen) == kOpenAcl);
    CHECK(table.contains(AclId::kOpen));
    table.add_user(AclId::kOpen);
    table.release(AclId::kOpen);
    CHECK(taken(table).empty());
    CHECK(table.size() == 0);
}

TEST_CASE("equal lists get the same id", "[znode][acl_table]") {
    AclTable table;
    const auto id = table.intern(list_of("bob"));
    CHECK(id != AclId::kOpen);
    CHECK(table.intern(list_of("bob")) == id);
    CHECK(table.list(id) == list_of("bob"));
    CHECK(table.size() == 1);
}

TEST_CASE("lists that differ in anything get ids of their own", "[znode][acl_table]") {
    AclTable table;
    const wire::AclList lists[] = {
        {},
        {{wire::kAllPermissions, {"world", "someone"}}},
        {{0x7fffffff, {"world", "anyone"}}},
        {{wire::kRead, {"a", "bc"}}},
        {{wire::kRead, {"ab", "c"}}},
        {{wire::kRead, {"x", ""}}, {wire::kWrite, {"y", ""}}},
        {{wire::kWrite, {"y", ""}}, {wire::kRead, {"x", ""}}},
    };
    for (const auto& list : lists) CHECK(table.list(table.intern(list)) == list);
    CHECK(table.size() == std::size(lists));
    CHECK(taken(table).size() == std::size(lists));
}

TEST_CASE("a list goes with its last user, but not before it is released", "[znode][acl_table]") {
    AclTable table;
    const auto id = table.intern(list_of("bob"));
    table.add_user(id);
    CHECK(taken(table) == std::vector<Told>{{id, false}});
    CHECK(taken(table).empty());
    table.release(id);
    CHECK(released(table).empty());
    table.release(id);
    CHECK(table.list(id) == list_of("bob"));
    CHECK(released(table) == std::vector<Told>{{id, true}});
    CHECK_FALSE(table.contains(id));
    CHECK(released(table).empty());
}

TEST_CASE("a list that finds a user again in time stays", "[znode][acl_table]") {
    AclTable table;
    const auto id = table.intern(list_of("bob"));
    table.release(id);
    CHECK(table.intern(list_of("bob")) == id);
    CHECK(released(table).empty());
    CHECK(table.list(id) == list_of("bob"));
    table.release(id);
    CHECK(released(table).size() == 1);
}

TEST_CASE("the id of a list that is gone is not given to the next", "[znode][acl_table]") {
    AclTable table;
    const auto bob = table.intern(list_of("bob"));
    table.release(bob);
    (void)released(table);
    CHECK(table.intern(list_of("eve")) != bob);
}

TEST_CASE("a table comes back from its images", "[znode][acl_table]") {
    AclTable table;
    const auto bob = table.intern(list_of("bob"));
    const auto eve = table.intern(list_of("eve"));
    const auto unused = table.intern(list_of("nobody"));

    AclTable restored;
    for (const auto& image : table.images()) REQUIRE(restored.restore(image.id, *image.encoded_list));
    restored.add_user(bob);
    restored.add_user(eve);
    CHECK(restored.list(bob) == list_of("bob"));
    CHECK(restored.intern(list_of("eve")) == eve);
    CHECK(taken(restored).empty());
    CHECK(released(restored) == std::vector<Told>{{unused, true}});
    CHECK(restored.intern(list_of("new")) > unused);
}

TEST_CASE("stored lists that do not fit are refused", "[znode][acl_table]") {
    struct Case {
        const char* name;
        std::uint32_t id;
        std::string bytes;
    };
    const auto c = GENERATE(values<Case>({
        {"the open list's id", 0, wire::encoded(list_of("eve"))},
        {"the open list", 2, wire::encoded(kOpenAcl)},
        {"an id that is taken", 1, wire::encoded(list_of("eve"))},
        {"a list that is there", 2, wire::encoded(list_of("bob"))},
        {"nothing", 2, ""},
        {"half a list", 2, wire::encoded(list_of("eve")).substr(0, 12)},
        {"a null list", 2, std::string(4, '\xff')},
    }));
    CAPTURE(c.name);
    AclTable table;
    REQUIRE(table.restore(AclId{1}, wire::encoded(list_of("bob"))));
    CHECK_FALSE(table.restore(AclId{c.id}, c.bytes));
    CHECK(table.size() == 1);
    CHECK(table.list(AclId{1}) == list_of("bob"));
}

}  // namespace zabd::znode
