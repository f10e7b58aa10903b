#include "zabctl/context.hpp"

#include "zabctl/concurrently.hpp"
#include "zabctl/four_letter_word.hpp"
#include "zabctl/shell.hpp"

#include <boost/asio/as_tuple.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace zabd::zabctl {
namespace {

namespace asio = boost::asio;
constexpr auto as_value = asio::as_tuple(asio::use_awaitable);
constexpr client::Millis kDiagnosis{1'000};

/// Why there is no session, server by server: the client knows only that there is none.
asio::awaitable<Failure> explain(std::string server, client::Millis timeout) {
    const auto parsed = parse_server(server);
    std::vector<asio::awaitable<WordAnswer>> questions;
    for (const auto& host : parsed.hosts) questions.push_back(ask_word(host, "srvr", std::min(timeout, kDiagnosis)));
    const auto answers = co_await all(std::move(questions));
    std::string text = fmt::format("no session within {} ms", timeout.count());
    for (std::size_t i = 0; i < answers.size(); ++i) {
        const auto& answer = answers[i];
        text += fmt::format("; {}: {}", text_of(parsed.hosts[i]),
                            answer.error        ? answer.error.message()
                            : answer.answered() ? "serves, but gave no session (overloaded?)"
                                                : "runs, but does not serve (no quorum?)");
    }
    co_return Failure(kCannotConnect, text + fmt::format(". Servers are named by --server or {}", kServerVariable));
}

}  // namespace

Context::Context(asio::any_io_executor executor, Settings given)
    : settings(std::move(given)), output(settings.json), executor_(std::move(executor)) {}

asio::awaitable<client::Client*> Context::client() {
    if (!client_) {
        if (closed_) throw Failure(kCannotConnect, "not connected; `connect host:port` connects");
        connect(settings.server);
    }
    return ready(*client_, introduced_);
}

asio::awaitable<client::Client*> Context::root_client() {
    if (chroot().empty()) return client();
    if (!root_client_) {
        const auto servers = settings.server.substr(0, settings.server.find('/'));
        root_client_.emplace(executor_, servers, client_options());
        root_introduced_ = false;
    }
    return ready(*root_client_, root_introduced_);
}

asio::awaitable<client::Client*> Context::ready(client::Client& client, bool& introduced) {
    const auto [error] = co_await client.connected(settings.timeout, as_value);
    if (error == client::Errc::kOperationTimeout || error == client::Errc::kNotSent) {
        const auto failure = co_await explain(settings.server, settings.timeout);
        throw failure;
    }
    if (error) throw failure_of(error, settings.server);
    if (!std::exchange(introduced, true)) {
        for (const auto& identity : settings.identities) {
            co_await at(settings.server, client.add_auth(identity.scheme, identity.credentials));
        }
    }
    co_return &client;
}

client::Client* Context::connected_client() {
    const bool connected = state() == client::State::kConnected || state() == client::State::kConnectedReadOnly;
    return connected ? &*client_ : nullptr;
}

void Context::connect(const std::string& server) {
    static_cast<void>(parse_server(server));
    watches.detach();
    root_client_.reset();
    settings.server = server;
    client_.emplace(executor_, server, client_options());
    introduced_ = false;
    closed_ = false;
    watches.attach(*client_);
    if (shell) watches.tell_all(executor_, [this](const client::Event& event) { shell->tell(event); });
}

asio::awaitable<void> Context::close() {
    watches.detach();
    if (root_client_) co_await root_client_->close();
    if (client_) co_await client_->close();
    root_client_.reset();
    client_.reset();
    closed_ = true;
}

client::State Context::state() const { return client_ ? client_->state() : client::State::kClosed; }

asio::awaitable<void> Context::add_identity(Identity identity) {
    auto* connected = co_await client();
    co_await at(identity.scheme, connected->add_auth(identity.scheme, identity.credentials));
    settings.identities.push_back(std::move(identity));
    root_client_.reset();  // the next one is told all identities
}

client::Options Context::client_options() const {
    client::Options options;
    options.operation_timeout = settings.timeout;
    options.session_timeout = settings.session_timeout;
    options.allow_read_only = settings.read_only;
    return options;
}

std::string Context::chroot() const { return parse_server(settings.server).chroot; }

client::ConnectionString parse_server(const std::string& text) {
    auto parsed = client::ConnectionString::parse(text);
    if (!parsed) {
        throw Failure(kUsage, fmt::format("{}; --server takes host:port,host:port/chroot", parsed.error().where));
    }
    return *std::move(parsed);
}

}  // namespace zabd::zabctl
