// A walk through the tree in slices (inspect.hpp), each of which begins where the one before ended, whatever has happened
// to the tree meanwhile.
//
// Cursor    names the node that was looked at last, by path, and by the ids of all on that path. If it is gone, its place
//           is found by ids: siblings are in their order, and an id is never given again.
// Cost      of a slice what it looks at, and the depth of where it stands. Past siblings that must be skipped to find the
//           place of a node that is gone count as looked at.
#pragma once

#include "server/core/inspect.hpp"
#include "znode/acl_rules.hpp"
#include "znode/apply.hpp"

#include <cstdint>

namespace zabd::core {

struct WalkContext {
    const znode::State& state;
    znode::Identities who;
    bool check_acls = true;
    std::uint64_t generation = 0;  // of the state: cursors of another one are refused
};

[[nodiscard]] bool may(const WalkContext& context, const znode::Node& node, std::int32_t permissions);
[[nodiscard]] NodeView view_of(const WalkContext& context, const znode::Node& node, bool with_data, bool with_acl);
[[nodiscard]] WalkAnswer walk(const WalkContext& context, const WalkQuery& query);

}  // namespace zabd::core
