#include "recipes/double_barrier.hpp"

#include "recipes/paths.hpp"
#include "recipes/waiting.hpp"
#include "wire/assert.hpp"

#include <ranges>
#include <utility>

namespace zabd::recipes {

namespace asio = boost::asio;
using client::CreateMode;
using client::Errc;
using client::ReadOptions;

namespace {

constexpr std::string_view kReady = "ready";
constexpr std::string_view kMember = "member";

}  // namespace

DoubleBarrier::DoubleBarrier(client::Client& client, std::string path, std::size_t members)
    : client_(client), path_(std::move(path)), ready_path_(child_of(path_, kReady)), members_(members) {
    ZABD_ASSERT(members_ > 0);
}

asio::awaitable<void> DoubleBarrier::enter() { co_await enter_until(kNever); }

asio::awaitable<bool> DoubleBarrier::enter_for(client::Millis timeout) { return enter_until(deadline_in(timeout)); }

asio::awaitable<void> DoubleBarrier::leave() { co_await leave_until(kNever); }

asio::awaitable<bool> DoubleBarrier::leave_for(client::Millis timeout) { return leave_until(deadline_in(timeout)); }

asio::awaitable<bool> DoubleBarrier::enter_until(Deadline deadline) {
    ZABD_ASSERT(!inside_);
    co_await client_.ensure_path(path_);
    co_await sweep_leftover();
    auto created = co_await client_.create_protected(child_of(path_, kMember), {}, {.mode = CreateMode::kEphemeral});
    OwnNode own(client_, std::move(created));  // goes again unless we get in
    auto watch = client_.make_watch();
    for (;;) {
        const auto sight = co_await look(own, watch, deadline);
        if (sight == Sight::kOpen) break;
        bool waiting = sight == Sight::kShut;
        if (waiting) waiting = co_await stale_until(watch, deadline);
        if (waiting) continue;
        const bool opened = co_await withdraw(own);
        if (!opened) co_return false;
        deadline = kNever;  // what remains is to see it
    }
    own_ = std::move(own);
    inside_ = true;
    co_return true;
}

asio::awaitable<DoubleBarrier::Sight> DoubleBarrier::look(const OwnNode& own, client::Watch& watch, Deadline deadline) {
    for (;;) {
        const ReadOptions watched{.watch = &watch, .timeout = time_left(deadline)};
        const auto [error, ready] = co_await client_.exists(ready_path_, watched, as_value);
        if (ran_out(error, deadline)) co_return Sight::kRanOut;
        const bool renewed = co_await session_renewed(client_, error, deadline);
        if (renewed) continue;
        throw_if(error);
        const auto members = co_await list_members(deadline);
        if (!members) co_return Sight::kRanOut;
        if (!members->contains(own.name())) fail(Errc::kSessionExpired);
        if (ready) {
            ready_czxid_ = ready->czxid;
            co_return Sight::kOpen;
        }
        if (members->size() < members_) co_return Sight::kShut;
        co_await open(*members);
    }
}

/// nullopt: the deadline came first.
asio::awaitable<std::optional<DoubleBarrier::Names>> DoubleBarrier::list_members(Deadline deadline) {
    for (;;) {
        const auto [error, children] = co_await client_.children(path_, {.timeout = time_left(deadline)}, as_value);
        if (ran_out(error, deadline)) co_return std::nullopt;
        if (co_await session_renewed(client_, error, deadline)) continue;
        throw_if(error);
        Names members(children.names.begin(), children.names.end());
        members.erase(std::string(kReady));
        co_return members;
    }
}

/// A round whose members all died inside left `ready` behind, which would let us in alone. This cannot hit the `ready`
/// of a round in which we are needed: without our node, that one does not open.
asio::awaitable<void> DoubleBarrier::sweep_leftover() {
    const auto ready = co_await client_.exists(ready_path_);
    if (!ready) co_return;
    const auto members = co_await list_members(kNever);
    if (!members->empty()) co_return;
    const auto [error] = co_await client_.remove(ready_path_, {}, as_value);
    if (error != Errc::kNoNode) throw_if(error);
}

/// Only if enough of the members that were seen still stand then: one that has given up must not be counted.
asio::awaitable<void> DoubleBarrier::open(const Names& members) {
    client::Multi multi;
    for (const auto& name : members | std::views::take(members_)) multi.check(child_of(path_, name));
    multi.create(ready_path_);
    const auto [error, results] = co_await client_.multi(multi, {}, as_value);
    if (error == Errc::kNoNode || error == Errc::kNodeExists) co_return;
    // Applied or not, the next look at the nodes tells; to ask again is harmless.
    if (!client::may_have_been_applied(error)) throw_if(error);
}

/// Takes our node away unless the barrier has opened: true if it has. A create of `ready` that is undone in the same
/// transaction is what finds out, together with the removal, that there is none.
asio::awaitable<bool> DoubleBarrier::withdraw(OwnNode& own) {
    client::Multi multi;
    multi.create(ready_path_).remove(ready_path_).remove(own.path());
    for (;;) {
        const auto [error, results] = co_await client_.multi(multi, {}, as_value);
        if (error == Errc::kNodeExists) co_return true;
        if (error == Errc::kConnectionLoss) continue;  // asked twice it says kNoNode, of our node
        co_await own.remove();
        co_return false;
    }
}

asio::awaitable<bool> DoubleBarrier::leave_until(Deadline deadline) {
    ZABD_ASSERT(inside_);
    inside_ = false;
    auto own = std::move(own_);  // gone however this ends
    auto watch = client_.make_watch();
    std::optional<Names> others;
    for (;;) {
        const auto members = co_await list_members(deadline);
        if (!members) break;
        const bool standing = members->contains(own.name());
        if (!others) {
            others = *members;
            others->erase(std::string(own.name()));
        }
        std::erase_if(*others, [&](const std::string& name) { return !members->contains(name); });
        if (others->empty()) {
            co_await finish_round(own);
            co_return true;
        }
        const bool lowest = standing && own.name() < *others->begin();
        if (!lowest) co_await own.remove();
        const auto awaited = child_of(path_, lowest ? *others->rbegin() : *others->begin());
        const ReadOptions watched{.watch = &watch, .timeout = time_left(deadline)};
        const auto [error, node] = co_await client_.get(awaited, watched, as_value);
        if (error == Errc::kNoNode) continue;
        if (ran_out(error, deadline)) break;
        if (co_await session_renewed(client_, error, deadline)) continue;
        throw_if(error);
        const bool stale = co_await stale_until(watch, deadline);
        if (!stale) break;
    }
    co_return false;
}

/// `ready` goes with the last member, or else one that comes for the next round before it is gone walks in alone.
asio::awaitable<void> DoubleBarrier::finish_round(OwnNode& own) {
    client::Multi multi;
    multi.remove(ready_path_).remove(own.path());
    const auto [failed, results] = co_await client_.multi(multi, {}, as_value);
    co_await own.remove();
    if (!failed) co_return;
    // Our node went before, and the member that should have been last died: then `ready` is still there.
    const auto ready = co_await client_.exists(ready_path_);
    if (!ready || ready->czxid != ready_czxid_) co_return;
    const auto [error] = co_await client_.remove(ready_path_, {}, as_value);
    if (error != Errc::kNoNode) throw_if(error);
}

}  // namespace zabd::recipes
