#include "zabctl/command.hpp"
#include "zabctl/quota.hpp"

#include <boost/asio/as_tuple.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace zabd::zabctl {
namespace {

namespace asio = boost::asio;
constexpr auto as_value = asio::as_tuple(asio::use_awaitable);

/// The flags of setquota and delquota, in the order of Quota::limits().
struct LimitFlag {
    const char* name;
    const char* about;
};
constexpr std::array<LimitFlag, Quota::kLimits> kFlags{{{"-n,--count", "Soft limit of nodes, told in the server's log"},
                                                        {"-b,--bytes", "Soft limit of bytes of data"},
                                                        {"-N,--count-hard", "Hard limit of nodes"},
                                                        {"-B,--bytes-hard", "Hard limit of bytes of data"}}};

/// What is there under `path`; nullopt if no such node.
asio::awaitable<std::optional<Quota>> read_quota(client::Client& client, std::string path) {
    const client::ReadOptions options;
    const auto [error, node] = co_await client.get(path, options, as_value);
    if (error == client::Errc::kNoNode) co_return std::nullopt;
    if (error) throw failure_of(error, path);
    co_return parse_quota(node.data);
}

/// A server counts a node for its deepest quota alone, so quotas must not lie within one another.
asio::awaitable<void> refuse_nested(client::Client& client, const std::string& path) {
    for (auto above = path.substr(0, path.rfind('/')); !above.empty(); above.resize(above.rfind('/'))) {
        if (co_await read_quota(client, limits_path(above))) {
            throw Failure(kFailed, fmt::format("{} has a quota, and quotas cannot lie within one another", above));
        }
    }
    const auto tree = quota_path(path);
    const client::ReadOptions options;
    const auto [error, children] = co_await client.children(tree, options, as_value);
    if (error && error != client::Errc::kNoNode) throw failure_of(error, tree);
    for (const auto& name : children.names) {
        if (!name.starts_with("zookeeper_")) {
            throw Failure(kFailed,
                          fmt::format("a node below {} has a quota; quotas cannot lie within one another", path));
        }
    }
}

void warn_if_exceeded(const Output& output, const Quota& limits, const Quota& usage) {
    if (limits.count >= 0 && usage.count > limits.count) {
        output.message(fmt::format("zabctl: warning: there are {} nodes already", usage.count));
    }
    if (limits.bytes >= 0 && usage.bytes > limits.bytes) {
        output.message(fmt::format("zabctl: warning: there are {} bytes already", usage.bytes));
    }
}

class SetQuota : public Command {
    std::string path_;
    Quota wanted_;

    void declare(CLI::App& app) override {
        const auto limits = wanted_.limits();
        for (std::size_t i = 0; i < limits.size(); ++i) {
            app.add_option(kFlags[i].name, *limits[i], kFlags[i].about)->type_name("N")->check(CLI::NonNegativeNumber);
        }
        path_argument(app, path_);
    }

    asio::awaitable<void> run(Context& context) override {
        if (wanted_ == Quota{}) throw Failure(kUsage, "setquota: give at least one of -n, -b, -N, -B");
        auto* client = co_await context.root_client();
        const auto path = context.chroot() + path_;
        if (path == "/" || path.starts_with("/zookeeper")) {
            throw Failure(kFailed, fmt::format("{} takes no quota", path_));
        }
        if (!co_await at(path_, client->exists(path))) throw failure_of(make_error_code(client::Errc::kNoNode), path_);
        co_await refuse_nested(*client, path);
        co_await write(*client, path);
        const auto usage = co_await read_quota(*client, stats_path(path));
        if (usage) warn_if_exceeded(context.output, wanted_, *usage);
        context.output.show({{"path", path_}, {"limits", json_of(wanted_)}});
    }

    asio::awaitable<void> write(client::Client& client, const std::string& path) {
        const auto limits = limits_path(path);
        if (auto present = co_await read_quota(client, limits)) {
            merge(*present, wanted_);
            wanted_ = *present;
            co_await at(limits, client.set(limits, text_of(wanted_)));
            co_return;
        }
        const auto parent = quota_path(path);
        co_await at(parent, client.ensure_path(parent));
        co_await at(limits, client.create(limits, text_of(wanted_)));
        const auto stats = stats_path(path);
        const auto empty = text_of(Quota{.count = 0, .bytes = 0});  // the server counts what there is
        co_await at(stats, client.create(stats, empty));
    }
};

class ListQuota : public Command {
    std::string path_;

    void declare(CLI::App& app) override { path_argument(app, path_); }

    asio::awaitable<void> run(Context& context) override {
        auto* client = co_await context.root_client();
        const auto path = context.chroot() + path_;
        const auto limits = co_await read_quota(*client, limits_path(path));
        const auto usage = co_await read_quota(*client, stats_path(path));
        auto text = fmt::format("absolute path is {}", limits_path(path));
        if (limits) text += fmt::format("\nOutput quota for {} {}", path_, text_of(*limits));
        if (limits && usage) text += fmt::format("\nOutput stat for {} {}", path_, text_of(*usage));
        if (!limits) text += fmt::format("\nquota for {} does not exist.", path_);
        context.output.show({{"path", path_},
                             {"limits", limits ? json_of(*limits) : Json()},
                             {"usage", limits && usage ? json_of(*usage) : Json()}},
                            text);
    }
};

class DeleteQuota : public Command {
    std::string path_;
    std::array<bool, Quota::kLimits> chosen_{};

    void declare(CLI::App& app) override {
        for (std::size_t i = 0; i < chosen_.size(); ++i) app.add_flag(kFlags[i].name, chosen_[i], kFlags[i].about);
        path_argument(app, path_);
    }

    asio::awaitable<void> run(Context& context) override {
        auto* client = co_await context.root_client();
        const auto path = context.chroot() + path_;
        const auto limits = limits_path(path);
        auto present = co_await read_quota(*client, limits);
        if (!present) throw Failure(kNoNode, fmt::format("{} has no quota", path_));
        for (std::size_t i = 0; i < chosen_.size(); ++i) {
            if (chosen_[i]) *present->limits()[i] = Quota::kUnset;
        }
        if (std::find(chosen_.begin(), chosen_.end(), true) != chosen_.end()) {
            co_await at(limits, client->set(limits, text_of(*present)));
        } else {
            co_await remove(*client, path);
        }
        context.output.show({{"path", path_}});
    }

    /// Both nodes, and the nodes above them that are for no other quota.
    asio::awaitable<void> remove(client::Client& client, const std::string& path) {
        for (const auto& node : {stats_path(path), limits_path(path)}) {
            const client::VersionOptions any;
            const auto [error] = co_await client.remove(node, any, as_value);
            if (error && error != client::Errc::kNoNode) throw failure_of(error, node);
        }
        for (auto node = quota_path(path); node.size() > kQuotaRoot.size(); node.resize(node.rfind('/'))) {
            const client::VersionOptions any;
            const auto [error] = co_await client.remove(node, any, as_value);
            if (error) break;  // not empty: another quota's
        }
    }
};

}  // namespace

CommandFamily quota_commands() {
    return {"Quotas",
            {
                entry<SetQuota>("setquota", "Limits the nodes and bytes of a subtree"),
                entry<ListQuota>("listquota", "Prints a quota, and how much of it is used"),
                entry<DeleteQuota>("delquota", "Takes away a quota, or some of its limits"),
            }};
}

}  // namespace zabd::zabctl
