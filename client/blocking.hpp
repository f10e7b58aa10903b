// The client for threads without Asio: the same operations under the same names, each waiting for its answer.
//
//     BlockingClient client("127.0.0.1:2181");
//     client.create("/greeting", "hello");
//     std::cout << client.get("/greeting").data;
//
// Errors    boost::system::system_error, with the codes of error.hpp.
// Threads   any number may call at once; their requests go out in the order in which they were called. One thread of its
//           own keeps the session alive and must not be blocked: calling this class from a coroutine or handler that
//           runs on it (see run()) is refused with std::logic_error.
// Lifetime  the destructor closes the session, for at most a second.
#pragma once

#include "client/client.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace zabd::client {

/// The events of a Watch, waited for.
class BlockingWatch {
public:
    BlockingWatch(BlockingWatch&&) noexcept = default;
    BlockingWatch& operator=(BlockingWatch&&) = delete;
    ~BlockingWatch();

    /// nullopt after `timeout` without an event.
    std::optional<Event> next(Millis timeout);

private:
    friend class BlockingClient;
    BlockingWatch(class BlockingClient& client, Watch watch) : client_(&client), watch_(std::move(watch)) {}

    class BlockingClient* client_;
    Watch watch_;
};

class BlockingClient {
    /// Starts the operation on the client's thread.
    template <class Start>
    auto wait(Start start) {
        refuse_own_thread();
        return boost::asio::post(io_, boost::asio::use_future([&] { return start(boost::asio::use_future); }))
            .get()
            .get();
    }

public:
    /// Waits for the session, as Client::connected() does.
    explicit BlockingClient(std::string_view connection_string, const Options& options = {});
    BlockingClient(const BlockingClient&) = delete;
    BlockingClient& operator=(const BlockingClient&) = delete;
    ~BlockingClient();

    Created create(std::string_view path, std::string_view data = {}, const CreateOptions& options = {}) {
        return wait([&](auto token) { return client_->create(path, data, options, token); });
    }
    Stat set(std::string_view path, std::string_view data, const VersionOptions& options = {}) {
        return wait([&](auto token) { return client_->set(path, data, options, token); });
    }
    void remove(std::string_view path, const VersionOptions& options = {}) {
        wait([&](auto token) { return client_->remove(path, options, token); });
    }
    Stat set_acl(std::string_view path, const AclList& acl, const VersionOptions& options = {}) {
        return wait([&](auto token) { return client_->set_acl(path, acl, options, token); });
    }
    /// Throws the error of the operation that failed; Client::multi() tells which it was.
    std::vector<MultiResult> multi(const Multi& multi, const CallOptions& options = {}) {
        return wait([&](auto token) { return client_->multi(multi, options, token); });
    }
    NodeData get(std::string_view path, const ReadOptions& options = {}) {
        return wait([&](auto token) { return client_->get(path, options, token); });
    }
    std::optional<Stat> exists(std::string_view path, const ReadOptions& options = {}) {
        return wait([&](auto token) { return client_->exists(path, options, token); });
    }
    Children children(std::string_view path, const ReadOptions& options = {}) {
        return wait([&](auto token) { return client_->children(path, options, token); });
    }
    NodeAcl get_acl(std::string_view path, const CallOptions& options = {}) {
        return wait([&](auto token) { return client_->get_acl(path, options, token); });
    }
    std::vector<MultiReadResult> multi_read(const MultiRead& reads, const CallOptions& options = {}) {
        return wait([&](auto token) { return client_->multi_read(reads, options, token); });
    }
    std::int32_t count_descendants(std::string_view path, const CallOptions& options = {}) {
        return wait([&](auto token) { return client_->count_descendants(path, options, token); });
    }
    std::vector<std::string> ephemerals(std::string_view path = "/", const CallOptions& options = {}) {
        return wait([&](auto token) { return client_->ephemerals(path, options, token); });
    }
    std::vector<Id> who_am_i(const CallOptions& options = {}) {
        return wait([&](auto token) { return client_->who_am_i(options, token); });
    }
    void sync(std::string_view path = "/", const CallOptions& options = {}) {
        wait([&](auto token) { return client_->sync(path, options, token); });
    }
    void add_auth(std::string_view scheme, std::string_view auth, const CallOptions& options = {}) {
        wait([&](auto token) { return client_->add_auth(scheme, auth, options, token); });
    }
    NodeData reconfig(const Reconfig& change, const CallOptions& options = {}) {
        return wait([&](auto token) { return client_->reconfig(change, options, token); });
    }
    void remove_watches(std::string_view path, WatcherType type = WatcherType::kAny, const CallOptions& options = {}) {
        wait([&](auto token) { return client_->remove_watches(path, type, options, token); });
    }
    void ensure_path(std::string_view path) { run(client_->ensure_path(std::string(path))); }
    Created create_protected(std::string_view path, std::string_view data = {}, const CreateOptions& options = {}) {
        return run(client_->create_protected(std::string(path), std::string(data), options));
    }
    [[nodiscard]] BlockingWatch watch(std::string_view path, bool recursive = false,
                                      std::size_t capacity = kWatchCapacity) {
        return {*this, run(client_->watch(std::string(path), recursive, capacity))};
    }

    /// Runs a coroutine on the client's thread and waits for it: for recipes, with async().
    template <class T>
    T run(boost::asio::awaitable<T> work) {
        refuse_own_thread();
        return boost::asio::co_spawn(io_, std::move(work), boost::asio::use_future).get();
    }
    /// To be used on its executor only.
    [[nodiscard]] Client& async() { return *client_; }

private:
    friend class BlockingWatch;

    void refuse_own_thread() const;

    boost::asio::io_context io_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
    std::optional<Client> client_;
    std::thread thread_;
};

}  // namespace zabd::client
