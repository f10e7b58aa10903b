#include "recipes/queue_entries.hpp"

#include "wire/assert.hpp"
#include "wire/big_endian.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <system_error>
#include <tuple>

namespace zabd::recipes {

namespace {

constexpr std::string_view kBase = "queue-";
constexpr std::size_t kNumberDigits = 10;  // at least: the server pads with zeros, the sign included
constexpr std::size_t kPriorityDigits = 8;

constexpr std::uint32_t kVersion = 0x00010001;
constexpr char kMessage = 0x01;
constexpr char kEnd = 0x02;

template <class Number>
std::optional<Number> parse_number(std::string_view text, int base) {
    Number number{};
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number, base);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return number;
}

/// Takes the rank off the front of what follows the base.
std::optional<std::int64_t> take_rank(QueueForm form, std::string_view& text) {
    switch (form) {
        case QueueForm::kPlain: return 0;
        case QueueForm::kPriority: {
            if (text.size() < 1 + kPriorityDigits) return std::nullopt;
            const char sign = text.front();
            const auto bits = parse_number<std::uint32_t>(text.substr(1, kPriorityDigits), 16);
            if (!bits) return std::nullopt;
            const auto priority = static_cast<std::int32_t>(*bits);
            if (sign != (priority >= 0 ? '1' : '0')) return std::nullopt;
            text.remove_prefix(1 + kPriorityDigits);
            return priority;
        }
        case QueueForm::kDelay: {
            const auto end = text.find('|', 1);
            if (!text.starts_with('|') || end == std::string_view::npos) return std::nullopt;
            const auto due_ms = parse_number<std::int64_t>(text.substr(1, end - 1), 16);
            text.remove_prefix(end + 1);
            return due_ms;
        }
    }
    return std::nullopt;
}

/// Entries live far shorter than the counter takes for half its range, so both ends of it at once mean that it wrapped.
bool counter_wrapped(const std::vector<QueueEntry>& entries) {
    constexpr auto kQuarter = std::numeric_limits<std::int32_t>::max() / 2;
    const auto [least, most] = std::ranges::minmax(entries, {}, &QueueEntry::number);
    return least.number < -kQuarter && most.number > kQuarter;
}

void put_size(std::string& out, std::uint32_t value) {
    char bytes[sizeof value];
    store_big_endian(bytes, value);
    out.append(bytes, sizeof bytes);
}

std::optional<std::uint32_t> take_size(std::string_view& in) {
    if (in.size() < sizeof(std::uint32_t)) return std::nullopt;
    const auto value = load_big_endian<std::uint32_t>(in.data());
    in.remove_prefix(sizeof value);
    return value;
}

std::optional<Messages> decode_curator(std::string_view in) {
    if (take_size(in) != kVersion) return std::nullopt;
    Messages messages;
    while (in.starts_with(kMessage)) {
        in.remove_prefix(1);
        const auto size = take_size(in);
        if (!size || *size > in.size()) return std::nullopt;
        messages.emplace_back(in.substr(0, *size));
        in.remove_prefix(*size);
    }
    if (in.size() != 1 || in.front() != kEnd) return std::nullopt;
    return messages;
}

}  // namespace

std::string entry_base(QueueForm form, std::int64_t rank) {
    switch (form) {
        case QueueForm::kPlain: return std::string(kBase);
        case QueueForm::kPriority:
            return fmt::format("{}{}{:08X}", kBase, rank >= 0 ? '1' : '0', static_cast<std::uint32_t>(rank));
        case QueueForm::kDelay: return fmt::format("{}|{:08X}|", kBase, rank);
    }
    ZABD_ASSERT(false);
    return {};
}

std::optional<QueueEntry> parse_entry(QueueForm form, std::string_view name) {
    if (!name.starts_with(kBase)) return std::nullopt;
    auto rest = name.substr(kBase.size());
    const auto rank = take_rank(form, rest);
    const auto number = parse_number<std::int32_t>(rest, 10);
    if (!rank || !number || rest.size() < kNumberDigits) return std::nullopt;
    return QueueEntry{.name = std::string(name), .rank = *rank, .number = *number};
}

std::vector<QueueEntry> parse_entries(QueueForm form, const std::vector<std::string>& children) {
    std::vector<QueueEntry> entries;
    for (const auto& child : children) {
        if (auto entry = parse_entry(form, child)) entries.push_back(*std::move(entry));
    }
    if (entries.empty()) return entries;
    const bool wrapped = counter_wrapped(entries);
    std::ranges::sort(entries, {}, [wrapped](const QueueEntry& entry) {
        const auto unsigned_number = static_cast<std::uint32_t>(entry.number);
        const auto place = wrapped ? std::int64_t{unsigned_number} : std::int64_t{entry.number};
        return std::tuple(entry.rank, place);
    });
    return entries;
}

std::string encode_messages(const Messages& messages) {
    std::string data;
    put_size(data, kVersion);
    for (const auto& message : messages) {
        data += kMessage;
        put_size(data, static_cast<std::uint32_t>(message.size()));
        data += message;
    }
    data += kEnd;
    return data;
}

Messages decode_messages(std::string_view data) {
    if (auto messages = decode_curator(data)) return *std::move(messages);
    return {std::string(data)};
}

}  // namespace zabd::recipes
