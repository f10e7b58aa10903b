#include "server/command_line.hpp"

#include "server/config_settings.hpp"
#include "server/version.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <filesystem>

namespace zabd::server {
namespace {

constexpr auto kAbout =
    "A coordination service that speaks ZooKeeper's protocol.\n"
    "Without a configuration file: a standalone server on 127.0.0.1:2181 with its data in ./zabd-data.";

constexpr auto kExitCodes =
    "Exit codes:\n"
    "  0  stopped as asked (SIGTERM, SIGINT), or --help, --version\n"
    "  1  unexpected error, such as a port that is in use\n"
    "  2  bad arguments or configuration\n"
    "  3  the data directory cannot be used: no access, damage, or in use by another process";

/// What the command line says; it wins over the file.
struct Arguments {
    std::string file;
    Overrides overrides;
    std::string log_level = "info";
    bool check = false;
    ImportOptions import;
    ExportOptions export_;
};

void declare(CLI::App& app, Arguments& arguments) {
    app.add_option("zoo.cfg", arguments.file, "ZooKeeper's configuration file");
    app.add_option("-p,--port", arguments.overrides.client_port, "Client port (0: any that is free)");
    app.add_option("-a,--address", arguments.overrides.client_address,
                   "Address to listen on (0.0.0.0: all of IPv4; '': all)");
    app.add_option("-d,--data-dir", arguments.overrides.data_dir, "Directory of checkpoint and log");
    app.add_option("-l,--log-level", arguments.log_level, "What is logged to standard error")
        ->check(CLI::IsMember({"debug", "info", "warn", "error", "off"}))
        ->capture_default_str();
    app.add_flag("--check", arguments.check, "Says whether this configuration can be served, and ends");
    app.set_version_flag("-v,--version", "zabd " + zabd_version_text());
    app.footer(kExitCodes);
}

/// What makes a directory of another one, and ends.
void declare_conversions(CLI::App& app, Arguments& arguments) {
    app.require_subcommand(0, 1);
    auto* import = app.add_subcommand("import", "Makes zabd's data directory from one of Apache ZooKeeper");
    import->add_option("--from", arguments.import.from, "dataDir of ZooKeeper, which does not run")->required();
    import->add_option("--log-from", arguments.import.log_from, "Its dataLogDir, if it has one");
    import->add_option("--to", arguments.import.to, "dataDir for zabd: empty, or not there yet")->required();
    import->add_flag("!--ignore-digests", arguments.import.digests_must_fit,
                     "Take a tree whose digest is not the one that ZooKeeper logged");
    auto* export_ = app.add_subcommand("export", "Makes a data directory for Apache ZooKeeper from zabd's");
    export_->add_option("--from", arguments.export_.from, "dataDir of zabd, which does not run")->required();
    export_->add_option("--log-from", arguments.export_.log_from, "Its dataLogDir, if it has one");
    export_->add_option("--to", arguments.export_.to, "dataDir for ZooKeeper: empty, or not there yet")->required();
}

/// Of a server that nobody has configured: what a person or a client asks first is answered (kazoo reads its version from
/// envi). It listens on loopback only.
Config embedded_config(const Overrides& overrides) {
    Config config;
    config.client_port = overrides.client_port.value_or(config.client_port);
    config.client_address = overrides.client_address.value_or(config.client_address);
    config.data_dir = config.log_dir = overrides.data_dir.value_or(config.data_dir);
    config.words = {"ruok", "srvr", "stat", "mntr", "conf", "envi", "isro"};
    config.settings = settings_of(config, {}, overrides);
    return config;
}

Result<Config> config_of(const Arguments& arguments) {
    auto config = arguments.file.empty() ? Result<Config>(embedded_config(arguments.overrides))
                                         : read_config(arguments.file, arguments.overrides);
    if (config) config->log_level = arguments.log_level;
    return config;
}

std::string shown_address(const Config& config) {
    const bool any =
        config.client_address.empty() || config.client_address == "0.0.0.0" || config.client_address == "::";
    return any ? "127.0.0.1" : config.client_address;
}

}  // namespace

Result<Command> parse_command_line(int argument_count, const char* const* arguments) {
    Arguments parsed;
    CLI::App app{kAbout, "zabd"};
    declare(app, parsed);
    declare_conversions(app, parsed);
    try {
        app.parse(argument_count, arguments);
    } catch (const CLI::CallForVersion& version) {
        return Command{.config = {}, .answer = std::string(version.what()) + "\n"};
    } catch (const CLI::CallForHelp&) {
        const auto chosen = app.get_subcommands();
        return Command{.config = {}, .answer = chosen.empty() ? app.help() : chosen.front()->help()};
    } catch (const CLI::ParseError& error) {
        return failure(Errc::kBadConfig, std::string(error.what()) + " (zabd --help tells what there is)");
    }
    if (app.got_subcommand("import")) return Command{.config = {}, .answer = {}, .conversion = parsed.import};
    if (app.got_subcommand("export")) return Command{.config = {}, .answer = {}, .conversion = parsed.export_};
    auto config = config_of(parsed);
    if (!config) return std::unexpected(config.error());
    return Command{.config = std::move(*config), .answer = parsed.check ? "zabd serves this configuration\n" : ""};
}

std::string greeting(const Config& config, std::uint16_t port, std::string_view admin_url) {
    const auto where = fmt::format("{}:{}", config.client_address.empty() ? "*" : config.client_address, port);
    const auto data = std::filesystem::absolute(config.data_dir).lexically_normal().string();
    auto text = fmt::format("zabd {} listens on {}, its data are in {}\n", zabd_version(), where, data);
    if (!admin_url.empty()) text += fmt::format("Its page is at {}\n", admin_url);
    if (!config.file.empty()) return text;
    const auto address = shown_address(config);
    text += fmt::format(
        "Try it from another terminal:\n"
        "  echo srvr | nc {0} {1}\n"
        "  python3 -c 'from kazoo.client import KazooClient as Z; z = Z(\"{0}:{1}\"); z.start(); "
        "print(z.create(\"/hello\", b\"world\"))'\n"
        "Ctrl-C stops it.\n",
        address, port);
    return text;
}

}  // namespace zabd::server
