#include "recipes/tree_cache.hpp"

#include "recipes/attempts.hpp"
#include "recipes/paths.hpp"
#include "recipes/signal.hpp"
#include "recipes/tree_mirror.hpp"
#include "recipes/waiting.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <utility>

namespace zabd::recipes {

namespace asio = boost::asio;
using boost::system::error_code;
using client::Errc;
using client::Event;
using client::EventType;
using client::State;

namespace {

constexpr std::size_t kReadTogether = 32;  // nodes; of 1 MB at most, they fit into an answer

TreeEvent event_of(TreeChange change) {
    switch (change.type) {
        case TreeChange::Type::kAdded: return {TreeEvent::Type::kAdded, std::move(change.path)};
        case TreeChange::Type::kChanged: return {TreeEvent::Type::kChanged, std::move(change.path)};
        case TreeChange::Type::kRemoved: break;
    }
    return {TreeEvent::Type::kRemoved, std::move(change.path)};
}

/// Refused for this node alone, which then is none to us.
bool hides_node(const std::error_code& error) { return error == Errc::kNoNode || error == Errc::kNoAuth; }

}  // namespace

/// Lives until load() has ended. After stop() it does not touch the client, which may be gone.
class TreeCache::Loader : public std::enable_shared_from_this<Loader> {
public:
    Loader(client::Client& client, std::string path, const TreeCacheOptions& options)
        : client_(client),
          path_(std::move(path)),
          options_(options),
          watch_(client.make_watch()),
          changed_(client.get_executor()),
          pause_(client.get_executor()) {}

    void start() {
        auto loading = [self = shared_from_this()] { return self->load(); };
        asio::co_spawn(client_.get_executor(), std::move(loading), asio::detached);
    }
    void stop();

    asio::awaitable<void> ready();
    asio::awaitable<TreeEvent> next();

    [[nodiscard]] bool fresh() const { return fresh_; }
    [[nodiscard]] const TreeMirror& mirror() const { return mirror_; }
    [[nodiscard]] error_code failure() const { return failure_; }

private:
    enum class Depth : std::uint8_t { kNode, kAllBelow };
    using Paths = std::map<std::string, Depth>;

    asio::awaitable<void> load();
    asio::awaitable<void> follow();
    asio::awaitable<void> read_some();
    void take_answers(const Paths& asked, std::vector<client::MultiReadResult> answers);
    void read_all_again();
    void take_events();
    void note(const Event& event);
    void set_fresh(bool fresh);
    void tell(TreeEvent event);
    void tell_all(TreeChanges changes);

    /// Behind every wait: an error or none, unless it was the last.
    void go_on(const error_code& error = {}) const {
        if (stopping_) fail(Errc::kClosed);
        throw_if(error);
    }

    client::Client& client_;
    std::string path_;
    TreeCacheOptions options_;
    client::Watch watch_;
    Signal changed_;            // of what is below
    asio::steady_timer pause_;  // between attempts
    TreeMirror mirror_;
    Paths to_read_;
    std::uint64_t reloads_ = 0;  // so far: answers to what was asked before one do not count
    std::deque<TreeEvent> events_;
    bool connected_ = false;
    bool fresh_ = false;
    bool stopping_ = false;
    error_code failure_;
};

// --- from outside ---

void TreeCache::Loader::stop() {
    stopping_ = true;
    fresh_ = false;
    events_.clear();
    watch_.close();
    changed_.notify();
    pause_.cancel();
}

asio::awaitable<void> TreeCache::Loader::ready() {
    const auto self = shared_from_this();
    while (!fresh_) {
        go_on(failure_);
        co_await changed_.wait();
    }
}

asio::awaitable<TreeEvent> TreeCache::Loader::next() {
    const auto self = shared_from_this();
    while (events_.empty()) {
        go_on(failure_);
        co_await changed_.wait();
    }
    auto event = std::move(events_.front());
    events_.pop_front();
    co_return event;
}

// --- in the background ---

asio::awaitable<void> TreeCache::Loader::load() {
    Backoff backoff;
    while (!stopping_) {
        const auto error = co_await outcome_of(follow());
        if (stopping_) co_return;
        set_fresh(false);
        if (!may_pass(error)) {
            failure_ = error;
            changed_.notify();
            co_return;
        }
        pause_.expires_after(backoff.next());
        co_await pause_.async_wait(as_value);
    }
}

/// Ends with an error, and may then be begun again.
asio::awaitable<void> TreeCache::Loader::follow() {
    const auto [error] = co_await client_.arm(watch_, path_, true, {}, as_value);
    go_on(error);
    connected_ = true;
    read_all_again();
    for (;;) {
        take_events();
        while (!to_read_.empty()) co_await read_some();
        set_fresh(connected_);
        const auto [closed, event] = co_await watch_.next(as_value);
        go_on(closed);
        note(event);
    }
}

asio::awaitable<void> TreeCache::Loader::read_some() {
    Paths asked;
    client::MultiRead reads;
    while (!to_read_.empty() && asked.size() < kReadTogether) {
        const auto next = asked.insert(to_read_.extract(to_read_.begin())).position;
        reads.get(next->first);
        if (next->second == Depth::kAllBelow) reads.children(next->first);
    }
    const auto reloads = reloads_;
    auto [error, answers] = co_await client_.multi_read(reads, {}, as_value);
    go_on(error);
    take_events();
    if (reloads == reloads_) take_answers(asked, std::move(answers));
}

void TreeCache::Loader::take_answers(const Paths& asked, std::vector<client::MultiReadResult> answers) {
    auto answer = answers.begin();
    for (const auto& [path, depth] : asked) {
        auto& node = *answer++;
        const auto* children = depth == Depth::kAllBelow ? &*answer++ : nullptr;
        // An event of the node that came before the answer may tell of what the answer does not show yet.
        if (const auto newer = to_read_.find(path); newer != to_read_.end()) {
            newer->second = std::max(newer->second, depth);
            continue;
        }
        const auto error = node.error || !children ? node.error : children->error;
        if (hides_node(error)) {
            tell_all(mirror_.take_absence(path));
            continue;
        }
        throw_if(error);
        tell_all(mirror_.take_node(path, {.data = std::move(node.data), .stat = node.stat}));
        if (!children) continue;
        const std::set<std::string> names(children->names.begin(), children->names.end());
        tell_all(mirror_.take_children(path, names));
        for (const auto& name : names) to_read_.insert_or_assign(child_of(path, name), Depth::kAllBelow);
    }
    if (mirror_.size() > options_.nodes_max || mirror_.bytes() > options_.bytes_max) {
        fail(std::make_error_code(std::errc::no_buffer_space));
    }
}

void TreeCache::Loader::read_all_again() {
    set_fresh(false);
    ++reloads_;
    to_read_.clear();
    to_read_.emplace(path_, Depth::kAllBelow);
}

void TreeCache::Loader::take_events() {
    while (const auto event = watch_.poll()) note(*event);
}

void TreeCache::Loader::note(const Event& event) {
    if (event.type == EventType::kLagged) {
        read_all_again();
    } else if (event.type != EventType::kState) {
        to_read_.try_emplace(event.path, Depth::kNode);  // what is below it has events of its own
    } else if (event.state == State::kConnected || event.state == State::kConnectedReadOnly) {
        connected_ = true;
        read_all_again();
    } else {
        connected_ = false;
        set_fresh(false);
    }
}

void TreeCache::Loader::set_fresh(bool fresh) {
    if (std::exchange(fresh_, fresh) != fresh) tell({fresh ? TreeEvent::Type::kFresh : TreeEvent::Type::kStale});
}

void TreeCache::Loader::tell(TreeEvent event) {
    if (events_.size() >= options_.events_max) {
        events_.clear();
        events_.push_back({TreeEvent::Type::kLagged});
    }
    events_.push_back(std::move(event));
    changed_.notify();
}

void TreeCache::Loader::tell_all(TreeChanges changes) {
    for (auto& change : changes) tell(event_of(std::move(change)));
}

// --- the handle ---

TreeCache::TreeCache(client::Client& client, std::string path, const TreeCacheOptions& options)
    : loader_(std::make_shared<Loader>(client, std::move(path), options)) {
    loader_->start();
}

TreeCache::TreeCache(TreeCache&&) noexcept = default;

TreeCache& TreeCache::operator=(TreeCache&& other) noexcept {
    std::swap(loader_, other.loader_);
    return *this;
}

TreeCache::~TreeCache() {
    if (loader_) loader_->stop();
}

asio::awaitable<void> TreeCache::ready() { return loader_->ready(); }
asio::awaitable<TreeEvent> TreeCache::next() { return loader_->next(); }
bool TreeCache::fresh() const { return loader_->fresh(); }
const client::NodeData* TreeCache::find(std::string_view path) const { return loader_->mirror().find(path); }
std::vector<std::string> TreeCache::children(std::string_view path) const { return loader_->mirror().children(path); }
std::size_t TreeCache::size() const { return loader_->mirror().size(); }
error_code TreeCache::failure() const { return loader_->failure(); }
void TreeCache::close() { loader_->stop(); }

}  // namespace zabd::recipes
