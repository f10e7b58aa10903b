// A server's four-letter words: "srvr", "ruok", "mntr", "conf"; they need no session and no quorum.
//
// Errors    values: a server that cannot be reached is a result like any other. timed_out past the deadline.
#pragma once

#include "client/hosts.hpp"
#include "client/types.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/system/error_code.hpp>

#include <map>
#include <string>
#include <string_view>

namespace zabd::zabctl {

struct WordAnswer {
    boost::system::error_code error;
    std::string text;

    /// False also when the server's whitelist keeps the word back, or when it is not serving.
    [[nodiscard]] bool answered() const;
};

boost::asio::awaitable<WordAnswer> ask_word(client::Host host, std::string word, client::Millis timeout);

/// Lines of "key<separator>value" as "srvr" (": ") and "mntr" ("\t") have them.
[[nodiscard]] std::map<std::string, std::string> fields_of(std::string_view text, std::string_view separator);

/// "10.0.0.1:2181", "[::1]:2181"
[[nodiscard]] std::string text_of(const client::Host& host);

}  // namespace zabd::zabctl
