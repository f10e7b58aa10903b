// The writes that are commands by themselves and parts of a `multi` alike: what they take, stated once.
#pragma once

#include "client/multi.hpp"
#include "client/types.hpp"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace zabd::zabctl {

/// Data as an argument, or from a file ("-": standard input).
struct DataArgument {
    std::string data;
    std::string file;

    void declare(CLI::App& app);
    /// Throws Failure if the file cannot be read.
    [[nodiscard]] std::string read() const;
};

struct CreateOperation {
    std::string path;
    DataArgument data;
    std::string acl_words;
    bool sequential = false;
    bool ephemeral = false;
    bool container = false;
    std::int64_t ttl_ms = 0;

    void declare(CLI::App& app);
    /// `acl` keeps what the options point to. Throws Failure (kUsage) for an ACL that does not parse.
    [[nodiscard]] client::CreateOptions options(client::AclList& acl) const;
    void add_to(client::Multi& multi) const;
    [[nodiscard]] std::string told(const std::string& created) const { return "Created " + created; }
};

struct SetOperation {
    std::string path;
    DataArgument data;
    std::int32_t version = client::kAnyVersion;

    void declare(CLI::App& app);
    void add_to(client::Multi& multi) const;
    [[nodiscard]] std::string told(const std::string&) const { return "Set " + path; }
};

struct DeleteOperation {
    std::string path;
    std::int32_t version = client::kAnyVersion;

    void declare(CLI::App& app);
    void add_to(client::Multi& multi) const;
    [[nodiscard]] std::string told(const std::string&) const { return "Deleted " + path; }
};

struct CheckOperation {
    std::string path;
    std::int32_t version = client::kAnyVersion;

    void declare(CLI::App& app);
    void add_to(client::Multi& multi) const;
    [[nodiscard]] std::string told(const std::string&) const { return "Checked " + path; }
};

/// The whole of a file, or of standard input for "-". Throws Failure.
[[nodiscard]] std::string read_file(const std::string& name);

}  // namespace zabd::zabctl
