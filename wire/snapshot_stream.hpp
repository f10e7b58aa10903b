// A snapshot as it follows a SNAP packet: sessions, ACL lists, nodes, the end mark. The form of ZooKeeper's snapshot
// files without their header and trailer.
//
// Order     parents before children. The root's path is "" in the stream; here it is "/".
// Bounds    incremental: of what was fed only an unfinished element is kept, which is at most `element_bytes_max`. A
//           longer one, or bytes that are no snapshot, fail it. Paths and ACL numbers are taken as they come.
#pragma once

#include "wire/acl.hpp"
#include "wire/bytes.hpp"
#include "wire/ids.hpp"
#include "wire/node_image.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace zabd::wire {

class StreamDecoder;

struct SnapshotSession {
    SessionId session = SessionId::kNone;
    std::int32_t timeout_ms = 0;
};
struct SnapshotAcl {
    std::int64_t id = 0;       // as the stream's nodes name it
    std::string encoded_list;  // jute form of an AclList
};
inline constexpr std::int64_t kOpenAclOfStream = -1;

struct SnapshotNode {
    std::string path{};
    Bytes data{};
    std::int64_t acl = 0;  // or kOpenAclOfStream
    Zxid czxid{};
    Zxid mzxid{};
    std::int64_t ctime_ms = 0;
    std::int64_t mtime_ms = 0;
    std::int32_t version = 0;
    std::int32_t creations = 0;  // "cversion" in the stream: children ever created
    std::int32_t aversion = 0;
    std::int64_t owner = 0;  // raw
    Zxid pzxid{};
};
/// The stat is the record's; its id, parent, name and list are not looked at.
[[nodiscard]] SnapshotNode element_of(const NodeRecord& record, std::string path, Bytes data, std::int64_t acl);
/// The stat alone: id, parent, name and list are for who takes the node to say.
[[nodiscard]] NodeRecord stat_of(const SnapshotNode& node);

using SnapshotElement = std::variant<SnapshotSession, SnapshotAcl, SnapshotNode>;

/// What tells that all has come. In a file, the checksum behind the nodes does, which is the reader's.
enum class SnapshotEnd : std::uint8_t { kSignature, kNodes };

class SnapshotDecoder {
public:
    explicit SnapshotDecoder(std::size_t element_bytes_max, SnapshotEnd end = SnapshotEnd::kSignature)
        : element_bytes_max_(element_bytes_max),
          behind_nodes_(end == SnapshotEnd::kNodes ? Phase::kFinished : Phase::kSignature) {}

    /// Appends the elements that are whole to `out`. Answers how many of `bytes` belong to the snapshot: fewer than all
    /// of them only when it has ended; none that matter when it has failed.
    std::size_t feed(std::string_view bytes, std::vector<SnapshotElement>& out);
    [[nodiscard]] bool finished() const { return phase_ == Phase::kFinished; }
    [[nodiscard]] bool failed() const { return phase_ == Phase::kFailed; }
    /// Where what comes next begins, or what failed it.
    [[nodiscard]] std::uint64_t position() const { return position_; }

private:
    enum class Phase : std::uint8_t {
        kSessionCount,
        kSessions,
        kAclCount,
        kAcls,
        kNodes,
        kSignature,
        kFinished,
        kFailed,
    };
    std::size_t take_whole_ones(std::string_view bytes, std::vector<SnapshotElement>& out);
    void take_one(StreamDecoder& in, std::vector<SnapshotElement>& out);
    void take_count(StreamDecoder& in, Phase elements, Phase behind);
    void take_session(StreamDecoder& in, std::vector<SnapshotElement>& out);
    void take_acl(StreamDecoder& in, std::vector<SnapshotElement>& out);
    void take_node(StreamDecoder& in, std::vector<SnapshotElement>& out);
    void take_signature(StreamDecoder& in);
    void count_down(Phase behind);

    std::size_t element_bytes_max_;
    Phase behind_nodes_;
    Phase phase_ = Phase::kSessionCount;
    std::uint64_t position_ = 0;
    std::size_t left_ = 0;  // sessions, or ACL lists, still to come
    std::string kept_;      // of an unfinished element
};

/// Writes the same: sessions, ACL lists, nodes, end.
class SnapshotEncoder {
public:
    explicit SnapshotEncoder(std::string& out) : out_(out) {}
    void begin_sessions(std::size_t count);
    void add(const SnapshotSession& session);
    void begin_acls(std::size_t count);
    void add(const SnapshotAcl& acl);
    void add(const SnapshotNode& node);
    void end_nodes();
    void end();  // end_nodes(), and the signature

private:
    std::string& out_;
};

}  // namespace zabd::wire
