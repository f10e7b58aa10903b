#include "server/core/path_loads.hpp"

#include <algorithm>

namespace zabd::core {

void PathLoads::count(std::string_view path, bool write, std::size_t bytes) {
    if (path.size() > kPathBytesMax) return;
    auto found = loads_.find(path);
    if (found == loads_.end()) {
        Load fresh;
        if (loads_.size() == kPathsMax) {
            const auto least =
                std::ranges::min_element(loads_, {}, [](const auto& entry) { return entry.second.uses(); });
            fresh.inherited = least->second.uses();
            loads_.erase(least);
        }
        found = loads_.emplace(path, fresh).first;
    }
    ++(write ? found->second.writes : found->second.reads);
    found->second.bytes += bytes;
}

std::vector<PathLoad> PathLoads::top() const {
    std::vector<PathLoad> all;
    all.reserve(loads_.size());
    for (const auto& [path, load] : loads_)
        all.push_back(
            {path, load.reads * kSampleInterval, load.writes * kSampleInterval, load.bytes * kSampleInterval});
    std::ranges::sort(all, [](const PathLoad& left, const PathLoad& right) {
        const auto uses = [](const PathLoad& load) { return load.reads + load.writes; };
        return uses(left) != uses(right) ? uses(left) > uses(right) : left.path < right.path;
    });
    return all;
}

}  // namespace zabd::core
