#include "tests/sim/scenario/script.hpp"

namespace zabd::sim::scenario {

namespace {

constexpr std::string_view kIndent = "    ";

}  // namespace

std::vector<Step> parse(std::string_view text) {
    std::vector<Step> steps(1);  // the last one is still without its command
    while (!text.empty()) {
        const auto end = text.find('\n');
        const auto line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line.starts_with(kIndent)) {
            if (steps.size() > 1) steps[steps.size() - 2].output.emplace_back(line.substr(kIndent.size()));
        } else if (line.empty() || line.front() == '#') {
            steps.back().before.emplace_back(line);
        } else {
            steps.back().command = line;
            steps.emplace_back();
        }
    }
    return steps;
}

std::string text_of(const std::vector<Step>& steps) {
    std::string text;
    for (const auto& step : steps) {
        for (const auto& line : step.before) text += line + "\n";
        if (step.command.empty()) continue;
        text += step.command + "\n";
        for (const auto& line : step.output) (text += kIndent) += line + "\n";
    }
    return text;
}

}  // namespace zabd::sim::scenario
