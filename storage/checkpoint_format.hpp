// The checkpoint's keys and values, as docs/storage.md draws them.
//
// Effects   none. Numbers are big-endian.
// Value     CRC-32C of database name, key and content, then the content: so a record that belongs elsewhere is told
//           like one that is damaged (LMDB has no checksums of its own).
#pragma once

#include "wire/ids.hpp"
#include "wire/node_image.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace zabd::storage {

inline constexpr std::uint32_t kCheckpointVersion = 1;

enum class Database : std::uint8_t { kMeta, kNodes, kData, kSessions, kAcls };
inline constexpr std::array<const char*, 5> kDatabaseNames{"meta", "nodes", "data", "sessions", "acls"};
[[nodiscard]] constexpr const char* name_of(Database database) {
    return kDatabaseNames[static_cast<std::size_t>(database)];
}

/// The one record of Database::kMeta, under kMetaKey: what the others are complete up to, and how much they hold.
inline constexpr std::string_view kMetaKey = "state";
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
    std::uint64_t content_sum = 0;  // of weight_of() all records of the other databases

    static void fields(auto& self, auto&& visit) {
        visit(self.version, self.identity, self.zxid, self.digest, self.next_node, self.highest_session,
              self.node_count, self.data_count, self.session_count, self.acl_count, self.content_sum);
    }
};

/// Ascending as their numbers are, read as unsigned.
[[nodiscard]] std::string encode_key(std::uint64_t id);
[[nodiscard]] std::optional<std::uint64_t> decode_key(std::string_view key);

/// Into `value`, whose memory is used again.
void seal(Database database, std::string_view key, std::string_view content, std::string& value);
/// nullopt: it fails its checksum.
[[nodiscard]] std::optional<std::string_view> unsealed(Database database, std::string_view key, std::string_view value);

/// What a record adds to the sum over all of them, which tells a page that the disk forgot to write.
[[nodiscard]] std::uint64_t weight_of(Database database, std::uint64_t id, std::string_view value);

/// Each into a string whose memory is used again.
void encode_meta(const CheckpointMeta& meta, std::string& out);
void encode_node(const wire::NodeRecord& node, std::string& out);  // its id is in the key
void encode_timeout(std::int32_t timeout_ms, std::string& out);

[[nodiscard]] std::optional<CheckpointMeta> decode_meta(std::string_view content);
[[nodiscard]] std::optional<wire::NodeRecord> decode_node(NodeId id, std::string_view content);
[[nodiscard]] std::optional<std::int32_t> decode_timeout(std::string_view content);

}  // namespace zabd::storage
