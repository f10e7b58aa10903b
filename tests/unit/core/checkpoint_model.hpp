// What a checkpoint on disk amounts to: the last image of everything.
#pragma once

#include "server/core/core.hpp"
#include "wire/assert.hpp"
#include "wire/snapshot_stream.hpp"

#include <cstdlib>
#include <map>
#include <string>
#include <utility>

namespace zabd::core::test {

class CheckpointModel {
public:
    void put(const wire::StateImages& images) {
        ZABD_ASSERT(images.zxid >= zxid_);
        present_ = true;
        zxid_ = images.zxid;
        digest_ = images.digest;
        next_node_ = images.next_node;
        for (const auto& image : images.nodes) put(image);
        for (const auto& image : images.sessions) put(sessions_, image.session, image.timeout_ms);
        for (const auto& image : images.acls) put(acls_, image.id, image.encoded_list);
    }
    [[nodiscard]] Zxid zxid() const { return zxid_; }

    [[nodiscard]] Recovered recovered() const {
        Recovered recovered;
        if (!present_) return recovered;
        znode::AclTable table;
        for (const auto& [id, list] : acls_) ZABD_ASSERT(table.restore(id, list));
        auto tree = znode::Tree::empty();
        for (const auto& [id, image] : nodes_) ZABD_ASSERT(tree.restore(image.record, image.data));
        tree.restore_next_id(next_node_);
        ZABD_ASSERT(tree.digest() == digest_);
        recovered.fresh = false;
        recovered.zxid = zxid_;
        recovered.state = znode::State(std::move(table), std::move(tree));
        for (const auto& [id, timeout_ms] : sessions_)
            recovered.sessions.open(id, Millis(std::abs(timeout_ms)), timeout_ms < 0);
        return recovered;
    }

    /// As it goes to a learner.
    [[nodiscard]] std::string stream() const {
        std::string bytes;
        wire::SnapshotEncoder out(bytes);
        out.begin_sessions(sessions_.size());
        for (const auto& [id, timeout_ms] : sessions_) out.add(wire::SnapshotSession{id, std::abs(timeout_ms)});
        out.begin_acls(acls_.size());
        for (const auto& [id, list] : acls_) out.add(wire::SnapshotAcl{static_cast<std::int64_t>(id), list});
        for (const auto& [id, image] : nodes_) out.add(in_stream(image));
        out.end();
        return bytes;
    }

private:
    void put(const wire::NodeImage& image) {
        if (image.deleted) {
            nodes_.erase(image.record.id);
            return;
        }
        auto& kept = nodes_[image.record.id];
        const auto data = image.data_changed ? image.data : kept.data;
        kept = image;
        kept.data = data;
    }
    template <class Id, class Value, class Image>
    static void put(std::map<Id, Value>& all, Id id, const Image& image) {
        if (image) {
            all[id] = *image;
        } else {
            all.erase(id);
        }
    }
    [[nodiscard]] std::string path_of(const wire::NodeRecord& record) const {
        if (record.parent == NodeId::kNone) return "/";
        auto path = path_of(nodes_.at(record.parent).record);
        if (path != "/") path += '/';
        return path + record.name;
    }
    [[nodiscard]] wire::SnapshotNode in_stream(const wire::NodeImage& image) const {
        const auto& record = image.record;
        wire::SnapshotNode node;
        node.path = path_of(record);
        node.data = image.data;
        node.acl = record.acl == wire::AclId::kOpen ? -1 : static_cast<std::int64_t>(record.acl);
        node.czxid = record.czxid;
        node.mzxid = record.mzxid;
        node.pzxid = record.pzxid;
        node.ctime_ms = record.ctime_ms;
        node.mtime_ms = record.mtime_ms;
        node.version = record.version;
        node.creations = record.creations;
        node.aversion = record.aversion;
        node.owner = record.owner;
        return node;
    }

    bool present_ = false;
    Zxid zxid_;
    std::uint64_t digest_ = 0;
    NodeId next_node_{};
    std::map<NodeId, wire::NodeImage> nodes_;
    std::map<SessionId, std::int32_t> sessions_;
    std::map<wire::AclId, std::string> acls_;
};

}  // namespace zabd::core::test
