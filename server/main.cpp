#include "server/admin/admin.hpp"
#include "server/command_line.hpp"
#include "server/config.hpp"
#include "server/export.hpp"
#include "server/import.hpp"
#include "server/runtime.hpp"
#include "server/version.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <variant>

namespace {

using namespace zabd;
using namespace zabd::server;

void set_up_log(const std::string& level) {
    spdlog::set_default_logger(spdlog::stderr_color_mt("zabd"));
    spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v");
    spdlog::set_level(spdlog::level::from_str(level));
}

int fail(const Error& error, int code) {
    spdlog::error("{}", error.where);
    return code;
}

int tell(const auto& report) {
    if (report) return std::fputs(text_of(*report).c_str(), stdout), kExitNormal;
    return fail(report.error(), report.error().code == Errc::kBadConfig ? kExitBadConfig : kExitNoData);
}

int serve(int argument_count, const char* const* arguments) {
    set_up_log("info");
    const auto command = parse_command_line(argument_count, arguments);
    if (!command) return fail(command.error(), kExitBadConfig);
    if (!command->answer.empty()) return std::fputs(command->answer.c_str(), stdout), kExitNormal;
    if (const auto* import = std::get_if<ImportOptions>(&command->conversion)) return tell(import_zookeeper(*import));
    if (const auto* export_ = std::get_if<ExportOptions>(&command->conversion)) return tell(export_zookeeper(*export_));
    spdlog::set_level(spdlog::level::from_str(command->config.log_level));
    auto runtime = Runtime::open(command->config);
    if (!runtime) {
        return fail(runtime.error(), runtime.error().code == Errc::kBadConfig ? kExitBadConfig : kExitNoData);
    }
    const auto admin = admin::Admin::open(command->config, (*runtime)->desk());
    if (!admin) {
        return fail(admin.error(), admin.error().code == Errc::kBadConfig ? kExitBadConfig : kExitUnexpected);
    }
    if (const auto listening = (*runtime)->listen(); !listening) return fail(listening.error(), kExitUnexpected);
    (*runtime)->tell((*admin)->witness());
    (*admin)->start((*runtime)->port());
    std::fputs(greeting(command->config, (*runtime)->port(), (*admin)->url()).c_str(), stdout);
    std::fflush(stdout);
    (*runtime)->run();
    return kExitNormal;
}

}  // namespace

int main(int argument_count, char** arguments) {
    std::signal(SIGPIPE, SIG_IGN);  // a reader of our output that goes away must not end the service
    try {
        return serve(argument_count, arguments);
    } catch (const std::exception& exception) {
        return fail({Errc::kIo, exception.what()}, kExitUnexpected);
    }
}
