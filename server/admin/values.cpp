#include "server/admin/values.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace zabd::server::admin {
namespace {

using nlohmann::json;

constexpr std::array<std::pair<std::string_view, Format>, 5> kFormats{{{"auto", Format::kAuto},
                                                                       {"text", Format::kText},
                                                                       {"json", Format::kJson},
                                                                       {"hex", Format::kHex},
                                                                       {"base64", Format::kBase64}}};
constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kBase64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The character in front of `text`, which is taken from it; nullopt: it is none.
std::optional<char32_t> take_character(std::string_view& text) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const auto first = byte(0);
    std::size_t length = 1;
    if (first >= 0xf0)
        length = 4;
    else if (first >= 0xe0)
        length = 3;
    else if (first >= 0xc0)
        length = 2;
    else if (first >= 0x80)
        return std::nullopt;
    if (length == 1) return text.remove_prefix(1), static_cast<char32_t>(first);
    if (length > text.size() || first > 0xf4) return std::nullopt;
    auto character = static_cast<char32_t>(first & (0x7f >> length));
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return std::nullopt;
        character = (character << 6) | (byte(i) & 0x3f);
    }
    constexpr std::array<char32_t, 5> kSmallest{0, 0, 0x80, 0x800, 0x10000};
    const bool surrogate = character >= 0xd800 && character <= 0xdfff;
    if (character < kSmallest[length] || character > 0x10ffff || surrogate) return std::nullopt;
    text.remove_prefix(length);
    return character;
}

template <class Predicate>
bool all_characters(std::string_view text, Predicate predicate) {
    while (!text.empty()) {
        const auto character = take_character(text);
        if (!character || !predicate(*character)) return false;
    }
    return true;
}

bool showable(char32_t character) {
    if (character == '\t' || character == '\n' || character == '\r') return true;
    return character >= 0x20 && (character < 0x7f || character > 0x9f);
}

bool is_document(std::string_view data) {
    const auto first = data.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos || (data[first] != '{' && data[first] != '[')) return false;
    return json::accept(data);
}

Format best_for(std::string_view data, Format wanted) {
    switch (wanted) {
        case Format::kAuto:
            if (is_document(data)) return Format::kJson;
            return all_characters(data, showable) ? Format::kText : Format::kHex;
        case Format::kJson:
            if (json::accept(data)) return Format::kJson;
            [[fallthrough]];
        case Format::kText: return is_utf8(data) ? Format::kText : Format::kHex;
        case Format::kHex:
        case Format::kBase64: break;
    }
    return wanted;
}

/// Of valid UTF-8: not within a character.
std::string_view cut(std::string_view text, std::size_t bytes_max) {
    if (text.size() <= bytes_max) return text;
    while (bytes_max > 0 && (static_cast<unsigned char>(text[bytes_max]) & 0xc0) == 0x80) --bytes_max;
    return text.substr(0, bytes_max);
}

std::string hex_of(std::string_view data) {
    std::string text;
    text.reserve(2 * data.size());
    for (const char byte : data) {
        text.push_back(kHexDigits[static_cast<unsigned char>(byte) >> 4]);
        text.push_back(kHexDigits[static_cast<unsigned char>(byte) & 15]);
    }
    return text;
}

std::optional<std::string> from_hex(std::string_view text) {
    if (text.size() % 2 != 0) return std::nullopt;
    const auto digit = [](char c) {
        if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
        return kHexDigits.find(c);
    };
    std::string data;
    data.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const auto high = digit(text[i]);
        const auto low = digit(text[i + 1]);
        if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
        data.push_back(static_cast<char>(high << 4 | low));
    }
    return data;
}

std::string base64_of(std::string_view data) {
    std::string text;
    text.reserve((data.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < data.size(); i += 3) {
        const auto left = std::min<std::size_t>(3, data.size() - i);
        std::uint32_t bits = 0;
        for (std::size_t k = 0; k < 3; ++k)
            bits = bits << 8 | (k < left ? static_cast<unsigned char>(data[i + k]) : 0u);
        for (std::size_t k = 0; k < 4; ++k) text.push_back(k <= left ? kBase64Digits[bits >> (18 - 6 * k) & 63] : '=');
    }
    return text;
}

std::optional<std::string> from_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
    text.remove_suffix(padding);
    std::string data;
    data.reserve(text.size() / 4 * 3 + 2);
    std::uint32_t bits = 0;
    unsigned held = 0;
    for (const char c : text) {
        const auto digit = kBase64Digits.find(c);
        if (digit == std::string_view::npos) return std::nullopt;
        bits = bits << 6 | static_cast<std::uint32_t>(digit);
        held += 6;
        if (held < 8) continue;
        held -= 8;
        data.push_back(static_cast<char>(bits >> held & 0xff));
    }
    const bool left_over = (bits & ((1u << held) - 1)) != 0;  // another text would mean the same bytes
    if (left_over || held != padding * 2) return std::nullopt;
    return data;
}

constexpr std::array<std::pair<char, std::int32_t>, 5> kPermissions{
    {{'c', wire::kCreate}, {'d', wire::kDelete}, {'r', wire::kRead}, {'w', wire::kWrite}, {'a', wire::kAdmin}}};

}  // namespace

std::optional<Format> format_of(std::string_view name) {
    for (const auto& [known, format] : kFormats)
        if (known == name) return format;
    return std::nullopt;
}

std::string_view name_of(Format format) {
    return std::ranges::find(kFormats, format, [](const auto& known) { return known.second; })->first;
}

Shown shown(std::string_view data, Format format, std::size_t bytes_max) {
    Shown result{.format = best_for(data, format), .value = {}, .size = data.size(), .truncated = false};
    switch (result.format) {
        case Format::kHex: result.value = hex_of(data.substr(0, bytes_max)); break;
        case Format::kBase64: result.value = base64_of(data.substr(0, bytes_max)); break;
        default: result.value = cut(data, bytes_max); break;
    }
    result.truncated = data.size() > bytes_max;
    return result;
}

json json_of(const Shown& value) {
    return {{"format", name_of(value.format)},
            {"value", value.value},
            {"size", value.size},
            {"truncated", value.truncated}};
}

std::optional<std::string> bytes_of(std::string_view value, Format format) {
    switch (format) {
        case Format::kAuto: return std::nullopt;
        case Format::kJson: return json::accept(value) ? std::optional<std::string>(value) : std::nullopt;
        case Format::kText: break;
        case Format::kHex: return from_hex(value);
        case Format::kBase64: return from_base64(value);
    }
    return std::string(value);
}

bool is_utf8(std::string_view text) {
    return all_characters(text, [](char32_t) { return true; });
}

std::string perms_of(std::int32_t permissions) {
    std::string perms;
    for (const auto& [letter, bit] : kPermissions)
        if ((permissions & bit) != 0) perms.push_back(letter);
    return perms;
}

std::optional<std::int32_t> permissions_of(std::string_view perms) {
    std::int32_t permissions = 0;
    for (const char c : perms) {
        const auto* known = std::ranges::find(kPermissions, c, [](const auto& entry) { return entry.first; });
        if (known == kPermissions.end() || (permissions & known->second) != 0) return std::nullopt;
        permissions |= known->second;
    }
    return permissions;
}

json json_of(const wire::AclList& acl) {
    auto list = json::array();
    for (const auto& [permissions, id] : acl)
        list.push_back({{"scheme", id.scheme}, {"id", id.id}, {"perms", perms_of(permissions)}});
    return list;
}

}  // namespace zabd::server::admin
