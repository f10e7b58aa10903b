// The composition root: a core with the shells around it.
//
// Threads   the io thread, which is the caller of run(), has the sockets and the core; the log and the checkpoint have
//           one each (storage). Between them go values: transactions and images out, "durable up to" back.
// Start     open() reads what the data directory holds and replays the log; then clients may come.
// End       SIGTERM, SIGINT or stop(): no more is taken; what was taken becomes durable and is answered; connections
//           are closed; the log and a last checkpoint are written.
// Errors    open() and listen() by value. Later ones are fatal where they touch durability, and else end one connection.
#pragma once

#include "server/config.hpp"
#include "server/desk.hpp"
#include "server/witness.hpp"
#include "wire/result.hpp"

#include <cstdint>
#include <memory>

namespace zabd::server {

class Runtime {
public:
    /// Takes the data directory. Also logs the configuration's warnings and what was recovered.
    static Result<std::unique_ptr<Runtime>> open(const Config& config);
    ~Runtime();

    /// Once, before run().
    Result<void> listen();
    [[nodiscard]] std::uint16_t port() const;

    /// Where others may ask; until the runtime is destroyed. What is asked before run() waits for it.
    [[nodiscard]] Desk& desk();
    /// Before run(); `witness` outlives that.
    void tell(Witness& witness);

    /// Serves until it is told to stop. Once.
    void run();
    /// From any thread, or a signal's handler of Asio.
    void stop();

private:
    class Impl;
    explicit Runtime(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace zabd::server
