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
    auto* client = find(frame.connection);
    if (!client || client->phase == Client::Phase::kClosing) return;
    ++status_.traffic.received;
    ++client->status.traffic.received;
    switch (client->phase) {
        case Client::Phase::kNew: return handshake(*client, frame.frame, out);
        case Client::Phase::kOpening:
            return wait(*client, {.since = now_.monotonic, .frame = std::string(frame.frame)}, out);
        case Client::Phase::kOpen: return request(*client, frame.frame, out);
        case Client::Phase::kClosing: return;
    }
}

void Core::Impl::on(const ClientClosed& closed, Outputs& out) {
    const auto found = clients_.find(closed.connection);
    if (found == clients_.end()) return;
    auto& client = found->second;
    watches_.remove_connection(client.id);
    const auto owner = owners_.find(client.session);
    if (owner != owners_.end() && owner->second == client.id) owners_.erase(owner);
    outstanding_ -= client.waiting.size();
    paused_.erase(client.id);
    clients_.erase(found);
    resume_clients(out);
}

void Core::Impl::handshake(Client& client, std::string_view frame, Outputs& out) {
    const auto request = wire::decode_connect_request(frame);
    if (!request || ahead(request->last_zxid_seen, zxid_applied())) return close(client, out);
    client.says_read_only = request->read_only.has_value();
    client.timeout = clamped(request->timeout_ms, options_);
    if (request->session == SessionId::kNone) {
        open_session(client, out);
    } else {
        reattach(client, *request, out);
    }
}

void Core::Impl::open_session(Client& client, Outputs& out) {
    const bool welcome =
        pipeline_.has_room(0, options_.log_reserve_bytes / 4) && pipeline_.in_flight() <= 2 * options_.outstanding_max;
    if (!welcome) return close(client, out);
    client.session = session_ids_->next();
    client.phase = Client::Phase::kOpening;
    wait(client,
         {.what = Waiting::For::kCommit,
          .op = wire::OpCode::kCreateSession,
          .zxid = pipeline_.next_zxid(),
          .since = now_.monotonic},
         out);
    pipeline_.submit_create_session({.connection = client.id, .session = client.session, .time = now_.wall},
                                    client.timeout, out);
}

void Core::Impl::reattach(Client& client, const wire::ConnectRequest& request, Outputs& out) {
    // The password first: a wrong one must not cost the rightful client its connection.
    const bool welcome =
        credentials_.matches(request.session, request.password.value_or("")) && pipeline_.accepts(request.session);
    if (!welcome) {
        out.items.emplace_back(
            Event{Event::Kind::kSessionRefused, request.session, zxid_applied(), client.status.address});
        return refuse(client, out);
    }
    close_owner(request.session, out);
    client.session = request.session;
    greet(client, out);
}

void Core::Impl::greet(Client& client, Outputs& out) {
    client.phase = Client::Phase::kOpen;
    client.status.session = client.session;
    client.status.timeout = client.timeout;
    client.status.last_op = wire::OpCode::kCreateSession;
    owners_[client.session] = client.id;
    expiry_.touch(client.session, client.timeout, now_.monotonic);

    wire::ConnectReply reply;
    reply.timeout_ms = static_cast<std::int32_t>(client.timeout.count());
    reply.session = client.session;
    reply.password = credentials_.password(client.session);
    if (client.says_read_only) reply.read_only = false;
    FrameWriter writer(out.bytes);
    wire::encode(writer.encoder(), reply);
    send(client, writer.begin(), writer.finish(), out);
}

void Core::Impl::refuse(Client& client, Outputs& out) {
    wire::ConnectReply reply;
    if (client.says_read_only) reply.read_only = false;
    FrameWriter writer(out.bytes);
    wire::encode(writer.encoder(), reply);
    send(client, writer.begin(), writer.finish(), out);
    close(client, out);
}

void Core::Impl::close(Client& client, Outputs& out) {
    if (client.phase == Client::Phase::kClosing) return;
    client.phase = Client::Phase::kClosing;
    watches_.remove_connection(client.id);
    // Its writes in flight commit all the same; nobody waits for them here any more.
    outstanding_ -= client.waiting.size();
    client.waiting.clear();
    client.waiting_bytes = 0;
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
    if (!pipeline_.accepts(client.session)) return false;
    expiry_.touch(client.session, client.timeout, now_.monotonic);
    return true;
}

}  // namespace zabd::core
