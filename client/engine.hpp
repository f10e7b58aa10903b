// What runs a client: the protocol's half, joined to a socket, a timer and the list of servers.
//
// Loop      waits for readiness, reads into a buffer, hands all of it to the protocol; what is to be sent leaves once per
//           turn of the loop, in one write.
// Lifetime  shared by the Client, its Watches (weakly) and what is under way on the executor.
// Threads   the executor's.
#pragma once

#include "client/client.hpp"
#include "client/event_queue.hpp"
#include "client/hosts.hpp"
#include "client/protocol.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::client {

class Engine : public std::enable_shared_from_this<Engine> {
public:
    using Executor = boost::asio::any_io_executor;
    using error_code = boost::system::error_code;
    template <class... Results>
    using Handler = boost::asio::any_completion_handler<void(error_code, Results...)>;

    Engine(Executor executor, std::string_view connection_string, const Options& options);
    ~Engine();

    /// Begins to connect.
    void start();
    /// The Client is gone: drops the connection, finishes all that waits (kClosed).
    void stop();

    /// Asks, or finishes the call later with the refusal. 0: nothing to give up.
    Protocol::Number submit(Request request, std::unique_ptr<Call> call);
    void give_up(Protocol::Number number, std::error_code error);
    void close(Handler<> handler);
    void wait_connected(Millis timeout, Handler<> handler);

    [[nodiscard]] std::shared_ptr<EventQueue> make_queue(std::size_t capacity);
    void drop(EventQueue& queue);
    void drop_connection();

    [[nodiscard]] const Protocol& protocol() const { return protocol_; }
    [[nodiscard]] const std::string& chroot() const { return target_.chroot; }
    [[nodiscard]] const Executor& executor() const { return executor_; }
    [[nodiscard]] const std::string& server() const { return server_; }

private:
    struct ConnectedWaiter {
        Handler<> handler;
        Instant deadline;
        std::uint64_t number;
        bool cancelled = false;
    };

    boost::asio::awaitable<void> keep_connected();
    boost::asio::awaitable<bool> dial(const Host& host);
    boost::asio::awaitable<void> look_for_quorum();
    boost::asio::awaitable<bool> has_quorum(const Host& host);
    boost::asio::awaitable<void> pause(Millis duration);
    [[nodiscard]] const Host& next_host();
    [[nodiscard]] Millis backoff();

    void wait_for_input();
    void read_what_is_there();
    void write_later();
    void write_what_there_is();
    /// After each input: hangs up if the protocol says so, writes, tells waiters, sets the timer.
    void settle();
    void hang_up();
    void set_timer();
    void tell_connected_waiters();
    void cancel_connected_waiter(std::uint64_t number);
    /// Drops whoever waits, untold: they may hold coroutines that hold the Client, and so us.
    void let_go();
    [[nodiscard]] static Instant now();

    Executor executor_;
    Options options_;
    std::error_code bad_;      // the connection string
    ConnectionString target_;  // no hosts: it could not be parsed
    Protocol protocol_;
    std::mt19937_64 random_;
    std::size_t next_host_ = 0;
    std::size_t dialled_ = 0;  // since the last answer
    std::optional<Host> preferred_;

    boost::asio::ip::tcp::socket socket_;
    boost::asio::ip::tcp::resolver resolver_;
    boost::asio::steady_timer timer_;         // the protocol's
    boost::asio::steady_timer dial_timer_;    // of a dial, a pause, or the connection's end
    boost::asio::steady_timer quorum_timer_;  // of the search for a server with a quorum
    boost::asio::steady_timer close_timer_;   // for the answer to the session's end
    std::string server_;
    bool up_ = false;  // the socket is the protocol's
    bool stopped_ = false;
    bool write_pending_ = false;  // posted, or waiting for the socket
    bool looking_for_quorum_ = false;
    Instant timer_at_ = Instant::max();
    std::vector<ConnectedWaiter> connected_waiters_;
    std::uint64_t last_connected_waiter_ = 0;
    std::vector<EventQueue*> queues_;
    std::vector<char> input_;
};

}  // namespace zabd::client
