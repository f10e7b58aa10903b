#include "zabctl/acl_text.hpp"

#include "zabctl/failure.hpp"

#include <boost/algorithm/string/classification.hpp>
#include <boost/algorithm/string/split.hpp>
#include <fmt/format.h>

#include <array>
#include <utility>
#include <vector>

namespace zabd::zabctl {
namespace {

constexpr std::array<std::pair<char, std::int32_t>, 5> kLetters{
    {{'c', wire::kCreate}, {'d', wire::kDelete}, {'r', wire::kRead}, {'w', wire::kWrite}, {'a', wire::kAdmin}}};

std::int32_t parse_permissions(std::string_view letters, std::string_view word) {
    std::int32_t permissions = 0;
    for (const char given : letters) {
        std::int32_t bit = 0;
        for (const auto& [letter, permission] : kLetters) {
            if (letter == given) bit = permission;
        }
        if (bit == 0) throw Failure(kUsage, fmt::format("'{}' in '{}' is no permission; they are cdrwa", given, word));
        permissions |= bit;
    }
    return permissions;
}

client::Acl parse_entry(const std::string& word) {
    const auto first = word.find(':');
    const auto last = word.rfind(':');
    if (first == std::string::npos || first == last) {
        throw Failure(kUsage, fmt::format("'{}' is no ACL; the form is scheme:id:cdrwa, as in world:anyone:r", word));
    }
    return {parse_permissions(std::string_view(word).substr(last + 1), word),
            {word.substr(0, first), word.substr(first + 1, last - first - 1)}};
}

}  // namespace

client::AclList parse_acl(std::string_view text) {
    std::vector<std::string> words;
    boost::algorithm::split(words, text, boost::algorithm::is_any_of(","));
    client::AclList acl;
    for (const auto& word : words) acl.push_back(parse_entry(word));
    return acl;
}

std::string acl_word(const client::Acl& acl) {
    return fmt::format("{}:{}:{}", acl.id.scheme, acl.id.id, permission_letters(acl.permissions));
}

std::string permission_letters(std::int32_t permissions) {
    std::string letters;
    for (const auto& [letter, permission] : kLetters) {
        if (permissions & permission) letters += letter;
    }
    return letters;
}

}  // namespace zabd::zabctl
