#include "zabctl/command.hpp"
#include "zabctl/shell.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>

namespace zabd::zabctl {
namespace {

namespace asio = boost::asio;
using client::EventType;
using client::WatcherType;

class WatchCommand : public Command {
    std::string path_;
    bool recursive_ = false;
    std::uint64_t count_ = 0;

    void declare(CLI::App& app) override {
        path_argument(app, path_);
        app.add_flag("-r,--recursive", recursive_, "Of all nodes of the subtree, too");
        app.add_option("-n,--count", count_, "End after so many events; 0 goes on until interrupted")->type_name("N");
    }

    asio::awaitable<void> run(Context& context) override {
        auto* client = co_await context.client();
        auto watch = co_await at(path_, client->watch(path_, recursive_));
        context.output.message(fmt::format("zabctl: watching {}; Ctrl-C ends it", path_));
        for (std::uint64_t seen = 0; count_ == 0 || seen < count_;) {
            const auto event = co_await at(path_, watch.next());
            seen += event.type == EventType::kState ? 0 : 1;
            show(event, context.output);
        }
    }

    void show(const client::Event& event, const Output& output) const {
        const auto now = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
        const auto time = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", now);
        auto value = json_of(event);
        value["time"] = time;
        output.show(value, fmt::format("{}  {}", time, text_of(event)));
        if (event.type == EventType::kState && event.state == client::State::kConnected) {
            output.message("zabctl: connected again; what happened in between was missed");
        }
    }
};

class AddWatch : public Command {
    std::string path_;
    std::string mode_ = "PERSISTENT_RECURSIVE";

    void declare(CLI::App& app) override {
        path_argument(app, path_);
        app.add_option("-m,--mode", mode_, "PERSISTENT, or PERSISTENT_RECURSIVE for the whole subtree")
            ->type_name("MODE")
            ->check(CLI::IsMember({"PERSISTENT", "PERSISTENT_RECURSIVE"}, CLI::ignore_case))
            ->capture_default_str();
    }

    asio::awaitable<void> run(Context& context) override {
        const bool recursive = mode_ == "PERSISTENT_RECURSIVE";
        auto* client = co_await context.client();
        co_await at(path_, client->arm(context.watches.watch(), path_, recursive));
        context.watches.add({recursive ? WatcherType::kPersistentRecursive : WatcherType::kPersistent, path_});
        context.output.show({{"path", path_}});
    }
};

class ListWatches : public Command {
    void declare(CLI::App&) override {}

    asio::awaitable<void> run(Context& context) override {
        auto values = Json::array();
        std::vector<std::vector<std::string>> rows{{"KIND", "PATH"}};
        for (const auto& [type, path] : context.watches.armed()) {
            values.push_back({{"kind", name_of(type)}, {"path", path}});
            rows.push_back({name_of(type), path});
        }
        context.output.show(values, rows.size() == 1 ? "no watches" : table_text(rows));
        co_return;
    }
};

class RemoveWatches : public Command {
    std::string path_;
    bool children_ = false;
    bool data_ = false;
    bool persistent_ = false;
    bool recursive_ = false;
    bool any_ = false;

    void declare(CLI::App& app) override {
        path_argument(app, path_);
        app.add_flag("-c,--children", children_, "Watches of the children");
        app.add_flag("-d,--data", data_, "Watches of the data");
        app.add_flag("-p,--persistent", persistent_, "Persistent watches of the node");
        app.add_flag("-r,--recursive", recursive_, "Persistent watches of the subtree");
        app.add_flag("-a,--any", any_, "All of them, which is what happens without a flag");
    }

    asio::awaitable<void> run(Context& context) override {
        if (children_ + data_ + persistent_ + recursive_ + any_ > 1) {
            throw Failure(kUsage, "removewatches: one of -c, -d, -p, -r, -a at a time");
        }
        auto* client = co_await context.client();
        co_await at(path_, client->remove_watches(path_, type()));
        context.watches.forget(path_, type());
        context.output.show({{"path", path_}});
    }

    [[nodiscard]] WatcherType type() const {
        if (children_) return WatcherType::kChildren;
        if (data_) return WatcherType::kData;
        if (persistent_) return WatcherType::kPersistent;
        if (recursive_) return WatcherType::kPersistentRecursive;
        return WatcherType::kAny;
    }
};

class PrintWatches : public Command {
    std::string wanted_;

    void declare(CLI::App& app) override {
        app.add_option("state", wanted_, "on or off; without it, tells which")->check(CLI::IsMember({"on", "off"}));
    }

    asio::awaitable<void> run(Context& context) override {
        if (!wanted_.empty()) context.shell->tell_events(wanted_ == "on");
        const bool on = context.shell->tells_events();
        context.output.show(on, on ? "printwatches is on" : "printwatches is off");
        co_return;
    }
};

}  // namespace

CommandFamily watch_commands() {
    return {"Watching",
            {
                entry<WatchCommand>("watch", "Prints what happens to a node, or to a subtree, as it happens"),
                entry<AddWatch>("addWatch", "Watches in the background of the shell", Use::kShellOnly),
                entry<ListWatches>("watches", "Lists what the shell watches", Use::kShellOnly),
                entry<RemoveWatches>("removewatches", "Takes away this session's watches of a node", Use::kShellOnly),
                entry<PrintWatches>("printwatches", "Whether the shell prints events", Use::kShellOnly),
            }};
}

}  // namespace zabd::zabctl
