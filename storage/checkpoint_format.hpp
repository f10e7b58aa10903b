// The checkpoint's keys and values, as docs/storage.md draws them.
//
// Effects   none. Numbers are big-endian.
// Value     CRC-32C of database name, key and content, then the content: so a record that belongs elsewhere is told
//           like one that is damaged (LMDB has no checksums of its own).
#pragma once

#include "wire/ids.hpp"
#include "wire/node_image.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace zabd::storage {

inline constexpr std::uint32_t kCheckpointVersion = 1;

/// The one record of database `meta`: what the others are complete up to, and how much they hold.
struct CheckpointMeta {
    std::uint32_t version = kCheckpointVersion;
    std::uint64_t identity = 0;  // of the data directory
    Zxid zxid;
    std::uint64_t digest = 0;
    NodeId next_node{};
    SessionId highest_session = SessionId::kNone;
    std::uint64_t node_count = 0;
    std::uint64_t data_count = 0;
    std::uint64_t session_count = 0;
    std::uint64_t acl_count = 0;
    std::uint64_t content_sum = 0;  // over all records of the other databases, in any order (docs/storage.md)

    static void fields(auto& self, auto&& visit) {
        visit(self.version, self.identity, self.zxid, self.digest, self.next_node, self.highest_session,
              self.node_count, self.data_count, self.session_count, self.acl_count, self.content_sum);
    }
};

/// Ascending as their numbers are, read as unsigned.
[[nodiscard]] std::string encode_key(std::uint64_t id);
[[nodiscard]] std::optional<std::uint64_t> decode_key(std::string_view key);

[[nodiscard]] std::string sealed(std::string_view database, std::string_view key, std::string_view content);
/// nullopt: it fails its checksum.
[[nodiscard]] std::optional<std::string_view> unsealed(std::string_view database, std::string_view key,
                                                       std::string_view value);

/// As it stands in the value; 0 for a value that is too short to have one.
[[nodiscard]] std::uint32_t checksum_of(std::string_view value);

[[nodiscard]] std::string encode_meta(const CheckpointMeta& meta);
[[nodiscard]] std::optional<CheckpointMeta> decode_meta(std::string_view content);

/// Its id is in the key.
[[nodiscard]] std::string encode_node(const wire::NodeRecord& node);
[[nodiscard]] std::optional<wire::NodeRecord> decode_node(NodeId id, std::string_view content);

[[nodiscard]] std::string encode_timeout(std::int32_t timeout_ms);
[[nodiscard]] std::optional<std::int32_t> decode_timeout(std::string_view content);

}  // namespace zabd::storage
