// Where the shell's lines come from.
#pragma once

#include "zabctl/event_loop.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::zabctl {

/// What may stand in the place of the last word of a line.
struct Candidates {
    std::size_t typed = 0;  // how much of each candidate has been typed
    std::vector<std::string> words;
    std::string_view behind;  // what follows the only candidate
    bool quoted = false;      // inside of quotes, so nothing needs a backslash
};
using Complete = std::function<Candidates(std::string_view line)>;

class LineSource {
public:
    virtual ~LineSource() = default;
    /// The next line; runs the event loop while it waits. nullopt at the end of the input, or after SIGTERM; an empty
    /// line after Ctrl-C.
    virtual std::optional<std::string> read(const std::string& prompt) = 0;
    /// Prints lines, above the prompt if there is one.
    virtual void print(std::string_view lines) = 0;
    /// For `history` of later shells.
    virtual void remember(const std::string& line) = 0;
    [[nodiscard]] virtual bool interactive() const = 0;
};

/// An editor on the terminal, or plain lines from standard input if it is none.
std::unique_ptr<LineSource> open_line_source(EventLoop& loop, Complete complete);

}  // namespace zabd::zabctl
