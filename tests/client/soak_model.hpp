// What a node may hold, as far as its only writer can know.
//
// A write that was answered leaves one possibility. One whose answer was lost leaves two of each: with it and without it;
// the answers to later operations tell which of them was true.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <variant>

namespace zabd::client::tests {

using Content = std::optional<std::string>;  // nullopt: there is no node

/// Its number: what is in front of the first "-".
std::string text_of(const Content& content);

class NodeModel {
public:
    /// What a write makes of a node that there is, and of none.
    struct Effect {
        struct Refused {};
        using After = std::variant<Refused, Content>;
        After on_node;
        After on_none;
    };

    /// Takes in how a write ended. False if no possibility explains that.
    [[nodiscard]] bool wrote(const Effect& effect, const std::error_code& error);
    /// Takes in what a read has shown. Only one behind a sync settles what is in doubt: a write whose connection was lost
    /// may be under way still, and be applied after a plain read on the next connection.
    [[nodiscard]] bool read(const Content& content, bool behind_sync);

private:
    std::set<Content> possible_{std::nullopt};
};

}  // namespace zabd::client::tests
