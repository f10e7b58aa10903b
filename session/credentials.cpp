#include "session/credentials.hpp"

#include "wire/assert.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cstdint>
#include <string>

namespace zabd::session {
namespace {

/// Marks a container where a znode's owner is told, so no session may bear it.
constexpr std::uint64_t kContainerMarker = std::uint64_t{1} << 63;

constexpr std::uint64_t kBelowServer = (std::uint64_t{1} << 56) - 1;

std::uint64_t first_of(ServerId server, WallTime start) {
    const auto ms = static_cast<std::uint64_t>(start);
    return (static_cast<std::uint64_t>(server) << 56) | ((ms << 24) >> 8);
}

/// The id itself, or the next that a session may bear.
SessionId past_marker(std::uint64_t id) {
    return static_cast<SessionId>(id == 0 || id == kContainerMarker ? id + 1 : id);
}

std::uint64_t after(SessionId session) {
    const auto id = static_cast<std::uint64_t>(session) + 1;
    ZABD_ASSERT(id != 0);
    return id;
}

std::uint64_t server_of(SessionId session) { return static_cast<std::uint64_t>(session) >> 56; }

bool same(const wire::Password& expected, std::string_view given) {
    // A password of another length is cut or padded to ours, and refused after the comparison.
    wire::Password fitted{};
    std::copy_n(given.begin(), std::min(given.size(), fitted.size()), fitted.begin());
    const bool equal = CRYPTO_memcmp(fitted.data(), expected.data(), expected.size()) == 0;
    return equal && given.size() == expected.size();
}

}  // namespace

IdSource::IdSource(ServerId server, WallTime start) : next_(past_marker(first_of(server, start))) {}

void IdSource::skip(SessionId used) {
    if (server_of(used) != server_of(next_)) return;
    next_ = past_marker(std::max(static_cast<std::uint64_t>(next_), after(used)));
}

void IdSource::follow(Zxid last) {
    const auto id = (server_of(next_) << 56) | (last.value & kBelowServer);
    next_ = past_marker(std::max(static_cast<std::uint64_t>(next_), id + 1));
}

SessionId IdSource::next() {
    const auto given = next_;
    next_ = past_marker(after(given));
    return given;
}

wire::Password Credentials::password(SessionId session) const {
    const auto message = wire::encoded(session);
    std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
    unsigned hash_bytes = 0;
    const auto* done =
        HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()),
             reinterpret_cast<const unsigned char*>(message.data()), message.size(), hash.data(), &hash_bytes);
    ZABD_ASSERT(done != nullptr);
    ZABD_ASSERT(hash_bytes >= wire::kPasswordBytes);
    wire::Password password;
    std::copy_n(hash.begin(), password.size(), password.begin());
    return password;
}

/// 16 bytes of java.util.Random, seeded with the id.
wire::Password Credentials::zookeeper_password(SessionId session) {
    constexpr std::uint64_t kMask = (std::uint64_t{1} << 48) - 1;
    constexpr std::uint64_t kMultiplier = 0x5DEECE66D;
    auto state = (static_cast<std::uint64_t>(session) ^ 0xB3415C00 ^ kMultiplier) & kMask;
    wire::Password password;
    for (std::size_t n = 0; n < password.size(); ++n) {
        if (n % 4 == 0) state = (state * kMultiplier + 0xB) & kMask;
        password[n] = static_cast<char>(state >> (16 + 8 * (n % 4)));
    }
    return password;
}

bool Credentials::matches(SessionId session, std::string_view given) const { return same(password(session), given); }

bool Credentials::matches_zookeeper(SessionId session, std::string_view given) {
    return same(zookeeper_password(session), given);
}

}  // namespace zabd::session
