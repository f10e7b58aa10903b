#include "zabctl/output.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace zabd::zabctl {

bool Output::to_terminal() const { return ::isatty(STDOUT_FILENO) == 1; }
bool Output::messages_to_terminal() const { return ::isatty(STDERR_FILENO) == 1; }

void Output::show(const Json& value, std::string_view text) const {
    raw(json_ ? value.dump() : text);
    raw("\n");
    std::fflush(stdout);
}

void Output::show(const Json& value) const {
    if (json_) show(value, {});
}

void Output::raw(std::string_view bytes) const { std::fwrite(bytes.data(), 1, bytes.size(), stdout); }

void Output::message(std::string_view text) const { fmt::print(stderr, "{}\n", text); }

void Output::failure(const Failure& failure) const {
    if (json_) {
        const Json value{{"error", failure.what()}, {"exit_code", static_cast<int>(failure.code())}};
        message(value.dump());
    } else {
        message(fmt::format("zabctl: {}", failure.what()));
    }
}

std::string table_text(const std::vector<std::vector<std::string>>& rows) {
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t column = 0; column < row.size(); ++column) {
            widths[column] = std::max(widths[column], row[column].size());
        }
    }
    std::string text;
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t column = 0; column < row.size(); ++column) {
            line += fmt::format("{:<{}}", row[column], widths[column] + 2);
        }
        line.resize(line.find_last_not_of(' ') + 1);
        if (!text.empty()) text += '\n';
        text += line;
    }
    return text;
}

ListOutput::ListOutput(const Output& output) : output_(output) {
    if (output_.json()) output_.raw("[");
}

void ListOutput::add(const Json& value, std::string_view text) {
    if (output_.json()) {
        if (!empty_) output_.raw(",");
        output_.raw(value.dump());
    } else {
        output_.raw(text);
        output_.raw("\n");
    }
    empty_ = false;
}

void ListOutput::end() {
    if (output_.json()) output_.raw("]\n");
}

}  // namespace zabd::zabctl
