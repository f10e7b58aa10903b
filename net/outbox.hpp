// Bytes on their way out of a connection: appended at the end, taken from the front in whatever pieces the socket takes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace zabd::net {

class Outbox {
public:
    void append(std::string_view bytes) {
        // Amortized: a byte is moved at most once for each time that as many have been taken before it.
        if (taken_ > content_.size() / 2) {
            content_.erase(0, taken_);
            taken_ = 0;
        }
        content_.append(bytes);
    }
    [[nodiscard]] std::string_view waiting() const { return std::string_view(content_).substr(taken_); }
    [[nodiscard]] std::size_t size() const { return content_.size() - taken_; }
    [[nodiscard]] bool empty() const { return size() == 0; }
    void take(std::size_t bytes) { taken_ += bytes; }

    /// For an empty one: takes over a buffer's room, or gives its own away.
    void adopt(std::string buffer) { content_ = std::move(buffer), clear(); }
    [[nodiscard]] std::string release() { return clear(), std::exchange(content_, {}); }
    [[nodiscard]] bool owns_room() const { return content_.capacity() > std::string().capacity(); }
    void clear() { content_.clear(), taken_ = 0; }

private:
    std::string content_;
    std::size_t taken_ = 0;
};

}  // namespace zabd::net
