// Any bytes as a path: whatever is accepted can be taken apart and put together again, and so can its parent.
#include "wire/assert.hpp"
#include "znode/path.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using namespace zabd::znode;

void check_valid(std::string_view path) {
    ZABD_ASSERT(loosely_valid_path(path));
    if (path == kRootPath) return;
    const auto parent = parent_path(path);
    const auto name = base_name(path);
    ZABD_ASSERT(valid_path(parent));
    ZABD_ASSERT(!name.empty());
    ZABD_ASSERT(name.find('/') == std::string_view::npos);
    ZABD_ASSERT(std::string(parent == kRootPath ? "" : parent).append("/").append(name) == path);
    ZABD_ASSERT(valid_path(std::string(path) + sequence_suffix(7)));
    ZABD_ASSERT(!valid_path(std::string(path) + '/'));
    ZABD_ASSERT(!valid_path(path.substr(1)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view path(reinterpret_cast<const char*>(data), size);
    if (valid_path(path)) check_valid(path);
    if (special_path(path)) ZABD_ASSERT(valid_path(path));
    if (loosely_valid_path(path)) ZABD_ASSERT(parent_path(path).size() + base_name(path).size() <= size);
    return 0;
}
