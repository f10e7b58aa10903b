#include "znode/acl_table.hpp"

#include "wire/assert.hpp"
#include "wire/jute.hpp"

#include <algorithm>

namespace zabd::znode {

namespace {

const wire::AclList& open_list() {
    static const wire::AclList list{{wire::kAllPermissions, {"world", "anyone"}}};
    return list;
}

}  // namespace

AclId AclTable::intern(const wire::AclList& list) {
    if (list == open_list()) return AclId::kOpen;
    scratch_.clear();
    wire::Encoder encoder(scratch_);
    wire::encode(encoder, list);
    if (const auto known = id_of_encoded_.find(scratch_); known != id_of_encoded_.end()) {
        ++entry(known->second).users;
        return known->second;
    }
    do ++last_id_;
    while (contains(AclId{last_id_}));  // once in four thousand million lists the numbers start again
    const AclId id{last_id_};
    id_of_encoded_.emplace(scratch_, id);
    entries_.emplace(id, Entry{list, 1});
    new_.push_back(id);
    return id;
}

void AclTable::add_user(AclId id) {
    if (id != AclId::kOpen) ++entry(id).users;
}

void AclTable::release(AclId id) {
    if (id == AclId::kOpen) return;
    Entry& released = entry(id);
    ZABD_ASSERT(released.users > 0);
    if (--released.users == 0) unused_.push_back(id);
}

bool AclTable::contains(AclId id) const { return id == AclId::kOpen || entries_.contains(id); }

const wire::AclList& AclTable::list(AclId id) const {
    if (id == AclId::kOpen) return open_list();
    const auto found = entries_.find(id);
    ZABD_ASSERT(found != entries_.end());
    return found->second.list;
}

AclTable::Entry& AclTable::entry(AclId id) {
    const auto found = entries_.find(id);
    ZABD_ASSERT(found != entries_.end());
    return found->second;
}

void AclTable::release_unused(std::vector<wire::AclImage>& images) {
    for (const auto id : unused_) {
        const auto found = entries_.find(id);
        if (found == entries_.end() || found->second.users > 0) continue;
        id_of_encoded_.erase(wire::encoded(found->second.list));
        entries_.erase(found);
        images.push_back({id, std::nullopt});
    }
    unused_.clear();
}

void AclTable::take_new(std::vector<wire::AclImage>& images) {
    for (const auto id : new_) images.push_back({id, wire::encoded(list(id))});
    new_.clear();
}

std::vector<wire::AclImage> AclTable::images() const {
    std::vector<wire::AclImage> images;
    images.reserve(entries_.size());
    for (const auto& [id, entry] : entries_) images.push_back({id, wire::encoded(entry.list)});
    std::ranges::sort(images, {}, &wire::AclImage::id);
    return images;
}

bool AclTable::restore(AclId id, std::string_view encoded_list) {
    auto list = wire::decoded<wire::AclList>(encoded_list);
    if (!list || contains(id) || *list == open_list()) return false;
    if (!id_of_encoded_.emplace(wire::encoded(*list), id).second) return false;
    entries_.emplace(id, Entry{std::move(*list), 0});
    unused_.push_back(id);
    last_id_ = std::max(last_id_, static_cast<std::uint32_t>(id));
    return true;
}

}  // namespace zabd::znode
