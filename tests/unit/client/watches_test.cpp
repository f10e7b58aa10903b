// Watches: which event is for whom, arming again, and removal.
#include "client/watch_registry.hpp"
#include "tests/unit/client/dialogue.hpp"
#include "wire/requests.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace zabd;
using namespace zabd::client;
using namespace zabd::client::tests;
using wire::ErrorCode;
using wire::OpCode;
using Ops = std::vector<OpCode>;
using Strings = std::vector<std::string>;

namespace {

/// A request that arms `sink` when it succeeds, as the maker would make it for a Watch.
Request arming(Request request, const std::shared_ptr<Listener>& sink, WatchKind kind, std::string path) {
    request.watch = sink;
    request.watch_kind = kind;
    request.path = std::move(path);
    return request;
}

/// A connected client and one listener.
struct Watching {
    explicit Watching(const std::string& chroot = {}) : talk({}, chroot) {
        talk.connect();
        talk.protocol.add_sink(*listener);
    }
    void arm(WatchKind kind, const std::string& path, ErrorCode error = ErrorCode::kOk) {
        talk.ask(arming(talk.make.get(path, {}), listener, kind, talk.chroot + path));
        talk.answer(talk.hear().at(0).xid, error);
    }

    Dialogue talk;
    std::shared_ptr<Listener> listener = std::make_shared<Listener>();
};

std::size_t count_of(const std::vector<WatchRegistry::Removal>& removals, std::string_view path, WatcherType type) {
    return static_cast<std::size_t>(std::ranges::count_if(
        removals, [&](const auto& removal) { return removal.path == path && removal.type == type; }));
}

}  // namespace

TEST_CASE("each kind of watch hears the events that are for it, as often as it should", "[client]") {
    struct Case {
        const char* name;
        WatchKind kind;
        std::string watched;
        EventType event;
        std::string path;
        bool hears;
        bool spent;
    };
    const auto c = GENERATE(values<Case>({
        {"data, changed", WatchKind::kData, "/a", EventType::kDataChanged, "/a", true, true},
        {"data, deleted", WatchKind::kData, "/a", EventType::kDeleted, "/a", true, true},
        {"data, another path", WatchKind::kData, "/a", EventType::kDataChanged, "/b", false, false},
        {"data, children", WatchKind::kData, "/a", EventType::kChildrenChanged, "/a", false, false},
        {"exists, created", WatchKind::kExists, "/a", EventType::kCreated, "/a", true, true},
        {"children, changed", WatchKind::kChildren, "/a", EventType::kChildrenChanged, "/a", true, true},
        {"children, deleted", WatchKind::kChildren, "/a", EventType::kDeleted, "/a", true, true},
        {"children, data", WatchKind::kChildren, "/a", EventType::kDataChanged, "/a", false, false},
        {"persistent, created", WatchKind::kPersistent, "/a", EventType::kCreated, "/a", true, false},
        {"persistent, children", WatchKind::kPersistent, "/a", EventType::kChildrenChanged, "/a", true, false},
        {"persistent, below", WatchKind::kPersistent, "/a", EventType::kCreated, "/a/b", false, false},
        {"recursive, itself", WatchKind::kRecursive, "/a", EventType::kDeleted, "/a", true, false},
        {"recursive, deep below", WatchKind::kRecursive, "/a", EventType::kDataChanged, "/a/b/c", true, false},
        {"recursive, beside", WatchKind::kRecursive, "/a", EventType::kCreated, "/ab", false, false},
        {"recursive, children", WatchKind::kRecursive, "/a", EventType::kChildrenChanged, "/a", false, false},
        {"recursive, from the root", WatchKind::kRecursive, "/", EventType::kCreated, "/x", true, false},
    }));
    CAPTURE(c.name);
    WatchRegistry registry("");
    Listener listener;
    registry.add(c.kind, c.watched, listener);
    CHECK(registry.fire(c.event, c.path).size() == (c.hears ? 1 : 0));
    CHECK(registry.size() == (c.spent ? 0 : 1));
}

TEST_CASE("a listener with several watches hears an event once", "[client]") {
    WatchRegistry registry("");
    Listener listener;
    for (const auto kind : {WatchKind::kData, WatchKind::kExists, WatchKind::kChildren, WatchKind::kRecursive}) {
        registry.add(kind, "/a", listener);
    }
    CHECK(registry.fire(EventType::kDeleted, "/a").size() == 1);
    CHECK(registry.size() == 1);
}

TEST_CASE("a watch is armed by the answer, if it is one that arms", "[client]") {
    struct Case {
        WatchKind kind;
        ErrorCode error;
        bool armed;
    };
    const auto c = GENERATE(values<Case>({
        {WatchKind::kData, ErrorCode::kOk, true},
        {WatchKind::kData, ErrorCode::kNoNode, false},
        {WatchKind::kExists, ErrorCode::kOk, true},
        {WatchKind::kExists, ErrorCode::kNoNode, true},
        {WatchKind::kExists, ErrorCode::kNoAuth, false},
        {WatchKind::kPersistent, ErrorCode::kOk, true},
    }));
    Watching watching;
    watching.arm(c.kind, "/a", c.error);
    watching.talk.event(wire::EventType::kNodeDeleted, "/a");
    CHECK(watching.listener->heard() == (c.armed ? Strings{"deleted /a"} : Strings{}));
}

TEST_CASE("events have their paths without the chroot", "[client]") {
    Watching watching("/app");
    watching.arm(WatchKind::kRecursive, "/a");
    watching.talk.event(wire::EventType::kNodeCreated, "/app/a/b");
    CHECK(watching.listener->heard() == Strings{"created /a/b"});
    const WatchRegistry registry("/app");
    CHECK(registry.within_chroot("/app") == "/");
}

TEST_CASE("a listener dropped from within another's event hears nothing more", "[client]") {
    Watching watching;
    auto& protocol = watching.talk.protocol;
    auto dropped = std::make_shared<Listener>();
    protocol.add_sink(*dropped);
    watching.arm(WatchKind::kPersistent, "/a");
    watching.talk.ask(arming(watching.talk.make.get("/a", {}), dropped, WatchKind::kPersistent, "/a"));
    watching.talk.answer_all();
    watching.listener->on_take = [&] {
        if (!dropped) return;
        protocol.drop_sink(*dropped, watching.talk.now);
        dropped.reset();
    };
    watching.talk.event(wire::EventType::kNodeCreated, "/a");
    CHECK(watching.listener->heard() == Strings{"created /a"});
    CHECK(!dropped);
}

TEST_CASE("closing leaves no event to come", "[client]") {
    Watching watching;
    watching.arm(WatchKind::kPersistent, "/a");
    watching.talk.protocol.close(nullptr, watching.talk.now);
    watching.talk.event(wire::EventType::kNodeCreated, "/a");
    CHECK(watching.listener->heard() == Strings{"state closed"});
}

// --- arming again ----------------------------------------------------------------------------------------------------

TEST_CASE("a new connection arms all watches again, in front of the requests", "[client]") {
    Watching watching;
    watching.arm(WatchKind::kData, "/a");
    watching.arm(WatchKind::kExists, "/b", ErrorCode::kNoNode);
    auto& talk = watching.talk;
    talk.disconnect();
    talk.ask(talk.make.get("/c", {}));
    talk.connect();
    auto asked = talk.hear();
    REQUIRE(ops_of(asked) == Ops{OpCode::kSetWatches, OpCode::kGetData});
    const auto watches = wire::decoded<wire::SetWatchesRequest>(asked[0].body);
    REQUIRE(watches);
    CHECK(watches->relative_zxid == talk.protocol.last_zxid());
    CHECK(watches->data == std::vector<wire::Text>{"/a"});
    CHECK(watches->exist == std::vector<wire::Text>{"/b"});

    for (const auto& each : asked) talk.answer(each.xid);
    watching.arm(WatchKind::kRecursive, "/r");
    talk.disconnect();
    talk.connect();
    asked = talk.hear();
    CHECK(ops_of(asked).front() == OpCode::kSetWatches2);
    const auto all = wire::decoded<wire::SetWatches2Request>(asked[0].body);
    REQUIRE(all);
    CHECK(all->persistent_recursive == std::vector<wire::Text>{"/r"});
}

TEST_CASE("arming again is split into packets of bounded size", "[client]") {
    WatchRegistry registry("");
    Listener listener;
    for (int i = 0; i < 100; ++i)
        registry.add(WatchKind::kData, "/" + std::string(99, 'x') + std::to_string(i), listener);
    registry.add(WatchKind::kPersistent, "/" + std::string(5'000, 'y'), listener);
    const auto frames = registry.rearming(Zxid(7), -8, 1'024);
    std::size_t paths = 0;
    for (const auto& frame : frames) {
        const auto request = wire::decoded<wire::SetWatches2Request>(std::string_view(frame).substr(8));
        REQUIRE(request);
        std::size_t bytes = 0;
        for (const auto& path : request->data) bytes += path.size();
        CHECK(bytes <= 1'024);
        CHECK((request->persistent.empty() || request->data.empty()));
        paths += request->data.size() + request->persistent.size();
    }
    CHECK(paths == 101);
    CHECK(frames.size() == 11);
}

TEST_CASE("the end of the session ends its one-shot watches; persistent ones go along", "[client]") {
    Watching watching;
    watching.arm(WatchKind::kData, "/a");
    watching.arm(WatchKind::kPersistent, "/p");
    auto& talk = watching.talk;
    talk.disconnect();
    talk.open();
    talk.greet(refused());
    talk.disconnect();
    talk.connect();
    const auto asked = talk.hear();
    REQUIRE(ops_of(asked) == Ops{OpCode::kSetWatches2});
    const auto watches = wire::decoded<wire::SetWatches2Request>(asked[0].body);
    CHECK(watches->data.empty());
    CHECK(watches->persistent == std::vector<wire::Text>{"/p"});
}

// --- removal ---------------------------------------------------------------------------------------------------------

TEST_CASE("only what nobody wants any more is taken from the server", "[client]") {
    WatchRegistry registry("");
    Listener one;
    Listener other;
    registry.add(WatchKind::kData, "/alone", one);
    registry.add(WatchKind::kChildren, "/alone", one);
    registry.add(WatchKind::kData, "/shared", one);
    registry.add(WatchKind::kData, "/shared", other);
    registry.add(WatchKind::kData, "/other-kind", one);
    registry.add(WatchKind::kPersistent, "/other-kind", other);
    registry.add(WatchKind::kRecursive, "/persistent", one);
    registry.add(WatchKind::kData, "/persistent", other);
    const auto removals = registry.drop(one);
    CHECK(count_of(removals, "/alone", WatcherType::kAny) == 1);
    CHECK(count_of(removals, "/persistent", WatcherType::kPersistentRecursive) == 1);
    CHECK(removals.size() == 2);
    CHECK(registry.size() == 3);
}

TEST_CASE("dropping a listener takes its watches from the server", "[client]") {
    Watching watching;
    watching.arm(WatchKind::kData, "/a");
    watching.talk.protocol.drop_sink(*watching.listener, watching.talk.now);
    const auto asked = watching.talk.hear();
    REQUIRE(ops_of(asked) == Ops{OpCode::kRemoveWatches});
    CHECK(wire::decoded<wire::WatchesRequest>(asked[0].body)->path == "/a");
    watching.talk.disconnect();
    watching.talk.connect();
    CHECK(watching.talk.hear().empty());
}

TEST_CASE("a watch that is being armed on the same path is not taken along", "[client]") {
    Watching watching;
    watching.arm(WatchKind::kData, "/a");
    const auto next = std::make_shared<Listener>();
    auto& talk = watching.talk;
    talk.protocol.add_sink(*next);
    talk.ask(arming(talk.make.get("/a", {}), next, WatchKind::kData, "/a"));
    talk.protocol.drop_sink(*watching.listener, talk.now);
    CHECK(ops_of(talk.hear()) == Ops{OpCode::kGetData});
}

TEST_CASE("a listener that goes while it is being armed is not armed, here or there", "[client]") {
    Watching watching;
    auto& talk = watching.talk;
    talk.ask(arming(talk.make.get("/a", {}), watching.listener, WatchKind::kPersistent, "/a"));
    talk.protocol.drop_sink(*watching.listener, talk.now);
    talk.answer_all();
    const auto asked = talk.hear();
    CHECK(ops_of(asked) == Ops{OpCode::kRemoveWatches});
    talk.answer(asked.at(0).xid);
    talk.event(wire::EventType::kNodeCreated, "/a");
    CHECK(watching.listener->heard().empty());
}

TEST_CASE("what was removed by request is not armed again", "[client]") {
    Watching watching;
    watching.arm(WatchKind::kData, "/a");
    watching.arm(WatchKind::kChildren, "/a");
    auto& talk = watching.talk;
    const auto error = GENERATE(ErrorCode::kOk, ErrorCode::kNoWatcher);
    talk.ask(talk.make.remove_watches("/a", WatcherType::kData, {}));
    talk.answer(talk.hear().at(0).xid, error);
    talk.disconnect();
    talk.connect();
    const auto watches = wire::decoded<wire::SetWatchesRequest>(talk.hear().at(0).body);
    REQUIRE(watches);
    CHECK(watches->data.size() == (error == ErrorCode::kOk ? 0 : 1));
    CHECK(watches->child.size() == 1);
}
