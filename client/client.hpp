// A client of zabd or Apache ZooKeeper: one session, on the caller's executor.
//
//     asio::awaitable<void> run() {
//         auto client = co_await Client::connect("127.0.0.1:2181/app");
//         co_await client.create("/greeting", "hello");
//         auto [data, stat] = co_await client.get("/greeting");
//         co_await client.close();
//     }
//
// Tokens    every operation takes a completion token as its last argument: a callback, asio::use_future,
//           asio::as_tuple(asio::use_awaitable), ...; without one it is awaited, and throws system_error when it fails.
// Order     requests leave in the order in which they were called and are answered in that order; a watch's event comes
//           before the answer to any later read that would show its cause.
// Once      each operation completes exactly once, close() and the destructor included, never from within the call.
// Retries   a request that was sent when the connection broke is asked again if it only reads (and Options::retry_reads);
//           what may change something never is: it completes with kConnectionLoss. Requests that were not sent yet wait
//           for the next connection, up to their deadline. error.hpp says how to tell what may have been applied.
// Cancelling a call's cancellation slot ends the wait with operation_aborted at once; the request, if sent, may have been
//           applied all the same.
// Sessions  the constructor begins to connect. A lost connection is made again, to another server of the list, with
//           jittered back-off after each full round; the session, its watches and identities go along. When the server
//           says that the session is over, what still waits was not sent (kNotSent), every Watch is told
//           (State::kLost), and a new session is begun if Options::renew_session.
// Threads   one at a time: the executor is one thread's, or a strand. None of its own; for threads without Asio see
//           blocking.hpp.
// Lifetime  destroying it drops the connection; the session then ends by its timeout, close() ends it now.
// Source    ZooKeeper's client protocol, 3.4 to 3.9.
#pragma once

#include "client/error.hpp"
#include "client/multi.hpp"
#include "client/options.hpp"
#include "client/request_maker.hpp"
#include "client/types.hpp"
#include "client/watch.hpp"

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zabd::client {

/// How a name carries its guid: "_c_<8-4-4-4-12>-lock-" or "<32>lock-".
enum class ProtectedName : std::uint8_t { kCurator, kKazoo };

namespace detail {
template <class Result>
struct CompletionOf {
    using type = void(boost::system::error_code, Result);
};
template <>
struct CompletionOf<void> {
    using type = void(boost::system::error_code);
};
}  // namespace detail

/// How an operation with this result completes.
template <class Result>
using Completion = typename detail::CompletionOf<Result>::type;

class Client {
public:
    using executor_type = boost::asio::any_io_executor;
    using error_code = boost::system::error_code;
    template <class Signature>
    using Handler = boost::asio::any_completion_handler<Signature>;
    using Awaited = boost::asio::use_awaitable_t<>;

    /// Begins to connect. A connection string that cannot be makes every operation fail with kBadArguments; parse it
    /// with ConnectionString::parse() to learn why.
    Client(executor_type executor, std::string_view connection_string, const Options& options = {});
    Client(Client&&) noexcept;
    Client& operator=(Client&&) noexcept;
    ~Client();

    /// A client on the awaiting coroutine's executor, once it has a session. Throws what connected() fails with.
    static boost::asio::awaitable<Client> connect(std::string connection_string, Options options = {});

    /// Waits for a session: kOperationTimeout after `timeout` (zero: Options::operation_timeout), kSessionExpired when
    /// Options::session is over and not to be renewed, kAuthFailed, kClosed.
    template <boost::asio::completion_token_for<void(error_code)> Token = Awaited>
    auto connected(Millis timeout = {}, Token&& token = {}) {
        return boost::asio::async_initiate<Token, void(error_code)>(
            [engine = engine_, timeout](auto handler) { start_connected(engine, timeout, std::move(handler)); }, token);
    }

    /// Ends the session at the server (its ephemerals go), or gives up telling it after a second. Whatever waits
    /// completes with kClosed. Never fails; calling it twice is harmless.
    template <boost::asio::completion_token_for<void(error_code)> Token = Awaited>
    auto close(Token&& token = {}) {
        return boost::asio::async_initiate<Token, void(error_code)>(
            [engine = engine_](auto handler) { start_close(engine, std::move(handler)); }, token);
    }

    // --- writes ---

    /// Completes with the path (and number) that it got, and its Stat. kNodeExists, kNoNode (of the parent),
    /// kNoChildrenForEphemerals.
    template <boost::asio::completion_token_for<void(error_code, Created)> Token = Awaited>
    auto create(std::string_view path, std::string_view data = {}, const CreateOptions& options = {},
                Token&& token = {}) {
        return start<Created>(maker().create(path, data, options), token);
    }
    /// As create(), safe to be lost: "_c_<guid>-" goes in front of the last component, and when the connection breaks
    /// before the answer, a node of that name is looked for before it is made anew. For sequential and ephemeral nodes
    /// of recipes; kazoo's form is the guid's 32 digits alone, and the last component may then be empty. After kOperationTimeout or cancelling, it is looked for and deleted in the
    /// background while the session lives.
    boost::asio::awaitable<Created> create_protected(std::string path, std::string data = {},
                                                     CreateOptions options = {},
                                                     ProtectedName form = ProtectedName::kCurator);
    /// Makes the node and, as needed, those above it (persistent, without data). An existing node is no error; it
    /// keeps its data.
    boost::asio::awaitable<void> ensure_path(std::string path);

    /// The new Stat. kNoNode, kBadVersion.
    template <boost::asio::completion_token_for<void(error_code, Stat)> Token = Awaited>
    auto set(std::string_view path, std::string_view data, const VersionOptions& options = {}, Token&& token = {}) {
        return start<Stat>(maker().set(path, data, options), token);
    }
    /// kNoNode, kBadVersion, kNotEmpty.
    template <boost::asio::completion_token_for<void(error_code)> Token = Awaited>
    auto remove(std::string_view path, const VersionOptions& options = {}, Token&& token = {}) {
        return start<void>(maker().remove(path, options), token);
    }
    /// The version is the ACL's (Stat::aversion).
    template <boost::asio::completion_token_for<void(error_code, Stat)> Token = Awaited>
    auto set_acl(std::string_view path, const AclList& acl, const VersionOptions& options = {}, Token&& token = {}) {
        return start<Stat>(maker().set_acl(path, acl, options), token);
    }
    /// All or nothing. When an operation fails, the error is its error, and the results say which it was.
    template <boost::asio::completion_token_for<void(error_code, std::vector<MultiResult>)> Token = Awaited>
    auto multi(const Multi& multi, const CallOptions& options = {}, Token&& token = {}) {
        return start<std::vector<MultiResult>>(maker().multi(multi, options), token);
    }

    // --- reads ---

    /// kNoNode, kNoAuth.
    template <boost::asio::completion_token_for<void(error_code, NodeData)> Token = Awaited>
    auto get(std::string_view path, const ReadOptions& options = {}, Token&& token = {}) {
        return start<NodeData>(maker().get(path, options), token);
    }
    /// nullopt where there is no node: that is no error.
    template <boost::asio::completion_token_for<void(error_code, std::optional<Stat>)> Token = Awaited>
    auto exists(std::string_view path, const ReadOptions& options = {}, Token&& token = {}) {
        return start<std::optional<Stat>>(maker().exists(path, options), token);
    }
    template <boost::asio::completion_token_for<void(error_code, Children)> Token = Awaited>
    auto children(std::string_view path, const ReadOptions& options = {}, Token&& token = {}) {
        return start<Children>(maker().children(path, options), token);
    }
    template <boost::asio::completion_token_for<void(error_code, NodeAcl)> Token = Awaited>
    auto get_acl(std::string_view path, const CallOptions& options = {}, Token&& token = {}) {
        return start<NodeAcl>(maker().get_acl(path, options), token);
    }
    template <boost::asio::completion_token_for<void(error_code, std::vector<MultiReadResult>)> Token = Awaited>
    auto multi_read(const MultiRead& reads, const CallOptions& options = {}, Token&& token = {}) {
        return start<std::vector<MultiReadResult>>(maker().multi_read(reads, options), token);
    }
    /// Nodes below the path, at any depth.
    template <boost::asio::completion_token_for<void(error_code, std::int32_t)> Token = Awaited>
    auto count_descendants(std::string_view path, const CallOptions& options = {}, Token&& token = {}) {
        return start<std::int32_t>(maker().count_descendants(path, options), token);
    }
    /// This session's ephemerals whose whole paths begin with this text: "/a" finds "/ab" too, as servers have it.
    template <boost::asio::completion_token_for<void(error_code, std::vector<std::string>)> Token = Awaited>
    auto ephemerals(std::string_view path = "/", const CallOptions& options = {}, Token&& token = {}) {
        return start<std::vector<std::string>>(maker().ephemerals(path, options), token);
    }
    /// The identities that the server holds this connection to have.
    template <boost::asio::completion_token_for<void(error_code, std::vector<Id>)> Token = Awaited>
    auto who_am_i(const CallOptions& options = {}, Token&& token = {}) {
        return start<std::vector<Id>>(maker().who_am_i(options), token);
    }
    /// The server catches up with the leader before it answers: a read behind this sees every write that was answered
    /// to anybody before this call. (Under an Apache ZooKeeper leader that has been deposed without knowing it, as far
    /// as that leader knows.)
    template <boost::asio::completion_token_for<void(error_code)> Token = Awaited>
    auto sync(std::string_view path = "/", const CallOptions& options = {}, Token&& token = {}) {
        return start<void>(maker().sync(path, options), token);
    }

    // --- the rest ---

    /// An identity for this and all later connections of the client: ("digest", "user:password"). A refusal is final
    /// for the client (State::kAuthFailed).
    template <boost::asio::completion_token_for<void(error_code)> Token = Awaited>
    auto add_auth(std::string_view scheme, std::string_view auth, const CallOptions& options = {}, Token&& token = {}) {
        return start<void>(maker().add_auth(scheme, auth, options), token);
    }
    /// Changes the ensemble's members; completes with the new configuration. kReconfigDisabled where it is not enabled.
    template <boost::asio::completion_token_for<void(error_code, NodeData)> Token = Awaited>
    auto reconfig(const Reconfig& change, const CallOptions& options = {}, Token&& token = {}) {
        return start<NodeData>(maker().reconfig(change, options), token);
    }

    // --- watches ---

    /// An empty watch: it hears the connection's state, and what it is armed for (ReadOptions::watch, arm()).
    [[nodiscard]] Watch make_watch(std::size_t capacity = kWatchCapacity);
    /// Adds a persistent watch of `path` (its creation, deletion, data and children), or of it and all below
    /// (creation, deletion, data of each). The path need not exist. Needs a server of 3.6 or later.
    template <boost::asio::completion_token_for<void(error_code)> Token = Awaited>
    auto arm(Watch& watch, std::string_view path, bool recursive, const CallOptions& options = {}, Token&& token = {}) {
        return start<void>(maker().add_watch(watch, path, recursive, options), token);
    }
    /// make_watch() and arm().
    boost::asio::awaitable<Watch> watch(std::string path, bool recursive = false,
                                        std::size_t capacity = kWatchCapacity);
    /// Takes watches of this session from the server, whoever armed them. kNoWatcher.
    template <boost::asio::completion_token_for<void(error_code)> Token = Awaited>
    auto remove_watches(std::string_view path, WatcherType type = WatcherType::kAny, const CallOptions& options = {},
                        Token&& token = {}) {
        return start<void>(maker().remove_watches(path, type, options), token);
    }

    // --- what it knows ---

    [[nodiscard]] State state() const;
    /// As the server gave it; kNone before the first.
    [[nodiscard]] Session session() const;
    [[nodiscard]] Millis session_timeout() const;  // negotiated
    /// When the servers may hold the session to be over, unless they hear from us: the last time that we know them to
    /// have heard, and the negotiated timeout. In the past: it may be over, whatever state() says.
    [[nodiscard]] std::chrono::steady_clock::time_point session_deadline() const;
    [[nodiscard]] Zxid last_zxid() const;      // highest that an answer named
    [[nodiscard]] std::string server() const;  // "10.0.0.1:2181", empty while disconnected
    [[nodiscard]] executor_type get_executor() const;
    /// Drops the connection, as a network would: what follows is what follows then. For tests and for moving on.
    void drop_connection();

private:
    template <class Result, class Token>
    auto start(Request request, Token& token) {
        return boost::asio::async_initiate<Token, Completion<Result>>(
            [engine = engine_](auto handler, Request asked) {
                submit<Result>(engine, std::move(asked), Handler<Completion<Result>>(std::move(handler)));
            },
            token, std::move(request));
    }
    [[nodiscard]] RequestMaker maker() const;

    using Shared = std::shared_ptr<Engine>;
    /// client.cpp has it for each kind of result there is, and decodes that.
    template <class Result>
    static void submit(const Shared& engine, Request request, Handler<Completion<Result>> handler);
    static void start_connected(const Shared& engine, Millis timeout, Handler<void(error_code)> handler);
    static void start_close(const Shared& engine, Handler<void(error_code)> handler);

    std::shared_ptr<Engine> engine_;
};

}  // namespace zabd::client
