#include "server/properties.hpp"

#include <charconv>
#include <optional>

namespace zabd::server {
namespace {

constexpr std::string_view kBlanks = " \t\f";
constexpr std::size_t kUnicodeDigits = 4;

std::string_view without_leading_blanks(std::string_view text) {
    const auto start = text.find_first_not_of(kBlanks);
    return start == std::string_view::npos ? std::string_view() : text.substr(start);
}

bool continues(std::string_view line) {
    const auto last_other = line.find_last_not_of('\\');
    const auto backslashes = line.size() - (last_other == std::string_view::npos ? 0 : last_other + 1);
    return backslashes % 2 == 1;
}

/// Natural lines, with \n, \r or \r\n between them.
class Lines {
public:
    explicit Lines(std::string_view text) : rest_(text) {}

    std::optional<std::string_view> next() {
        if (rest_.empty()) return std::nullopt;
        ++number_;
        const auto end = rest_.find_first_of("\r\n");
        const auto line = rest_.substr(0, end);
        if (end == std::string_view::npos) {
            rest_ = {};
        } else {
            rest_.remove_prefix(end + (rest_.substr(end).starts_with("\r\n") ? 2 : 1));
        }
        return line;
    }
    [[nodiscard]] std::size_t number() const { return number_; }

private:
    std::string_view rest_;
    std::size_t number_ = 0;
};

/// Comment and continuation lines resolved, leading blanks dropped; empty: nothing on this line.
std::string logical_line(std::string_view first, Lines& lines) {
    auto line = without_leading_blanks(first);
    if (line.starts_with('#') || line.starts_with('!')) return {};
    std::string whole;
    while (continues(line)) {
        whole.append(line.substr(0, line.size() - 1));
        const auto next = lines.next();
        if (!next) return whole;
        line = without_leading_blanks(*next);
    }
    return whole.append(line);
}

void append_utf8(std::string& text, unsigned code) {
    if (code < 0x80) {
        text.push_back(static_cast<char>(code));
    } else if (code < 0x800) {
        text.push_back(static_cast<char>(0xc0 | code >> 6));
        text.push_back(static_cast<char>(0x80 | (code & 0x3f)));
    } else {
        text.push_back(static_cast<char>(0xe0 | code >> 12));
        text.push_back(static_cast<char>(0x80 | (code >> 6 & 0x3f)));
        text.push_back(static_cast<char>(0x80 | (code & 0x3f)));
    }
}

/// Takes what follows a backslash off `rest`. False: a bad \u escape.
bool unescape_one(std::string_view& rest, std::string& text) {
    static constexpr std::string_view kNames = "tnrf";
    static constexpr std::string_view kMeanings = "\t\n\r\f";
    if (rest.empty()) return true;
    const char escaped = rest.front();
    rest.remove_prefix(1);
    if (escaped == 'u') {
        unsigned code = 0;
        const auto digits = rest.substr(0, kUnicodeDigits);
        const auto end = digits.data() + digits.size();
        const auto [stopped, error] = std::from_chars(digits.data(), end, code, 16);
        if (error != std::errc() || stopped != end || digits.size() != kUnicodeDigits) return false;
        rest.remove_prefix(kUnicodeDigits);
        append_utf8(text, code);
        return true;
    }
    const auto name = kNames.find(escaped);
    text.push_back(name == std::string_view::npos ? escaped : kMeanings[name]);
    return true;
}

/// Reads up to an unescaped character of `ends`, which stays in `rest`.
bool unescape(std::string_view& rest, std::string_view ends, std::string& text) {
    while (!rest.empty() && ends.find(rest.front()) == std::string_view::npos) {
        const char next = rest.front();
        rest.remove_prefix(1);
        if (next != '\\') {
            text.push_back(next);
        } else if (!unescape_one(rest, text)) {
            return false;
        }
    }
    return true;
}

bool parse_line(std::string_view line, Property& property) {
    if (!unescape(line, "=: \t\f", property.key)) return false;
    line = without_leading_blanks(line);
    if (line.starts_with('=') || line.starts_with(':')) line = without_leading_blanks(line.substr(1));
    if (!unescape(line, "", property.value)) return false;
    property.value.erase(property.value.find_last_not_of(" \t\f\r\n") + 1);
    return true;
}

}  // namespace

Result<std::vector<Property>> parse_properties(std::string_view text, const std::string& name) {
    std::vector<Property> properties;
    Lines lines{text};
    while (const auto first = lines.next()) {
        Property property{.key = {}, .value = {}, .line = lines.number()};
        const auto line = logical_line(*first, lines);
        if (line.empty()) continue;
        if (!parse_line(line, property)) {
            return failure(Errc::kBadConfig, name + ":" + std::to_string(property.line) +
                                                 ": \\u must be followed by four hexadecimal digits");
        }
        properties.push_back(std::move(property));
    }
    return properties;
}

}  // namespace zabd::server
