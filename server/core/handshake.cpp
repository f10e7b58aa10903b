#include "server/core/core_impl.hpp"
#include "wire/assert.hpp"

#include <algorithm>

namespace zabd::core {
namespace {

Millis clamped(std::int32_t wanted_ms, const Options& options) {
    return std::min(std::max(Millis(wanted_ms), options.session_timeout_min), options.session_timeout_max);
}

/// Signed, as clients send -1 for "nothing seen".
bool ahead(Zxid seen, Zxid applied) {
    return static_cast<std::int64_t>(seen.value) > static_cast<std::int64_t>(applied.value);
}

}  // namespace

void Core::Impl::on(const ClientOpened& opened, Outputs&) {
    Client client;
    client.id = opened.connection;
    client.identities.push_back({"ip", std::string(opened.address)});
    client.status.connection = opened.connection;
    client.status.address = opened.address;
    client.status.port = opened.port;
    client.status.established = now_.wall;
    const bool fresh = clients_.emplace(opened.connection, std::move(client)).second;
    ZABD_ASSERT(fresh);
}

void Core::Impl::on(const ClientFrame& frame, Outputs& out) {
    using enum Client::Phase;
    auto* client = find(frame.connection);
    if (!client || client->phase == kClosing) return;
    ++status_.traffic.received;
    ++client->status.traffic.received;
    if (given_up_ && !read_only_) return close(*client, out);  // not sooner: it might have asked for a word
    const bool ready = (client->phase == kOpen || client->phase == kNew) && client->held.empty() && client->lost == 0;
    if (ready && answers() && !must_wait(*client, frame.frame))
        return dispatch(*client, frame.frame, now_.monotonic, out);
    if (client->phase == kOpen) (void)touch(*client);  // its client lives, however long the frame waits
    hold(*client, frame.frame, out);
}

void Core::Impl::on(const ClientClosed& closed, Outputs& out) {
    const auto found = clients_.find(closed.connection);
    if (found == clients_.end()) return;
    auto& client = found->second;
    audit_abandoned(client, out);
    watches_.remove_connection(client.id);
    const auto owner = owners_.find(client.session);
    if (owner != owners_.end() && owner->second == client.id) owners_.erase(owner);
    outstanding_ -= client.queued();
    paused_.erase(client.id);
    holding_.erase(client.id);
    clients_.erase(found);
    resume_clients(out);
}

void Core::Impl::dispatch(Client& client, std::string_view frame, Instant since, Outputs& out) {
    if (client.phase == Client::Phase::kNew) return handshake(client, frame, out);
    request(client, frame, since, out);
}

// --- sessions --------------------------------------------------------------------------------------------------------

void Core::Impl::handshake(Client& client, std::string_view frame, Outputs& out) {
    const auto request = wire::decode_connect_request(frame);
    if (!request || ahead(request->last_zxid_seen, zxid_applied())) return close(client, out);
    client.says_read_only = request->read_only.has_value();
    client.accepts_read_only = request->read_only.value_or(false);
    client.timeout = clamped(request->timeout_ms, options_);
    if (read_only_) return open_read_only(client, *request, out);
    if (request->session == SessionId::kNone) {
        open_session(client, out);
    } else {
        reattach(client, *request, out);
    }
}

void Core::Impl::open_session(Client& client, Outputs& out) {
    const bool room = !leads() || pipeline_.has_room(0, options_.log_reserve_bytes / 4);
    if (!room || in_flight() > 2 * options_.outstanding_max) return close(client, out);
    client.session = new_session();
    create_session(client, out);
}

void Core::Impl::create_session(Client& client, Outputs& out) {
    client.phase = Client::Phase::kOpening;
    client.attached_at = zxid_applied();
    owners_[client.session] = client.id;
    if (leads() && !pipeline_.alone()) sessions_.set_owner(client.session, LinkId::kNone);
    wait(client, {.what = Waiting::For::kWrite, .op = wire::OpCode::kCreateSession, .since = now_.monotonic}, out);
    const auto timeout = wire::encoded(static_cast<std::int32_t>(client.timeout.count()));
    submit(client, {0, wire::OpCode::kCreateSession}, timeout, out);
}

void Core::Impl::reattach(Client& client, const wire::ConnectRequest& request, Outputs& out) {
    // The password first: a wrong one must not cost the rightful client its connection.
    if (!is_password(request.session, request.password.value_or(""))) {
        out.items.emplace_back(
            Event{Event::Kind::kSessionRefused, request.session, zxid_applied(), client.status.address});
        return refuse(client, out);
    }
    client.session = request.session;
    client.phase = Client::Phase::kValidating;
    resume(client, out);
}

void Core::Impl::open_read_only(Client& client, const wire::ConnectRequest& request, Outputs& out) {
    if (!client.accepts_read_only) return close(client, out);
    if (request.session == SessionId::kNone) {
        client.session = new_session();
        readers_[client.session] = now_.monotonic + client.timeout;
    } else {
        // Whether the session is open nobody can say now: who is not known here may be elsewhere.
        const bool known = pipeline_.sessions().is_open(request.session) || readers_.contains(request.session);
        const bool welcome = known && is_password(request.session, request.password.value_or(""));
        if (!welcome) return close(client, out);
        close_owner(request.session, out);
        client.session = request.session;
    }
    client.greeted_read_only = true;
    client.attached_at = zxid_applied();
    greet(client, out);
}

void Core::Impl::validated(Client& client, bool valid, Outputs& out) {
    using enum Client::Phase;
    const bool open = valid && pipeline_.sessions().is_open(client.session);
    switch (client.phase) {
        case kOpening: return take_up(client, out);
        case kValidating: return attach(client, open, out);
        case kResuming:
            if (!open || client.dropped) return close(client, out);
            client.phase = kOpen;
            if (leads() && !pipeline_.alone()) sessions_.set_owner(client.session, LinkId::kNone);
            return take_up(client, out);
        default: return;
    }
}

void Core::Impl::attach(Client& client, bool valid, Outputs& out) {
    const auto session = client.session;
    if (valid) {
        close_owner(session, out);
        client.attached_at = leads() ? zab().zxid_proposed() : zab().zxid_committed();
        if (leads() && !pipeline_.alone()) sessions_.set_owner(session, LinkId::kNone);
        greet(client, out);
        return take_up(client, out);
    }
    // That a session has ended is told once its end, ephemerals and all, can be seen here (hazard Z-65).
    if (pipeline_.knows(session)) return close(client, out);
    if (readers_.contains(session)) return available() ? create_session(client, out) : close(client, out);
    out.items.emplace_back(Event{Event::Kind::kSessionRefused, session, zxid_applied(), client.status.address});
    refuse(client, out);
}

void Core::Impl::greet(Client& client, Outputs& out) {
    client.phase = Client::Phase::kOpen;
    client.status.session = client.session;
    client.status.timeout = client.timeout;
    client.status.last_op = wire::OpCode::kCreateSession;
    owners_[client.session] = client.id;
    if (!read_only_) sessions_.touch(client.session, client.timeout, now_.monotonic);

    wire::ConnectReply reply;
    reply.timeout_ms = static_cast<std::int32_t>(client.timeout.count());
    reply.session = client.session;
    reply.password = password_of(client.session);
    if (client.says_read_only) reply.read_only = client.greeted_read_only;
    FrameWriter writer(out.bytes);
    wire::encode(writer.encoder(), reply);
    send(client, writer.begin(), writer.finish(), out);
}

wire::Password Core::Impl::password_of(SessionId session) const {
    const bool zookeeper = pipeline_.sessions().has_zookeeper_password(session);
    if (zookeeper && options_.zookeeper_passwords) return session::Credentials::zookeeper_password(session);
    return credentials().password(session);
}

/// What ZooKeeper makes is taken of the sessions that were opened while it was there; one that is not known here may have
/// been opened there just now.
bool Core::Impl::is_password(SessionId session, std::string_view given) const {
    if (credentials().matches(session, given)) return true;
    const auto& sessions = pipeline_.sessions();
    const bool unheard = !sessions.is_open(session) && zab().hard_state().mixed();
    const bool zookeeper = unheard || sessions.has_zookeeper_password(session);
    return zookeeper && options_.zookeeper_passwords && session::Credentials::matches_zookeeper(session, given);
}

void Core::Impl::refuse(Client& client, Outputs& out) {
    wire::ConnectReply reply;
    if (client.says_read_only) reply.read_only = false;
    FrameWriter writer(out.bytes);
    wire::encode(writer.encoder(), reply);
    send(client, writer.begin(), writer.finish(), out);
    close(client, out);
}

// --- connections -----------------------------------------------------------------------------------------------------

void Core::Impl::close(Client& client, Outputs& out) {
    if (client.phase == Client::Phase::kClosing) return;
    client.phase = Client::Phase::kClosing;
    audit_abandoned(client, out);
    watches_.remove_connection(client.id);
    // Its writes in flight commit all the same; nobody waits for them here any more.
    outstanding_ -= client.queued();
    client.waiting.clear();
    client.held.clear();
    client.lost = client.barriers = client.frame_bytes = 0;
    out.items.emplace_back(CloseClient{client.id});
}

void Core::Impl::close_owner(SessionId session, Outputs& out) {
    const auto owner = owners_.find(session);
    if (owner == owners_.end()) return;
    if (auto* client = find(owner->second)) close(*client, out);
    owners_.erase(session);
}

Client* Core::Impl::find(ConnectionId connection) {
    const auto found = clients_.find(connection);
    return found == clients_.end() ? nullptr : &found->second;
}

bool Core::Impl::touch(Client& client) {
    if (read_only_) {
        const auto reader = readers_.find(client.session);
        if (reader == readers_.end()) return pipeline_.sessions().is_open(client.session);
        reader->second = now_.monotonic + client.timeout;
        return true;
    }
    if (!pipeline_.accepts(client.session)) return false;
    sessions_.touch(client.session, client.timeout, now_.monotonic);
    return true;
}

void Core::Impl::forget_silent_readers(Outputs& out) {
    for (auto reader = readers_.begin(); reader != readers_.end();) {
        if (reader->second > now_.monotonic) {
            ++reader;
            continue;
        }
        close_owner(reader->first, out);
        reader = readers_.erase(reader);
    }
}

void Core::Impl::begin_session_ids() {
    if (pipeline_.alone()) {
        session_ids_.skip(pipeline_.sessions().highest_of(options_.server));
    } else {
        session_ids_.follow(zab().zxid_proposed());
    }
}

SessionId Core::Impl::new_session() {
    for (;;)
        if (const auto session = session_ids_.next(); !pipeline_.knows(session)) return session;
}

}  // namespace zabd::core
