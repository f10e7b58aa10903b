// A command's words, taken one after the other.
#pragma once

#include "tests/sim/time.hpp"
#include "tests/sim/workload.hpp"
#include "wire/quorum.hpp"

#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::sim::scenario {

/// What is wrong with a command.
struct BadWords {
    explicit BadWords(std::string text) : what(std::move(text)) {}
    std::string what;
};

class Words {
public:
    explicit Words(std::string_view text);

    [[nodiscard]] bool empty() const { return words_.empty(); }
    [[nodiscard]] std::string peek() const { return words_.empty() ? "" : words_.front(); }
    [[nodiscard]] std::string rest() const;
    std::string next();
    /// If it is the next one.
    bool take(std::string_view word);
    void expect(std::string_view word);
    std::size_t number();
    /// "200ms", "3s".
    Duration time();
    wire::PacketType packet_type();
    /// All of them, cut at `separator`, which ends a word or is one.
    std::vector<Words> split(std::string_view separator);

private:
    Words() = default;
    std::deque<std::string> words_;
};

[[nodiscard]] ClientRequest request_in(Words& words);

}  // namespace zabd::sim::scenario
