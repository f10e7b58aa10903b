// A znode's bytes as text and back, and its ACL.
//
// Effects   none. Threads: any.
#pragma once

#include "wire/acl.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace zabd::server::admin {

/// kJson is the text of the document, not taken apart.
enum class Format : std::uint8_t { kAuto, kText, kJson, kHex, kBase64 };

/// "auto", "text", "json", "hex", "base64".
[[nodiscard]] std::optional<Format> format_of(std::string_view name);
[[nodiscard]] std::string_view name_of(Format format);

/// Data as they are shown. What `format` cannot show without loss is shown as the next one that can: json that is none
/// as text, text that is none as hex; so a client that sends back what it got changes nothing.
struct Shown {
    Format format = Format::kText;  // never kAuto
    std::string value;
    std::size_t size = 0;  // of all the data
    bool truncated = false;
};

/// At most `bytes_max` of the data, text cut between two characters. kAuto: json if it is a whole JSON object or array,
/// else text if it is UTF-8 that a terminal could show (with tabs and line ends), else hex.
[[nodiscard]] Shown shown(std::string_view data, Format format, std::size_t bytes_max);
[[nodiscard]] nlohmann::json json_of(const Shown& value);

/// nullopt: not hex of whole bytes, not base64 with its padding. Text and JSON are their own bytes; kAuto is none.
[[nodiscard]] std::optional<std::string> bytes_of(std::string_view value, Format format);

/// Whole, shortest-form UTF-8 without surrogates.
[[nodiscard]] bool is_utf8(std::string_view text);

/// "cdrwa" in this order; bits beside those five are not shown.
[[nodiscard]] std::string perms_of(std::int32_t permissions);
/// nullopt: a letter that is none, or one twice.
[[nodiscard]] std::optional<std::int32_t> permissions_of(std::string_view perms);
[[nodiscard]] nlohmann::json json_of(const wire::AclList& acl);

}  // namespace zabd::server::admin
