// What begins and ends with a role of ours, and what waits meanwhile.
//
// When the leader is lost nothing is answered any more, but for what turns out to have been committed. Connections stay, and
// what they send is kept in order. Once we serve again:
//   1. the leader is asked about every session that has a connection here (we ourselves, if we lead);
//   2. who still has one submits again, in order, what was submitted and not seen applied. It is in no history and never
//      will be: the new leader's history is complete here, what came from an earlier link of ours to the same leader was
//      committed before it answered (1), and it takes nothing more from that link (hazard Z-44);
//   3. then what was kept is taken up.
// A leader must come within Options::hold_max; else connections are closed, or may only read.
#include "server/core/core_impl.hpp"

#include <algorithm>
#include <string>

namespace zabd::core {
namespace {

std::string number(auto value) { return std::to_string(static_cast<std::uint64_t>(value)); }

std::string described(const zab::RoleChanged& changed) {
    if (!changed.serving) return "looking: " + changed.reason;
    const auto epoch = " epoch=" + number(changed.epoch);
    if (changed.role == zab::Role::kLeading) return "leading" + epoch;
    return (changed.role == zab::Role::kFollowing ? "following leader=" : "observing leader=") +
           number(changed.leader) + epoch;
}

}  // namespace

void Core::Impl::carry_out(const zab::RoleChanged& changed, Outputs& out) {
    if (serving_) stop_serving();
    if (!changed.serving) {
        learners_.clear();
        deferred_.clear();
    }
    role_ = changed.role;
    leader_link_ = changed.link;
    tell_role(changed, out);
    if (changed.serving) begin_serving(out);
}

void Core::Impl::tell_role(const zab::RoleChanged& changed, Outputs& out) {
    if (pipeline_.alone()) return;
    out.items.emplace_back(Event{Event::Kind::kRole, SessionId::kNone, zxid_applied(), described(changed)});
}

bool Core::Impl::available() const { return serving_ && zab().serving() && (!leads() || zab().accepts()); }

std::vector<ConnectionId> Core::Impl::connections_in_order() const {
    std::vector<ConnectionId> ids;
    ids.reserve(clients_.size());
    for (const auto& [id, client] : clients_) ids.push_back(id);
    std::ranges::sort(ids);
    return ids;
}

void Core::Impl::stop_serving() {
    serving_ = false;
    unserved_since_ = now_.monotonic;
    pipeline_.discard_proposals();
    sessions_.stop();
    syncs_.clear();
    forwarded_.clear();
    expired_here_.clear();
    for (auto& [id, client] : clients_) {
        if (client.phase == Client::Phase::kOpen) client.phase = Client::Phase::kResuming;
        for (auto& waiting : client.waiting) {
            using enum Waiting::For;
            if (waiting.lost || (waiting.what != kWrite && waiting.what != kBarrier)) continue;
            waiting.lost = true;
            ++client.lost;
        }
    }
}

void Core::Impl::begin_serving(Outputs& out) {
    serving_ = true;
    given_up_ = false;
    if (!pipeline_.alone()) {
        ++status_.elections;
        status_.election_last = now_.monotonic - unserved_since_;
        pipeline_.set_config(options_.config_text, now_.wall);
    }
    begin_session_ids();
    if (leads()) {
        sessions_.begin_leading(pipeline_.sessions(), now_.monotonic);
    } else {
        sessions_.begin_following();
    }
    end_read_only(out);
    for (const auto id : connections_in_order()) resume(*find(id), out);
}

void Core::Impl::resume(Client& client, Outputs& out) {
    using enum Client::Phase;
    if (client.phase == kNew || client.phase == kClosing) return;
    if (client.phase == kOpen) client.phase = kResuming;
    if (leads()) {
        validated(client, pipeline_.accepts(client.session), out);
    } else {
        ask_leader(client, out);
    }
}

// --- without a leader ------------------------------------------------------------------------------------------------

void Core::Impl::give_up(Outputs& out) {
    given_up_ = true;
    read_only_ = options_.read_only_enabled;
    for (const auto id : connections_in_order()) {
        using enum Client::Phase;
        auto& client = *find(id);
        const bool was_open = client.phase == kResuming || client.phase == kOpen;
        // What became of a write in flight cannot be told here.
        const bool may_read = was_open && client.accepts_read_only && client.waiting.empty();
        if (read_only_ && client.phase == kNew) continue;
        if (!read_only_ || !may_read) {
            close(client, out);
            continue;
        }
        client.phase = kOpen;
        hold_back(client);
    }
    if (read_only_)
        out.items.emplace_back(Event{Event::Kind::kRole, SessionId::kNone, zxid_applied(), "read-only: no leader"});
}

/// Who was told that it may only read comes again, and is told otherwise.
void Core::Impl::end_read_only(Outputs& out) {
    if (!std::exchange(read_only_, false)) return;
    for (const auto id : connections_in_order())
        if (auto& client = *find(id); client.greeted_read_only) close(client, out);
}

// --- frames that wait ------------------------------------------------------------------------------------------------

void Core::Impl::hold(Client& client, std::string_view frame, Outputs& out) {
    client.held.push_back({now_.monotonic, std::string(frame)});
    client.frame_bytes += frame.size();
    ++outstanding_;
    if (!answers()) hold_back(client);
    pause_if_too_much(client, out);
}

void Core::Impl::hold_back(const Client& client) {
    holding_.insert(client.id);
    held_back_ = true;
}

void Core::Impl::take_up(Client& client, Outputs& out) {
    using enum Client::Phase;
    if (client.lost != 0 && !submit_lost(client, out)) return;
    run_turns(client, out);
    while (!client.held.empty() && (client.phase == kNew || client.phase == kOpen)) {
        if (must_wait(client, client.held.front().frame)) return;
        if (!answers()) return hold_back(client);
        const auto held = std::move(client.held.front());
        client.held.pop_front();
        client.frame_bytes -= held.frame.size();
        --outstanding_;
        dispatch(client, held.frame, held.since, out);
    }
}

/// False: it is to be gone on with later.
bool Core::Impl::submit_lost(Client& client, Outputs& out) {
    using enum Client::Phase;
    if (client.phase != kOpen && client.phase != kOpening) return false;
    // An index, as what is submitted may end the connection.
    for (std::size_t i = 0; i < client.waiting.size() && client.lost != 0; ++i) {
        auto& waiting = client.waiting[i];
        if (!waiting.lost) continue;
        if (!available()) return hold_back(client), false;
        waiting.lost = false;
        --client.lost;
        if (waiting.what == Waiting::For::kBarrier) {
            waiting.group = syncs_.join(client.id);
            ask_sync(out);
            continue;
        }
        wire::RequestHeader header{waiting.xid, waiting.op};
        if (waiting.op == wire::OpCode::kCreateSession) {
            submit(client, header, wire::encoded(static_cast<std::int32_t>(client.timeout.count())), out);
            continue;
        }
        if (!has_room_for(waiting.op, waiting.frame.size())) {
            ++status_.writes_refused;
            waiting.what = Waiting::For::kRefusal;
            waiting.error = wire::ErrorCode::kSystemError;
            continue;
        }
        wire::Decoder in(waiting.frame);
        wire::decode(in, header);
        submit(client, header, in.rest(), out);
    }
    return true;
}

}  // namespace zabd::core
