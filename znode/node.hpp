// One znode as the tree holds it: two cache lines, of which looking a path up needs only the first.
#pragma once

#include "wire/bytes.hpp"
#include "wire/ids.hpp"
#include "wire/node_image.hpp"
#include "wire/stat.hpp"

#include <cstdint>
#include <cstring>
#include <string_view>

namespace zabd::znode {

using wire::AclId;

/// Where a node lies in memory. Reused once the node is gone.
using Slot = std::uint32_t;
inline constexpr Slot kNoSlot = 0xffffffff;

/// The last component of a path. Short ones, which most are, need no memory of their own.
class NodeName {
public:
    NodeName() = default;
    explicit NodeName(std::string_view text) : size_(static_cast<std::uint32_t>(text.size())) {
        char* chars = inline_;
        if (on_heap()) {
            chars = new char[size_];
            std::memcpy(inline_, &chars, sizeof chars);
        }
        std::memcpy(chars, text.data(), size_);
    }
    NodeName(NodeName&& other) noexcept { swap(other); }
    NodeName& operator=(NodeName other) noexcept {
        swap(other);
        return *this;
    }
    ~NodeName() {
        if (on_heap()) delete[] view().data();
    }

    [[nodiscard]] std::string_view view() const {
        const char* chars = inline_;
        if (on_heap()) std::memcpy(&chars, inline_, sizeof chars);
        return {chars, size_};
    }

private:
    static constexpr std::size_t kInlineBytes = 20;

    [[nodiscard]] bool on_heap() const { return size_ > kInlineBytes; }
    void swap(NodeName& other) noexcept {
        std::swap(size_, other.size_);
        std::swap(inline_, other.inline_);
    }

    std::uint32_t size_ = 0;
    char inline_[kInlineBytes] = {};  // the characters, or a pointer to them
};

/// A znode. Read by anybody, written by Tree. Siblings are in order of creation.
struct alignas(64) Node {
    NodeName node_name;
    Slot parent = kNoSlot;  // of the root: kNoSlot
    Slot first_child = kNoSlot;
    Slot next_sibling = kNoSlot;      // of the last: kNoSlot; once the node is gone: of NodeStore's free list
    Slot previous_sibling = kNoSlot;  // of the first: the last one, where the next is appended
    std::uint32_t child_count = 0;
    AclId acl = AclId::kOpen;
    Bytes data;
    std::uint32_t content_crc = 0;  // CRC-32 of path and data, where the digest's CRC goes on with the stat
    std::int32_t creations = 0;     // children ever created: sequence numbers come from here

    Zxid czxid;
    Zxid mzxid;
    Zxid pzxid;
    std::int64_t ctime_ms = 0;
    std::int64_t mtime_ms = 0;
    std::int64_t owner = 0;  // raw, see owner.hpp
    NodeId id = NodeId::kNone;
    std::int32_t version = 0;
    std::int32_t aversion = 0;

    [[nodiscard]] std::string_view name() const { return node_name.view(); }
};
static_assert(sizeof(Node) == 128);

[[nodiscard]] wire::Stat stat_of(const Node& node);

}  // namespace zabd::znode
