#include "server/admin/access.hpp"

#include "server/admin/reply.hpp"
#include "server/config_values.hpp"
#include "server/loopback.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <utility>

namespace zabd::server::admin {
namespace {

using Sha256 = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

constexpr milliseconds kFirstDelay{50};
constexpr unsigned kDoublingsMax = 6;

Sha256 sha256(std::string_view text) {
    Sha256 hash{};
    ::SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), hash.data());
    return hash;
}

/// In the same time whatever they are. An empty `secret` is none, which nobody has.
bool same_secret(std::string_view secret, std::string_view offered) {
    const auto one = sha256(secret);
    const auto other = sha256(offered);
    const bool same = ::CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
    return same && !secret.empty();
}

/// All are compared, whichever fits.
bool among(const std::vector<std::string>& secrets, std::string_view offered) {
    bool found = false;
    for (const auto& secret : secrets) found |= same_secret(secret, offered);
    return found;
}

std::optional<std::string> base64_decoded(std::string_view text) {
    const auto padding = text.size() - text.substr(0, text.find('=')).size();
    const bool padded_at_end = text.substr(text.size() - padding).find_first_not_of('=') == text.npos;
    if (text.size() % 4 != 0 || text.empty() || padding > 2 || !padded_at_end) return std::nullopt;
    std::string bytes(text.size() / 4 * 3, '\0');
    const int size =
        ::EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                          reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
    if (size < 0) return std::nullopt;
    bytes.resize(static_cast<std::size_t>(size) - padding);
    return bytes;
}

/// "user:base64(SHA-1(user:password))", as ACLs and the configuration have it.
std::string digest_identity(std::string_view user_and_password) {
    std::array<unsigned char, SHA_DIGEST_LENGTH> hash{};
    ::SHA1(reinterpret_cast<const unsigned char*>(user_and_password.data()), user_and_password.size(), hash.data());
    std::array<unsigned char, (SHA_DIGEST_LENGTH + 2) / 3 * 4 + 1> text{};
    const int size = ::EVP_EncodeBlock(text.data(), hash.data(), static_cast<int>(hash.size()));
    std::string identity{user_and_password.substr(0, user_and_password.find(':') + 1)};
    return identity.append(reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(size));
}

struct Authority {
    std::string_view host;  // without brackets
    bool sound = false;
};

/// host, host:port, [v6] or [v6]:port.
Authority authority_of(std::string_view text) {
    std::string_view host, rest;
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end == text.npos) return {};
        host = text.substr(1, end - 1);
        rest = text.substr(end + 1);
    } else {
        host = text.substr(0, text.find(':'));
        rest = text.substr(host.size());
    }
    const bool port = rest.empty() || (rest.starts_with(':') && rest.find_first_not_of("0123456789", 1) == rest.npos);
    if (host.ends_with('.')) host.remove_suffix(1);
    return {.host = host, .sound = port && !host.empty()};
}

bool equal_hosts(std::string_view one, std::string_view other) {
    return std::ranges::equal(one, other,
                              [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
}

bool origin_is_ours(std::string_view origin, const net::HttpRequest& request) {
    const auto host = request.header("host");
    if (origin.starts_with("https://")) return equal_hosts(origin.substr(8), host);
    // A page of the same name without TLS may be anybody's who stands between.
    return !request.tls && origin.starts_with("http://") && equal_hosts(origin.substr(7), host);
}

bool is_json(std::string_view content_type) {
    auto type = content_type.substr(0, content_type.find(';'));
    while (type.ends_with(' ')) type.remove_suffix(1);
    return equal_but_for_case("application/json", type);
}

bool is_read(const net::HttpRequest& request) { return request.method == "GET" || request.method == "HEAD"; }

Refused refused(unsigned status, std::string_view code, std::string_view message) {
    return {.response = error_reply(status, code, message)};
}

Refused unauthorized(std::string_view message) {
    auto refusal = refused(401, "Unauthorized", message);
    refusal.response.headers.emplace_back("WWW-Authenticate", "Basic realm=\"zabd\", charset=\"UTF-8\"");
    return refusal;
}

Caller named(Role role, std::string user) {
    Caller caller;
    caller.role = role;
    caller.user = std::move(user);
    return caller;
}

/// What a write owes before it may be one.
std::optional<Refused> improper_write(const net::HttpRequest& request) {
    if (request.header("x-zabd-request") != "1") {
        return refused(403, "Forbidden", "a request that is not GET needs the header X-Zabd-Request: 1");
    }
    if (!request.body.empty() && !is_json(request.header("content-type"))) {
        return refused(415, "UnsupportedMediaType", "a body has to be Content-Type: application/json");
    }
    return std::nullopt;
}

}  // namespace

Access::Access(const Config& config)
    : config_(config.admin), super_digest_(config.super_digest), digest_identities_(config.digest_enabled) {
    // As the configuration's reader has done already; of one that was made by hand it is done here.
    if (!super_digest_.empty() && std::ranges::find(config_.operators, super_digest_) == config_.operators.end()) {
        config_.operators.push_back(super_digest_);
    }
}

bool Access::host_is_ours(std::string_view text) const {
    const auto [host, sound] = authority_of(text);
    if (!sound) return false;
    if (is_loopback(host)) return true;
    const bool all = config_.address.empty() || config_.address == "0.0.0.0" || config_.address == "::";
    if (all ? is_address(host) : equal_hosts(host, config_.address)) return true;
    return std::ranges::any_of(config_.hosts, [&, name = host](const std::string& ours) {
        const auto bare = authority_of(ours);
        return equal_hosts(bare.sound ? bare.host : std::string_view{ours}, name);
    });
}

std::optional<Refused> Access::turned_away(const net::HttpRequest& request) const {
    if (!host_is_ours(request.header("host"))) {
        return refused(421, "Misdirected", "this server does not know itself by that name: see zabd.admin.hosts");
    }
    const auto origin = request.header("origin");
    if (!origin.empty() && !origin_is_ours(origin, request)) {
        return refused(403, "Forbidden", "the request comes from a page of another origin");
    }
    const auto site = request.header("sec-fetch-site");
    if (!is_read(request) && !site.empty() && site != "same-origin" && site != "none") {
        return refused(403, "Forbidden", "the request comes from a page of another site");
    }
    return std::nullopt;
}

std::variant<Caller, Refused> Access::caller_of(const net::HttpRequest& request, Role needs, Instant now) {
    if (needs == Role::kNobody) return named(Role::kNobody, "anonymous");
    auto caller = named(Role::kReader, "anonymous");
    if (config_.has_credentials()) {
        const auto authorization = request.header("authorization");
        if (authorization.empty()) return unauthorized("this server asks for credentials");
        auto known = authenticated(authorization);
        if (!known) {
            auto refusal = unauthorized("these credentials are not right");
            refusal.delay = failed(request.remote_address, now);
            return refusal;
        }
        failures_.erase(request.remote_address);
        caller = std::move(*known);
    }
    if (caller.role < needs && !config_.has_credentials()) {
        return refused(403, "Forbidden",
                       "nobody may change anything, as there are no credentials: set zabd.admin.operatorToken, "
                       "zabd.admin.operatorTokenFile or zabd.admin.operators, and restart");
    }
    if (caller.role < needs) return refused(403, "Forbidden", "a reader may not do that: it needs an operator");
    if (!is_read(request)) {
        if (auto improper = improper_write(request)) return std::move(*improper);
    }
    return caller;
}

/// nullopt: not with these.
std::optional<Caller> Access::authenticated(std::string_view authorization) const {
    const auto blank = authorization.find(' ');
    const auto scheme = authorization.substr(0, blank);
    const auto given = blank == authorization.npos ? std::string_view{} : authorization.substr(blank + 1);
    if (equal_but_for_case("bearer", scheme)) {
        const bool is_operator = same_secret(config_.operator_token, given);
        const bool is_reader = same_secret(config_.reader_token, given);
        if (is_operator) return named(Role::kOperator, "token:operator");
        if (is_reader) return named(Role::kReader, "token:reader");
        return std::nullopt;
    }
    if (!equal_but_for_case("basic", scheme)) return std::nullopt;
    const auto digest = base64_decoded(given);
    if (!digest || digest->find(':') == std::string::npos) return std::nullopt;
    const auto identity = digest_identity(*digest);
    const bool is_operator = among(config_.operators, identity);
    const bool is_reader = among(config_.readers, identity);
    if (!is_operator && !is_reader) return std::nullopt;
    return user_of(*digest, is_operator ? Role::kOperator : Role::kReader);
}

Caller Access::user_of(const std::string& digest, Role role) const {
    const auto identity = digest_identity(digest);
    auto caller = named(role, "digest:" + digest.substr(0, digest.find(':')));
    if (!digest_identities_) return caller;  // no client of ours has such an identity either
    caller.digest = digest;
    if (same_secret(super_digest_, identity)) caller.identities.push_back({"super", ""});
    caller.identities.push_back({"digest", identity});
    return caller;
}

milliseconds Access::failed(const std::string& address, Instant now) {
    std::erase_if(failures_, [&](const auto& entry) { return now - entry.second.last > kForgetAfter; });
    if (!failures_.contains(address) && failures_.size() >= kAddressesMax) {
        failures_.erase(std::ranges::min_element(failures_, {}, [](const auto& entry) { return entry.second.last; }));
    }
    auto& failures = failures_[address];
    failures.last = now;
    const auto doublings = std::min(failures.count++, kDoublingsMax);
    return std::min(kFirstDelay * (1u << doublings), kDelayMax);
}

}  // namespace zabd::server::admin
