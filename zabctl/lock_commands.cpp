// A command of the user's under a lock, or as the leader of an election.
#include "recipes/leader_latch.hpp"
#include "recipes/lock.hpp"
#include "zabctl/child_process.hpp"
#include "zabctl/command.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <optional>

namespace zabd::zabctl {
namespace {

namespace asio = boost::asio;
using recipes::Grant;
using recipes::GrantState;

/// Returns once the grant is lost; tells of doubts on the way.
asio::awaitable<void> lost(const Grant& grant, const Output& output) {
    for (auto state = grant.state(); state != GrantState::kLost;) {
        state = co_await grant.changed(state);
        if (state == GrantState::kUncertain) output.message("zabctl: the connection is down; the lock is in doubt");
        if (state == GrantState::kHeld) output.message("zabctl: connected again; the lock is still held");
    }
}

/// Runs the command while the grant lasts; the exit code is the command's, or kLockLost.
asio::awaitable<int> run_under(const Grant& grant, const std::vector<std::string>& words, const Output& output) {
    using namespace asio::experimental::awaitable_operators;
    ::setenv("ZABD_LOCK_TOKEN", std::to_string(grant.token().value).c_str(), 1);
    ::setenv("ZABD_LOCK_PATH", grant.path().c_str(), 1);
    ChildProcess child(co_await asio::this_coro::executor, words);
    bool interrupted = false;
    try {
        const auto outcome = co_await (child.exited() || lost(grant, output));
        if (outcome.index() == 0) co_return std::get<0>(outcome);
    } catch (const std::exception&) {  // both were cancelled, as we were
        interrupted = true;
    }
    co_await asio::this_coro::reset_cancellation_state();
    if (!interrupted) output.message("zabctl: the lock is lost; the command is told to end (SIGTERM)");
    child.send(SIGTERM);
    const int code = co_await child.exited();
    co_return interrupted ? code : static_cast<int>(kLockLost);
}

/// `lock` and `elect` differ in the nodes' names and in their words.
template <class Contest>
class UnderGrant : public Command {
    std::string path_;
    std::string program_;
    std::vector<std::string> arguments_;  // in front the "--"
    std::string identifier_;
    std::optional<double> wait_seconds_;

    void declare(CLI::App& app) override {
        path_argument(app, path_);
        app.add_option("command", program_, "What to run, behind --; without it, lists the holder and who waits")
            ->type_name("-- PROGRAM ARGUMENTS...");
        app.add_option("--id", identifier_, "What others see of us; the host's name unless given")->type_name("TEXT");
        app.add_option("--wait", wait_seconds_, "Give up after so many seconds")->type_name("SECONDS");
        // The program's arguments as they stand; a vector would take [a,b] apart.
        app.prefix_command()->fallthrough(false)->callback([this, &app] { arguments_ = app.remaining(); });
    }

    asio::awaitable<void> run(Context& context) override {
        auto* client = co_await context.client();
        Contest contest(*client, path_, {.identifier = identifier_});
        if (program_.empty()) {
            co_await list(contest, context.output);
            co_return;
        }
        auto grant = co_await at(path_, acquire(contest));
        const auto words = command_words();
        context.exit_code = co_await run_under(grant, words, context.output);
        co_await grant.release();
    }

    [[nodiscard]] std::vector<std::string> command_words() const {
        std::vector<std::string> words{program_};
        const bool marked = !arguments_.empty() && arguments_.front() == "--";
        words.insert(words.end(), arguments_.begin() + (marked ? 1 : 0), arguments_.end());
        return words;
    }

    asio::awaitable<Grant> acquire(Contest& contest) {
        if (!wait_seconds_) co_return co_await win(contest);
        const auto limit = client::Millis(static_cast<std::int64_t>(*wait_seconds_ * 1000));
        auto grant = co_await win_within(contest, limit);
        if (!grant) throw Failure(kTimeout, fmt::format("{} is held by another; `--wait` was over", path_));
        co_return *std::move(grant);
    }

    static asio::awaitable<Grant> win(recipes::Lock& lock) { return lock.acquire(); }
    static asio::awaitable<Grant> win(recipes::LeaderLatch& latch) { return latch.lead(); }
    static asio::awaitable<std::optional<Grant>> win_within(recipes::Lock& lock, client::Millis limit) {
        return lock.acquire_within(limit);
    }
    static asio::awaitable<std::optional<Grant>> win_within(recipes::LeaderLatch& latch, client::Millis limit) {
        return latch.lead_within(limit);
    }
    static asio::awaitable<std::vector<recipes::Participant>> contenders(recipes::Lock& lock) {
        return lock.contenders();
    }
    static asio::awaitable<std::vector<recipes::Participant>> contenders(recipes::LeaderLatch& latch) {
        return latch.participants();
    }

    asio::awaitable<void> list(Contest& contest, const Output& output) {
        auto values = Json::array();
        std::vector<std::vector<std::string>> rows{{"", "WHO", "NODE"}};
        for (const auto& [name, identifier] : co_await at(path_, contenders(contest))) {
            const bool holds = values.empty();
            values.push_back({{"id", identifier}, {"node", name}, {"holds", holds}});
            rows.push_back({holds ? "holds" : "waits", identifier, name});
        }
        output.show(values, rows.size() == 1 ? "nobody" : table_text(rows));
    }
};

}  // namespace

CommandFamily lock_commands() {
    return {"Coordination",
            {
                entry<UnderGrant<recipes::Lock>>("lock", "Runs a command while holding a lock"),
                entry<UnderGrant<recipes::LeaderLatch>>("elect", "Runs a command while leading an election"),
            }};
}

}  // namespace zabd::zabctl
