#include "recipes/reentrant_lock.hpp"

#include "recipes/waiting.hpp"
#include "recipes/within.hpp"

#include <atomic>
#include <utility>

namespace zabd::recipes {

namespace asio = boost::asio;

namespace {

/// Marks the owner as waiting, for as long as this lives.
class Waiting {
public:
    Waiting(std::set<std::uint64_t>& waiting, std::uint64_t owner) : waiting_(waiting), owner_(owner) {
        const bool fresh = waiting_.insert(owner_).second;
        if (!fresh) fail(ContestErrc::kOwnerBusy);
    }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting() { waiting_.erase(owner_); }

private:
    std::set<std::uint64_t>& waiting_;
    std::uint64_t owner_;
};

std::uint64_t next_owner() {
    static std::atomic<std::uint64_t> last = 0;
    return ++last;
}

}  // namespace

ReentrantLock::Owner::Owner() : id_(next_owner()) {}

asio::awaitable<void> ReentrantLock::Hold::release() {
    const auto grant = std::exchange(grant_, nullptr);
    if (grant.use_count() == 1) co_await grant->release();
}

ReentrantLock::ReentrantLock(client::Client& client, std::string path, ContestOptions options)
    : lock_(client, std::move(path), std::move(options)) {}

asio::awaitable<ReentrantLock::Hold> ReentrantLock::acquire(Owner owner) {
    std::erase_if(held_, [](const auto& entry) { return entry.second.expired(); });
    if (const auto found = held_.find(owner.id_); found != held_.end()) {
        auto grant = found->second.lock();
        if (grant->perhaps_held()) co_return Hold(std::move(grant));
    }
    const Waiting waiting(waiting_, owner.id_);
    const auto grant = std::make_shared<Grant>(co_await lock_.acquire());
    held_[owner.id_] = grant;
    co_return Hold(grant);
}

asio::awaitable<std::optional<ReentrantLock::Hold>> ReentrantLock::acquire_within(Owner owner, client::Millis limit) {
    return within(limit, acquire(owner));
}

}  // namespace zabd::recipes
