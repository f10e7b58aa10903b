// An immutable blob that many may hold: a znode's data.
//
// Null and empty are different values, as they are on the wire. A null or empty blob owns no memory.
// Threads   a Bytes may be copied to and dropped by another thread; its content never changes.
#pragma once

#include <concepts>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

namespace zabd {

class Bytes {
public:
    /// Null.
    Bytes() = default;
    static Bytes copy_of(std::string_view content);
    /// A template, so that what merely converts to a string_view means the one above.
    static Bytes copy_of(const std::same_as<std::optional<std::string_view>> auto& content) {
        return content ? copy_of(*content) : Bytes();
    }

    Bytes(const Bytes& other) noexcept;
    Bytes(Bytes&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
    Bytes& operator=(Bytes other) noexcept {
        std::swap(block_, other.block_);
        return *this;
    }
    ~Bytes();

    [[nodiscard]] bool null() const { return block_ == nullptr; }
    [[nodiscard]] std::size_t size() const;
    /// Empty for null as well.
    [[nodiscard]] std::string_view view() const;
    [[nodiscard]] std::optional<std::string_view> nullable_view() const {
        return null() ? std::nullopt : std::optional(view());
    }

private:
    struct Block;  // reference count, size, then the content
    explicit Bytes(Block* block) : block_(block) {}

    Block* block_ = nullptr;
};

}  // namespace zabd
