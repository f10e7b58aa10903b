#include "storage/lmdb_snapshot.hpp"

#include "storage/lmdb_scan.hpp"
#include "wire/snapshot_stream.hpp"

#include <chrono>
#include <cstdlib>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace zabd::storage {

namespace {

using std::chrono::steady_clock;

constexpr std::size_t kPathBytesMax = 8 << 20;  // of parents, kept

Instant now() { return Instant{std::chrono::duration_cast<Instant::duration>(steady_clock::now().time_since_epoch())}; }

/// Paths of nodes by their ids. A parent's is looked up once and kept, as its children often follow one another; when too
/// much is kept, all is forgotten, and looked up again.
class Paths {
public:
    explicit Paths(const LmdbView& view) : view_(view) {}

    Result<std::string> of(const wire::NodeRecord& node) {
        if (node.parent == NodeId::kNone && node.id == NodeId::kRoot) return "/";
        const auto parent = of_parent(node);
        if (!parent) return std::unexpected(parent.error());
        return **parent + "/" + node.name;
    }

private:
    /// Without a slash at its end: empty for the root.
    Result<const std::string*> of_parent(const wire::NodeRecord& node) {
        std::vector<wire::NodeRecord> missing;  // upwards, up to one whose path is known
        const std::string* known = nullptr;
        while (known == nullptr) {
            const auto& below = missing.empty() ? node : missing.back();
            if (below.parent == NodeId::kNone || below.parent >= below.id)
                return damage("node " + std::to_string(std::to_underlying(below.id)) + " has no parent");
            known = path_kept(below.parent);
            if (known != nullptr) break;
            auto parent = record_of(below.parent);
            if (!parent) return std::unexpected(parent.error());
            missing.push_back(std::move(*parent));
        }
        if (missing.empty()) return known;
        std::string path = *known;
        for (; !missing.empty(); missing.pop_back()) path.append("/").append(missing.back().name);
        return keep(node.parent, std::move(path));
    }

    const std::string* path_kept(NodeId id) const {
        const auto kept = kept_.find(id);
        if (kept != kept_.end()) return &kept->second;
        return id == NodeId::kRoot ? &root_path_ : nullptr;
    }

    const std::string* keep(NodeId id, std::string path) {
        if (bytes_ + path.size() > kPathBytesMax) kept_.clear(), bytes_ = 0;
        bytes_ += path.size() + sizeof(std::pair<NodeId, std::string>);
        return &(kept_[id] = std::move(path));
    }

    Result<wire::NodeRecord> record_of(NodeId id) {
        const auto number = std::to_underlying(id);
        auto content = read_record(view_.environment(), view_.transaction(), Database::kNodes, number);
        if (!content) return std::unexpected(content.error());
        auto record = *content ? decode_node(id, **content) : std::nullopt;
        if (!record) return damage("node " + std::to_string(number) + ", a parent, does not read");
        return std::move(*record);
    }

    [[nodiscard]] std::unexpected<Error> damage(const std::string& what) const {
        return std::unexpected(checkpoint_damage(view_.environment().directory(), what));
    }

    const LmdbView& view_;
    const std::string root_path_;
    std::map<NodeId, std::string> kept_;
    std::size_t bytes_ = 0;
};

class LmdbSnapshot final : public SnapshotSource {
public:
    LmdbSnapshot(std::shared_ptr<LmdbView> view, const CheckpointMeta& meta) : view_(std::move(view)), meta_(meta) {}

    [[nodiscard]] Zxid zxid() const override { return meta_.zxid; }

    Result<bool> next(std::string& out, std::size_t bytes_about) override {
        const auto use = view_->use();
        if (!use.owns_lock()) {
            return failure(Errc::kIo, view_->environment().directory().string() +
                                          ": a snapshot was given up, as nothing was taken of it for long");
        }
        for (const auto begin = out.size(); step_ != nullptr && out.size() - begin < bytes_about;) {
            if (auto stepped = (this->*step_)(out); !stepped) return std::unexpected(stepped.error());
        }
        view_->environment().release_pages();
        view_->went_on(now());
        return step_ != nullptr;
    }

private:
    using Step = Result<void> (LmdbSnapshot::*)(std::string& out);

    [[nodiscard]] std::unexpected<Error> damage(const std::string& what) const {
        return std::unexpected(checkpoint_damage(view_->environment().directory(), what));
    }

    [[nodiscard]] Result<void> check_count(const LmdbScan& scan, std::uint64_t expected, Database database) {
        content_sum_ += scan.content_sum();
        if (scan.count() == expected) return {};
        return damage("database " + std::string(name_of(database)) + " has " + std::to_string(scan.count()) +
                      " records, not " + std::to_string(expected));
    }

    Result<void> begin(std::string& out) {
        wire::SnapshotEncoder(out).begin_sessions(meta_.session_count);
        step_ = &LmdbSnapshot::add_session;
        return {};
    }

    Result<void> add_session(std::string& out) {
        const auto there = sessions_.next();
        if (!there) return std::unexpected(there.error());
        if (!*there) {
            wire::SnapshotEncoder(out).begin_acls(meta_.acl_count);
            step_ = &LmdbSnapshot::add_acl;
            return check_count(sessions_, meta_.session_count, Database::kSessions);
        }
        const auto timeout_ms = sessions_.read(decode_timeout);
        if (!timeout_ms) return std::unexpected(sessions_.damage("a session does not read"));
        wire::SnapshotEncoder(out).add(wire::SnapshotSession{.session = static_cast<SessionId>(sessions_.id()),
                                                             .timeout_ms = std::abs(*timeout_ms)});
        return {};
    }

    Result<void> add_acl(std::string& out) {
        const auto there = acls_.next();
        if (!there) return std::unexpected(there.error());
        if (!*there) {
            step_ = &LmdbSnapshot::add_node;
            if (auto first = data_.next(); !first)
                return std::unexpected(first.error());
            else
                data_there_ = *first;
            return check_count(acls_, meta_.acl_count, Database::kAcls);
        }
        wire::SnapshotEncoder(out).add(
            wire::SnapshotAcl{.id = static_cast<std::int64_t>(acls_.id()),
                              .encoded_list = acls_.read([](auto list) { return std::string(list); })});
        return {};
    }

    Result<void> add_node(std::string& out) {
        const auto there = nodes_.next();
        if (!there) return std::unexpected(there.error());
        if (!*there) return end(out);
        const auto record = nodes_.read([&](auto content) { return decode_node(NodeId{nodes_.id()}, content); });
        if (!record) return std::unexpected(nodes_.damage("node " + std::to_string(nodes_.id()) + " does not read"));
        auto path = paths_.of(*record);
        if (!path) return std::unexpected(path.error());
        auto data = data_of(nodes_.id());
        if (!data) return std::unexpected(data.error());
        const bool open = record->acl == wire::AclId::kOpen;
        const std::int64_t acl = open ? wire::kOpenAclOfStream : std::to_underlying(record->acl);
        wire::SnapshotEncoder(out).add(wire::element_of(*record, std::move(*path), std::move(*data), acl));
        return {};
    }

    Result<Bytes> data_of(std::uint64_t id) {
        if (!data_there_ || data_.id() != id) return Bytes();
        auto data = data_.read([](std::string_view content) { return Bytes::copy_of(content); });
        const auto next = data_.next();
        if (!next) return std::unexpected(next.error());
        data_there_ = *next;
        return data;
    }

    /// Only what is all there gets the mark by which a learner takes it for whole.
    Result<void> end(std::string& out) {
        if (auto counted = check_count(nodes_, meta_.node_count, Database::kNodes); !counted) return counted;
        if (auto counted = check_count(data_, meta_.data_count, Database::kData); !counted) return counted;
        if (content_sum_ != meta_.content_sum) return damage("its records are not those of its last batch");
        wire::SnapshotEncoder(out).end();
        step_ = nullptr;
        return {};
    }

    std::shared_ptr<LmdbView> view_;
    CheckpointMeta meta_;
    LmdbScan sessions_{view_->environment(), view_->transaction(), Database::kSessions};
    LmdbScan acls_{view_->environment(), view_->transaction(), Database::kAcls};
    LmdbScan nodes_{view_->environment(), view_->transaction(), Database::kNodes};
    LmdbScan data_{view_->environment(), view_->transaction(), Database::kData};
    bool data_there_ = false;
    Paths paths_{*view_};
    std::uint64_t content_sum_ = 0;
    Step step_ = &LmdbSnapshot::begin;
};

}  // namespace

std::unique_ptr<SnapshotSource> snapshot_of(std::shared_ptr<LmdbView> view, const CheckpointMeta& meta) {
    return std::make_unique<LmdbSnapshot>(std::move(view), meta);
}

}  // namespace zabd::storage
