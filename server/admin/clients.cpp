#include "server/admin/clients.hpp"

#include "client/client.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <list>
#include <map>
#include <utility>

namespace zabd::server::admin {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto as_value = asio::as_tuple(asio::use_awaitable);

client::Options session_options() {
    return {
        .operation_timeout = Clients::kOperationMax,
        .connect_timeout = Clients::kOperationMax / 2,
        .backoff_max = client::Millis{500},
        .queued_bytes_max = 64u << 20,
    };
}

}  // namespace

struct Clients::Impl : std::enable_shared_from_this<Impl> {
    struct Entry {
        std::shared_ptr<client::Client> client;
        Clock::time_point used;
    };

    Impl(asio::io_context& context, std::string client_address, std::uint16_t client_port)
        : io(context), timer(context), address(std::move(client_address)), port(client_port) {}

    [[nodiscard]] std::string connection_string() const {
        if (address.empty() || address == "0.0.0.0") return fmt::format("127.0.0.1:{}", port);
        if (address == "::") return fmt::format("[::1]:{}", port);
        if (address.contains(':')) return fmt::format("[{}]:{}", address, port);
        return fmt::format("{}:{}", address, port);
    }

    static bool in_use(const Entry& entry) { return entry.client.use_count() > 1; }

    /// The session ends while `closing` keeps its client; with this object gone it ends by its timeout.
    void end(std::map<std::string, Entry>::iterator place) {
        const auto kept = closing.insert(closing.end(), std::move(place->second.client));
        entries.erase(place);
        (*kept)->close([weak = weak_from_this(), kept](boost::system::error_code) {
            if (const auto self = weak.lock()) self->closing.erase(kept);
        });
    }

    bool make_room() {
        if (entries.size() < kSessionsMax) return true;
        auto oldest = entries.end();
        for (auto place = entries.begin(); place != entries.end(); ++place) {
            if (in_use(place->second)) continue;
            if (oldest == entries.end() || place->second.used < oldest->second.used) oldest = place;
        }
        if (oldest == entries.end()) return false;
        end(oldest);
        return true;
    }

    void sweep() {
        const auto now = Clock::now();
        for (auto place = entries.begin(); place != entries.end();) {
            const auto here = place++;
            auto& entry = here->second;
            if (in_use(entry)) entry.used = now;
            const auto state = entry.client->state();
            const bool over = state == client::State::kAuthFailed || state == client::State::kClosed;
            if (!in_use(entry) && (over || now - entry.used >= kIdleMax)) end(here);
        }
    }

    asio::io_context& io;
    asio::steady_timer timer;
    std::string address;
    std::uint16_t port;
    bool stopped = false;
    bool sweeping = false;
    std::map<std::string, Entry> entries;  // by digest identity, a secret
    std::list<std::shared_ptr<client::Client>> closing;
};

namespace {

/// Runs while there are sessions: an admin endpoint that nobody writes through costs nothing.
template <class Impl>
void sweep_later(const std::shared_ptr<Impl>& impl) {
    impl->sweeping = true;
    impl->timer.expires_after(Clients::kIdleMax / 6);
    impl->timer.async_wait([impl](const boost::system::error_code& error) {
        impl->sweeping = false;
        if (error || impl->stopped) return;
        impl->sweep();
        if (!impl->entries.empty()) sweep_later(impl);
    });
}

}  // namespace

Clients::Clients(asio::io_context& io, std::string address, std::uint16_t port)
    : impl_(std::make_shared<Impl>(io, std::move(address), port)) {}

Clients::~Clients() { stop(); }

void Clients::set_port(std::uint16_t port) { impl_->port = port; }

std::shared_ptr<client::Client> Clients::of(const Caller& caller) {
    if (impl_->stopped || impl_->port == 0) return nullptr;
    const auto found = impl_->entries.find(caller.digest);
    if (found != impl_->entries.end()) {
        found->second.used = Clock::now();
        return found->second.client;
    }
    if (!impl_->make_room()) return nullptr;
    const auto client =
        std::make_shared<client::Client>(impl_->io.get_executor(), impl_->connection_string(), session_options());
    // Requests leave in the order in which they are called, so no operation overtakes it.
    if (!caller.digest.empty()) client->add_auth("digest", caller.digest, {}, [](boost::system::error_code) {});
    impl_->entries.emplace(caller.digest, Impl::Entry{.client = client, .used = Clock::now()});
    if (!impl_->sweeping) sweep_later(impl_);
    return client;
}

asio::awaitable<bool> Clients::close_session(SessionId id, wire::Password password) {
    if (impl_->stopped || impl_->port == 0) co_return false;
    auto options = session_options();
    options.session = client::Session{.id = id, .password = password};
    options.renew_session = false;
    options.session_timeout = client::Millis{60'000};
    client::Client client(impl_->io.get_executor(), impl_->connection_string(), options);
    const auto [error] = co_await client.connected(kOperationMax, as_value);
    if (error) co_return false;  // the session stays whose it is
    co_await client.close(as_value);
    co_return true;
}

void Clients::stop() {
    if (std::exchange(impl_->stopped, true)) return;
    impl_->timer.cancel();
    while (!impl_->entries.empty()) impl_->end(impl_->entries.begin());
}

}  // namespace zabd::server::admin
