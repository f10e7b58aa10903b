#include "zabctl/command.hpp"
#include "zabctl/walk.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace zabd::zabctl {
namespace {

namespace asio = boost::asio;

/// For a read: the watch to arm, if one is wanted.
client::ReadOptions read_options(Context& context, bool watch) {
    client::ReadOptions options;
    if (watch) options.watch = &context.watches.watch();
    return options;
}

class Ls : public Command {
    std::string path_ = "/";
    bool recursive_ = false;
    bool with_stat_ = false;
    bool watch_ = false;

    void declare(CLI::App& app) override {
        optional_path_argument(app, path_);
        app.add_flag("-R,--recursive", recursive_, "All nodes of the subtree, one path on each line");
        stat_flag(app, with_stat_)->excludes("--recursive");
        watch_flag(app, watch_)->excludes("--recursive");
    }

    asio::awaitable<void> run(Context& context) override {
        auto* client = co_await context.client();
        if (recursive_) {
            co_await list_subtree(*client, context.output);
        } else {
            co_await list_children(*client, context);
        }
    }

    asio::awaitable<void> list_children(client::Client& client, Context& context) {
        auto children = co_await at(path_, client.children(path_, read_options(context, watch_)));
        if (watch_) context.watches.add({client::WatcherType::kChildren, path_});
        std::sort(children.names.begin(), children.names.end());
        if (with_stat_) {
            context.output.show({{"children", children.names}, {"stat", json_of(children.stat)}},
                                text_of(children.names) + "\n" + text_of(children.stat));
        } else {
            context.output.show(children.names, text_of(children.names));
        }
    }

    asio::awaitable<void> list_subtree(client::Client& client, const Output& output) {
        Walk walk(client, path_);
        ListOutput list(output);
        while (const auto visit = co_await walk.next()) list.add(visit->path, visit->path);
        list.end();
    }
};

class Get : public Command {
    std::string path_;
    bool with_stat_ = false;
    bool watch_ = false;
    bool base64_ = false;
    bool raw_ = false;

    void declare(CLI::App& app) override {
        path_argument(app, path_);
        stat_flag(app, with_stat_);
        watch_flag(app, watch_);
        app.add_flag("-b,--base64", base64_, "Print the data as base64");
        app.add_flag("-r,--raw", raw_, "Print the bytes alone, without an end of line")
            ->excludes("--base64")
            ->excludes("--stat");
    }

    asio::awaitable<void> run(Context& context) override {
        auto* client = co_await context.client();
        const auto node = co_await at(path_, client->get(path_, read_options(context, watch_)));
        if (watch_) context.watches.add({client::WatcherType::kData, path_});
        if (raw_) {
            context.output.raw(node.data);
        } else {
            show(node, context.output);
        }
    }

    void show(const client::NodeData& node, const Output& output) const {
        Json value{{"path", path_}};
        if (base64_) {
            value["data_base64"] = base64(node.data);
        } else {
            put_data(value, node.data);
        }
        std::string text = base64_ ? base64(node.data) : output.to_terminal() ? printable(node.data) : node.data;
        if (with_stat_) {
            value["stat"] = json_of(node.stat);
            text += "\n" + text_of(node.stat);
        }
        output.show(value, text);
    }
};

class StatCommand : public Command {
    std::string path_;
    bool watch_ = false;

    void declare(CLI::App& app) override {
        path_argument(app, path_);
        watch_flag(app, watch_);
    }

    asio::awaitable<void> run(Context& context) override {
        auto* client = co_await context.client();
        const auto stat = co_await at(path_, client->exists(path_, read_options(context, watch_)));
        if (watch_) context.watches.add({client::WatcherType::kData, path_});
        if (!stat) throw failure_of(make_error_code(client::Errc::kNoNode), path_);
        context.output.show(json_of(*stat), text_of(*stat));
    }
};

class Tree : public Command {
    std::string path_ = "/";
    std::size_t depth_ = Walk::kNoLimit;
    std::vector<bool> ended_;  // for each depth along the way: whether its last sibling has been drawn

    void declare(CLI::App& app) override {
        optional_path_argument(app, path_);
        app.add_option("-d,--depth", depth_, "Go so many levels down")->type_name("N");
    }

    asio::awaitable<void> run(Context& context) override {
        auto* client = co_await context.client();
        Walk walk(*client, path_, depth_);
        ListOutput list(context.output);
        while (const auto visit = co_await walk.next()) {
            list.add({{"path", visit->path}, {"depth", visit->depth}, {"children", visit->children}}, draw(*visit));
        }
        list.end();
    }

    std::string draw(const Visit& visit) {
        ended_.resize(visit.depth + 1);
        ended_[visit.depth] = visit.last_sibling;
        std::string line;
        for (std::size_t depth = 1; depth < visit.depth; ++depth) line += ended_[depth] ? "    " : "│   ";
        if (visit.depth > 0) line += visit.last_sibling ? "└── " : "├── ";
        line += visit.depth == 0 ? visit.path : visit.path.substr(visit.path.rfind('/') + 1);
        if (visit.depth == depth_ && visit.children > 0) line += fmt::format(" ({} below)", visit.children);
        return line;
    }
};

class GetAllChildrenNumber : public Command {
    std::string path_ = "/";

    void declare(CLI::App& app) override { optional_path_argument(app, path_); }

    asio::awaitable<void> run(Context& context) override {
        auto* client = co_await context.client();
        const auto count = co_await at(path_, client->count_descendants(path_));
        context.output.show(count, std::to_string(count));
    }
};

class GetEphemerals : public Command {
    std::string path_ = "/";

    void declare(CLI::App& app) override { optional_path_argument(app, path_); }

    asio::awaitable<void> run(Context& context) override {
        auto* client = co_await context.client();
        auto paths = co_await at(path_, client->ephemerals(path_));
        std::sort(paths.begin(), paths.end());
        context.output.show(paths, text_of(paths));
    }
};

}  // namespace

CommandFamily read_commands() {
    return {"Reading",
            {
                entry<Ls>("ls", "Lists a node's children"),
                entry<Get>("get", "Prints a node's data"),
                entry<StatCommand>("stat", "Prints a node's stat: versions, times, owner, sizes"),
                entry<Tree>("tree", "Draws a subtree"),
                entry<GetAllChildrenNumber>("getAllChildrenNumber", "Counts the nodes below a node, at any depth"),
                entry<GetEphemerals>("getEphemerals", "Lists this session's ephemerals at and below a path"),
            }};
}

}  // namespace zabd::zabctl
