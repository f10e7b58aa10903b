#include "storage/lmdb_view.hpp"

#include "storage/checkpoint.hpp"
#include "wire/assert.hpp"

#include <lmdb.h>

#include <utility>

namespace zabd::storage {

Result<std::shared_ptr<LmdbView>> LmdbView::open(std::shared_ptr<LmdbEnvironment> environment, Instant now) {
    std::shared_ptr<LmdbView> view(new LmdbView);
    auto pin = environment->begin(LmdbEnvironment::Access::kRead);
    if (!pin) return std::unexpected(pin.error());
    auto mapped = LmdbEnvironment::open_view(*environment);
    if (!mapped) return std::unexpected(mapped.error());
    auto transaction = (*mapped)->begin(LmdbEnvironment::Access::kRead);
    if (!transaction) return std::unexpected(transaction.error());
    ZABD_ASSERT(mdb_txn_id(pin->get()) == mdb_txn_id(transaction->get()));
    view->environment_ = std::move(environment);
    view->view_ = std::move(*mapped);
    view->transaction_ = std::move(*transaction);
    view->pin_ = std::move(*pin);
    view->last_use_ = now;
    return view;
}

std::unique_lock<std::mutex> LmdbView::use() {
    std::unique_lock lock(mutex_);
    if (pin_) return lock;
    return {};
}

void LmdbView::end_if_idle(Instant now) {
    const std::lock_guard lock(mutex_);
    if (now - last_use_ >= SnapshotSource::kIdleMax) pin_.reset();
}

}  // namespace zabd::storage
