// The HTTP endpoint with all that is behind it, on a thread of its own: clients never wait for it but for the short
// questions that it asks at the desk.
//
// Order     open() binds the ports, start() begins to serve, stop() ends it. The runtime whose desk it asks lives
//           longer, and is told of witness() before it runs.
// Off       without the endpoint (admin.enableServer=false) audit and the metrics provider's port still work.
// Threads   open(), start() and stop() by one; witness() by the io thread.
#pragma once

#include "server/config.hpp"
#include "server/desk.hpp"
#include "server/witness.hpp"
#include "wire/result.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace zabd::server::admin {

class Admin {
public:
    /// Errc::kIo: a port that was asked for is taken, or the audit log cannot be opened; a port that was not asked for is
    /// only warned about. Errc::kBadConfig: TLS's files. `desk` outlives it.
    static Result<std::unique_ptr<Admin>> open(const Config& config, Desk& desk);
    /// stop(), if nobody has.
    ~Admin();

    /// Takes what it is told in from any thread, without waiting. Good as long as this object.
    [[nodiscard]] Witness& witness();
    /// Once. `client_port`: where this server takes clients; writes go that way.
    void start(std::uint16_t client_port);
    /// Closes all connections and waits for the thread, less than a second.
    void stop();

    /// Where the endpoint listens; 0: nowhere.
    [[nodiscard]] std::uint16_t port() const;
    /// Where the metrics provider listens; 0: nowhere.
    [[nodiscard]] std::uint16_t metrics_port() const;
    /// "http://127.0.0.1:8080/" for people to open; empty: it listens nowhere.
    [[nodiscard]] std::string url() const;

private:
    struct Impl;
    explicit Admin(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace zabd::server::admin
