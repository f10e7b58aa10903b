#include "zabctl/command.hpp"
#include "zabctl/concurrently.hpp"
#include "zabctl/multi_command.hpp"
#include "zabctl/operations.hpp"
#include "zabctl/walk.hpp"

#include <boost/asio/as_tuple.hpp>

namespace zabd::zabctl {
namespace {

namespace asio = boost::asio;

class Create : public Command {
    CreateOperation operation_;
    bool parents_ = false;

    void declare(CLI::App& app) override {
        operation_.declare(app);
        app.add_flag("-p,--parents", parents_, "Make the nodes above it, too, where they are missing");
    }

    asio::awaitable<void> run(Context& context) override {
        client::AclList acl;
        const auto options = operation_.options(acl);
        const auto data = operation_.data.read();
        auto* client = co_await context.client();
        const auto& path = operation_.path;
        const auto parent = path.substr(0, path.rfind('/'));
        if (parents_ && !parent.empty()) co_await at(parent, client->ensure_path(parent));
        const auto created = co_await at(path, client->create(path, data, options));
        context.output.show({{"path", created.path}, {"stat", json_of(created.stat)}}, operation_.told(created.path));
        if (operation_.ephemeral && !context.shell) {
            context.output.message("zabctl: the node is ephemeral: it goes with this session, which ends now");
        }
    }
};

class Set : public Command {
    SetOperation operation_;
    bool with_stat_ = false;

    void declare(CLI::App& app) override {
        operation_.declare(app);
        stat_flag(app, with_stat_);
    }

    asio::awaitable<void> run(Context& context) override {
        const auto data = operation_.data.read();
        client::VersionOptions options;
        options.version = operation_.version;
        auto* client = co_await context.client();
        const auto stat = co_await at(operation_.path, client->set(operation_.path, data, options));
        const Json value{{"path", operation_.path}, {"stat", json_of(stat)}};
        if (with_stat_) {
            context.output.show(value, text_of(stat));
        } else {
            context.output.show(value);
        }
    }
};

class Delete : public Command {
    DeleteOperation operation_;

    void declare(CLI::App& app) override { operation_.declare(app); }

    asio::awaitable<void> run(Context& context) override {
        client::VersionOptions options;
        options.version = operation_.version;
        auto* client = co_await context.client();
        co_await at(operation_.path, client->remove(operation_.path, options));
        context.output.show({{"path", operation_.path}});
    }
};

asio::awaitable<void> remove_if_there(client::Client& client, std::string path) {
    const client::VersionOptions any;
    const auto [error] = co_await client.remove(path, any, asio::as_tuple(asio::use_awaitable));
    if (error && error != client::Errc::kNoNode) throw failure_of(error, path);
}

class DeleteAll : public Command {
    std::string path_;

    void declare(CLI::App& app) override { path_argument(app, path_); }

    asio::awaitable<void> run(Context& context) override {
        auto* client = co_await context.client();
        const auto paths = co_await all_paths(*client, path_);
        // Backwards, so that children go before their parents; a session's requests are applied in its order.
        std::size_t deleted = 0;
        while (deleted < paths.size()) {
            std::vector<asio::awaitable<void>> batch;
            for (; deleted < paths.size() && batch.size() < kConcurrent; ++deleted) {
                batch.push_back(remove_if_there(*client, paths[paths.size() - 1 - deleted]));
            }
            co_await all(std::move(batch));
        }
        context.output.show({{"path", path_}, {"deleted", deleted}});
    }
};

class Sync : public Command {
    std::string path_ = "/";

    void declare(CLI::App& app) override { optional_path_argument(app, path_); }

    asio::awaitable<void> run(Context& context) override {
        auto* client = co_await context.client();
        co_await at(path_, client->sync(path_));
        context.output.show({{"path", path_}}, "Sync is OK");
    }
};

}  // namespace

CommandFamily write_commands() {
    return {"Writing",
            {
                entry<Create>("create", "Makes a node"),
                entry<Set>("set", "Sets a node's data"),
                entry<Delete>("delete", "Deletes a node that has no children"),
                entry<DeleteAll>("deleteall", "Deletes a node and all below it"),
                entry<MultiCommand>("multi", "Does several operations as one: all, or none"),
                entry<Sync>("sync", "Lets the server catch up with its leader"),
            }};
}

}  // namespace zabd::zabctl
