// Any text as zoo.cfg: a configuration that can be used, or an error that says where.
#include "server/config.hpp"
#include "server/properties.hpp"
#include "wire/assert.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using namespace zabd;

constexpr const char* kName = "zoo.cfg";

void check_usable(const server::Config& config) {
    using std::chrono::milliseconds;
    ZABD_ASSERT(config.tick >= milliseconds(1));
    ZABD_ASSERT(config.session_timeout_min >= milliseconds(1));
    ZABD_ASSERT(config.session_timeout_min <= config.session_timeout_max);
    ZABD_ASSERT(config.session_timeout_max.count() <= INT32_MAX);
    ZABD_ASSERT(config.first_frame_timeout >= milliseconds(1));
    ZABD_ASSERT(config.frame_bytes_max > 0 && config.frame_bytes_max <= INT32_MAX);
    ZABD_ASSERT(config.outstanding_max > 0);
    ZABD_ASSERT(config.log_segment_bytes > 0);
    ZABD_ASSERT(!config.data_dir.empty() && !config.log_dir.empty());
    for (const auto& warning : config.warnings) {
        ZABD_ASSERT(warning.starts_with(kName));
        ZABD_ASSERT(warning.find('\n') == warning.npos);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto properties = server::parse_properties(text, kName);
    if (properties) {
        for (const auto& property : *properties) ZABD_ASSERT(property.line >= 1);
    }
    const auto config = server::parse_config(text, kName);
    if (config) {
        ZABD_ASSERT(properties.has_value());
        check_usable(*config);
    } else {
        ZABD_ASSERT(config.error().code == Errc::kBadConfig);
        const auto& where = config.error().where;
        ZABD_ASSERT(where.starts_with(kName) || where.find("myid: ") != where.npos);  // a member has a file of its own
        ZABD_ASSERT(where.find('\n') == where.npos);
    }
    return 0;
}
