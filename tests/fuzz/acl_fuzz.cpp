// Any list with any identities. First the identities of the one who asks, then the list in its wire form.
#include "tests/fuzz/input.hpp"
#include "wire/assert.hpp"
#include "wire/jute.hpp"
#include "znode/acl_rules.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace {

using namespace zabd;
using namespace zabd::znode;

constexpr const char* kSchemes[] = {"ip", "digest", "super", "auth", "world", "sasl"};

std::vector<wire::Id> take_identities(fuzz::Input& input) {
    std::vector<wire::Id> who;
    for (auto count = input.below(4); count > 0; --count) {
        std::string scheme = kSchemes[input.below(std::size(kSchemes))];
        who.push_back({std::move(scheme), std::string(input.short_text())});
    }
    return who;
}

/// What is stored holds nothing that depends on who set it, so to fix it up once more changes nothing.
void check_stored(const wire::AclList& stored) {
    ZABD_ASSERT(!stored.empty());
    for (const auto& entry : stored) ZABD_ASSERT(entry.id.scheme != "auth");
    ZABD_ASSERT(allowed(stored, wire::kAdmin, std::vector<wire::Id>{{"super", ""}}));
    const auto again = fixed_up(stored, {});
    if (again) ZABD_ASSERT(fixed_up(*again, {}) == again);
}

void check_redacted(const wire::AclList& list) {
    const auto shown = redacted(list);
    ZABD_ASSERT(shown.size() == list.size());
    for (std::size_t i = 0; i < list.size(); ++i) {
        ZABD_ASSERT(shown[i].permissions == list[i].permissions);
        ZABD_ASSERT(shown[i].id.scheme == list[i].id.scheme);
        const auto& hash = shown[i].id.id;
        const auto colon = hash.find(':');
        if (list[i].id.scheme == "digest" && colon != hash.npos) ZABD_ASSERT(hash.substr(colon) == ":x");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const auto who = take_identities(input);
    const auto list = wire::decoded<std::optional<wire::AclList>>(input.rest());
    if (!list) return 0;
    if (const auto stored = fixed_up(*list, who)) check_stored(*stored);
    if (!*list) return 0;
    check_redacted(**list);
    const bool any = allowed(**list, wire::kAllPermissions, who);
    for (int bit = wire::kRead; bit <= wire::kAdmin; bit <<= 1) {
        if (allowed(**list, bit, who)) ZABD_ASSERT(any);
    }
    return 0;
}
