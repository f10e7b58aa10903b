#include "recipes/queue.hpp"

#include "recipes/paths.hpp"
#include "recipes/waiting.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <type_traits>

namespace zabd::recipes {

namespace asio = boost::asio;
using client::CreateMode;
using client::CreateOptions;
using client::Errc;
using std::chrono::system_clock;

namespace {

std::int64_t ms_since_1970(system_clock::time_point time) {
    return std::chrono::ceil<client::Millis>(time.time_since_epoch()).count();
}

}  // namespace

// --- producer ---

asio::awaitable<std::string> QueueProducer::put(Messages messages) {
    return put_entry(std::move(messages), QueueForm::kPlain, 0);
}

asio::awaitable<std::string> QueueProducer::put_with_priority(Messages messages, std::int32_t priority) {
    return put_entry(std::move(messages), QueueForm::kPriority, priority);
}

asio::awaitable<std::string> QueueProducer::put_delayed(Messages messages, system_clock::time_point due) {
    return put_entry(std::move(messages), QueueForm::kDelay, ms_since_1970(due));
}

asio::awaitable<std::string> QueueProducer::put_entry(Messages messages, QueueForm form, std::int64_t rank) {
    const auto base = child_of(path_, entry_base(form, rank));
    const auto data = encode_messages(messages);
    const CreateOptions options{.mode = CreateMode::kPersistentSequential};
    for (;;) {
        const auto [error, created] = co_await client_.create(base, data, options, as_value);
        if (error != Errc::kNoNode) {
            throw_if(error);
            co_return created.path.substr(created.path.rfind('/') + 1);
        }
        co_await ensure_parent(client_, base);
    }
}

// --- consumer ---

QueueConsumer::QueueConsumer(client::Client& client, std::string path, QueueOptions options)
    : client_(client), path_(std::move(path)), options_(std::move(options)), watch_(client.make_watch()) {
    if (options_.lock_path.empty()) options_.lock_path = path_ + "-locks";
}

asio::awaitable<Messages> QueueConsumer::take() {
    auto messages = co_await first_of(&QueueConsumer::try_take, kNever);
    co_return *std::move(messages);
}

asio::awaitable<std::optional<Messages>> QueueConsumer::take_for(client::Millis timeout) {
    return first_of(&QueueConsumer::try_take, deadline_in(timeout));
}

asio::awaitable<QueueClaim> QueueConsumer::claim() {
    auto claim = co_await first_of(&QueueConsumer::try_claim, kNever);
    co_return *std::move(claim);
}

asio::awaitable<std::optional<QueueClaim>> QueueConsumer::claim_for(client::Millis timeout) {
    return first_of(&QueueConsumer::try_claim, deadline_in(timeout));
}

template <class Got>
asio::awaitable<std::optional<Got>> QueueConsumer::first_of(Attempt<Got> attempt, Deadline deadline) {
    for (;;) {
        if (must_list()) {
            const bool listed = co_await list(std::is_same_v<Got, QueueClaim>, deadline);
            if (!listed) co_return std::nullopt;
        }
        while (!entries_.empty() && front_is_due()) {
            // It leaves the list when its fate is known, not before: one that an error kept from us has no other event.
            const auto entry = entries_.front();
            auto got = co_await (this->*attempt)(entry);
            entries_.pop_front();
            if (got) co_return got;
        }
        const bool stale = co_await stale_until(watch_, std::min(deadline, front_due()));
        if (stale) listed_ = false;
        if (!stale && Deadline::clock::now() >= deadline) co_return std::nullopt;
    }
}

/// In a plain queue the entries that we know come before any that have been put since.
bool QueueConsumer::must_list() {
    while (const auto event = watch_.poll()) {
        if (makes_stale(*event)) listed_ = false;
    }
    return !listed_ && (entries_.empty() || options_.form != QueueForm::kPlain);
}

/// False: the deadline came first.
asio::awaitable<bool> QueueConsumer::list(bool without_claimed, Deadline deadline) {
    std::set<std::string> claimed;
    if (without_claimed) {
        const auto locks = co_await list_below(options_.lock_path, deadline);
        if (!locks) co_return false;
        claimed.insert(locks->begin(), locks->end());
    }
    const auto children = co_await list_below(path_, deadline);
    if (!children) co_return false;
    auto entries = parse_entries(options_.form, *children);
    std::erase_if(entries, [&](const QueueEntry& entry) { return claimed.contains(entry.name); });
    entries_.assign(std::make_move_iterator(entries.begin()), std::make_move_iterator(entries.end()));
    listed_ = true;
    co_return true;
}

asio::awaitable<std::optional<std::vector<std::string>>> QueueConsumer::list_below(const std::string& path,
                                                                                   Deadline deadline) {
    for (;;) {
        const client::ReadOptions watched{.watch = &watch_, .timeout = time_left(deadline)};
        auto [error, children] = co_await client_.children(path, watched, as_value);
        if (!error) co_return std::move(children.names);
        if (ran_out(error, deadline)) co_return std::nullopt;
        if (error == Errc::kNoNode) {
            co_await client_.ensure_path(path);
        } else if (!co_await session_renewed(client_, error, deadline)) {
            throw_if(error);
        }
    }
}

bool QueueConsumer::front_is_due() const {
    return options_.form != QueueForm::kDelay || entries_.front().rank <= ms_since_1970(system_clock::now());
}

QueueConsumer::Deadline QueueConsumer::front_due() const {
    if (entries_.empty()) return kNever;
    return deadline_in(client::Millis(entries_.front().rank - ms_since_1970(system_clock::now())));
}

asio::awaitable<std::optional<Messages>> QueueConsumer::try_take(const QueueEntry& entry) {
    const auto path = child_of(path_, entry.name);
    for (;;) {
        const auto [missing, node] = co_await client_.get(path, {}, as_value);
        if (missing == Errc::kNoNode) co_return std::nullopt;
        if (co_await session_renewed(client_, missing)) continue;
        throw_if(missing);
        const auto [error] = co_await client_.remove(path, {.version = node.stat.version}, as_value);
        if (!error) co_return decode_messages(node.data);
        if (error == Errc::kNoNode) co_return std::nullopt;
        if (error == Errc::kBadVersion) continue;
        if (client::may_have_been_applied(error)) {
            // As long as the entry stands nobody has taken it. If it is gone, it may have been us, and nobody can know.
            const auto [unknown, standing] = co_await client_.exists(path, {.linearizable = true}, as_value);
            if (unknown || !standing) throw_if(error);
        } else if (!co_await session_renewed(client_, error)) {
            throw_if(error);
        }
    }
}

asio::awaitable<std::optional<QueueClaim>> QueueConsumer::try_claim(const QueueEntry& entry) {
    auto lock = co_await QueueLock::acquire(client_, options_.lock_path, entry.name);
    if (!lock) co_return std::nullopt;
    auto path = child_of(path_, entry.name);
    const auto [missing, node] = co_await client_.get(path, {}, as_value);
    if (missing == Errc::kNoNode) co_return std::nullopt;  // done before we had the lock, which goes now
    if (co_await session_renewed(client_, missing)) co_return std::nullopt;
    throw_if(missing);
    co_return QueueClaim(client_, std::move(path), decode_messages(node.data), *std::move(lock));
}

}  // namespace zabd::recipes
