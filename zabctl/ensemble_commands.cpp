#include "zabctl/command.hpp"
#include "zabctl/concurrently.hpp"
#include "zabctl/ensemble_status.hpp"
#include "zabctl/four_letter_word.hpp"
#include "zabctl/operations.hpp"

#include <boost/asio/as_tuple.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace zabd::zabctl {
namespace {

namespace asio = boost::asio;
constexpr const char* kConfigPath = "/zookeeper/config";
constexpr auto as_value = asio::as_tuple(asio::use_awaitable);

class Status : public Command {
    bool named_only_ = false;
    client::Millis timeout_{0};

    void declare(CLI::App& app) override {
        app.add_flag("--named", named_only_, "Only the servers of --server, not all members of their ensemble");
    }

    asio::awaitable<void> run(Context& context) override {
        timeout_ = std::min(context.settings.timeout, client::Millis(3'000));  // the others' answers should not wait
        const auto named = parse_server(context.settings.server).hosts;
        auto servers = co_await ask(named);
        const bool serving = std::any_of(servers.begin(), servers.end(), serves);
        if (serving && !named_only_) {
            for (auto& server : co_await ask(co_await others(context, named))) servers.push_back(std::move(server));
        }
        show(servers, context.output);
        if (!std::all_of(servers.begin(), servers.end(), serves)) context.exit_code = kFailed;
        if (!serving) context.exit_code = kCannotConnect;
    }

    static bool serves(const ServerStatus& server) { return server.problem.empty(); }

    asio::awaitable<std::vector<ServerStatus>> ask(std::vector<client::Host> hosts) {
        std::vector<asio::awaitable<ServerStatus>> questions;
        for (const auto& host : hosts) questions.push_back(status_of(host, timeout_));
        co_return co_await all(std::move(questions));
    }

    /// The members of the configuration that were not named; none if it cannot be read.
    asio::awaitable<std::vector<client::Host>> others(Context& context, std::vector<client::Host> named) {
        auto options = context.client_options();
        options.operation_timeout = timeout_;
        options.allow_read_only = true;
        const auto servers = context.settings.server.substr(0, context.settings.server.find('/'));
        client::Client client(context.executor(), servers, options);
        const client::ReadOptions read;
        const auto [error, node] = co_await client.get(kConfigPath, read, as_value);
        co_await client.close();
        auto members = members_of(node.data);
        std::erase_if(members, [&](const client::Host& member) {
            return std::find(named.begin(), named.end(), member) != named.end();
        });
        co_return members;
    }

    static void show(const std::vector<ServerStatus>& servers, const Output& output) {
        auto values = Json::array();
        std::vector<std::vector<std::string>> rows{
            {"SERVER", "ROLE", "ZXID", "EPOCH", "LATENCY ms", "CONNECTIONS", "NODES", "VERSION"}};
        for (const auto& server : servers) {
            values.push_back(json_of(server));
            auto row = server.problem.empty()
                           ? std::vector{text_of(server.host), server.role,        server.zxid,  server.epoch,
                                         server.latency,       server.connections, server.nodes, server.version}
                           : std::vector{text_of(server.host),
                                         (server.alive ? "NOT SERVING: " : "UNREACHABLE: ") + server.problem};
            rows.push_back(std::move(row));
        }
        output.show(values, table_text(rows));
    }

    static Json json_of(const ServerStatus& server) {
        Json value{{"server", text_of(server.host)}, {"alive", server.alive}, {"serves", server.problem.empty()}};
        if (!server.problem.empty()) value["problem"] = server.problem;
        for (const auto& [name, text] : {std::pair{"role", server.role},
                                         {"zxid", server.zxid},
                                         {"epoch", server.epoch},
                                         {"latency_ms", server.latency},
                                         {"connections", server.connections},
                                         {"nodes", server.nodes},
                                         {"outstanding", server.outstanding},
                                         {"version", server.version}}) {
            if (!text.empty()) value[name] = text;
        }
        return value;
    }
};

class Config : public Command {
    bool client_form_ = false;
    bool with_stat_ = false;
    bool watch_ = false;

    void declare(CLI::App& app) override {
        app.add_flag("-c,--client", client_form_, "As a connection string for clients");
        stat_flag(app, with_stat_);
        watch_flag(app, watch_);
    }

    asio::awaitable<void> run(Context& context) override {
        if (watch_ && !context.chroot().empty()) {
            throw Failure(kUsage, "config -w: not with a chroot in --server, which hides the node");
        }
        auto* client = co_await context.root_client();
        client::ReadOptions options;
        if (watch_) options.watch = &context.watches.watch();
        const std::string path = kConfigPath;
        const auto node = co_await at(path, client->get(path, options));
        if (watch_) context.watches.add({client::WatcherType::kData, path});
        auto text = client_form_ ? client_form(node.data) : node.data;
        Json value{{"config", text}};
        if (with_stat_) {
            value["stat"] = json_of(node.stat);
            text += "\n" + text_of(node.stat);
        }
        context.output.show(value, text);
    }

    static std::string client_form(std::string_view configuration) {
        std::string text;
        for (const auto& host : members_of(configuration)) text += (text.empty() ? "" : ",") + text_of(host);
        return text;
    }
};

class ReconfigCommand : public Command {
    client::Reconfig change_;
    std::string members_file_;
    std::string version_;
    bool with_stat_ = false;

    void declare(CLI::App& app) override {
        auto* add = app.add_option("--add", change_.joining, "server.4=host:2888:3888:participant;2181,...");
        auto* remove = app.add_option("--remove", change_.leaving, "Numbers of members: 3,5");
        auto* members = app.add_option("--members", change_.members, "All members, instead of the changes");
        auto* file = app.add_option("--file", members_file_, "The same from a file, one on each line");
        members->excludes(add)->excludes(remove);
        file->excludes(add)->excludes(remove)->excludes(members);
        app.add_option("-v,--version", version_, "Only if the configuration has this version, in hexadecimal")
            ->type_name("HEX");
        stat_flag(app, with_stat_);
    }

    asio::awaitable<void> run(Context& context) override {
        if (!members_file_.empty()) change_.members = joined_lines(read_file(members_file_));
        if (change_.joining.empty() && change_.leaving.empty() && change_.members.empty()) {
            throw Failure(kUsage, "reconfig: give --add, --remove, --members or --file");
        }
        if (!version_.empty()) change_.version = std::stoll(version_, nullptr, 16);
        auto* client = co_await context.root_client();
        const std::string what = "the reconfiguration";
        const auto node = co_await at(what, client->reconfig(change_));
        Json value{{"config", node.data}};
        auto text = "Committed new configuration:\n" + node.data;
        if (with_stat_) {
            value["stat"] = json_of(node.stat);
            text += "\n" + text_of(node.stat);
        }
        context.output.show(value, text);
    }

    static std::string joined_lines(std::string text) {
        while (text.ends_with('\n')) text.pop_back();
        std::replace(text.begin(), text.end(), '\n', ',');
        return text;
    }
};

}  // namespace

CommandFamily ensemble_commands() {
    return {"The ensemble",
            {
                entry<Status>("status", "Shows how each server of the ensemble is"),
                entry<Config>("config", "Prints the ensemble's configuration"),
                entry<ReconfigCommand>("reconfig", "Changes the ensemble's members"),
            }};
}

}  // namespace zabd::zabctl
