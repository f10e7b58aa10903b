// What a command runs in: the settings, the output, the connection and the watches. One of the process.
#pragma once

#include "client/client.hpp"
#include "client/hosts.hpp"
#include "zabctl/output.hpp"
#include "zabctl/settings.hpp"
#include "zabctl/watches.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <functional>
#include <optional>
#include <string>

namespace zabd::zabctl {

class Shell;

class Context {
public:
    Context(boost::asio::any_io_executor executor, Settings settings);

    Settings settings;
    Output output;  // of the command that runs
    Watches watches;
    Shell* shell = nullptr;  // nullptr: a single command
    int exit_code = kOk;     // of commands that end with another's; failures are thrown

    /// The client, with a session; connects if need be. Throws Failure: kCannotConnect with each server's reason.
    boost::asio::awaitable<client::Client*> client();
    /// The same servers without the chroot, for what lies in /zookeeper.
    boost::asio::awaitable<client::Client*> root_client();

    /// nullptr without a session: does not wait for one.
    [[nodiscard]] client::Client* connected_client();

    /// Leaves the present connection for another; it is there even if no server answers yet.
    void connect(const std::string& server);
    /// Ends the sessions. client() then fails until connect().
    boost::asio::awaitable<void> close();
    /// Of the connection, for the prompt.
    [[nodiscard]] client::State state() const;
    /// Gives the identity to this connection and to later ones.
    boost::asio::awaitable<void> add_identity(Identity identity);

    [[nodiscard]] client::Options client_options() const;
    [[nodiscard]] std::string chroot() const;
    [[nodiscard]] boost::asio::any_io_executor executor() const { return executor_; }

private:
    boost::asio::awaitable<client::Client*> ready(client::Client& client, bool& introduced);

    boost::asio::any_io_executor executor_;
    std::optional<client::Client> client_;
    std::optional<client::Client> root_client_;
    bool introduced_ = false;  // the client got our identities
    bool root_introduced_ = false;
    bool closed_ = false;  // by close()
};

/// The servers and the chroot. Throws Failure (kUsage).
[[nodiscard]] client::ConnectionString parse_server(const std::string& text);

}  // namespace zabd::zabctl
