#include "wire/snapshot_stream.hpp"

#include "wire/assert.hpp"
#include "wire/jute.hpp"
#include "wire/stream_decoder.hpp"

#include <limits>
#include <utility>

namespace zabd::wire {
namespace {

constexpr std::string_view kSignature = "BenWasHere";
constexpr std::string_view kRoot = "/";
constexpr std::string_view kRootInStream;      // empty
constexpr std::string_view kEndOfNodes = "/";  // in place of a path
constexpr std::size_t kCountMax = static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max());

Zxid get_zxid(StreamDecoder& in) { return Zxid{static_cast<std::uint64_t>(in.get_long())}; }

void put_count(std::string& out, std::size_t count) {
    ZABD_ASSERT(count <= kCountMax);
    Encoder(out).put_int(static_cast<std::int32_t>(count));
}

}  // namespace

SnapshotNode element_of(const NodeRecord& record, std::string path, Bytes data, std::int64_t acl) {
    return {.path = std::move(path),
            .data = std::move(data),
            .acl = acl,
            .czxid = record.czxid,
            .mzxid = record.mzxid,
            .ctime_ms = record.ctime_ms,
            .mtime_ms = record.mtime_ms,
            .version = record.version,
            .creations = record.creations,
            .aversion = record.aversion,
            .owner = record.owner,
            .pzxid = record.pzxid};
}

NodeRecord stat_of(const SnapshotNode& node) {
    NodeRecord record;
    record.czxid = node.czxid;
    record.mzxid = node.mzxid;
    record.pzxid = node.pzxid;
    record.ctime_ms = node.ctime_ms;
    record.mtime_ms = node.mtime_ms;
    record.version = node.version;
    record.creations = node.creations;
    record.aversion = node.aversion;
    record.owner = node.owner;
    return record;
}

std::size_t SnapshotDecoder::feed(std::string_view bytes, std::vector<SnapshotElement>& out) {
    if (finished() || failed()) return 0;
    const auto kept_before = kept_.size();
    if (kept_before != 0) kept_.append(bytes);
    const auto all = kept_before != 0 ? std::string_view(kept_) : bytes;
    const auto taken = take_whole_ones(all, out);
    if (finished() || failed()) {
        std::string().swap(kept_);
        return finished() ? taken - kept_before : 0;
    }
    if (kept_before != 0) {
        kept_.erase(0, taken);
    } else {
        kept_.assign(all.substr(taken));
    }
    return bytes.size();
}

std::size_t SnapshotDecoder::take_whole_ones(std::string_view bytes, std::vector<SnapshotElement>& out) {
    std::size_t taken = 0;
    while (!finished() && !failed()) {
        const auto rest = bytes.substr(taken, element_bytes_max_);
        StreamDecoder in(rest, element_bytes_max_);
        take_one(in, out);
        if (in.status() == StreamDecoder::Status::kIncomplete) {
            if (rest.size() == element_bytes_max_) phase_ = Phase::kFailed;
            break;
        }
        if (!in.whole()) {
            phase_ = Phase::kFailed;
            break;
        }
        taken += in.bytes();
        position_ += in.bytes();
    }
    return taken;
}

// Each of these changes nothing unless what it takes is whole.

void SnapshotDecoder::take_one(StreamDecoder& in, std::vector<SnapshotElement>& out) {
    switch (phase_) {
        case Phase::kSessionCount: return take_count(in, Phase::kSessions, Phase::kAclCount);
        case Phase::kSessions: return take_session(in, out);
        case Phase::kAclCount: return take_count(in, Phase::kAcls, Phase::kNodes);
        case Phase::kAcls: return take_acl(in, out);
        case Phase::kNodes: return take_node(in, out);
        case Phase::kSignature: return take_signature(in);
        case Phase::kFinished:
        case Phase::kFailed: return;
    }
}

void SnapshotDecoder::take_count(StreamDecoder& in, Phase elements, Phase behind) {
    const auto count = in.get_count(kCountMax);
    if (in.whole() && !count) in.fail();
    if (!in.whole()) return;
    left_ = *count;
    phase_ = left_ == 0 ? behind : elements;
}

void SnapshotDecoder::count_down(Phase behind) {
    if (--left_ == 0) phase_ = behind;
}

void SnapshotDecoder::take_session(StreamDecoder& in, std::vector<SnapshotElement>& out) {
    SnapshotSession session;
    session.session = SessionId{in.get_long()};
    session.timeout_ms = in.get_int();
    if (!in.whole()) return;
    out.emplace_back(session);
    count_down(Phase::kAclCount);
}

void SnapshotDecoder::take_acl(StreamDecoder& in, std::vector<SnapshotElement>& out) {
    const auto id = in.get_long();
    const auto list = in.rest();
    const auto list_begin = in.bytes();
    const auto count = in.get_count(kCountMax);
    if (in.whole() && !count) in.fail();
    for (std::size_t i = 0; in.whole() && i < *count; ++i) {
        (void)in.get_int();
        (void)in.get_counted();
        (void)in.get_counted();
    }
    if (!in.whole()) return;
    out.emplace_back(SnapshotAcl{id, std::string(list.substr(0, in.bytes() - list_begin))});
    count_down(Phase::kNodes);
}

void SnapshotDecoder::take_node(StreamDecoder& in, std::vector<SnapshotElement>& out) {
    const auto path = in.get_counted();
    if (in.whole() && !path) in.fail();
    if (!in.whole()) return;
    if (*path == kEndOfNodes) {
        phase_ = behind_nodes_;
        return;
    }
    const auto data = in.get_counted();
    SnapshotNode node;
    node.acl = in.get_long();
    node.czxid = get_zxid(in);
    node.mzxid = get_zxid(in);
    node.ctime_ms = in.get_long();
    node.mtime_ms = in.get_long();
    node.version = in.get_int();
    node.creations = in.get_int();
    node.aversion = in.get_int();
    node.owner = in.get_long();
    node.pzxid = get_zxid(in);
    if (!in.whole()) return;
    node.path = *path == kRootInStream ? kRoot : *path;
    node.data = Bytes::copy_of(data);
    out.emplace_back(std::move(node));
}

void SnapshotDecoder::take_signature(StreamDecoder& in) {
    const auto signature = in.get_counted();
    if (in.whole() && signature != kSignature) in.fail();
    if (in.whole()) phase_ = Phase::kFinished;
}

void SnapshotEncoder::begin_sessions(std::size_t count) { put_count(out_, count); }

void SnapshotEncoder::add(const SnapshotSession& session) {
    Encoder encoder(out_);
    encode(encoder, session.session);
    encode(encoder, session.timeout_ms);
}

void SnapshotEncoder::begin_acls(std::size_t count) { put_count(out_, count); }

void SnapshotEncoder::add(const SnapshotAcl& acl) {
    Encoder encoder(out_);
    encode(encoder, acl.id);
    encoder.put_raw(acl.encoded_list);
}

void SnapshotEncoder::add(const SnapshotNode& node) {
    Encoder encoder(out_);
    encoder.put_counted(node.path == kRoot ? kRootInStream : std::string_view(node.path));
    encode(encoder, node.data.nullable_view());
    encode(encoder, node.acl);
    encode(encoder, node.czxid);
    encode(encoder, node.mzxid);
    encode(encoder, node.ctime_ms);
    encode(encoder, node.mtime_ms);
    encode(encoder, node.version);
    encode(encoder, node.creations);
    encode(encoder, node.aversion);
    encode(encoder, node.owner);
    encode(encoder, node.pzxid);
}

void SnapshotEncoder::end_nodes() { Encoder(out_).put_counted(kEndOfNodes); }

void SnapshotEncoder::end() {
    end_nodes();
    Encoder(out_).put_counted(kSignature);
}

}  // namespace zabd::wire
