#include "tests/sim/images.hpp"

#include "server/restore.hpp"
#include "wire/assert.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace zabd::sim {

void Images::add(const wire::StateImages& images) {
    for (const auto& image : images.nodes) add_node(image);
    for (const auto& image : images.sessions) add_session(image);
    for (const auto& image : images.acls) add_acl(image);
    finish(images.zxid, images.digest, images.next_node);
}

void Images::add(const storage::CheckpointBatch& batch) {
    for (const auto* image : batch.nodes) add_node(*image);
    for (const auto& image : batch.sessions) add_session(image);
    for (const auto& image : batch.acls) add_acl(image);
    finish(batch.zxid, batch.digest, batch.next_node);
}

void Images::finish(Zxid zxid, std::uint64_t digest, NodeId next_node) {
    ZABD_ASSERT(zxid >= summary.zxid);
    summary.present = true;
    summary.zxid = zxid;
    summary.digest = digest;
    summary.next_node = next_node;
    summary.node_count = nodes.size();
}

void Images::add_node(const wire::NodeImage& image) {
    if (image.deleted) {
        nodes.erase(image.record.id);
        return;
    }
    auto& node = nodes[image.record.id];
    const auto data = image.data_changed ? image.data : node.data;
    node = {.record = image.record, .deleted = false, .data_changed = true, .data = data};
}

void Images::add_session(const wire::SessionImage& image) {
    const auto id = static_cast<std::uint64_t>(image.session);
    if (id > static_cast<std::uint64_t>(summary.highest_session)) summary.highest_session = image.session;
    if (image.timeout_ms) {
        sessions.insert_or_assign(id, *image.timeout_ms);
    } else {
        sessions.erase(id);
    }
}

void Images::add_acl(const wire::AclImage& image) {
    if (image.encoded_list) {
        acls.insert_or_assign(image.id, *image.encoded_list);
    } else {
        acls.erase(image.id);
    }
}

Result<void> Images::tell(const storage::CheckpointVisitor& visitor) const {
    for (const auto& [id, timeout_ms] : sessions) {
        if (auto told = visitor.on_session({static_cast<SessionId>(id), timeout_ms}); !told) return told;
    }
    for (const auto& [id, list] : acls) {
        if (auto told = visitor.on_acl({id, list}); !told) return told;
    }
    for (const auto& [id, node] : nodes) {
        if (auto told = visitor.on_node(node.record, node.data); !told) return told;
    }
    return {};
}

std::uint64_t Images::bytes() const {
    std::uint64_t bytes = 16'384 + sessions.size() * 32 + acls.size() * 64;
    for (const auto& [id, node] : nodes) bytes += 128 + node.record.name.size() + node.data.size();
    return bytes;
}

namespace {

/// nullopt: open to all.
std::optional<std::string> list_of(const wire::NodeRecord& record, const Images& images) {
    const auto found = images.acls.find(record.acl);
    return found == images.acls.end() ? std::nullopt : std::optional(found->second);
}

bool same(const wire::NodeImage& left, const Images& left_of, const wire::NodeImage& right, const Images& right_of) {
    auto record = left.record;
    record.acl = right.record.acl;  // a server's own number: what counts is the list
    return record == right.record && left.data.nullable_view() == right.data.nullable_view() &&
           list_of(left.record, left_of) == list_of(right.record, right_of);
}

/// /zookeeper/config: what a server knows of its ensemble it writes there itself, it is no part of the history.
bool is_config(const wire::NodeRecord& record, const Images& of) {
    const auto parent = of.nodes.find(record.parent);
    return record.name == "config" && parent != of.nodes.end() && parent->second.record.name == "zookeeper";
}

}  // namespace

std::optional<std::string> difference(const Images& left, const Images& right) {
    if (left.summary.zxid != right.summary.zxid)
        return fmt::format("zxid {:#x} and {:#x}", left.summary.zxid.value, right.summary.zxid.value);
    if (left.summary.digest != right.summary.digest)
        return fmt::format("digest {:x} and {:x}", left.summary.digest, right.summary.digest);
    if (left.summary.next_node != right.summary.next_node) return "the next node's id";
    if (left.sessions != right.sessions)
        return fmt::format("{} and {} sessions", left.sessions.size(), right.sessions.size());
    if (left.nodes.size() != right.nodes.size())
        return fmt::format("{} and {} nodes", left.nodes.size(), right.nodes.size());
    for (const auto& [id, node] : left.nodes) {
        const auto found = right.nodes.find(id);
        if (is_config(node.record, left)) continue;
        if (found == right.nodes.end() || !same(node, left, found->second, right))
            return fmt::format("node {} ({})", static_cast<std::uint64_t>(id), node.record.name);
    }
    return std::nullopt;
}

Result<core::Recovered> restored(const Images& images) {
    server::Restorer restorer;
    if (auto told = images.tell(restorer.visitor()); !told) return std::unexpected(told.error());
    return restorer.finish(images.summary);
}

}  // namespace zabd::sim
