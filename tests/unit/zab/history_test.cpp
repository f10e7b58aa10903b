#include "zab/history.hpp"

#include "zab/sync_plan.hpp"

#include <catch2/catch.hpp>

#include <initializer_list>
#include <string>

namespace zabd::zab {
namespace {

History history_of(Zxid begin, std::initializer_list<Zxid> zxids) {
    History history(begin, begin, {});
    for (const auto zxid : zxids) history.append({zxid, Bytes::copy_of("0123456789")});
    return history;
}

/// 1:3 is where the log begins; then 1:4, 1:5, 3:1, 3:2, 4:1.
History sample() {
    return history_of(Zxid::of(1, 3), {Zxid::of(1, 4), Zxid::of(1, 5), Zxid::of(3, 1), Zxid::of(3, 2), Zxid::of(4, 1)});
}

TEST_CASE("what is ours is known without the records", "[zab][history]") {
    const auto check = [](const History& history) {
        CHECK(history.last() == Zxid::of(4, 1));
        CHECK_FALSE(history.greatest_up_to(Zxid::of(1, 2)));
        for (const auto own :
             {Zxid::of(1, 3), Zxid::of(1, 4), Zxid::of(1, 5), Zxid::of(3, 1), Zxid::of(3, 2), Zxid::of(4, 1)})
            CHECK(history.holds(own));
        CHECK(history.greatest_up_to(Zxid::of(1, 6)) == Zxid::of(1, 5));
        CHECK(history.greatest_up_to(Zxid::of(2, 0)) == Zxid::of(1, 5));
        CHECK(history.greatest_up_to(Zxid::of(2, 7)) == Zxid::of(1, 5));
        CHECK(history.greatest_up_to(Zxid::of(3, 0)) == Zxid::of(1, 5));
        CHECK(history.greatest_up_to(Zxid::of(3, 9)) == Zxid::of(3, 2));
        CHECK(history.greatest_up_to(Zxid::of(9, 9)) == Zxid::of(4, 1));
    };
    check(sample());
    check(History(Zxid::of(1, 3), Zxid::of(4, 1), {Zxid::of(1, 5), Zxid::of(3, 2)}));
}

TEST_CASE("a history that is cut forgets what was behind", "[zab][history]") {
    for (const auto cut :
         {Zxid::of(1, 3), Zxid::of(1, 4), Zxid::of(1, 5), Zxid::of(3, 1), Zxid::of(3, 2), Zxid::of(4, 1)}) {
        auto history = sample();
        history.truncate(cut);
        CHECK(history.last() == cut);
        CHECK(history.next(cut) == nullptr);
        CHECK(history.greatest_up_to(Zxid::of(9, 1)) == cut);
        history.append({Zxid::of(9, 1), {}});
        CHECK(history.holds(cut));
        CHECK(history.greatest_up_to(Zxid::of(8, 1)) == cut);
        CHECK(history.next(cut)->zxid == Zxid::of(9, 1));
    }
}

TEST_CASE("the window gives the next record, as far as it reaches back", "[zab][history]") {
    auto history = sample();
    CHECK(history.next(Zxid::of(1, 3))->zxid == Zxid::of(1, 4));
    CHECK(history.next(Zxid::of(1, 5))->zxid == Zxid::of(3, 1));
    CHECK(history.next(Zxid::of(4, 1)) == nullptr);
    history.trim(0, Zxid::of(3, 1));
    CHECK(history.next(Zxid::of(1, 5)) == nullptr);
    CHECK(history.next(Zxid::of(3, 1))->zxid == Zxid::of(3, 2));
    history.begin_at(Zxid::of(3, 1));
    CHECK_FALSE(history.greatest_up_to(Zxid::of(1, 5)));
    CHECK(history.holds(Zxid::of(3, 1)));
}

struct Case {
    const char* name;
    Zxid learner;
    SyncPlan plan;
    bool zabd = true;
    Zxid committed = Zxid::of(4, 1);
};

TEST_CASE("a learner is brought to our history", "[zab][sync_plan]") {
    using enum SyncPlan::Kind;
    const auto end = Zxid::of(4, 1);
    const std::vector<Case> cases{
        {"in sync", end, {kDiff, end, end}},
        {"behind", Zxid::of(3, 1), {kDiff, end, Zxid::of(3, 1)}},
        {"where the log begins", Zxid::of(1, 3), {kDiff, end, Zxid::of(1, 3)}},
        {"before that", Zxid::of(1, 2), {}},
        {"nothing that counts", kZxidUnknown, {}},
        {"more of our last epoch than we", Zxid::of(4, 3), {kTrunc, end, end}},
        {"of an epoch that we never saw", Zxid::of(5, 2), {kTrunc, end, end}},
        {"Z-19: inside our range, but not ours", Zxid::of(1, 7), {kTrunc, Zxid::of(1, 5), Zxid::of(1, 5)}},
        {"Z-20: an epoch that came to nothing here", Zxid::of(2, 1), {kTrunc, Zxid::of(1, 5), Zxid::of(1, 5)}},
        {"the same, for one that cannot cut across epochs", Zxid::of(2, 1), {}, false},
        {"ZooKeeper's, with more of one epoch", Zxid::of(3, 9), {kTrunc, Zxid::of(3, 2), Zxid::of(3, 2)}, false},
        {"ZooKeeper's, at the begin of an epoch", Zxid::of(3, 0), {kDiff, end, Zxid::of(1, 5)}, false},
        {"what is not committed is sent again", end, {kTrunc, Zxid::of(3, 1), Zxid::of(3, 1)}, true, Zxid::of(3, 1)},
    };
    const auto history = sample();
    for (const auto& one : cases) {
        INFO(one.name);
        const auto plan = plan_sync(history, one.committed, {one.learner, one.zabd});
        CHECK(plan.kind == one.plan.kind);
        CHECK(plan.zxid == one.plan.zxid);
        CHECK(plan.cursor == one.plan.cursor);
    }
}

TEST_CASE("who may have begun behind what is common gets a snapshot instead of a TRUNC", "[zab][sync_plan]") {
    const History history({}, Zxid::of(3, 4), {Zxid::of(2, 2)});
    const auto kind_for = [&](Zxid last, bool provisional) {
        return plan_sync(history, history.last(), {.last = last, .provisional = provisional}).kind;
    };
    CHECK(kind_for(Zxid::of(2, 3), false) == SyncPlan::Kind::kTrunc);
    CHECK(kind_for(Zxid::of(2, 3), true) == SyncPlan::Kind::kSnap);
    CHECK(kind_for(Zxid::of(2, 2), true) == SyncPlan::Kind::kDiff);
}

TEST_CASE("Z-20: a history that begins at a snapshot knows what never was", "[zab][sync_plan]") {
    const History history(Zxid::of(1, 2), Zxid::of(1, 2), {});
    CHECK(plan_sync(history, history.last(), {Zxid::of(2, 1)}).kind == SyncPlan::Kind::kTrunc);
    CHECK(plan_sync(history, history.last(), {Zxid::of(1, 2)}).kind == SyncPlan::Kind::kDiff);
    CHECK(plan_sync(history, history.last(), {Zxid::of(1, 1)}).kind == SyncPlan::Kind::kSnap);
}

}  // namespace
}  // namespace zabd::zab
