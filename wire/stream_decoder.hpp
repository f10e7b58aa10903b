// Jute from bytes of which more may follow: tells "not all there yet" from "can never be one".
//
// Borrowing a counted field points into the bytes it was decoded from and lives as long as they do.
// Errors    the first field that is cut off or malformed decides; zeros are read from then on, so callers test once, at
//           the end, and begin anew from the same place when there is more.
// Bounds    a length is judged as soon as it is there, before its content has come.
#pragma once

#include "wire/big_endian.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace zabd::wire {

class StreamDecoder {
public:
    enum class Status : std::uint8_t { kWhole, kIncomplete, kMalformed };

    /// No single field may be longer than `content_bytes_max`.
    StreamDecoder(std::string_view in, std::size_t content_bytes_max)
        : in_(in), size_(in.size()), content_bytes_max_(content_bytes_max) {}

    std::int32_t get_int() { return static_cast<std::int32_t>(get_big_endian<std::uint32_t>()); }
    std::int64_t get_long() { return static_cast<std::int64_t>(get_big_endian<std::uint64_t>()); }
    std::string_view get_raw(std::size_t bytes) {
        if (in_.size() < bytes) return end(Status::kIncomplete), std::string_view();
        const auto content = in_.substr(0, bytes);
        in_.remove_prefix(bytes);
        return content;
    }
    /// A string or buffer; nullopt for null, and after a failure.
    std::optional<std::string_view> get_counted() {
        const auto count = get_int();
        if (status_ != Status::kWhole || count == -1) return std::nullopt;
        if (count < 0 || static_cast<std::size_t>(count) > content_bytes_max_) return fail(), std::nullopt;
        const auto content = get_raw(static_cast<std::size_t>(count));
        return status_ == Status::kWhole ? std::optional(content) : std::nullopt;
    }
    /// Of elements; nullopt for null, and after a failure.
    std::optional<std::size_t> get_count(std::size_t count_max) {
        const auto count = get_int();
        if (status_ != Status::kWhole || count == -1) return std::nullopt;
        if (count < 0 || static_cast<std::size_t>(count) > count_max) return fail(), std::nullopt;
        return static_cast<std::size_t>(count);
    }

    /// Unless it has ended before.
    void fail() { end(Status::kMalformed); }
    [[nodiscard]] Status status() const { return status_; }
    [[nodiscard]] bool whole() const { return status_ == Status::kWhole; }
    [[nodiscard]] std::string_view rest() const { return in_; }
    /// How many have been read.
    [[nodiscard]] std::size_t bytes() const { return size_ - in_.size(); }

private:
    void end(Status status) {
        if (status_ == Status::kWhole) status_ = status;
        size_ -= in_.size();
        in_ = {};
    }
    template <class Unsigned>
    Unsigned get_big_endian() {
        const auto raw = get_raw(sizeof(Unsigned));
        return raw.empty() ? Unsigned{0} : load_big_endian<Unsigned>(raw.data());
    }

    std::string_view in_;
    std::size_t size_;
    std::size_t content_bytes_max_;
    Status status_ = Status::kWhole;
};

}  // namespace zabd::wire
