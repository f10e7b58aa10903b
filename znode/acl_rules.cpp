#include "znode/acl_rules.hpp"

#include "wire/assert.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <set>

namespace zabd::znode {

namespace {

using wire::Acl;
using wire::AclList;
using wire::Id;

constexpr std::string_view kWorld = "world";
constexpr std::string_view kAnyone = "anyone";
constexpr std::string_view kAuth = "auth";
constexpr std::string_view kDigest = "digest";
constexpr std::string_view kIp = "ip";
constexpr std::string_view kSuper = "super";

// --- addresses -------------------------------------------------------------------------------------------------------

struct Address {
    std::array<std::uint8_t, 16> bytes{};
    std::size_t size = 4;  // 4 or 16

    [[nodiscard]] int bits() const { return static_cast<int>(size) * 8; }
};

/// All of `text` as a number of that base and range; nullopt otherwise. No sign, no spaces.
std::optional<int> number(std::string_view text, int base, int max) {
    int value = 0;
    if (text.empty() || text.front() == '-') return std::nullopt;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc() || end != text.data() + text.size() || value > max) return std::nullopt;
    return value;
}

std::optional<Address> parse_ipv4(std::string_view text) {
    Address address;
    for (std::size_t i = 0; i < 4; ++i) {
        const auto part = i < 3 ? text.substr(0, text.find('.')) : text;
        const auto value = number(part, 10, 255);
        if (!value || (i < 3 && part.size() == text.size())) return std::nullopt;
        address.bytes[i] = static_cast<std::uint8_t>(*value);
        if (i < 3) text.remove_prefix(part.size() + 1);
    }
    return address;
}

/// Groups of hexadecimal digits between colons, the last one perhaps a dotted quad; no "::" in it. False if that is not
/// what `text` is, or does not fit into 16 bytes.
bool append_groups(std::string_view text, std::array<std::uint8_t, 16>& bytes, std::size_t& used) {
    while (!text.empty()) {
        const auto colon = text.find(':');
        const auto group = text.substr(0, colon);
        if (const auto quad = parse_ipv4(group); quad && colon == std::string_view::npos) {
            if (used + 4 > bytes.size()) return false;
            std::copy_n(quad->bytes.begin(), 4, bytes.begin() + static_cast<std::ptrdiff_t>(used));
            used += 4;
            return true;
        }
        const auto value = group.size() <= 4 ? number(group, 16, 0xffff) : std::nullopt;
        if (!value || used + 2 > bytes.size()) return false;
        bytes[used++] = static_cast<std::uint8_t>(*value >> 8);
        bytes[used++] = static_cast<std::uint8_t>(*value & 0xff);
        if (colon == std::string_view::npos) return true;
        text.remove_prefix(colon + 1);
        if (text.empty()) return false;  // ends in a colon
    }
    return true;
}

bool ipv4_mapped(const std::array<std::uint8_t, 16>& bytes) {
    return std::all_of(bytes.begin(), bytes.begin() + 10, [](auto byte) { return byte == 0; }) && bytes[10] == 0xff &&
           bytes[11] == 0xff;
}

std::optional<Address> parse_ipv6(std::string_view text) {
    Address address{.size = 16};
    const auto gap = text.find("::");
    const auto head = text.substr(0, gap);
    if (gap != std::string_view::npos && head.find('.') != std::string_view::npos) return std::nullopt;
    std::size_t head_bytes = 0;
    if (!append_groups(head, address.bytes, head_bytes)) return std::nullopt;
    if (gap == std::string_view::npos) {
        if (head_bytes != address.size) return std::nullopt;
    } else {
        std::array<std::uint8_t, 16> tail{};
        std::size_t tail_bytes = 0;
        if (!append_groups(text.substr(gap + 2), tail, tail_bytes)) return std::nullopt;
        if (head_bytes + tail_bytes > 14) return std::nullopt;  // "::" stands for at least one group
        std::copy_n(tail.begin(), tail_bytes, address.bytes.end() - static_cast<std::ptrdiff_t>(tail_bytes));
    }
    if (!ipv4_mapped(address.bytes)) return address;
    Address mapped;
    std::copy_n(address.bytes.begin() + 12, 4, mapped.bytes.begin());
    return mapped;
}

std::optional<Address> parse_address(std::string_view text) {
    return text.find(':') == std::string_view::npos ? parse_ipv4(text) : parse_ipv6(text);
}

struct Network {
    Address address;
    int bits = 0;
};

std::optional<Network> parse_network(std::string_view text) {
    const auto slash = text.find('/');
    const auto address = parse_address(text.substr(0, slash));
    if (!address) return std::nullopt;
    if (slash == std::string_view::npos) return Network{*address, address->bits()};
    const auto bits = number(text.substr(slash + 1), 10, address->bits());
    return bits ? std::optional(Network{*address, *bits}) : std::nullopt;
}

bool contains(const Network& network, const Address& address) {
    if (network.address.size != address.size) return false;
    for (int i = 0; i < network.bits; i += 8) {
        const auto mask = network.bits - i >= 8 ? 0xff : 0xff & (0xff << (8 - (network.bits - i)));
        const auto at = static_cast<std::size_t>(i / 8);
        if ((network.address.bytes[at] ^ address.bytes[at]) & mask) return false;
    }
    return true;
}

// --- schemes ---------------------------------------------------------------------------------------------------------

bool same_secret(std::string_view left, std::string_view right) {
    return left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

/// `identity` without a scope ("fe80::1%eth0"), which says how we reach the client, not who it is.
bool matches_ip(std::string_view entry, std::string_view identity) {
    const auto network = parse_network(entry);
    const auto address = parse_address(identity.substr(0, identity.find('%')));
    return network && address && contains(*network, *address);
}

bool matches(const Id& entry, const Id& identity) {
    if (entry.scheme != identity.scheme) return false;
    if (entry.scheme == kDigest) return same_secret(entry.id, identity.id);
    return entry.scheme == kIp && matches_ip(entry.id, identity.id);
}

/// user:hash. ZooKeeper drops colons at the end before it counts the parts, and takes an empty user.
bool valid_digest(std::string_view id) {
    id = id.substr(0, id.find_last_not_of(':') + 1);
    return std::count(id.begin(), id.end(), ':') == 1;
}

bool valid_entry(const Id& id) {
    if (id.scheme == kWorld) return id.id == kAnyone;
    if (id.scheme == kDigest) return valid_digest(id.id);
    return id.scheme == kIp && parse_network(id.id);
}

/// Did the identity come from credentials, so that "auth" may stand for it?
bool authenticated(const Id& identity) { return identity.scheme == kDigest; }

/// Tells the second and further ones of equal entries. No nested loop: a list may have a hundred thousand entries.
class Repeats {
public:
    bool operator()(const Acl& entry) { return !seen_.insert(&entry).second; }

private:
    struct Less {
        bool operator()(const Acl* left, const Acl* right) const { return *left < *right; }
    };
    std::set<const Acl*, Less> seen_;
};

}  // namespace

bool allowed(const AclList& list, std::int32_t wanted, Identities who) {
    if (list.empty()) return true;
    if (std::any_of(who.begin(), who.end(), [](const Id& identity) { return identity.scheme == kSuper; })) return true;
    return std::any_of(list.begin(), list.end(), [&](const Acl& entry) {
        if ((entry.permissions & wanted) == 0) return false;
        if (entry.id.scheme == kWorld) return entry.id.id == kAnyone;
        return std::any_of(who.begin(), who.end(), [&](const Id& identity) { return matches(entry.id, identity); });
    });
}

std::optional<AclList> fixed_up(std::optional<AclList> list, Identities who) {
    if (!list || list->empty()) return std::nullopt;
    if (list->size() == 1 && list->front().id.scheme != kAuth)
        return valid_entry(list->front().id) ? std::move(list) : std::nullopt;
    AclList fixed;
    Repeats repeated;
    for (const auto& entry : *list) {
        if (list->size() > 1 && repeated(entry)) continue;
        if (entry.id.scheme == kAuth) {
            const auto before = fixed.size();
            for (const auto& identity : who)
                if (authenticated(identity)) fixed.push_back({entry.permissions, identity});
            if (fixed.size() == before) return std::nullopt;
        } else if (valid_entry(entry.id)) {
            fixed.push_back(entry);
        } else {
            return std::nullopt;
        }
        if (fixed.size() > kAclEntriesMax) return std::nullopt;
    }
    return fixed;
}

AclList redacted(const AclList& list) {
    AclList shown = list;
    for (auto& entry : shown) {
        const auto colon = entry.id.id.find(':');
        if (entry.id.scheme == kDigest && colon != std::string::npos)
            entry.id.id.replace(colon, std::string::npos, ":x");
    }
    return shown;
}

std::string digest_identity(std::string_view user_and_password) {
    constexpr std::size_t kSha1Bytes = 20;
    constexpr std::size_t kBase64Bytes = (kSha1Bytes + 2) / 3 * 4;
    std::array<unsigned char, kSha1Bytes> hash{};
    const auto hashed =
        EVP_Digest(user_and_password.data(), user_and_password.size(), hash.data(), nullptr, EVP_sha1(), nullptr);
    ZABD_ASSERT(hashed == 1);
    std::array<unsigned char, kBase64Bytes + 1> base64{};  // EVP_EncodeBlock ends it with NUL
    EVP_EncodeBlock(base64.data(), hash.data(), static_cast<int>(hash.size()));
    std::string identity(user_and_password.substr(0, user_and_password.find(':')));
    identity += ':';
    identity.append(reinterpret_cast<const char*>(base64.data()), kBase64Bytes);
    return identity;
}

}  // namespace zabd::znode
