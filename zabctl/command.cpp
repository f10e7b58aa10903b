#include "zabctl/command.hpp"

namespace zabd::zabctl {

const std::vector<CommandFamily>& command_families() {
    static const std::vector<CommandFamily> kFamilies{
        read_commands(),     write_commands(),    acl_commands(),  watch_commands(), quota_commands(),
        transfer_commands(), ensemble_commands(), lock_commands(), bench_commands(), shell_commands(),
    };
    return kFamilies;
}

CLI::Option* path_argument(CLI::App& app, std::string& path) { return optional_path_argument(app, path)->required(); }

CLI::Option* optional_path_argument(CLI::App& app, std::string& path) {
    return app.add_option("path", path, "Of the node")->type_name(kPathType);
}

CLI::Option* version_option(CLI::App& app, std::int32_t& version) {
    return app.add_option("-v,--version", version, "Only if the node has this version; -1 is any")->type_name("N");
}

CLI::Option* stat_flag(CLI::App& app, bool& with_stat) {
    return app.add_flag("-s,--stat", with_stat, "Show the node's stat, too");
}

CLI::Option* watch_flag(CLI::App& app, bool& watch) {
    return app.add_flag("-w,--watch", watch, "Watch the node; outside of the shell, wait for the event");
}

}  // namespace zabd::zabctl
