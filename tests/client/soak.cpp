// Random operations while connections break at random bytes, and what must be true all the same.
//
//     zabd-client-soak --server 127.0.0.1:2181 --seconds 60 --seed 7
//
// Writers   each node has one, which knows what the node may hold (soak_model.hpp), and holds the server to it at every
//           answer and at the end, over a connection that does not break.
// Watchers  read a node, wait for a one-shot watch to fire, and read again: at the end they know the last state.
// Lockers   make protected nodes, give up waiting for some, remove the others: at the end there is none.
// Callers   ask without waiting: each operation completes exactly once.
// Output    one line of counts, or what was wrong and exit code 1. The seed makes the choices; the timing is the machine's.
#include "client/client.hpp"
#include "tests/client/proxy.hpp"
#include "tests/client/soak_model.hpp"

#include <CLI/CLI.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <random>
#include <stdexcept>
#include <vector>

namespace zabd::client::tests {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using boost::system::error_code;

constexpr auto as_value = asio::as_tuple(asio::use_awaitable);
constexpr int kClients = 4;
constexpr int kNodesEach = 4;
constexpr std::size_t kHistoryMax = 12;
constexpr auto kSettleTimeMax = 30s;

struct Arguments {
    std::string server;
    int seconds = 10;
    std::uint64_t seed = 1;
};

/// Something that must never be.
void require(bool condition, const std::string& what) {
    if (!condition) throw std::runtime_error(what);
}

class Soak {
public:
    Soak(asio::io_context& context, const Arguments& arguments)
        : executor_(context.get_executor()),
          random_(arguments.seed),
          root_(fmt::format("/soak-{:08x}", std::random_device{}())),
          direct_(executor_, arguments.server),
          proxy_(executor_, arguments.server, [this] { return lifetime(); }),
          end_(Clock::now() + std::chrono::seconds(arguments.seconds)) {}

    asio::awaitable<void> run() {
        co_await direct_.create(root_);
        co_await direct_.create(root_ + "/locks");
        for (int i = 0; i < kClients; ++i) {
            clients_.emplace_back(executor_, proxy_.address() + root_, options());
            auto& client = clients_.back();
            for (int j = 0; j < kNodesEach; ++j) {
                auto& node = nodes_.emplace_back(fmt::format("/node-{}-{}", i, j));
                start(write(client, node));
                start(watch(client, node));
            }
            start(lock(client));
            start(call(client));
        }
        co_await all_but(nodes_.size());  // the watchers go on
        breaking_ = false;
        co_await check_nodes();
        co_await check_locks();
        over_ = true;
        for (auto& client : clients_) co_await client.close();
        co_await all_but(0);
        require(calls_begun_ == calls_ended_, fmt::format("of {} calls {} ended", calls_begun_, calls_ended_));
        co_await remove_all();
        co_await direct_.close();
        proxy_.stop();
    }

    [[nodiscard]] std::string summary() const {
        return fmt::format("{} writes, {} reads, {} in doubt, {} locks, {} calls, {} events, {} connections", writes_,
                           reads_, in_doubt_, locks_, calls_ended_, events_, proxy_.connections_so_far());
    }

private:
    using Clock = std::chrono::steady_clock;

    struct Node {
        explicit Node(std::string name) : path(std::move(name)) {}
        std::string path;
        NodeModel model;
        Content watched;  // what its watcher has seen last
        std::deque<std::string> history;

        void note(std::string what) {
            history.push_back(std::move(what));
            if (history.size() > kHistoryMax) history.pop_front();
        }
        /// Fails with what has happened here.
        void require(bool condition, const std::string& what) const {
            if (!condition)
                throw std::runtime_error(fmt::format("{}: {}\n  {}", path, what, fmt::join(history, "\n  ")));
        }
    };

    static Options options() {
        return {.operation_timeout = 20s, .connect_timeout = 500ms, .backoff_min = 1ms, .backoff_max = 50ms};
    }

    // --- chance ---

    std::uint64_t chance(std::uint64_t below) { return random_() % below; }
    bool one_in(std::uint64_t n) { return chance(n) == 0; }

    /// From a greeting cut short to a second or so of traffic; all lengths of number alike.
    std::size_t lifetime() {
        if (!breaking_) return std::numeric_limits<std::size_t>::max();
        return static_cast<std::size_t>(
            std::exp(std::uniform_real_distribution(std::log(20.0), std::log(200'000.0))(random_)));
    }
    /// Mostly long, sometimes too short.
    Millis timeout() { return one_in(8) ? Millis(1 + chance(10)) : Millis(0); }

    [[nodiscard]] bool ended() const { return Clock::now() >= end_; }

    // --- coroutines side by side ---

    void start(asio::awaitable<void> body) {
        ++running_;
        asio::co_spawn(executor_, std::move(body), [this](std::exception_ptr failure) {
            --running_;
            if (failure && !failure_) failure_ = failure;
        });
    }

    asio::awaitable<void> all_but(std::size_t remaining) {
        const auto limit = Clock::now() + (end_ - std::min(end_, Clock::now())) + kSettleTimeMax;
        while (running_ > remaining && !failure_) {
            require(Clock::now() < limit, fmt::format("{} coroutines do not end", running_));
            co_await pause(5ms);
        }
        if (failure_) std::rethrow_exception(failure_);
    }

    asio::awaitable<void> pause(Millis time) {
        asio::steady_timer timer(executor_, time);
        co_await timer.async_wait(asio::use_awaitable);
    }

    // --- writers ---

    asio::awaitable<void> write(Client& client, Node& node) {
        while (!ended()) {
            if (one_in(10)) co_await pause(Millis(chance(5)));
            one_in(3) ? co_await read_once(client, node) : co_await write_once(client, node);
        }
    }

    asio::awaitable<void> read_once(Client& client, Node& node) {
        const ReadOptions options{.linearizable = one_in(2), .timeout = timeout()};
        const auto [error, found] = co_await client.get(node.path, options, as_value);
        ++reads_;
        if (error && error != Errc::kNoNode) co_return;
        const auto content = error ? Content() : Content(found.data);
        node.note(fmt::format("{}read of {}", options.linearizable ? "linearizable " : "", text_of(content)));
        node.require(node.model.read(content, options.linearizable), "that cannot be");
    }

    asio::awaitable<void> write_once(Client& client, Node& node) {
        const auto value = fmt::format("{}-{}", ++writes_, std::string(chance(one_in(20) ? 20'000 : 50), 'x'));
        const auto limit = timeout();
        const NodeModel::Effect::Refused refused;
        const auto connections = proxy_.connections_so_far();
        error_code error;
        NodeModel::Effect effect;
        const auto choice = chance(4);
        switch (choice) {
            case 0:
                std::tie(error, std::ignore) = co_await client.create(node.path, value, {.timeout = limit}, as_value);
                effect = {.on_node = refused, .on_none = Content(value)};
                break;
            case 1:
                std::tie(error) = co_await client.remove(node.path, {.timeout = limit}, as_value);
                effect = {.on_node = Content(), .on_none = refused};
                break;
            case 2:
                std::tie(error, std::ignore) = co_await client.set(node.path, value, {.timeout = limit}, as_value);
                effect = {.on_node = Content(value), .on_none = refused};
                break;
            default: {
                Multi replacement;
                replacement.remove(node.path).create(node.path, value);
                std::tie(error, std::ignore) = co_await client.multi(replacement, {.timeout = limit}, as_value);
                effect = {.on_node = Content(value), .on_none = refused};
            }
        }
        in_doubt_ += may_have_been_applied(error);
        static constexpr std::array kNames{"create", "remove", "set", "replace"};
        node.note(fmt::format("{} {} on connection {}: {}", kNames[choice], text_of(Content(value)), connections,
                              error.message()));
        node.require(node.model.wrote(effect, error), "that cannot be");
    }

    asio::awaitable<void> check_nodes() {
        co_await direct_.sync();
        for (auto& node : nodes_) {
            const auto [error, found] = co_await direct_.get(root_ + node.path, {}, as_value);
            node.require(!error || error == Errc::kNoNode, error.message());
            const auto content = error ? Content() : Content(found.data);
            node.note("in the end " + text_of(content));
            node.require(node.model.read(content, true), "that cannot be");
            const auto limit = Clock::now() + kSettleTimeMax;
            while (node.watched != content) {
                node.require(Clock::now() < limit, "its watcher saw last " + text_of(node.watched));
                co_await pause(5ms);
            }
        }
    }

    // --- watchers ---

    asio::awaitable<void> watch(Client& client, Node& node) {
        auto watch = client.make_watch();
        while (!over_) {
            const auto [error, stat] = co_await client.exists(node.path, {.watch = &watch}, as_value);
            if (error) continue;
            if (stat) {
                const auto [failed, found] = co_await client.get(node.path, {}, as_value);
                if (failed && failed != Errc::kNoNode) continue;
                node.watched = failed ? Content() : Content(found.data);
            } else {
                node.watched.reset();
            }
            for (;;) {
                const auto [stopped, event] = co_await watch.next(as_value);
                if (stopped) co_return;
                ++events_;
                // A lost session has taken the one-shot watch along.
                if (event.type != EventType::kState || event.state == State::kLost) break;
            }
        }
    }

    // --- lockers ---

    asio::awaitable<void> lock(Client& client) {
        while (!ended()) {
            ++locks_;
            const auto created = co_await make_lock(client);
            if (created.empty()) continue;
            // A lost connection leaves it open whether it is gone: then once more.
            for (;;) {
                const auto [error] = co_await client.remove(created, {}, as_value);
                if (!error || error == Errc::kNoNode) break;
                require(may_have_been_applied(error) || error == Errc::kNotSent, error.message());
            }
        }
    }

    /// Its path, or nothing if it was given up: by deadline or by cancelling.
    asio::awaitable<std::string> make_lock(Client& client) {
        const CreateOptions sequential{.mode = CreateMode::kPersistentSequential, .timeout = timeout()};
        const auto form = one_in(2) ? ProtectedName::kCurator : ProtectedName::kKazoo;
        auto path = std::make_shared<std::string>();
        auto done = std::make_shared<asio::steady_timer>(executor_, Clock::time_point::max());
        auto waiting = std::make_shared<bool>(true);
        auto signal = std::make_shared<asio::cancellation_signal>();
        auto finish = [path, done, waiting](std::exception_ptr failed, const Created& created) {
            if (!failed) *path = created.path;
            *waiting = false;
            done->cancel();
        };
        asio::co_spawn(executor_, client.create_protected("/locks/x-", "", sequential, form),
                       asio::bind_cancellation_slot(signal->slot(), std::move(finish)));
        if (one_in(4)) {
            co_await pause(Millis(chance(4)));
            signal->emit(asio::cancellation_type::terminal);
        }
        while (*waiting) co_await done->async_wait(as_value);
        co_return *path;
    }

    /// What was given up is removed in the background.
    asio::awaitable<void> check_locks() {
        const auto limit = Clock::now() + kSettleTimeMax;
        for (;;) {
            const auto left = co_await direct_.children(root_ + "/locks", {.linearizable = true});
            if (left.names.empty()) co_return;
            require(Clock::now() < limit, fmt::format("{} locks are left, as {}", left.names.size(), left.names[0]));
            co_await pause(20ms);
        }
    }

    // --- callers ---

    asio::awaitable<void> call(Client& client) {
        while (!ended()) {
            const auto batch = 1 + chance(one_in(10) ? 300 : 10);
            for (std::uint64_t i = 0; i < batch; ++i) call_once(client);
            co_await pause(Millis(chance(20)));
            if (one_in(100)) client.drop_connection();
        }
    }

    void call_once(Client& client) {
        ++calls_begun_;
        const auto times = std::make_shared<int>(0);
        const auto count = [this, times](error_code, auto&&...) {
            require(++*times == 1, "a call ended twice");
            ++calls_ended_;
        };
        switch (chance(5)) {
            case 0: return void(client.get("/none", {.linearizable = true, .timeout = timeout()}, count));
            case 1: return void(client.children("/", {.timeout = timeout()}, count));
            case 2: return void(client.remove("/none", {.timeout = timeout()}, count));
            case 3: return void(client.set("/none", std::string(chance(3'000), 'y'), {.timeout = timeout()}, count));
            default: return void(client.sync("/", {.timeout = timeout()}, count));
        }
    }

    asio::awaitable<void> remove_all() {
        for (const auto& node : nodes_) co_await direct_.remove(root_ + node.path, {}, as_value);
        co_await direct_.remove(root_ + "/locks");
        co_await direct_.remove(root_);
    }

    asio::any_io_executor executor_;
    std::mt19937_64 random_;
    bool breaking_ = true;
    bool over_ = false;
    std::string root_;
    Client direct_;
    Proxy proxy_;
    Clock::time_point end_;
    std::deque<Client> clients_;
    std::deque<Node> nodes_;
    std::size_t running_ = 0;
    std::exception_ptr failure_;
    std::uint64_t writes_ = 0;
    std::uint64_t reads_ = 0;
    std::uint64_t in_doubt_ = 0;
    std::uint64_t locks_ = 0;
    std::uint64_t events_ = 0;
    std::uint64_t calls_begun_ = 0;
    std::uint64_t calls_ended_ = 0;
};

int soak(const Arguments& arguments) {
    fmt::print("seed {}\n", arguments.seed);
    asio::io_context context(1);
    Soak soak(context, arguments);
    std::exception_ptr failure;
    bool ended = false;
    asio::co_spawn(context, soak.run(), [&](std::exception_ptr thrown) {
        failure = thrown;
        ended = true;
        if (failure) context.stop();
    });
    try {
        context.run_for(std::chrono::seconds(arguments.seconds) + 5 * kSettleTimeMax);
        if (failure) std::rethrow_exception(failure);
        require(ended && context.stopped(), "it does not end");
    } catch (const std::exception& wrong) {
        fmt::print("FAILED: {}\n{}\n", wrong.what(), soak.summary());
        return 1;
    }
    fmt::print("{}\n", soak.summary());
    return 0;
}

}  // namespace
}  // namespace zabd::client::tests

int main(int argc, char** argv) {
    zabd::client::tests::Arguments arguments{.server = "127.0.0.1:2181", .seed = std::random_device{}()};
    CLI::App app("Random operations on a server while connections break");
    app.add_option("--server", arguments.server, "address:port");
    app.add_option("--seconds", arguments.seconds, "how long");
    app.add_option("--seed", arguments.seed, "of the choices; default: a new one");
    CLI11_PARSE(app, argc, argv);
    return zabd::client::tests::soak(arguments);
}
