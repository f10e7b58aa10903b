#include "storage/sync_probe.hpp"

#include "storage/log_format.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace zabd::storage {

namespace {

using std::chrono::microseconds;
using std::chrono::steady_clock;

Result<microseconds> sync_once(File& file) {
    if (auto written = file.write_at(0, std::string(kBlockBytes, 'p')); !written)
        return std::unexpected(written.error());
    const auto start = steady_clock::now();
    if (auto synced = file.sync_data(); !synced) return std::unexpected(synced.error());
    return std::chrono::duration_cast<microseconds>(steady_clock::now() - start);
}

Result<microseconds> median_sync(File& file) {
    std::array<microseconds, 5> times{};
    for (auto& time : times) {
        const auto took = sync_once(file);
        if (!took) return took;
        time = *took;
    }
    std::ranges::sort(times);
    return times[times.size() / 2];
}

}  // namespace

Result<microseconds> probe_sync(FileSystem& files, const std::filesystem::path& directory) {
    // Named so that the log takes it away at its next start if we do not come to that.
    const auto path = directory / "sync-probe.tmp";
    const auto file = files.create(path);
    if (!file) return std::unexpected(file.error());
    const auto median = median_sync(**file);
    if (auto removed = files.remove(path); !removed) return std::unexpected(removed.error());
    return median;
}

}  // namespace zabd::storage
