#include "tests/sim/planted_state.hpp"

#include "wire/assert.hpp"
#include "znode/owner.hpp"
#include "znode/tree.hpp"

#include <iterator>

namespace zabd::sim {

namespace {

std::uint64_t digest_of(const Images& images) {
    auto tree = znode::Tree::empty();
    for (const auto& [id, node] : images.nodes) {
        const bool fits = tree.restore(node.record, node.data);
        ZABD_ASSERT(fits);
    }
    return tree.digest();
}

void forget_sequences(Images& images) {
    for (auto& [id, node] : images.nodes)
        if (znode::kind_of(node.record.owner) == znode::Kind::kPersistent) node.record.creations = 0;
}

/// A child of the root that nobody's session owns any more.
void keep_ephemeral(Images& images) {
    const auto owner = images.summary.highest_session;
    if (owner == SessionId::kNone || images.sessions.contains(static_cast<std::uint64_t>(owner))) return;
    const auto id = images.summary.next_node;
    images.summary.next_node = NodeId{static_cast<std::uint64_t>(id) + 1};
    wire::NodeRecord record;
    record.id = id;
    record.parent = NodeId::kRoot;
    record.name = "kept";
    record.owner = static_cast<std::int64_t>(owner);
    images.nodes[id] = {.record = record, .deleted = false, .data_changed = true, .data = {}};
}

/// As of one write more.
void alter_last_node(Images& images) { ++images.nodes.rbegin()->second.record.version; }

}  // namespace

Images with_planted_bug(Images images, Planted planted) {
    if (!images.summary.present) return images;
    if (planted.is(Bug::kSessionForgotten) && !images.sessions.empty()) images.sessions.erase(images.sessions.begin());
    if (planted.is(Bug::kSequenceForgotten)) forget_sequences(images);
    if (planted.is(Bug::kEphemeralKept)) keep_ephemeral(images);
    if (planted.is(Bug::kStateWrong)) alter_last_node(images);
    if (planted.is(Bug::kSequenceForgotten) || planted.is(Bug::kEphemeralKept) || planted.is(Bug::kStateWrong))
        images.summary.digest = digest_of(images);
    return images;
}

Images streamed_with_planted_bug(Images images, Planted planted) {
    if (planted.is(Bug::kSnapshotAltered)) alter_last_node(images);
    if (planted.is(Bug::kSnapshotCutShort)) images.nodes.erase(std::prev(images.nodes.end()));
    return images;
}

}  // namespace zabd::sim
