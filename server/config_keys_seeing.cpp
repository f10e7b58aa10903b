#include "server/config_keys_seeing.hpp"

#include "server/config_values.hpp"
#include "server/loopback.hpp"
#include "server/printable.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <utility>

namespace zabd::server {
namespace {

constexpr std::size_t kTokenBytesMin = 16;   // fewer can be found by trying
constexpr std::size_t kTokenBytesMax = 512;  // it has to fit into a request's head
constexpr std::size_t kSha1Base64Bytes = 28;
constexpr std::size_t kPasswordFileBytesMax = 4096;

constexpr std::string_view kHowToGetCredentials =
    "set zabd.admin.operatorToken, zabd.admin.readerToken, zabd.admin.operators or zabd.admin.readers";

/// What can stand behind "Authorization: Bearer".
bool is_token_byte(char c) { return c > ' ' && c < 0x7f; }

KeyOutcome set_token(std::string& token, std::string_view value) {
    if (!token.empty()) return error("is the second one: the token is given by its own key, or by a file, not by both");
    if (value.size() < kTokenBytesMin || value.size() > kTokenBytesMax) {
        return error(fmt::format("is not a token of {} to {} characters", kTokenBytesMin, kTokenBytesMax));
    }
    if (!std::ranges::all_of(value, is_token_byte)) {
        return error("is not a token: it has blanks, or characters that are not ASCII");
    }
    token = value;
    return fine();
}

bool readable_by_others(const std::filesystem::path& file) {
    std::error_code ignored;
    const auto mode = std::filesystem::status(file, ignored).permissions();
    return (mode & (std::filesystem::perms::group_read | std::filesystem::perms::others_read)) !=
           std::filesystem::perms::none;
}

/// The file's one line. What it holds is in no message.
KeyOutcome set_token_file(std::string& token, std::string_view value) {
    const std::filesystem::path file{value};
    std::ifstream stream{file};
    std::string text(kPasswordFileBytesMax, '\0');
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (!stream.is_open() || stream.bad()) return error("is a file that cannot be read");
    text.resize(static_cast<std::size_t>(stream.gcount()));
    text.erase(text.find_last_not_of(" \t\r\n") + 1);
    auto outcome = set_token(token, text);
    if (outcome.kind == KeyOutcome::Kind::kFine && readable_by_others(file)) {
        return warning("is a file that others than its owner can read");
    }
    return outcome;
}

bool is_base64(std::string_view text) {
    const auto body = text.substr(0, text.find('='));
    const auto padding = text.substr(body.size());
    return padding.size() <= 2 && padding.find_first_not_of('=') == std::string_view::npos &&
           std::ranges::all_of(body, [](unsigned char c) { return std::isalnum(c) != 0 || c == '+' || c == '/'; });
}

KeyOutcome set_users(std::vector<std::string>& users, std::string_view value) {
    users = comma_list(value);
    for (const auto& user : users) {
        const auto colon = user.rfind(':');
        const auto hash = colon == std::string::npos ? "" : user.substr(colon + 1);
        if (colon == 0 || hash.size() != kSha1Base64Bytes || !is_base64(hash)) {
            return error("is not a list of user:base64(SHA-1(user:password)) with commas between");
        }
    }
    return fine();
}

KeyOutcome set_file(std::filesystem::path& file, std::string_view value) {
    if (value.empty()) return error("names no file");
    file = value;
    return fine();
}

bool is_host_byte(unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_' || c == ':' || c == '[' || c == ']';
}

constexpr Range kPort{.max = 65535};

}  // namespace

// --- the HTTP endpoint -----------------------------------------------------------------------------------------------

KeyOutcome set_admin_enabled(ConfigDraft& draft, std::string_view value) {
    return with_flag(value, [&](bool yes) { draft.config.admin.enabled = yes; });
}

KeyOutcome set_admin_address(ConfigDraft& draft, std::string_view value) {
    draft.config.admin.address = value;
    return fine();
}

KeyOutcome set_admin_port(ConfigDraft& draft, std::string_view value) {
    draft.config.admin.port_given = true;
    return with_number(value, kPort, [&](std::int64_t p) { draft.config.admin.port = static_cast<std::uint16_t>(p); });
}

KeyOutcome set_admin_command_url(ConfigDraft& draft, std::string_view value) {
    const bool fit = value.size() > 1 && value.starts_with('/') && !value.ends_with('/') &&
                     std::ranges::all_of(value, [](char c) { return c == '/' || (c != '%' && is_host_byte(c)); });
    if (!fit) return error("is not a path such as /commands");
    for (const std::string_view taken : {"/api", "/ui", "/metrics", "/livez", "/readyz"}) {
        if (value == taken || (value.starts_with(taken) && value[taken.size()] == '/')) {
            return error("is a path that zabd needs itself");
        }
    }
    draft.config.admin.command_url = value;
    return fine();
}

KeyOutcome set_operator_token(ConfigDraft& draft, std::string_view value) {
    return secretly(set_token(draft.config.admin.operator_token, value));
}

KeyOutcome set_operator_token_file(ConfigDraft& draft, std::string_view value) {
    return set_token_file(draft.config.admin.operator_token, value);
}

KeyOutcome set_reader_token(ConfigDraft& draft, std::string_view value) {
    return secretly(set_token(draft.config.admin.reader_token, value));
}

KeyOutcome set_reader_token_file(ConfigDraft& draft, std::string_view value) {
    return set_token_file(draft.config.admin.reader_token, value);
}

KeyOutcome set_operators(ConfigDraft& draft, std::string_view value) {
    return secretly(set_users(draft.config.admin.operators, value));
}

KeyOutcome set_readers(ConfigDraft& draft, std::string_view value) {
    return secretly(set_users(draft.config.admin.readers, value));
}

KeyOutcome set_admin_hosts(ConfigDraft& draft, std::string_view value) {
    auto hosts = comma_list(value);
    for (auto& host : hosts) {
        if (!std::ranges::all_of(host, is_host_byte)) return error("is not a list of host names with commas between");
        std::ranges::transform(host, host.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    }
    draft.config.admin.hosts = std::move(hosts);
    return fine();
}

KeyOutcome set_admin_certificate(ConfigDraft& draft, std::string_view value) {
    return set_file(draft.config.admin.tls_certificate, value);
}

KeyOutcome set_admin_key(ConfigDraft& draft, std::string_view value) {
    return set_file(draft.config.admin.tls_key, value);
}

KeyOutcome set_admin_force_tls(ConfigDraft& draft, std::string_view value) {
    return with_flag(value, [&](bool yes) { draft.admin_tls_wanted = yes; });
}

KeyOutcome check_admin_port_unification(ConfigDraft&, std::string_view value) {
    if (!equal_but_for_case("true", value)) return fine();
    return warning("has no effect: the port speaks TLS if zabd.admin.tlsCertificate is set, else plain HTTP");
}

KeyOutcome check_admin_client_certificates(ConfigDraft&, std::string_view value) {
    if (!equal_but_for_case("true", value)) return fine();
    return error("asks for clients' certificates, which zabd does not have yet");
}

Result<void> judge_admin(const std::string& name, ConfigDraft& draft) {
    auto& admin = draft.config.admin;
    if (!admin.enabled) return {};
    const auto refuse = [&](std::string text) { return failure(Errc::kBadConfig, name + ": " + std::move(text)); };
    if (admin.tls_certificate.empty() != admin.tls_key.empty()) {
        return refuse("zabd.admin.tlsCertificate and zabd.admin.tlsKey need each other");
    }
    const bool tls = !admin.tls_key.empty();
    if (draft.admin_tls_wanted && !tls) {
        return refuse("admin.forceHttps=true needs zabd.admin.tlsCertificate and zabd.admin.tlsKey (PEM)");
    }
    if (!admin.operator_token.empty() && admin.operator_token == admin.reader_token) {
        return refuse("zabd.admin.operatorToken and zabd.admin.readerToken are the same: readers would be operators");
    }
    const auto& super = draft.config.super_digest;
    if (!super.empty() && std::ranges::find(admin.operators, super) == admin.operators.end()) {
        admin.operators.push_back(super);
    }
    if (is_loopback(admin.address)) return {};
    const auto shown = printable(admin.address);
    if (!admin.has_credentials()) {
        return refuse(fmt::format(
            "admin.serverAddress={} can be reached from other machines, but there are no credentials: {}; or listen on "
            "127.0.0.1",
            shown, kHowToGetCredentials));
    }
    if (!tls) {
        draft.config.warnings.push_back(fmt::format(
            "{}: admin.serverAddress={} without zabd.admin.tlsCertificate: credentials can be read on their way", name,
            shown));
    }
    return {};
}

// --- metrics ---------------------------------------------------------------------------------------------------------

KeyOutcome set_metrics_provider(ConfigDraft& draft, std::string_view value) {
    static constexpr std::string_view kPackage = "org.apache.zookeeper.metrics.";
    const auto name = value.starts_with(kPackage) ? value.substr(kPackage.size()) : std::string_view{};
    draft.config.metrics.enabled = name == "prometheus.PrometheusMetricsProvider";
    if (draft.config.metrics.enabled || name == "impl.DefaultMetricsProvider") return fine();
    if (name == "impl.NullMetricsProvider") return warning("has no effect: metrics are counted, always");
    return warning("is a class that zabd cannot load: it has no effect");
}

KeyOutcome set_metrics_address(ConfigDraft& draft, std::string_view value) {
    draft.config.metrics.address = value;
    return fine();
}

KeyOutcome set_metrics_port(ConfigDraft& draft, std::string_view value) {
    return with_number(value, kPort,
                       [&](std::int64_t p) { draft.config.metrics.port = static_cast<std::uint16_t>(p); });
}

// --- audit -----------------------------------------------------------------------------------------------------------

KeyOutcome set_audit(ConfigDraft& draft, std::string_view value) {
    return with_flag(value, [&](bool yes) { draft.config.audit.enabled = yes; });
}

KeyOutcome set_audit_file(ConfigDraft& draft, std::string_view value) {
    return set_file(draft.config.audit.file, value);
}

KeyOutcome set_audit_file_size(ConfigDraft& draft, std::string_view value) {
    const Range range{.min = 1, .max = 1 << 20, .unit = " of MiB"};
    return with_number(value, range, [&](std::int64_t mebibytes) {
        draft.config.audit.file_bytes_max = static_cast<std::size_t>(mebibytes) << 20;
    });
}

KeyOutcome set_audit_files(ConfigDraft& draft, std::string_view value) {
    const Range range{.max = 10'000, .unit = " of files"};
    return with_number(value, range,
                       [&](std::int64_t files) { draft.config.audit.files_max = static_cast<std::size_t>(files); });
}

}  // namespace zabd::server
