#include "znode/path.hpp"

#include "wire/assert.hpp"

#include <cstdio>

namespace zabd::znode {

namespace {

/// The code point at the front of `text` and its length in bytes; length 0 for malformed UTF-8 and for anything outside
/// the basic plane.
struct Decoded {
    char32_t code_point = 0;
    std::size_t bytes = 0;
};

Decoded decode_front(std::string_view text) {
    const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
    const auto continues = [&](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
    const auto lead = byte(0);
    if (lead < 0x80) return {lead, 1};
    if (lead >= 0xc2 && lead < 0xe0 && continues(1)) return {(lead & 0x1f) << 6 | (byte(1) & 0x3f), 2};
    if (lead >= 0xe0 && lead < 0xf0 && continues(1) && continues(2)) {
        const char32_t code_point = (lead & 0x0f) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f);
        if (code_point >= 0x800) return {code_point, 3};
    }
    return {};
}

bool legal(char32_t code_point) {
    if (code_point < 0x20 || (code_point >= 0x7f && code_point <= 0x9f)) return false;  // control
    if (code_point >= 0xd800 && code_point <= 0xf8ff) return false;                     // surrogates, private use
    return code_point < 0xfff0;                                                         // specials
}

bool legal_component(std::string_view name) {
    if (name.empty() || name == "." || name == "..") return false;
    while (!name.empty()) {
        const auto [code_point, bytes] = decode_front(name);
        if (bytes == 0 || !legal(code_point)) return false;
        name.remove_prefix(bytes);
    }
    return true;
}

}  // namespace

bool valid_path(std::string_view path) {
    if (path == kRootPath) return true;
    if (path.empty() || path.front() != '/') return false;
    while (!path.empty()) {
        path.remove_prefix(1);
        const auto name = path.substr(0, path.find('/'));
        if (!legal_component(name)) return false;
        path.remove_prefix(name.size());
    }
    return true;
}

bool loosely_valid_path(std::string_view path) {
    return path.find('/') != std::string_view::npos && path.find('\0') == std::string_view::npos;
}

bool special_path(std::string_view path) {
    return path == kRootPath || path == kSystemPath || path == kQuotaPath || path == kConfigPath;
}

std::string_view parent_path(std::string_view path) {
    const auto slash = path.rfind('/');
    ZABD_ASSERT(slash != std::string_view::npos);
    return slash == 0 ? kRootPath : path.substr(0, slash);
}

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string sequence_suffix(std::int32_t creations) {
    char text[16];
    const auto length = std::snprintf(text, sizeof text, "%010d", creations);
    return {text, static_cast<std::size_t>(length)};
}

}  // namespace zabd::znode
