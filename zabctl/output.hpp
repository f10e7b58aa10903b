// Where a command's results and messages go: results to standard output, messages to standard error.
//
// JSON      one value on one line for each call of show(); a command calls it once, unless its result is a stream.
#pragma once

#include "zabctl/failure.hpp"
#include "zabctl/values.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace zabd::zabctl {

class Output {
public:
    explicit Output(bool json) : json_(json) {}

    [[nodiscard]] bool json() const { return json_; }
    /// Whether people look at the results; otherwise bytes go out as they are.
    [[nodiscard]] bool to_terminal() const;
    /// Whether progress may be shown: standard error is a terminal.
    [[nodiscard]] bool messages_to_terminal() const;

    /// The value, or the text and an end of line.
    void show(const Json& value, std::string_view text) const;
    /// The value, and nothing for people: no news is good news.
    void show(const Json& value) const;
    /// Bytes as they are, without an end of line.
    void raw(std::string_view bytes) const;
    /// For people: hints, warnings, progress.
    void message(std::string_view text) const;
    /// In JSON {"error": text, "exit_code": n}.
    void failure(const Failure& failure) const;

private:
    bool json_;
};

/// Columns under one another; the first row is the heading.
[[nodiscard]] std::string table_text(const std::vector<std::vector<std::string>>& rows);

/// A list that is printed while it is made: a JSON array, or lines.
class ListOutput {
public:
    explicit ListOutput(const Output& output);
    void add(const Json& value, std::string_view text);
    void end();

private:
    const Output& output_;
    bool empty_ = true;
};

}  // namespace zabd::zabctl
