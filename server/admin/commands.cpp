// Which commands there are, and the page that lists them.
#include "server/admin/commands.hpp"

#include "server/admin/reply.hpp"
#include "server/process.hpp"
#include "server/version.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace zabd::server::admin {
namespace {

namespace asio = boost::asio;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kKeptFor{1};  // an answer that costs something is given again
constexpr std::uint64_t kTraceMask = 306;    // ZooKeeper's default

/// What needs nobody but us.
template <CommandResult (*kAnswer)(const Config&)>
CommandAnswer at_once(Services& services) {
    co_return kAnswer(services.config);
}

CommandResult configuration(const Config& config) {
    CommandResult result;
    auto& fields = result.fields;
    fields["client_port"] = config.client_port;
    fields["data_dir"] = config.data_dir.string();
    fields["data_log_dir"] = config.log_dir.string();
    fields["tick_time"] = config.tick.count();
    fields["max_client_cnxns"] = config.connections_per_address_max;
    fields["min_session_timeout"] = config.session_timeout_min.count();
    fields["max_session_timeout"] = config.session_timeout_max.count();
    fields["server_id"] = config.ensemble ? static_cast<int>(config.ensemble->self) : 0;
    fields["client_port_listen_backlog"] = config.client_backlog;
    return result;
}

/// The lines that have an effect; secrets are not shown.
CommandResult initial_configuration(const Config& config) {
    std::string lines;
    for (const auto& setting : config.settings) {
        if (setting.source == "default" || setting.source == "derived" || setting.source == "command line") continue;
        lines += fmt::format("{}={}\n", setting.key, setting.value);
    }
    return {.fields = {{"initial_configuration", std::move(lines)}}};
}

void add_system(CommandJson& fields, const Environment& environment) {
    fields["os.name"] = environment.os_name;
    fields["os.arch"] = environment.os_arch;
    fields["os.version"] = environment.os_version;
    fields["user.name"] = environment.user_name;
    fields["user.home"] = environment.user_home;
    fields["user.dir"] = environment.user_dir;
}

CommandResult environment_of(const Config&) {
    const auto environment = server::environment();
    CommandResult result;
    auto& fields = result.fields;
    fields["zookeeper.version"] = zookeeper_version_text();
    fields["zabd.version"] = zabd_version();
    fields["host.name"] = environment.host_name;
    for (const auto* name : {"version", "vendor", "home", "class.path", "library.path", "io.tmpdir", "compiler"})
        fields[std::string("java.") + name] = "<NA>";
    add_system(fields, environment);
    fields["os.memory.free"] = fmt::format("{}MB", environment.memory_free_mb);
    fields["os.memory.max"] = fmt::format("{}MB", environment.memory_max_mb);
    fields["os.memory.total"] = fmt::format("{}MB", environment.memory_total_mb);
    return result;
}

CommandResult system_properties(const Config&) {
    CommandResult result;
    result.fields = {{"file.separator", "/"}, {"line.separator", "\n"}, {"path.separator", ":"}};
    add_system(result.fields, server::environment());
    return result;
}

CommandResult ruok(const Config&) { return {}; }
CommandResult trace_mask(const Config&) { return {.fields = {{"tracemask", kTraceMask}}}; }
CommandResult set_trace_mask(const Config&) { return command_error("zabd traces nothing: there is no mask to set"); }
/// Nothing is counted of observers' links.
CommandResult observer_reset(const Config&) { return {}; }

struct Command {
    const char* name;
    std::vector<const char*> aliases;
    CommandAnswer (*answer)(Services&);
    bool costly = false;   // lists things
    bool changes = false;  // something: for operators
};

const std::vector<Command>& commands() {
    static const std::vector<Command> all{
        {"configuration", {"conf", "config"}, at_once<configuration>},
        {"connection_stat_reset", {"crst"}, connection_stat_reset_command, false, true},
        {"connections", {"cons"}, connections_command, true},
        {"dirs", {}, dirs_command},
        {"dump", {}, dump_command, true},
        {"environment", {"env", "envi"}, at_once<environment_of>},
        {"get_trace_mask", {"gtmk"}, at_once<trace_mask>},
        {"hash", {}, hash_command},
        {"initial_configuration", {"icfg"}, at_once<initial_configuration>},
        {"is_read_only", {"isro"}, is_read_only_command},
        {"last_snapshot", {"lsnp"}, last_snapshot_command},
        {"leader", {"lead"}, leader_command},
        {"monitor", {"mntr"}, monitor_command},
        {"observer_connection_stat_reset", {"orst"}, at_once<observer_reset>, false, true},
        {"observers", {"obsr"}, observers_command},
        {"ruok", {}, at_once<ruok>},
        {"server_stats", {"srvr"}, server_stats_command},
        {"set_trace_mask", {"stmk"}, at_once<set_trace_mask>, false, true},
        {"stat_reset", {"srst"}, stat_reset_command, false, true},
        {"stats", {"stat"}, stats_command, true},
        {"system_properties", {"sysp"}, at_once<system_properties>},
        {"voting_view", {}, voting_view_command},
        {"watch_summary", {"wchs"}, watch_summary_command, true},
        {"watches", {"wchc"}, watches_command, true},
        {"watches_by_path", {"wchp"}, watches_by_path_command, true},
        {"zabstate", {}, zab_state_command},
    };
    return all;
}

// --- responses -------------------------------------------------------------------------------------------------------

std::string text_of(CommandResult result, std::string_view command) {
    if (!result.error.empty()) result.fields = CommandJson::object();
    result.fields["command"] = command;
    result.fields["error"] = result.error.empty() ? CommandJson() : CommandJson(result.error);
    return result.fields.dump(2, ' ', false, CommandJson::error_handler_t::replace) + "\n";
}

net::HttpResponse response(std::string body) {
    net::HttpResponse answer;
    answer.body = std::move(body);
    return answer;
}

std::string escaped(std::string_view text) {
    std::string html;
    for (const char one : text) {
        switch (one) {
            case '&': html += "&amp;"; break;
            case '<': html += "&lt;"; break;
            case '>': html += "&gt;"; break;
            case '"': html += "&quot;"; break;
            case '\'': html += "&#39;"; break;
            default: html.push_back(one);
        }
    }
    return html;
}

net::HttpResponse list(const Config& config) {
    std::string html = "<!DOCTYPE html>\n<html lang=\"en\"><head><title>Commands</title></head><body>\n";
    for (const auto& command : commands()) {
        const auto address = escaped(fmt::format("{}/{}", config.admin.command_url, command.name));
        html += fmt::format("<a href=\"{}\">{}</a>\n<br/>\n", address, escaped(command.name));
    }
    auto answer = response(html + "</body></html>\n");
    answer.content_type = "text/html; charset=utf-8";
    answer.headers.emplace_back("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
    return answer;
}

/// Who asks again and again for lists does not make the server list again and again.
class Kept {
public:
    [[nodiscard]] std::optional<std::string> answer(const Command& command) const {
        const auto found = answers_.find(command.name);
        if (found == answers_.end() || steady_clock::now() - found->second.at >= kKeptFor) return std::nullopt;
        return found->second.body;
    }
    void keep(const Command& command, const std::string& body) {
        if (command.costly) answers_[command.name] = {body, steady_clock::now()};
    }

private:
    struct Answer {
        std::string body;
        steady_clock::time_point at;
    };
    std::map<std::string, Answer, std::less<>> answers_;
};

/// ZooKeeper lets a GET change something: another site's page must not have the browser do it.
bool from_elsewhere(const net::HttpRequest& request) {
    const auto site = request.header("sec-fetch-site");
    return !site.empty() && site != "same-origin" && site != "none";
}

asio::awaitable<net::HttpResponse> run(Services& services, Kept& kept, const Command& command, Call call) {
    if (command.changes && from_elsewhere(call.request))
        co_return error_reply(403, "Forbidden", "this changes something, and another site's page asks for it");
    if (auto body = kept.answer(command)) co_return response(std::move(*body));
    auto result = co_await command.answer(services);
    auto body = text_of(std::move(result), command.name);
    kept.keep(command, body);
    co_return response(std::move(body));
}

/// What is no route of its own: the list, and names that nobody knows.
asio::awaitable<net::HttpResponse> others(Services& services, Call call) {
    if (call.rest.empty() || call.rest == "/") co_return list(services.config);
    const auto name = call.rest.substr(1);
    co_return response(text_of(command_error("Unknown command: " + name), name));
}

}  // namespace

CommandResult too_many(const char* what, const char* address) {
    return command_error(fmt::format("there are more than {} {}: ask {}", kCommandItemsMax, what, address));
}

void add_command_routes(Router& router, Services& services) {
    const auto& url = services.config.admin.command_url;
    auto kept = std::make_shared<Kept>();
    router.add({"GET", url + "*", Role::kReader, [&services](Call call) { return others(services, std::move(call)); }});
    for (const auto& command : commands()) {
        auto names = command.aliases;
        names.insert(names.begin(), command.name);
        for (const auto* name : names) {
            router.add(
                {"GET", fmt::format("{}/{}", url, name), command.changes ? Role::kOperator : Role::kReader,
                 [&services, kept, &command](Call call) { return run(services, *kept, command, std::move(call)); }});
        }
    }
}

}  // namespace zabd::server::admin
