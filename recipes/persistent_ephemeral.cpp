#include "recipes/persistent_ephemeral.hpp"

#include "recipes/attempts.hpp"
#include "recipes/paths.hpp"
#include "recipes/signal.hpp"
#include "recipes/waiting.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>

#include <utility>

namespace zabd::recipes {

namespace asio = boost::asio;
using boost::system::error_code;
using client::CreateMode;
using client::Errc;
using client::EventType;
using client::State;

/// Lives until keep() has ended. After stop() it does not touch the client, which may be gone.
class PersistentEphemeral::Keeper : public std::enable_shared_from_this<Keeper> {
public:
    Keeper(client::Client& client, std::string path, std::string data, Leftover leftover)
        : client_(client),
          path_(std::move(path)),
          data_(std::move(data)),
          leftover_(leftover),
          watch_(client.make_watch()),
          changed_(client.get_executor()),
          pause_(client.get_executor()) {}

    void start() {
        auto keeping = [self = shared_from_this()] { return self->keep(); };
        asio::co_spawn(client_.get_executor(), std::move(keeping), asio::detached);
    }
    void stop();
    void abandon();

    asio::awaitable<void> established();
    asio::awaitable<void> set_data(std::string data);
    asio::awaitable<void> close();

    [[nodiscard]] bool present() const { return present_; }
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] error_code failure() const { return failure_; }

private:
    asio::awaitable<void> keep();
    asio::awaitable<void> establish();
    asio::awaitable<void> create();
    asio::awaitable<void> replace(std::int32_t version);
    asio::awaitable<void> write_data();
    asio::awaitable<void> until_doubtful();
    asio::awaitable<void> remove();

    [[nodiscard]] bool owns(const client::Stat& stat) const {
        return SessionId{stat.ephemeral_owner} == client_.session().id;
    }
    /// Behind every wait: an error or none, unless it was the last.
    void go_on(const error_code& error = {}) const {
        if (stopping_) fail(Errc::kClosed);
        throw_if(error);
    }

    client::Client& client_;
    std::string path_;
    std::string data_;
    Leftover leftover_;
    client::Watch watch_;                    // of the node
    Signal changed_;                         // of what is below
    asio::steady_timer pause_;               // between attempts
    SessionId stood_in_ = SessionId::kNone;  // the session in which it was ours last
    bool creating_ = false;                  // asked, not answered
    bool written_ = false;                   // data_, in the node
    bool present_ = false;
    bool stopping_ = false;
    bool ended_ = false;
    error_code failure_;
};

// --- from outside ---

void PersistentEphemeral::Keeper::stop() {
    stopping_ = true;
    present_ = false;
    watch_.close();
    changed_.notify();
    pause_.cancel();
}

void PersistentEphemeral::Keeper::abandon() {
    if (stopping_) return;
    stop();
    const bool ours = stood_in_ != SessionId::kNone && stood_in_ == client_.session().id && !failure_;
    // Behind a create that is under way: a session's requests keep their order.
    if (ours || creating_) client_.remove(path_, {}, asio::detached);
}

asio::awaitable<void> PersistentEphemeral::Keeper::established() {
    const auto self = shared_from_this();
    while (!(present_ && written_)) {
        if (stopping_) fail(Errc::kClosed);
        throw_if(failure_);
        co_await changed_.wait();
    }
}

asio::awaitable<void> PersistentEphemeral::Keeper::set_data(std::string data) {
    const auto self = shared_from_this();
    data_ = std::move(data);
    written_ = false;
    Backoff backoff;
    while (present_ && !written_) {
        const auto error = co_await outcome_of(write_data());
        if (!error || error == Errc::kNoNode) break;  // a node that is missing is made with the data
        if (!may_pass(error)) throw_if(error);
        co_await pause_for(backoff.next());
    }
    co_await established();
}

asio::awaitable<void> PersistentEphemeral::Keeper::close() {
    const auto self = shared_from_this();
    if (stopping_) co_return;
    stop();
    while (!ended_) co_await changed_.wait();
    co_await remove();
}

asio::awaitable<void> PersistentEphemeral::Keeper::remove() {
    Backoff backoff;
    for (;;) {
        const auto [unknown, stat] = co_await client_.exists(path_, {.linearizable = true}, as_value);
        if (!unknown && (!stat || !owns(*stat))) co_return;
        auto error = unknown;
        if (!unknown) std::tie(error) = co_await client_.remove(path_, {.version = stat->version}, as_value);
        if (!error) co_return;
        if (error == Errc::kNoNode || error == Errc::kBadVersion) continue;
        if (!may_pass(error)) co_return;
        co_await pause_for(backoff.next());
    }
}

// --- in the background ---

asio::awaitable<void> PersistentEphemeral::Keeper::keep() {
    Backoff backoff;
    while (!stopping_) {
        const auto error = co_await outcome_of(establish());
        if (stopping_) break;
        if (!error) {
            backoff.reset();
            co_await until_doubtful();
        } else if (may_pass(error)) {
            pause_.expires_after(backoff.next());
            co_await pause_.async_wait(as_value);
        } else {
            failure_ = error;
            break;
        }
    }
    ended_ = true;
    changed_.notify();
}

/// Returns when the node stands and is ours, and the watch is armed on it.
asio::awaitable<void> PersistentEphemeral::Keeper::establish() {
    for (;;) {
        co_await create();
        const auto [error, stat] = co_await client_.exists(path_, {.watch = &watch_}, as_value);
        go_on(error);
        if (!stat) continue;
        if (owns(*stat)) break;
        const bool taken_over = stood_in_ == client_.session().id;
        if (stat->ephemeral_owner == 0 || taken_over) fail(Errc::kNodeExists);
        if (leftover_ == Leftover::kReplace) {
            co_await replace(stat->version);
        } else {
            co_await stale_until(watch_, kNever);
            go_on();
        }
    }
    stood_in_ = client_.session().id;
    if (!written_) co_await write_data();
    present_ = true;
    changed_.notify();
}

asio::awaitable<void> PersistentEphemeral::Keeper::create() {
    for (;;) {
        const auto data = data_;
        creating_ = true;
        const auto [error, created] = co_await client_.create(path_, data, {.mode = CreateMode::kEphemeral}, as_value);
        creating_ = false;
        go_on();
        if (!error) {
            stood_in_ = client_.session().id;
            written_ = data == data_;
        }
        if (!error || error == Errc::kNodeExists) co_return;
        if (error != Errc::kNoNode) throw_if(error);
        co_await ensure_parent(client_, path_);
        go_on();
    }
}

/// Whatever has happened meanwhile, the next look tells.
asio::awaitable<void> PersistentEphemeral::Keeper::replace(std::int32_t version) {
    const auto data = data_;
    client::Multi multi;
    multi.remove(path_, version).create(path_, data, {.mode = CreateMode::kEphemeral});
    creating_ = true;
    const auto [error, results] = co_await client_.multi(multi, {}, as_value);
    creating_ = false;
    go_on();
    if (error == Errc::kNoNode || error == Errc::kBadVersion || error == Errc::kNodeExists) co_return;
    throw_if(error);
    written_ = data == data_;
}

asio::awaitable<void> PersistentEphemeral::Keeper::write_data() {
    while (!written_) {
        const auto data = data_;
        const auto [error, stat] = co_await client_.set(path_, data, {}, as_value);
        go_on(error);
        written_ = data == data_;
    }
    changed_.notify();
}

asio::awaitable<void> PersistentEphemeral::Keeper::until_doubtful() {
    for (;;) {
        const auto [closed, event] = co_await watch_.next(as_value);
        if (closed || stopping_) co_return;
        const bool lost = event.type == EventType::kState && event.state == State::kSuspended;
        if (lost || makes_stale(event)) present_ = false;
        if (makes_stale(event)) co_return;
    }
}

// --- the handle ---

PersistentEphemeral::PersistentEphemeral(client::Client& client, std::string path, std::string data, Leftover leftover)
    : keeper_(std::make_shared<Keeper>(client, std::move(path), std::move(data), leftover)) {
    keeper_->start();
}

PersistentEphemeral::PersistentEphemeral(PersistentEphemeral&&) noexcept = default;

PersistentEphemeral& PersistentEphemeral::operator=(PersistentEphemeral&& other) noexcept {
    std::swap(keeper_, other.keeper_);
    return *this;
}

PersistentEphemeral::~PersistentEphemeral() {
    if (keeper_) keeper_->abandon();
}

asio::awaitable<void> PersistentEphemeral::established() { return keeper_->established(); }
bool PersistentEphemeral::present() const { return keeper_->present(); }
asio::awaitable<void> PersistentEphemeral::set_data(std::string data) { return keeper_->set_data(std::move(data)); }
asio::awaitable<void> PersistentEphemeral::close() { return keeper_->close(); }
const std::string& PersistentEphemeral::path() const { return keeper_->path(); }
error_code PersistentEphemeral::failure() const { return keeper_->failure(); }

}  // namespace zabd::recipes
