// ACLs as words: "digest:bob:hash:cdrwa", several separated by commas. The scheme ends at the first colon and the
// permissions begin behind the last; between them the id may have colons of its own.
#pragma once

#include "client/types.hpp"

#include <string>
#include <string_view>

namespace zabd::zabctl {

/// Throws Failure (kUsage), which names the word.
[[nodiscard]] client::AclList parse_acl(std::string_view text);
/// One entry in that form.
[[nodiscard]] std::string acl_word(const client::Acl& acl);
/// Letters in the order cdrwa.
[[nodiscard]] std::string permission_letters(std::int32_t permissions);

}  // namespace zabd::zabctl
