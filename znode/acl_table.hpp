// Interned ACL lists: a node holds a small number, equal lists are stored once.
//
// Life      counted: a list goes when its last node does, but not before release_unused(), so that an id taken from a
//           node which a transaction deletes stays good until the next transaction.
// Numbers   this server's own, never in what servers tell each other; given in order of first use, so the same history
//           from the same start gives the same ids.
// Errors    none; an unknown id is a broken invariant.
#pragma once

#include "wire/acl.hpp"
#include "wire/node_image.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace zabd::znode {

using wire::AclId;

class AclTable {
public:
    /// The id of an equal list, new if there is none, with one more user. world:anyone:all is always kOpen.
    AclId intern(const wire::AclList& list);
    /// One more user of a list that is there.
    void add_user(AclId id);
    void release(AclId id);
    [[nodiscard]] bool contains(AclId id) const;
    [[nodiscard]] const wire::AclList& list(AclId id) const;

    /// Forgets lists without users, and appends an image for each.
    void release_unused(std::vector<wire::AclImage>& images);
    /// Appends an image for every list that is new since the last call.
    void take_new(std::vector<wire::AclImage>& images);
    /// All lists but the open one, in order of ids.
    [[nodiscard]] std::vector<wire::AclImage> images() const;

    /// Recovery: takes a stored list with its id, without users yet. False if the id or an equal list is there already,
    /// or the bytes are no list.
    [[nodiscard]] bool restore(AclId id, std::string_view encoded_list);

    /// The open list is not counted.
    [[nodiscard]] std::size_t size() const { return entries_.size(); }

private:
    struct Entry {
        wire::AclList list;
        std::uint64_t users = 0;
    };
    [[nodiscard]] Entry& entry(AclId id);

    std::unordered_map<std::string, AclId> id_of_encoded_;
    std::unordered_map<AclId, Entry> entries_;
    std::vector<AclId> new_;
    std::vector<AclId> unused_;  // may have got a user again
    std::string scratch_;        // a list encoded, to look it up without an allocation
    std::uint32_t last_id_ = 0;
};

}  // namespace zabd::znode
