// A line of the shell, cut into words: quoted by ' or ", with backslashes as in sh. A lone ';' is a word by itself.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::zabctl {

struct Words {
    std::vector<std::string> words;
    /// Where the last word begins in the line, quotes included; the line's size if it ends between words.
    std::size_t last_at = 0;
    bool open_quote = false;  // the line ends inside of quotes
};

[[nodiscard]] Words split_words(std::string_view line);

/// The word as one would type it, quoted if it must be.
[[nodiscard]] std::string quoted(std::string_view word);

}  // namespace zabd::zabctl
