// Jute, the encoding of every record on the wire and in the log.
//
// Form      big-endian; a string, buffer or vector is a 4-byte count, then its content; -1 is null. No tags, no padding.
//           A record is its fields in the order in which fields() visits them.
// Borrowing a decoded string_view points into the bytes it was decoded from and lives as long as they do.
// Nulls     a plain field refuses null; std::optional admits it (null = nullopt).
// Errors    a Decoder remembers its first failure and reads zeros from then on, so callers test once, at the end.
//           Every length is checked against what is left before anything is allocated.
#pragma once

#include "wire/big_endian.hpp"
#include "wire/ids.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace zabd::wire {

/// Appends to a string that the caller owns.
class Encoder {
public:
    explicit Encoder(std::string& out) : out_(out) {}

    void put_byte(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
    void put_int(std::int32_t value) { put_big_endian(static_cast<std::uint32_t>(value)); }
    void put_long(std::int64_t value) { put_big_endian(static_cast<std::uint64_t>(value)); }
    /// A string or buffer: at most 2^31-1 bytes.
    void put_counted(std::string_view content);
    void put_null() { put_int(-1); }
    /// Bytes that are encoded already.
    void put_raw(std::string_view bytes) { out_.append(bytes); }

private:
    template <class Unsigned>
    void put_big_endian(Unsigned value) {
        char bytes[sizeof value];
        store_big_endian(bytes, value);
        out_.append(bytes, sizeof bytes);
    }

    std::string& out_;
};

/// Reads from bytes that the caller keeps alive.
class Decoder {
public:
    explicit Decoder(std::string_view in) : in_(in) {}

    std::uint8_t get_byte() { return get_big_endian<std::uint8_t>(); }
    std::int32_t get_int() { return static_cast<std::int32_t>(get_big_endian<std::uint32_t>()); }
    std::int64_t get_long() { return static_cast<std::int64_t>(get_big_endian<std::uint64_t>()); }
    /// nullopt for null, and after a failure.
    std::optional<std::string_view> get_counted();
    /// Number of elements that follow, each at least `element_bytes_min` long; nullopt for null, and after a failure.
    /// Any other negative count is an empty vector, as Java reads it.
    std::optional<std::size_t> get_count(std::size_t element_bytes_min);

    void fail() { failed_ = true, in_ = {}; }
    [[nodiscard]] bool failed() const { return failed_; }
    [[nodiscard]] std::string_view rest() const { return in_; }

private:
    template <class Unsigned>
    Unsigned get_big_endian() {
        if (in_.size() < sizeof(Unsigned)) return fail(), Unsigned{0};
        const auto value = load_big_endian<Unsigned>(in_.data());
        in_.remove_prefix(sizeof(Unsigned));
        return value;
    }

    std::string_view in_;
    bool failed_ = false;
};

/// Marks a string field in which null is read as empty, where the two mean the same.
template <class String>
struct NullAsEmpty {
    String& text;
};

/// A record names its fields once, for reading, writing and printing.
template <class T>
concept Record = requires(T& record) {
    std::remove_const_t<T>::fields(record, [](auto&&...) {});
};

template <class T>
struct IsNullAsEmpty : std::false_type {};
template <class T>
struct IsNullAsEmpty<NullAsEmpty<T>> : std::true_type {};

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};

/// Fewest bytes that a T can take; bounds a vector's count by the bytes that are there.
template <class T>
std::size_t encoded_bytes_min() {
    if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, std::uint8_t>) {
        return 1;
    } else if constexpr (std::is_same_v<T, std::int64_t> || std::is_same_v<T, Zxid> || std::is_same_v<T, SessionId>) {
        return 8;
    } else if constexpr (Record<T>) {
        T record{};
        std::size_t bytes = 0;
        T::fields(record, [&](const auto&... field) {
            bytes = (encoded_bytes_min<std::remove_cvref_t<decltype(field)>>() + ... + 0);
        });
        return bytes;
    } else {
        return 4;  // ints, counts
    }
}

/// Writes over bytes that are there already, of a record whose size does not vary.
class InPlaceEncoder {
public:
    explicit InPlaceEncoder(char* at) : at_(at) {}

    void put_int(std::int32_t value) { put_big_endian(static_cast<std::uint32_t>(value)); }
    void put_long(std::int64_t value) { put_big_endian(static_cast<std::uint64_t>(value)); }

private:
    template <class Unsigned>
    void put_big_endian(Unsigned value) {
        store_big_endian(at_, value);
        at_ += sizeof value;
    }

    char* at_;
};

/// `out` is an Encoder, or for numbers and records of them an InPlaceEncoder.
template <class T>
void encode(auto& out, const T& value) {
    if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, std::uint8_t>) {
        out.put_byte(value);
    } else if constexpr (std::is_enum_v<T>) {
        encode(out, static_cast<std::underlying_type_t<T>>(value));
    } else if constexpr (std::is_same_v<T, std::int32_t>) {
        out.put_int(value);
    } else if constexpr (std::is_same_v<T, std::int64_t>) {
        out.put_long(value);
    } else if constexpr (std::is_same_v<T, Zxid>) {
        out.put_long(static_cast<std::int64_t>(value.value));
    } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
        out.put_counted(value);
    } else if constexpr (IsNullAsEmpty<T>::value) {
        out.put_counted(value.text);
    } else if constexpr (IsOptional<T>::value) {
        if (value) {
            encode(out, *value);
        } else {
            out.put_null();
        }
    } else if constexpr (IsVector<T>::value) {
        out.put_int(static_cast<std::int32_t>(value.size()));
        for (const auto& element : value) encode(out, element);
    } else {
        static_assert(Record<const T>, "a field is a number, a string, a vector, an optional or a record");
        T::fields(value, [&](const auto&... field) { (encode(out, field), ...); });
    }
}

template <class T>
void decode(Decoder& in, T& value);

template <class T>
void decode_elements(Decoder& in, std::vector<T>& elements, std::size_t count) {
    elements.resize(count);
    for (auto& element : elements) decode(in, element);
    if (in.failed()) elements.clear();
}

template <class T>
void decode_nullable(Decoder& in, std::optional<T>& value) {
    if constexpr (IsVector<T>::value) {
        const auto count = in.get_count(encoded_bytes_min<typename T::value_type>());
        if (count) decode_elements(in, value.emplace(), *count);
    } else {
        static_assert(std::is_same_v<T, std::string_view> || std::is_same_v<T, std::string>);
        if (const auto content = in.get_counted()) value.emplace(*content);
    }
}

template <class T>
void decode(Decoder& in, T& value) {
    if constexpr (std::is_same_v<T, bool>) {
        value = in.get_byte() != 0;
    } else if constexpr (std::is_same_v<T, std::uint8_t>) {
        value = in.get_byte();
    } else if constexpr (std::is_enum_v<T>) {
        std::underlying_type_t<T> number{};
        decode(in, number);
        value = static_cast<T>(number);
    } else if constexpr (std::is_same_v<T, std::int32_t>) {
        value = in.get_int();
    } else if constexpr (std::is_same_v<T, std::int64_t>) {
        value = in.get_long();
    } else if constexpr (std::is_same_v<T, Zxid>) {
        value.value = static_cast<std::uint64_t>(in.get_long());
    } else if constexpr (IsNullAsEmpty<T>::value) {
        value.text = in.get_counted().value_or(std::string_view());
    } else if constexpr (IsOptional<T>::value) {
        value.reset();
        decode_nullable(in, value);
    } else if constexpr (IsVector<T>::value || std::is_convertible_v<const T&, std::string_view>) {
        std::optional<T> nullable;
        decode_nullable(in, nullable);
        if (nullable) {
            value = std::move(*nullable);
        } else {
            in.fail();
        }
    } else {
        static_assert(Record<T>, "a field is a number, a string, a vector, an optional or a record");
        T::fields(value, [&](auto&&... field) { (decode(in, field), ...); });
    }
}

/// The record at the front of `in`; bytes behind it are ignored, as servers do with requests.
template <class T>
std::optional<T> decoded(std::string_view in) {
    Decoder decoder(in);
    T value{};
    decode(decoder, value);
    return decoder.failed() ? std::nullopt : std::optional<T>(std::move(value));
}

template <class T>
std::string encoded(const T& value) {
    std::string out;
    Encoder encoder(out);
    encode(encoder, value);
    return out;
}

}  // namespace zabd::wire
