#include "wire/bytes.hpp"

#include "wire/assert.hpp"

#include <atomic>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>

namespace zabd {

struct Bytes::Block {
    std::atomic<std::uint32_t> holders{1};
    std::uint32_t size = 0;

    char* content() { return reinterpret_cast<char*>(this + 1); }
};

namespace {

constexpr std::size_t kSizeMax = std::numeric_limits<std::uint32_t>::max();

}  // namespace

Bytes Bytes::copy_of(std::string_view content) {
    ZABD_ASSERT(content.size() <= kSizeMax);
    static Block empty;  // never freed: it starts with a holder of its own
    if (content.empty()) {
        empty.holders.fetch_add(1, std::memory_order_relaxed);
        return Bytes(&empty);
    }
    auto* block = ::new (::operator new(sizeof(Block) + content.size())) Block;
    block->size = static_cast<std::uint32_t>(content.size());
    std::memcpy(block->content(), content.data(), content.size());
    return Bytes(block);
}

Bytes::Bytes(const Bytes& other) noexcept : block_(other.block_) {
    if (block_) block_->holders.fetch_add(1, std::memory_order_relaxed);
}

Bytes::~Bytes() {
    if (!block_ || block_->holders.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    block_->~Block();
    ::operator delete(block_);
}

std::size_t Bytes::size() const { return block_ ? block_->size : 0; }

std::string_view Bytes::view() const {
    return block_ ? std::string_view(block_->content(), block_->size) : std::string_view();
}

}  // namespace zabd
