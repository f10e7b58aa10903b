// The watches that commands leave behind (-w, addWatch), and what tells of their events.
//
// In the shell events are told as they come, between and during commands. A single command with -w waits for one.
#pragma once

#include "client/client.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace zabd::zabctl {

struct ArmedWatch {
    client::WatcherType type{};  // never kAny
    std::string path;
};
[[nodiscard]] const char* name_of(client::WatcherType type);

class Watches {
public:
    using Tell = std::function<void(const client::Event&)>;

    /// A new client, so none of the old one's watches.
    void attach(client::Client& client);
    void detach();
    /// From now on `tell` is called with every event, until detach().
    void tell_all(const boost::asio::any_io_executor& executor, Tell tell);

    /// To be armed by a client's operation; attach() came before.
    [[nodiscard]] client::Watch& watch() { return watch_; }
    /// Notes that watch() was armed.
    void add(ArmedWatch armed) { armed_.push_back(std::move(armed)); }
    /// They were removed; kAny stands for all types.
    void forget(const std::string& path, client::WatcherType type);
    [[nodiscard]] const std::vector<ArmedWatch>& armed() const { return armed_; }

    /// The next event; one-shot watches that it used up are forgotten. nullopt when the client or the watch is closed.
    boost::asio::awaitable<std::optional<client::Event>> next();

private:
    boost::asio::awaitable<void> tell_on(Tell tell);

    client::Watch watch_;
    std::vector<ArmedWatch> armed_;
};

}  // namespace zabd::zabctl
