#include "server/command_line.hpp"

#include "server/version.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <variant>
#include <vector>

using namespace zabd;
using namespace zabd::server;

namespace {

Result<Command> parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "zabd");
    return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

}  // namespace

TEST_CASE("without arguments there is the embedded default", "[server][command_line]") {
    const auto command = parse({});
    REQUIRE(command);
    CHECK(command->answer.empty());
    CHECK(command->config.client_address == "127.0.0.1");
    CHECK(command->config.client_port == 2181);
    CHECK(command->config.data_dir == "zabd-data");
    CHECK(command->config.words.contains("envi"));
    CHECK_FALSE(command->config.words.contains("dump"));
}

TEST_CASE("the command line wins over the file", "[server][command_line]") {
    const auto file = std::filesystem::temp_directory_path() / "zabd-command-line-test.cfg";
    std::ofstream{file} << "dataDir=/a\ndataLogDir=/b\nclientPort=1\n";
    const auto command =
        parse({file.c_str(), "--port", "0", "--data-dir=/c", "--address", "::1", "--log-level", "debug"});
    std::filesystem::remove(file);
    REQUIRE(command);
    CHECK(command->config.file == file);
    CHECK(command->config.client_port == 0);
    CHECK(command->config.client_address == "::1");
    CHECK(command->config.data_dir == "/c");
    CHECK(command->config.log_dir == "/c");
    CHECK(command->config.log_level == "debug");
    CHECK(command->config.words == std::set<std::string>{"srvr"});
}

TEST_CASE("a configuration can be asked for without serving it", "[server][command_line]") {
    CHECK(parse({"--check", "--data-dir", "/tmp/x"})->answer == "zabd serves this configuration\n");
    CHECK_FALSE(parse({"--check", "/nowhere/zoo.cfg"}));
}

TEST_CASE("help and version are answers", "[server][command_line]") {
    CHECK(parse({"--version"})->answer == "zabd " + zabd_version_text() + "\n");
    const auto help = parse({"--help"})->answer;
    for (const auto* part : {"zoo.cfg", "--port", "--data-dir", "--log-level", "Exit codes:"}) {
        CAPTURE(part);
        CHECK(help.find(part) != std::string::npos);
    }
}

TEST_CASE("bad arguments are errors", "[server][command_line]") {
    const auto arguments = GENERATE(values<std::vector<const char*>>({
        {"--no-such-option"},
        {"--port", "70000"},
        {"--port", "x"},
        {"--log-level", "loud"},
        {"/no/such/zoo.cfg"},
        {"one.cfg", "two.cfg"},
    }));
    CAPTURE(arguments.front());
    const auto command = parse(arguments);
    REQUIRE_FALSE(command);
    CHECK(command.error().code == Errc::kBadConfig);
    CHECK_FALSE(command.error().where.empty());
}

TEST_CASE("the greeting says where it listens, where its data are and how to try it", "[server][command_line]") {
    Config config;
    config.data_dir = "/var/lib/zabd";
    const auto text = greeting(config, 4711);
    for (const auto* part : {"127.0.0.1:4711", "/var/lib/zabd", "echo srvr | nc 127.0.0.1 4711", "kazoo"}) {
        CAPTURE(part);
        CHECK(text.find(part) != std::string::npos);
    }
    config.file = "zoo.cfg";
    CHECK(greeting(config, 4711) ==
          "zabd " + std::string(zabd_version()) + " listens on 127.0.0.1:4711, its data are in /var/lib/zabd\n");
}

TEST_CASE("import and export are commands of their own", "[server][command_line]") {
    const auto import = parse({"import", "--from", "/java", "--log-from", "/logs", "--to", "/zabd"});
    REQUIRE(import);
    REQUIRE(std::holds_alternative<ImportOptions>(import->conversion));
    const auto& options = std::get<ImportOptions>(import->conversion);
    CHECK(options.from == "/java");
    CHECK(options.log_from == "/logs");
    CHECK(options.to == "/zabd");
    CHECK(options.digests_must_fit);
    const auto lenient = parse({"import", "--from", "/java", "--to", "/zabd", "--ignore-digests"});
    CHECK_FALSE(std::get<ImportOptions>(lenient->conversion).digests_must_fit);

    const auto exported = parse({"export", "--from", "/zabd", "--to", "/java"});
    REQUIRE(exported);
    CHECK(std::get<ExportOptions>(exported->conversion).from == "/zabd");
    CHECK(std::get<ExportOptions>(exported->conversion).to == "/java");
    CHECK(parse({})->conversion.index() == 0);
}

TEST_CASE("a command without its directories is refused, and says what it needs when asked", "[server][command_line]") {
    const std::string command = GENERATE("import", "export");
    CAPTURE(command);
    const auto refused = parse({command.c_str(), "--from", "/a"});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::kBadConfig);
    CHECK_THAT(refused.error().where, Catch::Contains("--to"));
    CHECK_THAT(parse({command.c_str(), "--help"})->answer, Catch::Contains("--log-from"));
}
