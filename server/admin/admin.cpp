#include "server/admin/admin.hpp"

#include "net/http.hpp"
#include "server/admin/access.hpp"
#include "server/admin/audit_log.hpp"
#include "server/admin/clients.hpp"
#include "server/admin/dispatch.hpp"
#include "server/admin/history.hpp"
#include "server/admin/metrics.hpp"
#include "server/admin/reply.hpp"
#include "server/admin/services.hpp"
#include "server/admin/stages.hpp"
#include "server/loopback.hpp"
#include "server/printable.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <fmt/format.h>
#include <pthread.h>
#include <spdlog/spdlog.h>

#include <csignal>
#include <exception>
#include <optional>
#include <thread>
#include <utility>

namespace zabd::server::admin {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::milliseconds kStopMax{200};  // for what is under way to notice the end
constexpr std::size_t kMetricsConnectionsMax = 16;

ServerId self_of(const Config& config) { return config.ensemble ? config.ensemble->self : ServerId{1}; }

void log_failure(std::string_view why) { spdlog::error("admin: a request failed: {}", printable(why)); }

net::HttpOptions endpoint_options(const AdminConfig& admin) {
    net::HttpOptions options;
    options.tls_certificate_file = admin.tls_certificate.string();
    options.tls_key_file = admin.tls_key.string();
    options.on_failure = log_failure;
    return options;
}

net::HttpOptions metrics_options() {
    net::HttpOptions options;
    options.connections_max = kMetricsConnectionsMax;
    options.body_bytes_max = 0;
    options.on_failure = log_failure;
    return options;
}

/// The provider's port shows figures to everybody who reaches it, so names of other machines are no matter; but where it
/// is this machine's alone, a page of another site shall not be the one who reaches it.
Config metrics_access(Config config) {
    config.admin.address = config.metrics.address;
    return config;
}

}  // namespace

struct Admin::Impl final : public Witness {
    Impl(const Config& given, Desk& desk, std::unique_ptr<AuditLog> audit_log)
        : config(given),
          audit(std::move(audit_log)),
          clients(io, config.client_address, config.client_port),
          history(io, desk, self_of(config)),
          services{io, config, desk, clients, history, stages, *audit},
          access(config),
          access_to_metrics(metrics_access(config)) {}

    void add_routes() {
        add_command_routes(router, services);
        add_metric_routes(router, services);
        add_tree_routes(router, services);
        add_event_routes(router, services);
        add_session_routes(router, services);
        add_lock_routes(router, services);
        add_ensemble_routes(router, services);
        add_running_routes(router, services);
        add_setting_routes(router, services);
        add_health_routes(router, services);
        add_audit_routes(router, services);
        add_openapi_routes(router, services);
        add_page_routes(router, services);
    }

    Result<void> listen() {
        if (config.admin.enabled) {
            add_routes();
            auto handler = [this](net::HttpRequest request) { return dispatch(router, access, std::move(request)); };
            endpoint.emplace(io, endpoint_options(config.admin), std::move(handler));
            const auto listening = endpoint->listen(config.admin.address, config.admin.port);
            const bool needed = config.admin.port_given || (!listening && listening.error().code != Errc::kIo);
            if (!listening && needed) return failure(listening.error().code, "admin: " + listening.error().where);
            if (!listening) {
                spdlog::warn("admin: {}; going on without: see admin.serverPort", listening.error().where);
                endpoint.reset();
            }
        }
        return config.metrics.enabled ? listen_for_metrics() : Result<void>{};
    }

    Result<void> listen_for_metrics() {
        auto handler = [this](net::HttpRequest request) { return answer_metrics(std::move(request)); };
        provider.emplace(io, metrics_options(), std::move(handler));
        const auto listening = provider->listen(config.metrics.address, config.metrics.port);
        if (!listening) return failure(listening.error().code, "metricsProvider: " + listening.error().where);
        return {};
    }

    asio::awaitable<net::HttpResponse> answer_metrics(net::HttpRequest request) {
        auto response = error_reply(404, "NotFound", "there is nothing here but /metrics");
        const bool read = request.method == "GET" || request.method == "HEAD";
        auto refused = is_loopback(config.metrics.address) ? access_to_metrics.turned_away(request) : std::nullopt;
        if (refused) {
            response = std::move(refused->response);
        } else if (!read) {
            response = error_reply(405, "MethodNotAllowed", "/metrics is to be read");
            response.headers.emplace_back("Allow", "GET, HEAD");
        } else if (request.path == "/metrics") {
            auto task = metrics_reply(services);
            response = co_await std::move(task);
        }
        add_common_headers(response);
        co_return response;
    }

    void run() {
        ::pthread_setname_np(::pthread_self(), "zabd-admin");
        while (!io.stopped()) run_some([this] { io.run(); });
        if (endpoint) endpoint->stop();
        if (provider) provider->stop();
        history.stop();
        clients.stop();
        work.reset();
        io.restart();
        run_some([this] { io.run_for(kStopMax); });
    }

    void run_some(const auto& run_loop) {
        try {
            run_loop();
        } catch (const std::exception& exception) {
            log_failure(exception.what());
        }
    }

    void start(std::uint16_t client_port) {
        if (!endpoint && !provider) return;
        clients.set_port(client_port);
        history.start();
        // Signals are for the thread that waits for them.
        sigset_t all, before;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before);
        thread = std::thread([this] { run(); });
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }

    void stop() {
        if (!thread.joinable()) return;
        io.stop();
        thread.join();
    }

    // Witness
    void on_event(const core::Event& event, WallTime time) override { history.on_event(event, time); }
    void on_audited(core::Audited audited) override { audit->write(std::move(audited)); }
    void on_stages(const StageTimes& times) override { stages.add(times); }

    // The io_context goes after all that has timers and sockets on it. Coroutines that it still holds then are destroyed,
    // not run.
    const Config config;
    std::unique_ptr<AuditLog> audit;
    StageHistograms stages;
    asio::io_context io{1};
    std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work{asio::make_work_guard(io)};
    Clients clients;
    History history;
    Services services;
    Router router;
    Access access;
    Access access_to_metrics;
    std::optional<net::HttpServer> endpoint;
    std::optional<net::HttpServer> provider;
    std::thread thread;
};

Admin::Admin(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Admin::~Admin() { stop(); }

Result<std::unique_ptr<Admin>> Admin::open(const Config& config, Desk& desk) {
    auto audit = AuditLog::open(config);
    if (!audit) return std::unexpected(audit.error());
    auto impl = std::make_unique<Impl>(config, desk, std::move(*audit));
    if (auto listening = impl->listen(); !listening) return std::unexpected(listening.error());
    return std::unique_ptr<Admin>(new Admin(std::move(impl)));
}

Witness& Admin::witness() { return *impl_; }
void Admin::start(std::uint16_t client_port) { impl_->start(client_port); }
void Admin::stop() { impl_->stop(); }
std::uint16_t Admin::port() const { return impl_->endpoint ? impl_->endpoint->port() : 0; }
std::uint16_t Admin::metrics_port() const { return impl_->provider ? impl_->provider->port() : 0; }

std::string Admin::url() const {
    if (!impl_->endpoint) return {};
    const auto& admin = impl_->config.admin;
    const bool all = admin.address.empty() || admin.address == "0.0.0.0" || admin.address == "::";
    const auto host = all ? "127.0.0.1" : admin.address;
    const bool brackets = host.find(':') != std::string::npos;
    return fmt::format("{}://{}{}{}:{}/", admin.tls_key.empty() ? "http" : "https", brackets ? "[" : "", host,
                       brackets ? "]" : "", port());
}

}  // namespace zabd::server::admin
