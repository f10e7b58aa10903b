#include "zabctl/command.hpp"
#include "zabctl/command_line.hpp"
#include "zabctl/reference.hpp"
#include "zabctl/shell.hpp"
#include "zabctl/version.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace zabd::zabctl {
namespace {

namespace asio = boost::asio;

class Help : public Command {
    std::string name_;
    bool markdown_ = false;

    void declare(CLI::App& app) override {
        app.add_option("command", name_, "Which one; all unless given")->type_name(kCommandType);
        app.add_flag("--markdown", markdown_, "The reference of all commands, as it stands in the manual");
    }

    asio::awaitable<void> run(Context& context) override {
        const auto text = markdown_ ? markdown_reference() : help(context);
        context.output.show({{"help", text}}, text);
        co_return;
    }

    std::string help(const Context& context) const {
        const auto place = context.shell ? CommandLine::Place::kShell : CommandLine::Place::kProcess;
        CommandLine parsers(place, context.settings);
        if (name_.empty()) return parsers.help();
        auto* parser = parsers.find(name_);
        if (!parser) throw Failure(kUsage, fmt::format("there is no command '{}'; `help` lists them", name_));
        return parser->help();
    }
};

class Version : public Command {
    void declare(CLI::App&) override {}

    asio::awaitable<void> run(Context& context) override {
        context.output.show({{"version", version()}}, fmt::format("zabctl {}", version()));
        co_return;
    }
};

class Connect : public Command {
    std::string server_;

    void declare(CLI::App& app) override {
        app.add_option("server", server_, "host:port,host:port/chroot; the present one unless given")
            ->type_name("SERVERS");
    }

    asio::awaitable<void> run(Context& context) override {
        const auto present = context.settings.server;
        context.connect(server_.empty() ? present : server_);
        auto* client = co_await context.client();
        const auto session = hex(static_cast<std::uint64_t>(client->session().id));
        context.output.show({{"server", client->server()}, {"session", session}},
                            fmt::format("connected to {}, session {}", client->server(), session));
    }
};

class Close : public Command {
    void declare(CLI::App&) override {}

    asio::awaitable<void> run(Context& context) override {
        co_await context.close();
        context.output.show({{"closed", true}});
    }
};

class Quit : public Command {
    void declare(CLI::App&) override {}

    asio::awaitable<void> run(Context& context) override {
        context.shell->quit();
        co_return;
    }
};

class History : public Command {
    static constexpr std::size_t kShown = 11;

    void declare(CLI::App&) override {}

    asio::awaitable<void> run(Context& context) override {
        const auto& lines = context.shell->history();
        auto values = Json::array();
        std::string text;
        for (auto i = lines.size() - std::min(lines.size(), kShown); i < lines.size(); ++i) {
            values.push_back({{"number", i}, {"line", lines[i]}});
            text += fmt::format("{}{} - {}", text.empty() ? "" : "\n", i, lines[i]);
        }
        context.output.show(values, text);
        co_return;
    }
};

class Redo : public Command {
    std::size_t number_ = 0;

    void declare(CLI::App& app) override {
        app.add_option("number", number_, "As `history` shows it")->type_name("N")->required();
    }

    asio::awaitable<void> run(Context& context) override {
        const auto& lines = context.shell->history();
        if (number_ + 1 >= lines.size()) throw Failure(kUsage, fmt::format("redo: there is no line {} yet", number_));
        context.shell->redo(lines[number_]);
        co_return;
    }
};

}  // namespace

CommandFamily shell_commands() {
    return {"The shell",
            {
                entry<Connect>("connect", "Leaves the connection for another", Use::kShellOnly),
                entry<Close>("close", "Ends the session", Use::kShellOnly),
                entry<History>("history", "Lists the last lines, with their numbers", Use::kShellOnly),
                entry<Redo>("redo", "Does a line again", Use::kShellOnly),
                entry<Help>("help", "Explains the commands"),
                entry<Version>("version", "Prints the version of zabctl"),
                entry<Quit>("quit", "Ends the shell", Use::kShellOnly),
                entry<Quit>("exit", "Ends the shell", Use::kShellOnly),
            }};
}

}  // namespace zabd::zabctl
