#include "zabctl/ensemble_status.hpp"

#include "zabctl/four_letter_word.hpp"
#include "zabctl/values.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <charconv>
#include <map>
#include <utility>

namespace zabd::zabctl {
namespace {

namespace asio = boost::asio;
using Fields = std::map<std::string, std::string>;

std::string field(const Fields& fields, const std::string& name) {
    const auto found = fields.find(name);
    return found == fields.end() ? std::string() : found->second;
}

std::string epoch_of(std::string_view zxid) {
    std::uint64_t number = 0;
    if (!zxid.starts_with("0x")) return {};
    std::from_chars(zxid.data() + 2, zxid.data() + zxid.size(), number, 16);
    return std::to_string(Zxid{number}.epoch());
}

void take_srvr(ServerStatus& status, std::string_view text) {
    const auto fields = fields_of(text, ": ");
    status.role = field(fields, "Mode");
    status.zxid = field(fields, "Zxid");
    status.epoch = epoch_of(status.zxid);
    status.latency = field(fields, "Latency min/avg/max");
    status.connections = field(fields, "Connections");
    status.nodes = field(fields, "Node count");
    status.outstanding = field(fields, "Outstanding");
    const auto version = field(fields, "Zookeeper version");
    status.version = version.substr(0, version.find(','));
}

/// For a server whose whitelist has no srvr: none of ZooKeeper's, but a proxy may filter.
void take_mntr(ServerStatus& status, std::string_view text) {
    const auto fields = fields_of(text, "\t");
    if (status.role.empty()) status.role = field(fields, "zk_server_state");
    const auto connections = field(fields, "zk_num_alive_connections");
    if (!connections.empty()) status.connections = connections;
}

client::Host host_of(std::string_view name, std::string_view port) {
    client::Host host{std::string(name), client::kDefaultPort};
    if (host.name.starts_with('[')) host.name = host.name.substr(1, host.name.size() - 2);
    std::from_chars(port.data(), port.data() + port.size(), host.port);
    return host;
}

/// "host:2888:3888:participant;10.0.0.1:2181", in front of ';' what servers use; nullopt without a client port.
std::optional<client::Host> client_address(std::string_view member) {
    const auto semicolon = member.find(';');
    if (semicolon == std::string_view::npos) return std::nullopt;
    auto own = member.substr(0, semicolon);
    const bool v6 = own.starts_with('[');
    own = own.substr(0, v6 ? own.find(']') + 1 : own.find(':'));
    const auto address = member.substr(semicolon + 1);
    const auto colon = address.rfind(':');
    if (colon == std::string_view::npos) return host_of(own, address);
    const auto name = address.substr(0, colon);
    const bool wildcard = name == "0.0.0.0" || name == "[::]" || name == "[0:0:0:0:0:0:0:0]";
    return host_of(wildcard ? own : name, address.substr(colon + 1));
}

}  // namespace

asio::awaitable<ServerStatus> status_of(client::Host host, client::Millis timeout) {
    using namespace asio::experimental::awaitable_operators;
    const auto [ruok, srvr, mntr] = co_await (ask_word(host, "ruok", timeout) && ask_word(host, "srvr", timeout) &&
                                              ask_word(host, "mntr", timeout));
    ServerStatus status;
    status.host = std::move(host);
    status.alive = !srvr.error;
    if (srvr.answered()) take_srvr(status, srvr.text);
    if (mntr.answered()) take_mntr(status, mntr.text);
    if (srvr.error) {
        status.problem = srvr.error.message();
    } else if (!srvr.answered()) {
        status.problem = ruok.text == "imok" ? "runs, but does not serve: no quorum?" : "does not serve";
    }
    co_return status;
}

std::vector<client::Host> members_of(std::string_view configuration) {
    std::vector<client::Host> members;
    for (const auto& [key, member] : fields_of(configuration, "=")) {
        if (!key.starts_with("server.")) continue;
        if (auto host = client_address(member)) members.push_back(*std::move(host));
    }
    return members;
}

}  // namespace zabd::zabctl
