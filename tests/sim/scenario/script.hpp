// A scenario's file: comments, commands, and below each command what it showed, indented.
//
// Form      a line that begins with '#' is a comment, an empty one separates, an indented one is output of the command above;
//           any other is a command.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace zabd::sim::scenario {

struct Step {
    std::vector<std::string> before;  // comments and empty lines
    std::string command;              // empty: the end of the file
    std::vector<std::string> output;
};

[[nodiscard]] std::vector<Step> parse(std::string_view text);
[[nodiscard]] std::string text_of(const std::vector<Step>& steps);

}  // namespace zabd::sim::scenario
