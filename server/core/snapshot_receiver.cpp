#include "server/core/snapshot_receiver.hpp"

#include "wire/assert.hpp"
#include "znode/path.hpp"

#include <utility>

namespace zabd::core {
namespace {

constexpr std::size_t kImagesPerOutput = 4096;

}  // namespace

std::size_t SnapshotReceiver::feed(std::string_view bytes, Outputs& out) {
    elements_.clear();
    const auto used = decoder_.feed(bytes, elements_);
    for (auto& element : elements_) {
        if (!state_.take(std::move(element), images_)) {
            broken_ = true;
            return used;
        }
        if (images_.nodes.size() >= kImagesPerOutput) put(out);
    }
    if (!decoder_.finished()) return used;
    broken_ = !fits();
    if (!broken_) put(out);
    return used;
}

bool SnapshotReceiver::fits() const {
    if (fuzzy_) return state_.tree().find(znode::kRootPath) != nullptr;
    bool fits = state_.tree().find(znode::kRootPath) != nullptr;
    state_.tree().for_each_ephemeral_owner([&](SessionId owner) { fits = fits && state_.sessions().is_open(owner); });
    return fits;
}

void SnapshotReceiver::put(Outputs& out) {
    images_.zxid = zxid_;
    images_.digest = state_.tree().digest();
    images_.next_node = state_.next_node();
    out.items.emplace_back(PutInstall{!std::exchange(begun_, true), std::exchange(images_, {})});
}

Replacement SnapshotReceiver::take() {
    ZABD_ASSERT(whole());
    auto whole = state_.finish();
    return {std::move(whole.state), std::move(whole.sessions), zxid_};
}

}  // namespace zabd::core
