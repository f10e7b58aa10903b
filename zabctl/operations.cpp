#include "zabctl/operations.hpp"

#include "zabctl/acl_text.hpp"
#include "zabctl/command.hpp"
#include "zabctl/failure.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>

namespace zabd::zabctl {
namespace {

std::string read_all(std::istream& in) { return {std::istreambuf_iterator<char>(in), {}}; }

}  // namespace

void DataArgument::declare(CLI::App& app) {
    auto* argument = app.add_option("data", data, "Data; behind -- if it begins with a dash")->type_name("TEXT");
    app.add_option("-f,--file", file, "Take the data from a file; - is standard input")
        ->type_name("FILE")
        ->excludes(argument);
}

std::string DataArgument::read() const { return file.empty() ? data : read_file(file); }

void CreateOperation::declare(CLI::App& app) {
    path_argument(app, path);
    data.declare(app);
    app.add_option("acl", acl_words, "scheme:id:cdrwa,...; world:anyone:cdrwa unless given")->type_name("ACL");
    app.add_flag("-s,--sequential", sequential, "Append a number that only grows");
    auto* of_session = app.add_flag("-e,--ephemeral", ephemeral, "The node goes when the session ends");
    auto* of_children = app.add_flag("-c,--container", container, "The node goes when its last child has gone");
    of_children->excludes(of_session)->excludes("--sequential");
    app.add_option("-t,--ttl", ttl_ms, "The node goes when nobody has changed it for so many ms")
        ->type_name("MS")
        ->check(CLI::PositiveNumber)
        ->excludes(of_session)
        ->excludes(of_children);
}

client::CreateOptions CreateOperation::options(client::AclList& acl) const {
    using client::CreateMode;
    client::CreateOptions options;
    options.ttl = client::Millis(ttl_ms);
    options.mode = container    ? CreateMode::kContainer
                   : ephemeral  ? (sequential ? CreateMode::kEphemeralSequential : CreateMode::kEphemeral)
                   : ttl_ms > 0 ? (sequential ? CreateMode::kPersistentSequentialTtl : CreateMode::kPersistentTtl)
                   : sequential ? CreateMode::kPersistentSequential
                                : CreateMode::kPersistent;
    if (!acl_words.empty()) {
        acl = parse_acl(acl_words);
        options.acl = &acl;
    }
    return options;
}

void CreateOperation::add_to(client::Multi& multi) const {
    client::AclList acl;
    multi.create(path, data.read(), options(acl));
}

void SetOperation::declare(CLI::App& app) {
    path_argument(app, path);
    data.declare(app);
    version_option(app, version);
}

void SetOperation::add_to(client::Multi& multi) const { multi.set(path, data.read(), version); }

void DeleteOperation::declare(CLI::App& app) {
    path_argument(app, path);
    version_option(app, version);
}

void DeleteOperation::add_to(client::Multi& multi) const { multi.remove(path, version); }

void CheckOperation::declare(CLI::App& app) {
    path_argument(app, path);
    version_option(app, version);
}

void CheckOperation::add_to(client::Multi& multi) const { multi.check(path, version); }

std::string read_file(const std::string& name) {
    if (name == "-") return read_all(std::cin);
    std::ifstream file(name, std::ios::binary);
    if (!file) throw Failure(kFailed, fmt::format("cannot read {}: {}", name, std::strerror(errno)));
    return read_all(file);
}

}  // namespace zabd::zabctl
