#include "storage/pending_nodes.hpp"

#include "wire/assert.hpp"

#include <algorithm>
#include <utility>

namespace zabd::storage {

namespace {

constexpr std::uint64_t kBytesPerImage = sizeof(wire::NodeImage) + 24;  // with its places in the vectors

std::uint64_t content_bytes(const wire::NodeImage& image) { return image.record.name.size() + image.data.size(); }

/// `image` is the newer one; what it does not say, the older one says.
void replace(wire::NodeImage& older, wire::NodeImage image) {
    ZABD_ASSERT(!older.deleted || image.deleted);  // ids are not given twice
    if (!image.deleted && !image.data_changed && older.data_changed) {
        image.data_changed = true;
        image.data = std::move(older.data);
    }
    older = std::move(image);
}

}  // namespace

void PendingNodes::add(wire::NodeImage image) {
    const auto id = image.record.id;
    if (image.deleted) {
        image = {};
        image.record.id = id;
        image.deleted = true;
    }
    auto& latest = latest_[static_cast<std::uint64_t>(id) % kLatest];
    if (latest.id == id) {
        bytes_ -= content_bytes(*latest.image);
        replace(*latest.image, std::move(image));
        bytes_ += content_bytes(*latest.image);
        return;
    }
    latest = {id, keep(std::move(image))};
    entries_.push_back(latest);
    if (entries_.size() >= std::max(kFoldMin, 2 * sorted_)) fold();
}

wire::NodeImage* PendingNodes::keep(wire::NodeImage image) {
    if (kept_ % kPerBlock == 0) blocks_.emplace_back().reserve(kPerBlock);
    ++kept_;
    bytes_ += kBytesPerImage + content_bytes(image);
    return &blocks_.back().emplace_back(std::move(image));
}

std::vector<const wire::NodeImage*> PendingNodes::folded() {
    fold();
    std::vector<const wire::NodeImage*> images;
    images.reserve(entries_.size());
    for (const auto& entry : entries_) images.push_back(entry.image);
    return images;
}

void PendingNodes::fold() {
    const auto by_id = [](const Entry& a, const Entry& b) { return a.id < b.id; };
    const auto middle = entries_.begin() + static_cast<std::ptrdiff_t>(sorted_);
    if (!std::is_sorted(middle, entries_.end(), by_id)) std::stable_sort(middle, entries_.end(), by_id);
    if (sorted_ != 0 && middle != entries_.end() && middle->id <= entries_[sorted_ - 1].id)
        std::inplace_merge(entries_.begin(), middle, entries_.end(), by_id);
    drop_superseded();
    sorted_ = entries_.size();
    latest_ = {};
    if (kept_ > 2 * entries_.size()) compact();
}

/// Of several images of a node the last one stays, and says what the others said.
void PendingNodes::drop_superseded() {
    std::size_t end = 0;
    for (const auto& entry : entries_) {
        if (end != 0 && entries_[end - 1].id == entry.id) {
            auto& last = entries_[end - 1];
            bytes_ -= content_bytes(*last.image) + content_bytes(*entry.image);
            replace(*last.image, std::move(*entry.image));
            bytes_ += content_bytes(*last.image);
        } else {
            entries_[end++] = entry;
        }
    }
    entries_.resize(end);
    std::erase_if(entries_, [&](const Entry& entry) { return entry.image->deleted && entry.id >= next_new_; });
}

void PendingNodes::compact() {
    const auto before = std::exchange(blocks_, {});
    kept_ = bytes_ = 0;
    for (auto& entry : entries_) entry.image = keep(std::move(*entry.image));
}

}  // namespace zabd::storage
