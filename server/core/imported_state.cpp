#include "server/core/imported_state.hpp"

#include "wire/assert.hpp"
#include "wire/jute.hpp"
#include "znode/path.hpp"
#include "znode/quota.hpp"

#include <string>
#include <utility>
#include <vector>

namespace zabd::core {
namespace {

constexpr std::size_t kImagesAtOnce = 4096;

}  // namespace

bool ImportedState::take(wire::SnapshotElement&& element) {
    images_ = {};
    return loading_.take(std::move(element), images_);
}

bool ImportedState::load(Zxid zxid) {
    if (loading_.tree().find(znode::kRootPath) == nullptr) return false;
    auto whole = loading_.finish();
    state_.emplace(std::move(whole.state));
    sessions_ = std::move(whole.sessions);
    zxid_ = zxid;
    return true;
}

bool ImportedState::replay(const wire::TxnHeader& header, std::string_view body) {
    if (!znode::apply(header, body, *state_, changes_, znode::Fit::kFuzzy)) return false;
    replay_session(header, body);
    zxid_ = std::max(zxid_, header.zxid);
    return true;
}

/// The table was written first, so what it knows may be of later as well.
void ImportedState::replay_session(const wire::TxnHeader& header, std::string_view body) {
    if (header.type == wire::OpCode::kCreateSession && header.session != SessionId::kNone) {
        const auto created = wire::decoded<wire::CreateSessionTxn>(body);
        ZABD_ASSERT(created);
        sessions_.close(header.session);
        sessions_.open(header.session, Millis(created->timeout_ms), true);
    } else if (header.type == wire::OpCode::kCloseSession) {
        sessions_.close(header.session);
    }
}

std::size_t ImportedState::settle() {
    std::vector<SessionId> gone;
    state_->tree.for_each_ephemeral_owner([&](SessionId owner) {
        if (!sessions_.is_open(owner)) gone.push_back(owner);
    });
    const auto ephemerals_before = state_->tree.ephemeral_count();
    const auto body = wire::encoded(wire::CloseSessionTxn{});
    for (const auto session : gone) {
        const wire::TxnHeader header{.session = session, .zxid = zxid_, .type = wire::OpCode::kCloseSession};
        ZABD_ASSERT(znode::apply(header, body, *state_, changes_, znode::Fit::kFuzzy));
    }
    tell_quotas();
    std::vector<wire::AclImage> unused;
    state_->acls.release_unused(unused);
    return ephemerals_before - state_->tree.ephemeral_count();
}

void ImportedState::tell_quotas() {
    auto& [acls, tree, quotas] = *state_;
    const auto* quota_root = tree.find(znode::kQuotaPath);
    if (quota_root == nullptr) return;
    std::vector<std::string> paths;
    tree.for_each_in_subtree(*quota_root, [&](const znode::Node& node) { paths.push_back(tree.path_of(node)); });
    for (const auto& path : paths) {
        const auto quota = znode::quota_node(path);
        if (!quota || quota->role != znode::QuotaNode::Role::kLimits) continue;
        const auto stats = znode::stats_path(quota->quota_path);
        if (tree.find(stats) == nullptr) continue;
        const auto usage = quotas.usage(tree, quota->quota_path);
        tree.refresh_data(stats, Bytes::copy_of(znode::usage_text(usage.count, usage.bytes)));
    }
}

void ImportedState::for_each_images(const std::function<void(wire::StateImages)>& visit) const {
    const auto begun = [&] {
        wire::StateImages images;
        images.zxid = zxid_;
        images.digest = state_->tree.digest();
        images.next_node = state_->tree.next_id();
        return images;
    };
    auto images = begun();
    images.acls = state_->acls.images();
    for (const auto& [session, timeout] : sessions_.all())
        images.sessions.push_back(wire::SessionImage::open(session, static_cast<std::int32_t>(timeout.count()), true));
    const auto& tree = state_->tree;
    tree.for_each_in_subtree(*tree.find(znode::kRootPath), [&](const znode::Node& node) {
        if (images.nodes.size() == kImagesAtOnce) visit(std::exchange(images, begun()));
        images.nodes.push_back({.record = tree.record_of(node), .data_changed = true, .data = node.data});
    });
    visit(std::move(images));
}

}  // namespace zabd::core
