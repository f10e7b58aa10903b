#include "server/config.hpp"

#include "server/config_keys.hpp"
#include "server/config_keys_seeing.hpp"
#include "server/config_settings.hpp"
#include "server/printable.hpp"
#include "server/properties.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <limits>
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

std::string_view key_suffix(const ConfigKey& key, std::string_view name) {
    const auto prefix = key.name.substr(0, key.name.find('*'));
    return name.substr(name.find(prefix) + prefix.size());
}

std::string_view bare_key(std::string_view key) {
    static constexpr std::string_view kPrefix = "zookeeper.";
    return key.starts_with(kPrefix) ? key.substr(kPrefix.size()) : key;
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
    draft.suffix = key_suffix(*key, property.key);
    const auto outcome = key->apply(draft, property.value);
    const auto text = place + shown(property, outcome.secret) + " " + outcome.text;
    if (outcome.kind == KeyOutcome::Kind::kError) return failure(Errc::kBadConfig, text);
    if (outcome.kind == KeyOutcome::Kind::kWarning) draft.config.warnings.push_back(text);
    draft.given.insert_or_assign(std::string(bare_key(property.key)),
                                 GivenValue{.value = outcome.secret ? "***" : property.value,
                                            .place = fmt::format("{}:{}", name, property.line)});
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

/// The first line of DIR/myid.
Result<ServerId> read_own_number(const std::filesystem::path& data_dir) {
    const auto file = data_dir / "myid";
    std::ifstream stream{file};
    std::string line;
    if (!stream || !std::getline(stream, line)) {
        return failure(
            Errc::kBadConfig,
            file.string() + ": cannot be read; it holds the number of this server, the N of its server.N line");
    }
    line.erase(line.find_last_not_of(" \t\r") + 1);
    int number = 0;
    const auto [stopped, code] = std::from_chars(line.data(), line.data() + line.size(), number);
    const bool whole = code == std::errc() && stopped == line.data() + line.size();
    if (!whole || number < kServerNumberMin || number > kServerNumberMax) {
        return failure(Errc::kBadConfig, fmt::format("{}: '{}' is not a number from {} to {}", file.string(),
                                                     printable(line), kServerNumberMin, kServerNumberMax));
    }
    return ServerId{static_cast<std::uint8_t>(number)};
}

/// One participant is a standalone server, unless observers shall follow it.
bool is_ensemble(const ConfigDraft& draft) { return draft.ensemble.servers.size() > 1; }

Result<void> check_servers(const std::string& name, ConfigDraft& draft) {
    const auto voters = draft.ensemble.voters().size();
    const auto observers = draft.ensemble.observers().size();
    if (voters == 0) return failure(Errc::kBadConfig, name + ": observers without a participant");
    if (voters == 1 && observers != 0 && draft.standalone_enabled) {
        return failure(Errc::kBadConfig, name + ": one participant with observers needs standaloneEnabled=false");
    }
    if (!is_ensemble(draft)) {
        draft.config.warnings.push_back(name + ": one server is no ensemble: standalone");
        return {};
    }
    for (const auto& [key, limit] : {std::pair{"initLimit", draft.init_limit}, {"syncLimit", draft.sync_limit}}) {
        if (limit == 0)
            return failure(Errc::kBadConfig, fmt::format("{}: {} is missing: an ensemble needs it", name, key));
    }
    if (voters % 2 == 0) {
        draft.config.warnings.push_back(fmt::format(
            "{}: {} participants survive the loss of no more of them than {} do", name, voters, voters - 1));
    }
    return {};
}

/// The client part of the own line, and what contradicts it.
Result<void> settle_client_port(const std::string& name, const EnsembleServer& own, ConfigDraft& draft) {
    if (!own.client) return {};
    if (draft.port && *draft.port != own.client->port) {
        return failure(Errc::kBadConfig, fmt::format("{}: clientPort={} is not the {} of the own server line", name,
                                                     *draft.port, own.client->port));
    }
    draft.port = own.client->port;
    if (!draft.has_address) draft.config.client_address = own.client->host;
    return {};
}

Result<void> form_ensemble(const std::string& name, ConfigDraft& draft) {
    const auto self = read_own_number(draft.config.data_dir);
    if (!self) return std::unexpected(self.error());
    const auto own = draft.ensemble.servers.find(*self);
    if (own == draft.ensemble.servers.end()) {
        return failure(Errc::kBadConfig,
                       fmt::format("{}: {} is not among the servers of {}", (draft.config.data_dir / "myid").string(),
                                   static_cast<int>(*self), name));
    }
    auto membership = membership_of(draft.ensemble);
    if (!membership) return failure(Errc::kBadConfig, name + ": " + membership.error().where);
    if (draft.peer_type_observer && *draft.peer_type_observer != own->second.observer) {
        draft.config.warnings.push_back(name + ": peerType disagrees with the own server line, which counts");
    }
    if (auto settled = settle_client_port(name, own->second, draft); !settled) return settled;
    draft.config.ensemble = Ensemble{.self = *self,
                                     .servers = draft.ensemble.servers,
                                     .membership = std::move(*membership),
                                     .config_text = config_text_of(draft.ensemble),
                                     .init_limit = draft.init_limit,
                                     .sync_limit = draft.sync_limit,
                                     .listen_on_all_ips = draft.listen_on_all_ips};
    return {};
}

Result<void> judge_servers(const std::string& name, ConfigDraft& draft) {
    if (draft.ensemble.servers.empty()) {
        const bool stray = !draft.ensemble.groups.empty() || !draft.ensemble.weights.empty();
        if (stray) return failure(Errc::kBadConfig, name + ": groups and weights without servers");
        if (!draft.peer_type_observer.value_or(false)) return {};
        return failure(Errc::kBadConfig, name + ": peerType=observer without an ensemble to observe");
    }
    if (auto checked = check_servers(name, draft); !checked) return checked;
    if (is_ensemble(draft)) return form_ensemble(name, draft);
    const auto& only = draft.ensemble.servers.begin()->second;
    if (!draft.port && only.client) draft.port = only.client->port;
    return {};
}

Result<void> fill_in_timeouts(const std::string& name, ConfigDraft& draft) {
    auto& config = draft.config;
    // What the protocol can say; a minSessionTimeout of 0 asks for no bound.
    const auto possible = [](milliseconds timeout) {
        return std::clamp(timeout, milliseconds{1}, milliseconds{std::numeric_limits<std::int32_t>::max()});
    };
    config.session_timeout_min = possible(draft.session_timeout_min.value_or(config.tick * kTicksPerSessionMin));
    config.session_timeout_max = possible(draft.session_timeout_max.value_or(config.tick * kTicksPerSessionMax));
    if (config.session_timeout_min <= config.session_timeout_max) return {};
    return failure(Errc::kBadConfig,
                   fmt::format("{}: minSessionTimeout={} is more than maxSessionTimeout={}", name,
                               config.session_timeout_min.count(), config.session_timeout_max.count()));
}

Result<Config> finish(const std::string& name, ConfigDraft draft, const Overrides& overrides) {
    auto& config = draft.config;
    if (!draft.has_data_dir) return failure(Errc::kBadConfig, name + ": dataDir is missing");
    if (!draft.has_log_dir) config.log_dir = config.data_dir;
    if (overrides.data_dir) config.data_dir = config.log_dir = *overrides.data_dir;
    config.hold_max = draft.hold_max.value_or(config.tick);
    config.txn_bytes_extra = draft.txn_bytes_extra.value_or(config.frame_bytes_max);
    if (const auto servers = judge_servers(name, draft); !servers) return std::unexpected(servers.error());
    if (!draft.port) return failure(Errc::kBadConfig, name + ": clientPort is missing");
    config.client_port = overrides.client_port.value_or(*draft.port);
    if (overrides.client_address) config.client_address = *overrides.client_address;
    if (const auto timeouts = fill_in_timeouts(name, draft); !timeouts) return std::unexpected(timeouts.error());
    if (draft.enforce_auth && config.enforced_schemes.empty()) {
        return failure(Errc::kBadConfig, name + ": enforce.auth.enabled=true needs enforce.auth.schemes");
    }
    if (!draft.enforce_auth) config.enforced_schemes.clear();
    if (const auto judged = judge_admin(name, draft); !judged) return std::unexpected(judged.error());
    config.settings = settings_of(config, draft.given, overrides);
    return config;
}

}  // namespace

Result<Config> parse_config(std::string_view text, const std::string& name, const Overrides& overrides) {
    const auto properties = parse_properties(text, name);
    if (!properties) return std::unexpected(properties.error());
    ConfigDraft draft;
    draft.config.client_address.clear();
    draft.config.tick = kTickOfFiles;
    for (const auto& property : last_of_each(*properties)) {
        if (auto applied = apply(property, name, draft); !applied) return std::unexpected(applied.error());
    }
    return finish(name, std::move(draft), overrides);
}

Result<Config> read_config(const std::filesystem::path& file, const Overrides& overrides) {
    std::ifstream stream{file};
    std::ostringstream text;
    if (stream) text << stream.rdbuf();
    if (!stream || std::filesystem::is_directory(file)) {
        return failure(Errc::kBadConfig, file.string() + ": cannot be read: " + std::strerror(errno));
    }
    auto config = parse_config(text.str(), file.filename().string(), overrides);
    if (config) config->file = file;
    return config;
}

}  // namespace zabd::server
