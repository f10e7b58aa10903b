#include "recipes/number_form.hpp"

#include "wire/big_endian.hpp"

#include <charconv>
#include <concepts>
#include <system_error>
#include <type_traits>
#include <utility>

namespace zabd::recipes {

namespace {

template <std::signed_integral Number>
std::optional<std::string> encode_bytes(std::int64_t number) {
    if (!std::in_range<Number>(number)) return std::nullopt;
    std::string data(sizeof(Number), '\0');
    store_big_endian(data.data(), static_cast<std::make_unsigned_t<Number>>(number));
    return data;
}

template <std::signed_integral Number>
std::optional<std::int64_t> decode_bytes(std::string_view data) {
    if (data.size() != sizeof(Number)) return std::nullopt;
    return static_cast<Number>(load_big_endian<std::make_unsigned_t<Number>>(data.data()));
}

std::optional<std::int64_t> decode_text(std::string_view data) {
    std::int64_t number = 0;
    const char* const end = data.data() + data.size();
    const auto [stop, error] = std::from_chars(data.data(), end, number);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return number;
}

}  // namespace

std::optional<std::string> encode_number(NumberForm form, std::int64_t number) {
    switch (form) {
        case NumberForm::kLong: return encode_bytes<std::int64_t>(number);
        case NumberForm::kInt: return encode_bytes<std::int32_t>(number);
        case NumberForm::kText: return std::to_string(number);
    }
    return std::nullopt;
}

std::optional<std::int64_t> decode_number(NumberForm form, std::string_view data) {
    if (data.empty()) return 0;
    switch (form) {
        case NumberForm::kLong: return decode_bytes<std::int64_t>(data);
        case NumberForm::kInt: return decode_bytes<std::int32_t>(data);
        case NumberForm::kText: return decode_text(data);
    }
    return std::nullopt;
}

}  // namespace zabd::recipes
