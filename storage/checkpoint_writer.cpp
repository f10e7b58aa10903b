#include "storage/checkpoint_writer.hpp"

#include <algorithm>
#include <utility>

namespace zabd::storage {

CheckpointWriter::CheckpointWriter(const CheckpointTriggers& triggers, CheckpointStore& store, Zxid zxid)
    : triggers_(triggers), store_(store), pending_(zxid), progress_{.zxid_durable = zxid} {}

void CheckpointWriter::take(wire::StateImages images, Instant now) {
    if (pending_.empty()) oldest_ = now;
    newest_ = now;
    pending_.add(std::move(images));
    progress_.behind = behind();
}

std::optional<Instant> CheckpointWriter::due() const {
    if (retry_at_) return retry_at_;
    if (pending_.empty()) return std::nullopt;
    return triggered() ? oldest_ : std::min(oldest_ + triggers_.age, newest_ + triggers_.quiet);
}

bool CheckpointWriter::triggered() const {
    return (triggers_.transactions != 0 && pending_.transactions() >= triggers_.transactions) ||
           pending_.log_bytes() >= triggers_.log_bytes || pending_.bytes() >= triggers_.bytes;
}

std::uint64_t CheckpointWriter::bytes() const { return pending_.bytes() + (writing_ ? writing_->bytes() : 0); }

Result<void> CheckpointWriter::write(Instant now) {
    if (!writing_ && pending_.empty()) return {};
    if (!writing_) writing_ = pending_.split();
    const auto committed = store_.commit(writing_->batch());
    if (!committed && committed.error().code != Errc::kNoSpace) return committed;
    progress_.out_of_space = !committed;
    if (committed) {
        progress_.zxid_durable = writing_->zxid();
        writing_.reset();
        retry_at_.reset();
    } else {
        retry_at_ = now + triggers_.retry;
    }
    progress_.behind = behind();
    return {};
}

}  // namespace zabd::storage
