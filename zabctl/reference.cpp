#include "zabctl/reference.hpp"

#include "zabctl/command_line.hpp"
#include "zabctl/exit_code.hpp"

#include <fmt/format.h>

namespace zabd::zabctl {
namespace {

/// "-v,--version N", "path PATH"
std::string name_of(const CLI::Option& option) {
    auto name = option.get_name(false, true);
    if (option.get_positional()) name = option.get_name(true);
    const auto& type = option.get_type_name();
    return type.empty() || option.get_items_expected_max() == 0 ? name : name + " " + type;
}

std::string usage_of(const CLI::App& parser) {
    auto usage = parser.get_name();
    for (const auto* option : parser.get_options()) {
        if (!option->get_positional()) continue;
        const auto name = option->get_name(true);
        usage += option->get_required() ? " " + name : fmt::format(" [{}]", name);
    }
    return usage;
}

std::string section_of(const CommandEntry& entry, const CLI::App& parser) {
    auto text = fmt::format("#### `{}`\n\n{}.{}\n", usage_of(parser), entry.summary,
                            entry.use == Use::kShellOnly ? " In the shell only." : "");
    std::string rows;
    for (const auto* option : parser.get_options()) {
        if (option->get_name() == "--help" || option->get_name() == kJsonFlag) continue;
        rows += fmt::format("| `{}` | {} |\n", name_of(*option), option->get_description());
    }
    if (!rows.empty()) text += "\n| argument | meaning |\n| --- | --- |\n" + rows;
    return text + "\n";
}

}  // namespace

std::string markdown_reference() {
    CommandLine parsers(CommandLine::Place::kShell, Settings{});
    std::string text = "## Exit codes\n\n| code | meaning |\n| --- | --- |\n";
    for (const auto& [code, meaning] : kExitCodes)
        text += fmt::format("| {} | {} |\n", static_cast<int>(code), meaning);
    text += "\n## Commands\n\n";
    for (const auto& family : command_families()) {
        text += fmt::format("### {}\n\n", family.title);
        for (const auto& entry : family.commands) text += section_of(entry, *parsers.find(entry.name));
    }
    text.pop_back();
    return text;
}

}  // namespace zabd::zabctl
