#include "zabctl/words.hpp"

namespace zabd::zabctl {
namespace {

constexpr std::string_view kSpace = " \t\r\n";
constexpr std::string_view kMustBeQuoted = " \t\"'\\;";

/// Takes one word from `line` at `at` and moves `at` behind it.
std::string take_word(std::string_view line, std::size_t& at, bool& open_quote) {
    std::string word;
    char quote = 0;
    for (; at < line.size(); ++at) {
        const char character = line[at];
        if (character == '\\' && quote != '\'' && at + 1 < line.size()) {
            word += line[++at];
        } else if (quote != 0) {
            if (character == quote) {
                quote = 0;
            } else {
                word += character;
            }
        } else if (character == '\'' || character == '"') {
            quote = character;
        } else if (character == ';' || kSpace.find(character) != std::string_view::npos) {
            break;
        } else {
            word += character;
        }
    }
    open_quote = quote != 0;
    return word;
}

}  // namespace

Words split_words(std::string_view line) {
    Words result;
    result.last_at = line.size();
    for (std::size_t at = 0; (at = line.find_first_not_of(kSpace, at)) != std::string_view::npos;) {
        const auto begin = at;
        if (line[at] == ';') {
            result.words.emplace_back(1, line[at++]);
        } else {
            result.words.push_back(take_word(line, at, result.open_quote));
            if (at == line.size()) result.last_at = begin;
        }
    }
    return result;
}

std::string quoted(std::string_view word) {
    if (!word.empty() && word.find_first_of(kMustBeQuoted) == std::string_view::npos) return std::string(word);
    std::string text = "\"";
    for (const char character : word) {
        if (character == '"' || character == '\\') text += '\\';
        text += character;
    }
    return text + '"';
}

}  // namespace zabd::zabctl
