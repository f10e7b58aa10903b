#include "recipes/contenders.hpp"

#include "wire/assert.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <system_error>
#include <tuple>
#include <utility>

namespace zabd::recipes {

namespace {

constexpr std::size_t kNumberDigits = 10;  // at least: the server pads with zeros, the sign included
constexpr std::string_view kProtected = "_c_";

struct Base {
    std::string_view text;
    Share share;
};
constexpr std::array kCuratorBases{Base{"lock-", Share::kExclusive}, Base{"latch-", Share::kExclusive},
                                   Base{"__WRIT__", Share::kExclusive}, Base{"__READ__", Share::kShared}};
constexpr std::array kGoZkBases{Base{"lock-", Share::kExclusive}};
constexpr std::array kKazooBases{Base{"__lock__", Share::kExclusive}, Base{"__rlock__", Share::kShared}};
constexpr std::array kZooKeeperBases{Base{"n_", Share::kExclusive}};

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

/// Length of the 32 hex digits that the text begins with; 0 if it does not.
std::size_t hex_prefix(std::string_view text) {
    constexpr std::size_t kDigits = 32;
    return text.size() >= kDigits && std::ranges::all_of(text.substr(0, kDigits), is_hex) ? kDigits : 0;
}

/// The same for a UUID in its usual form, 8-4-4-4-12.
std::size_t uuid_prefix(std::string_view text) {
    constexpr std::string_view kForm = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    if (text.size() < kForm.size()) return 0;
    const auto fits = [](char c, char form) { return form == '-' ? c == '-' : is_hex(c); };
    return std::ranges::equal(text.substr(0, kForm.size()), kForm, fits) ? kForm.size() : 0;
}

std::optional<std::int32_t> parse_number(std::string_view text) {
    std::int32_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || stop != end || text.size() < kNumberDigits) return std::nullopt;
    return number;
}

std::optional<Contender> parse_base(std::string_view text, Dialect dialect, std::span<const Base> bases) {
    for (const auto& base : bases) {
        if (!text.starts_with(base.text)) continue;
        if (const auto number = parse_number(text.substr(base.text.size()))) {
            return Contender{.name = {}, .dialect = dialect, .share = base.share, .number = *number};
        }
    }
    return std::nullopt;
}

std::optional<Contender> parse_protected(std::string_view id_and_base) {
    const auto behind = [&](std::size_t id) { return id_and_base.substr(std::min(id + 1, id_and_base.size())); };
    if (const auto uuid = uuid_prefix(id_and_base)) return parse_base(behind(uuid), Dialect::kCurator, kCuratorBases);
    if (const auto hex = hex_prefix(id_and_base)) return parse_base(behind(hex), Dialect::kGoZk, kGoZkBases);
    return std::nullopt;
}

/// "<session>-N": the session in hex or decimal, perhaps negative.
std::optional<Contender> parse_session(std::string_view text) {
    const std::size_t sign = text.starts_with('-') ? 1 : 0;
    const auto dash = text.find('-', sign);
    if (dash == std::string_view::npos || dash == sign) return std::nullopt;
    if (!std::ranges::all_of(text.substr(sign, dash - sign), is_hex)) return std::nullopt;
    constexpr std::array kBare{Base{"", Share::kExclusive}};
    return parse_base(text.substr(dash + 1), Dialect::kZooKeeper, kBare);
}

std::optional<Contender> parse_form(std::string_view name) {
    if (name.starts_with(kProtected)) return parse_protected(name.substr(kProtected.size()));
    if (name.starts_with("x-")) return parse_session(name.substr(2));
    if (const auto hex = hex_prefix(name)) return parse_base(name.substr(hex), Dialect::kKazoo, kKazooBases);
    if (auto bare = parse_base(name, Dialect::kCurator, kCuratorBases)) return bare;
    return parse_base(name, Dialect::kZooKeeper, kZooKeeperBases);
}

}  // namespace

std::optional<Contender> parse_contender(std::string_view name) {
    auto contender = parse_form(name);
    if (contender) contender->name = name;
    return contender;
}

std::vector<Contender> parse_contenders(const std::vector<std::string>& children) {
    std::vector<Contender> contenders;
    for (const auto& child : children) {
        if (auto contender = parse_contender(child)) contenders.push_back(*std::move(contender));
    }
    // The name decides among equals only so that the order does not depend on that of the listing.
    std::ranges::sort(contenders, {}, [](const Contender& c) { return std::tie(c.number, c.share, c.name); });
    return contenders;
}

bool numbers_tell_order(const std::vector<Contender>& contenders) {
    const auto unordered = [](const Contender& a, const Contender& b) {
        return a.number == b.number && a.share == b.share;
    };
    return std::ranges::none_of(contenders, [](const Contender& c) { return c.number < 0; }) &&
           std::ranges::adjacent_find(contenders, unordered) == contenders.end();
}

void order_by_czxid(std::vector<Contender>& contenders) { std::ranges::sort(contenders, {}, &Contender::czxid); }

bool mixes_blind_dialects(const std::vector<Contender>& contenders) {
    const auto kazoo = [](const Contender& c) { return c.dialect == Dialect::kKazoo; };
    const auto curator = [](const Contender& c) {
        return c.dialect == Dialect::kCurator || c.dialect == Dialect::kGoZk;
    };
    return std::ranges::any_of(contenders, kazoo) && std::ranges::any_of(contenders, curator);
}

std::optional<std::size_t> place_of(const std::vector<Contender>& ordered, std::string_view name) {
    const auto found = std::ranges::find(ordered, name, &Contender::name);
    if (found == ordered.end()) return std::nullopt;
    return static_cast<std::size_t>(found - ordered.begin());
}

const Contender* blocker_of(const std::vector<Contender>& ordered, std::size_t place) {
    ZABD_ASSERT(place < ordered.size());
    const bool shares = ordered[place].share == Share::kShared;
    for (auto i = place; i-- > 0;) {
        if (!shares || ordered[i].share == Share::kExclusive) return &ordered[i];
    }
    return nullptr;
}

std::string_view base_name(Flavor flavor, Purpose purpose) {
    const bool kazoo = flavor == Flavor::kKazoo;
    switch (purpose) {
        case Purpose::kLock: return kazoo ? "__lock__" : "lock-";
        case Purpose::kRead: return kazoo ? "__rlock__" : "__READ__";
        case Purpose::kWrite: return kazoo ? "__lock__" : "__WRIT__";
        case Purpose::kLatch: return kazoo ? "__lock__" : "latch-";
    }
    ZABD_ASSERT(false);
    return {};
}

}  // namespace zabd::recipes
