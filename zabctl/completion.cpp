#include "zabctl/completion.hpp"

#include "zabctl/command_line.hpp"
#include "zabctl/walk.hpp"
#include "zabctl/words.hpp"

#include <boost/asio/as_tuple.hpp>

#include <algorithm>
#include <chrono>

namespace zabd::zabctl {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr auto kPatience = 1s;

std::vector<std::string> command_names() {
    std::vector<std::string> names;
    for (const auto& family : command_families()) {
        for (const auto& entry : family.commands) names.emplace_back(entry.name);
    }
    return names;
}

std::vector<std::string> flags_of(const CLI::App& parser) {
    std::vector<std::string> flags;
    for (const auto* option : parser.get_options()) {
        for (const auto& name : option->get_lnames()) flags.push_back("--" + name);
        for (const auto& name : option->get_snames()) flags.push_back("-" + name);
    }
    return flags;
}

bool takes(const CLI::App& parser, std::string_view type) {
    const auto options = parser.get_options();
    return std::any_of(options.begin(), options.end(), [&](const CLI::Option* option) {
        return option->get_positional() && option->get_type_name() == type;
    });
}

asio::awaitable<void> list_children(client::Client& client, std::string parent, std::vector<std::string>& paths) {
    const client::ReadOptions options;
    const auto [error, children] = co_await client.children(parent, options, asio::as_tuple(asio::use_awaitable));
    for (const auto& name : children.names) paths.push_back(child_path(parent, name));
}

std::vector<std::string> siblings_of(EventLoop& loop, Context& context, std::string_view path) {
    std::vector<std::string> paths;
    auto* client = context.connected_client();
    if (!client) return paths;
    const auto slash = path.rfind('/');
    const auto parent = std::string(slash == 0 ? "/" : path.substr(0, slash));
    try {
        loop.complete_within(kPatience, list_children(*client, parent, paths));
    } catch (const boost::system::system_error&) {  // too late: then there is nothing to offer
    }
    return paths;
}

}  // namespace

Candidates complete(EventLoop& loop, Context& context, std::string_view line) {
    const auto [words, last_at, open_quote] = split_words(line);
    const bool first = words.empty() || (words.size() == 1 && last_at < line.size());
    const auto typed = last_at < line.size() ? words.back() : std::string();

    Candidates candidates{.typed = typed.size(), .words = {}, .behind = " ", .quoted = open_quote};
    if (first) {
        candidates.words = command_names();
    } else {
        CommandLine parsers(CommandLine::Place::kShell, context.settings);
        const auto* parser = parsers.find(words.front());
        if (typed.starts_with('/')) {
            candidates.words = siblings_of(loop, context, typed);
            candidates.behind = "";  // one may go on, further down
        } else if (parser && typed.starts_with('-')) {
            candidates.words = flags_of(*parser);
        } else if (parser && takes(*parser, kCommandType)) {
            candidates.words = command_names();
        } else if (parser && takes(*parser, kPathType)) {
            candidates.words = {"/"};
            candidates.behind = "";
        }
    }
    std::erase_if(candidates.words, [&](const std::string& word) { return !word.starts_with(typed); });
    std::sort(candidates.words.begin(), candidates.words.end());
    return candidates;
}

}  // namespace zabd::zabctl
