#include "recipes/contest.hpp"

#include "recipes/paths.hpp"
#include "recipes/waiting.hpp"

#include <boost/asio/ip/host_name.hpp>
#include <boost/system/system_error.hpp>

#include <utility>

namespace zabd::recipes {

namespace asio = boost::asio;
using boost::system::system_error;
using client::Client;
using client::Errc;

namespace {

class ContestCategory : public std::error_category {
public:
    const char* name() const noexcept override { return "zabd.recipes"; }
    std::string message(int code) const override {
        switch (static_cast<ContestErrc>(code)) {
            case ContestErrc::kMixedContenders: return "contenders of Curator's and of kazoo's kind on one path";
            case ContestErrc::kContenderGone: return "the contender's node is gone";
            case ContestErrc::kOwnerBusy: return "the owner is waiting for this lock already";
            case ContestErrc::kLimitDiffers: return "the semaphore is used with another number of leases";
            case ContestErrc::kFenced: return "the grant is over: the write was turned away";
        }
        return "unknown";
    }
};

/// A container, made as Curator makes the parents of its nodes, and those above it.
asio::awaitable<void> ensure_container(Client& client, std::string path) {
    const client::CreateOptions options{.mode = client::CreateMode::kContainer};
    for (;;) {
        const auto [error, created] = co_await client.create(path, {}, options, as_value);
        if (!error || error == Errc::kNodeExists) co_return;
        if (error == Errc::kConnectionLoss) continue;  // whoever makes it, it is the same
        if (error != Errc::kNoNode) fail(error);
        co_await ensure_parent(client, path);
    }
}

asio::awaitable<void> ensure_queue(Client& client, std::string path, Flavor flavor) {
    // kazoo makes its parents once and then relies on them.
    if (flavor == Flavor::kKazoo) co_return co_await client.ensure_path(std::move(path));
    co_await ensure_container(client, std::move(path));
}

/// nullopt: the parent is missing.
asio::awaitable<std::optional<client::Created>> try_create(Client& client, std::string path, std::string data,
                                                           client::CreateOptions options, client::ProtectedName form) {
    try {
        co_return co_await client.create_protected(std::move(path), std::move(data), options, form);
    } catch (const system_error& failure) {
        if (failure.code() != Errc::kNoNode) throw;
    }
    co_return std::nullopt;
}

/// Waits until the node is gone; it may return early.
asio::awaitable<void> await_deletion(Client& client, std::string path) {
    auto watch = client.make_watch();
    const client::ReadOptions options{.watch = &watch};
    const auto [error, node] = co_await client.get(path, options, as_value);
    if (error == Errc::kNoNode) co_return;
    throw_if(error);
    co_await stale_until(watch, kNever);
}

}  // namespace

const std::error_category& contest_category() noexcept {
    static const ContestCategory category;
    return category;
}

Contest::Contest(Client& client, std::string path, ContestOptions options)
    : client_(&client), path_(std::move(path)), options_(std::move(options)) {}

asio::awaitable<Grant> Contest::win(Purpose purpose) {
    auto own = co_await enter(purpose);
    co_await while_session_lasts(*client_, own, await_turn(own));
    co_return Grant(*client_, std::move(own));
}

asio::awaitable<std::optional<Grant>> Contest::try_win(Purpose purpose) {
    auto own = co_await enter(purpose);
    if (co_await find_blocker(own)) co_return std::nullopt;
    co_return Grant(*client_, std::move(own));
}

asio::awaitable<std::vector<Participant>> Contest::participants() {
    std::vector<std::string> names;
    for (auto& contender : co_await line_up()) names.push_back(std::move(contender.name));
    co_return co_await read_participants(*client_, path_, std::move(names));
}

asio::awaitable<OwnNode> Contest::enter(Purpose purpose) {
    std::string base(base_name(options_.flavor, purpose));
    co_return co_await create_own(*client_, path_, std::move(base), options_, client::CreateMode::kEphemeralSequential);
}

asio::awaitable<void> Contest::await_turn(const OwnNode& own) {
    while (const auto blocker = co_await find_blocker(own)) co_await await_deletion(*client_, *blocker);
}

/// The path of the node to wait for; nullopt: it is our turn.
asio::awaitable<std::optional<std::string>> Contest::find_blocker(const OwnNode& own) {
    const auto contenders = co_await line_up();
    if (mixes_blind_dialects(contenders)) fail(ContestErrc::kMixedContenders);
    const auto place = place_of(contenders, own.name());
    if (!place) fail(ContestErrc::kContenderGone);
    const auto* blocker = blocker_of(contenders, *place);
    if (blocker == nullptr) co_return std::nullopt;
    co_return child_of(path_, blocker->name);
}

asio::awaitable<std::vector<Contender>> Contest::line_up() {
    const auto [error, children] = co_await client_->children(path_, {}, as_value);
    if (error == Errc::kNoNode) co_return std::vector<Contender>{};
    throw_if(error);
    auto contenders = parse_contenders(children.names);
    if (numbers_tell_order(contenders)) co_return contenders;

    std::vector<Contender> present;
    for (auto& contender : contenders) {
        const auto stat = co_await client_->exists(child_of(path_, contender.name));
        if (!stat) continue;
        contender.czxid = stat->czxid;
        present.push_back(std::move(contender));
    }
    order_by_czxid(present);
    co_return present;
}

asio::awaitable<OwnNode> create_own(Client& client, std::string parent, std::string base, const ContestOptions& options,
                                    client::CreateMode mode) {
    const auto form =
        options.flavor == Flavor::kKazoo ? client::ProtectedName::kKazoo : client::ProtectedName::kCurator;
    const auto identifier = options.identifier.empty() ? asio::ip::host_name() : options.identifier;
    const auto path = child_of(parent, base);
    const client::CreateOptions create{.mode = mode};
    for (;;) {
        auto created = co_await try_create(client, path, identifier, create, form);
        if (created) co_return OwnNode(client, *std::move(created));
        co_await ensure_queue(client, parent, options.flavor);  // an empty container may go at any time
    }
}

asio::awaitable<void> while_session_lasts(const Client& client, const OwnNode& own, asio::awaitable<void> waiting) {
    try {
        co_return co_await std::move(waiting);
    } catch (const system_error&) {
        if (client.session().id == own.session()) throw;
    }
    fail(ContestErrc::kContenderGone);
}

asio::awaitable<std::vector<Participant>> read_participants(Client& client, std::string parent,
                                                            std::vector<std::string> names) {
    std::vector<Participant> participants;
    for (auto& name : names) {
        auto [error, node] = co_await client.get(child_of(parent, name), {}, as_value);
        if (error == Errc::kNoNode) continue;  // it has just left
        throw_if(error);
        participants.push_back({.name = std::move(name), .identifier = std::move(node.data)});
    }
    co_return participants;
}

asio::awaitable<void> request_revocation(Client& client, std::string path) { co_await client.set(path, kRevocation); }

}  // namespace zabd::recipes
