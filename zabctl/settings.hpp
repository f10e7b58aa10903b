// What the command line says before any command: which servers, how long to wait, who we are, how to print.
#pragma once

#include "client/types.hpp"

#include <string>
#include <vector>

namespace zabd::zabctl {

inline constexpr const char* kDefaultServer = "127.0.0.1:2181";
inline constexpr const char* kServerVariable = "ZABD_SERVER";

/// What add_auth takes.
struct Identity {
    std::string scheme;
    std::string credentials;
};

struct Settings {
    std::string server = kDefaultServer;  // a connection string
    client::Millis timeout{10'000};       // of connecting and of each operation
    client::Millis session_timeout{10'000};
    std::vector<Identity> identities;
    bool read_only = false;  // take a server without a quorum
    bool json = false;
};

}  // namespace zabd::zabctl
