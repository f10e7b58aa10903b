// The bytes of one HTTP/1.1 request to its parts. No socket: what arrives is fed in as it comes.
#pragma once

#include "net/http.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace zabd::net {

class HttpParser {
public:
    struct Limits {
        std::size_t head_bytes_max = 0;
        std::size_t body_bytes_max = 0;
    };
    enum class State { kHead, kBody, kComplete, kRefused };
    /// Of a request that is not taken.
    struct Refusal {
        unsigned status = 400;
        std::string_view why;
    };

    explicit HttpParser(Limits limits);
    ~HttpParser();

    /// What comes next of the connection; bytes behind the request are passed over.
    State feed(std::string_view bytes);
    [[nodiscard]] State state() const { return state_; }
    /// Good in kRefused.
    [[nodiscard]] const Refusal& refusal() const { return refusal_; }
    /// In kBody: the client waits to be told to go on (Expect: 100-continue).
    [[nodiscard]] bool continue_wanted() const { return continue_wanted_; }

    /// Good in kComplete; once. Without the socket's part: remote_address, tls.
    HttpRequest take();
    /// HTTP/1.1 rather than 1.0, which knows no chunks. Known from kBody on.
    [[nodiscard]] bool takes_chunks() const { return takes_chunks_; }
    /// Known from kBody on.
    [[nodiscard]] bool is_head() const { return is_head_; }

private:
    struct Impl;
    State refuse(unsigned status, std::string_view why);
    State examine_head();

    std::unique_ptr<Impl> impl_;
    Limits limits_;
    State state_ = State::kHead;
    Refusal refusal_;
    HttpRequest request_;
    bool continue_wanted_ = false;
    bool takes_chunks_ = false;
    bool is_head_ = false;
};

/// The percent-decoded text; nullopt: a % without two hexadecimal digits behind it. `plus_is_blank`: as in a query.
[[nodiscard]] std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_blank = false);

}  // namespace zabd::net
