// What a search looks for, made so that no pattern takes more than linear time (hazard class: a regular expression of the
// caller's that backtracks for ever).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace re2 {
class RE2;
}

namespace zabd::server::admin {

enum class Match : std::uint8_t {
    kSubstring,  // without regard to case
    kGlob,       // of the whole text, without regard to case: * and ? stop at a /, ** does not; [a-z], [!a-z], \x
    kRegex,      // RE2's syntax, anywhere in the text; (?i) disregards case
};

class SearchPattern {
public:
    static constexpr std::size_t kBytesMax = 1000;

    /// `pattern` is UTF-8. Throws BadRequest for what is no pattern, or longer than kBytesMax, or needs too much memory.
    SearchPattern(std::string_view pattern, Match match);
    ~SearchPattern();
    SearchPattern(const SearchPattern&) = delete;
    SearchPattern& operator=(const SearchPattern&) = delete;

    [[nodiscard]] bool matches(std::string_view text) const;

private:
    std::unique_ptr<re2::RE2> regex_;
    bool whole_ = false;
};

/// In RE2's syntax.
[[nodiscard]] std::string regex_of_glob(std::string_view glob);

}  // namespace zabd::server::admin
