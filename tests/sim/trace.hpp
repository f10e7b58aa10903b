// What happened, as one number, and on demand as text.
//
// Use       event("client {} sends xid {}", 3, 17): the words and the values go into the hash; with `prints` the line goes
//           to standard output too. Values are integers and strings, never pointers.
// Contract  equal hashes mean equal runs: builds by different compilers are compared by them.
#pragma once

#include "tests/sim/time.hpp"

#include <fmt/format.h>

#include <concepts>
#include <cstdint>
#include <cstdio>
#include <string_view>

namespace zabd::sim {

class Trace {
public:
    explicit Trace(bool prints) : prints_(prints) {}

    void at(Time now) { now_ = now; }

    template <class... Values>
    void event(std::string_view words, const Values&... values) {
        add(static_cast<std::uint64_t>(now_.count()));
        add(words);
        (add(values), ...);
        ++events_;
        if (prints_)
            print(fmt::vformat(fmt::string_view(words.data(), words.size()), fmt::make_format_args(values...)));
    }

    [[nodiscard]] std::uint64_t hash() const { return hash_; }
    [[nodiscard]] std::uint64_t events() const { return events_; }

private:
    void add(std::integral auto value) { add_word(static_cast<std::uint64_t>(value)); }
    void add(std::string_view text) {
        add_word(text.size());
        for (const char byte : text) hash_ = (hash_ ^ static_cast<unsigned char>(byte)) * 0x100000001b3u;  // FNV-1a
    }
    void add_word(std::uint64_t word) {
        hash_ = (hash_ ^ word) * 0xff51afd7ed558ccdu;
        hash_ ^= hash_ >> 33;
    }
    void print(std::string_view line) const {
        fmt::print("{:>5}.{:06} {}\n", now_.count() / 1'000'000, now_.count() % 1'000'000, line);
    }

    bool prints_;
    Time now_{0};
    std::uint64_t hash_ = 0xcbf29ce484222325u;
    std::uint64_t events_ = 0;
};

}  // namespace zabd::sim
