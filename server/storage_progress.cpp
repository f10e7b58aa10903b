#include "server/storage_progress.hpp"

#include <utility>

namespace zabd::server {

static_assert(storage::kUnlimitedRoom == core::kUnlimitedRoom);

void StorageProgress::take(const storage::LogProgress& log) {
    const auto age = [](const storage::LogProgress& one) { return std::pair(one.truncations, one.zxid_durable); };
    if (age(log) >= age(log_)) log_ = log;
}

std::optional<StorageProgress::Told> StorageProgress::told() const {
    const bool stuck = checkpoint_.behind && checkpoint_.out_of_space;
    if (checkpoint_.behind && !stuck) return std::nullopt;
    return Told{{stuck ? 0 : log_.room_bytes}, {log_.zxid_durable}};
}

bool StorageProgress::out_of_space() const {
    return log_.room_bytes != storage::kUnlimitedRoom || checkpoint_.out_of_space;
}

}  // namespace zabd::server
