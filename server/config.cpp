#include "server/config.hpp"

#include "server/config_keys.hpp"
#include "server/printable.hpp"
#include "server/properties.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

namespace zabd::server {
namespace {

constexpr milliseconds kTickOfFiles{3000};  // ZooKeeper's default; without a file it is Config's
constexpr int kTicksPerSessionMin = 2;
constexpr int kTicksPerSessionMax = 20;

std::string shown(const Property& property, bool secret) {
    return fmt::format("{}={}", printable(property.key), secret ? "***" : printable(property.value));
}

Result<void> apply(const Property& property, const std::string& name, ConfigDraft& draft) {
    const auto place = fmt::format("{}:{}: ", name, property.line);
    const auto* key = find_config_key(property.key);
    if (key == nullptr) {
        draft.config.warnings.push_back(place + printable(property.key) +
                                        " is no key that zabd knows: it has no effect");
        return {};
    }
    if (key->apply == nullptr) {
        draft.config.warnings.push_back(
            fmt::format("{}{} has no effect: it {}", place, printable(property.key), key->why_not));
        return {};
    }
    const auto outcome = key->apply(draft, property.value);
    const auto text = place + shown(property, outcome.secret) + " " + outcome.text;
    if (outcome.kind == KeyOutcome::Kind::kError) return failure(Errc::kBadConfig, text);
    if (outcome.kind == KeyOutcome::Kind::kWarning) draft.config.warnings.push_back(text);
    return {};
}

/// Keys given twice: the last one counts.
std::vector<Property> last_of_each(const std::vector<Property>& properties) {
    std::vector<Property> last;
    for (auto one = properties.rbegin(); one != properties.rend(); ++one) {
        const bool repeated = std::any_of(last.begin(), last.end(), [&](auto& other) { return other.key == one->key; });
        if (!repeated) last.push_back(*one);
    }
    return {last.rbegin(), last.rend()};
}

Result<void> judge_servers(const std::string& name, ConfigDraft& draft) {
    if (draft.voters + draft.observers == 0) return {};
    if (draft.voters == 0) return failure(Errc::kBadConfig, name + ": observers without a participant");
    if (draft.voters + draft.observers > 1) {
        return failure(Errc::kBadConfig,
                       fmt::format("{}: {} servers are an ensemble, and zabd is standalone as yet: name one or none",
                                   name, draft.voters + draft.observers));
    }
    draft.config.warnings.push_back(name + ": one server is no ensemble: standalone");
    if (!draft.port) draft.port = draft.port_of_server;
    return {};
}

Result<void> fill_in_timeouts(const std::string& name, ConfigDraft& draft) {
    auto& config = draft.config;
    config.session_timeout_min = draft.session_timeout_min.value_or(config.tick * kTicksPerSessionMin);
    config.session_timeout_max = draft.session_timeout_max.value_or(config.tick * kTicksPerSessionMax);
    if (config.session_timeout_min <= config.session_timeout_max) return {};
    return failure(Errc::kBadConfig,
                   fmt::format("{}: minSessionTimeout={} is more than maxSessionTimeout={}", name,
                               config.session_timeout_min.count(), config.session_timeout_max.count()));
}

Result<Config> finish(const std::string& name, ConfigDraft draft) {
    auto& config = draft.config;
    if (!draft.has_data_dir) return failure(Errc::kBadConfig, name + ": dataDir is missing");
    if (!draft.has_log_dir) config.log_dir = config.data_dir;
    config.txn_bytes_extra = draft.txn_bytes_extra.value_or(config.frame_bytes_max);
    if (const auto servers = judge_servers(name, draft); !servers) return std::unexpected(servers.error());
    if (!draft.port) return failure(Errc::kBadConfig, name + ": clientPort is missing");
    config.client_port = *draft.port;
    if (const auto timeouts = fill_in_timeouts(name, draft); !timeouts) return std::unexpected(timeouts.error());
    if (draft.enforce_auth && config.enforced_schemes.empty()) {
        return failure(Errc::kBadConfig, name + ": enforce.auth.enabled=true needs enforce.auth.schemes");
    }
    if (!draft.enforce_auth) config.enforced_schemes.clear();
    return config;
}

}  // namespace

Result<Config> parse_config(std::string_view text, const std::string& name) {
    const auto properties = parse_properties(text, name);
    if (!properties) return std::unexpected(properties.error());
    ConfigDraft draft;
    draft.config.client_address.clear();
    draft.config.tick = kTickOfFiles;
    for (const auto& property : last_of_each(*properties)) {
        if (auto applied = apply(property, name, draft); !applied) return std::unexpected(applied.error());
    }
    return finish(name, std::move(draft));
}

Result<Config> read_config(const std::filesystem::path& file) {
    std::ifstream stream{file};
    std::ostringstream text;
    if (stream) text << stream.rdbuf();
    if (!stream || std::filesystem::is_directory(file)) {
        return failure(Errc::kBadConfig, file.string() + ": cannot be read: " + std::strerror(errno));
    }
    auto config = parse_config(text.str(), file.filename().string());
    if (config) config->file = file;
    return config;
}

}  // namespace zabd::server
