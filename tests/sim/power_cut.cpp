#include "tests/sim/power_cut.hpp"

#include "storage/log_format.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace zabd::sim {

namespace {

using storage::kBlockBytes;

constexpr std::uint64_t kSectorsPerBlock = kBlockBytes / Disk::kSectorBytes;

using Block = std::pair<std::uint64_t, std::uint64_t>;  // inode, number

Block block_of(const Disk::Unsynced& change) { return {change.number, *change.sector / kSectorsPerBlock}; }

/// Sectors of one block live or die together; names each for itself.
std::vector<bool> surviving_blocks(const std::vector<Disk::Unsynced>& unsynced, Random& random) {
    std::map<Block, bool> fates;
    std::vector<bool> kept;
    for (const auto& change : unsynced) {
        if (!change.sector) {
            kept.push_back(random.coin());
            continue;
        }
        const auto [fate, first] = fates.try_emplace(block_of(change));
        if (first) fate->second = random.coin();
        kept.push_back(fate->second);
    }
    return kept;
}

void count_losses(const std::vector<Disk::Unsynced>& unsynced, const std::vector<bool>& kept, FaultCounts& faults) {
    std::set<Block> whole, gone;
    bool lost_before = false;
    bool reordered = false;
    bool lost_name = false;
    for (std::size_t n = 0; n < unsynced.size(); ++n) {
        reordered = reordered || (kept[n] && lost_before);
        lost_before = lost_before || !kept[n];
        lost_name = lost_name || (!kept[n] && !unsynced[n].sector);
        if (unsynced[n].sector) (kept[n] ? whole : gone).insert(block_of(unsynced[n]));
    }
    const bool torn = std::ranges::any_of(gone, [&](const Block& block) { return whole.contains(block); });
    if (lost_before) faults.add(Fault::kLostUnsynced);
    if (reordered) faults.add(Fault::kReorderedWrites);
    if (torn) faults.add(Fault::kTornWrite);
    if (lost_name) faults.add(Fault::kLostDirectoryEntry);
}

// --- at rest ---------------------------------------------------------------------------------------------------------

/// The last batch of a segment whose header reads.
std::optional<std::uint64_t> last_batch(std::string_view content) {
    const auto header = storage::decode_segment_header(content);
    if (!header) return std::nullopt;
    std::optional<std::uint64_t> last;
    for (auto offset = kBlockBytes; offset < content.size(); offset += kBlockBytes)
        if (storage::decode_batch_header(content, header->id, offset)) last = offset;
    return last;
}

struct Segment {
    Disk::Path path;
    std::string content;
    std::uint64_t end = 0;  // what lies behind may not be damaged
};

/// Those with a batch that is not the log's last one.
std::vector<Segment> damageable(const Disk& disk, const Disk::Path& directory) {
    std::vector<Segment> segments;
    for (const auto& path : disk.paths()) {
        if (path.parent_path() != directory || !storage::segment_number(path.filename().string())) continue;
        Segment segment{.path = path, .content = disk.content(path)};
        const auto last = last_batch(segment.content);
        if (!last) break;
        if (!segments.empty()) segments.back().end = segments.back().content.size();
        segment.end = *last;
        segments.push_back(std::move(segment));
    }
    return segments;
}

}  // namespace

std::vector<bool> survivors(const std::vector<Disk::Unsynced>& unsynced, Loss loss, Random& random) {
    const auto count = unsynced.size();
    if (loss == Loss::kAll) return std::vector<bool>(count, false);
    if (loss == Loss::kNone) return std::vector<bool>(count, true);
    if (loss == Loss::kBlocks) return surviving_blocks(unsynced, random);
    std::vector<bool> kept(count);
    const auto prefix = random.below(count + 1);
    for (std::size_t n = 0; n < count; ++n) kept[n] = loss == Loss::kSuffix ? n < prefix : random.coin();
    return kept;
}

void cut_power(Disk& disk, Random& random, FaultCounts& faults) {
    constexpr Loss kLosses[] = {Loss::kAll, Loss::kSuffix, Loss::kBlocks, Loss::kSectors, Loss::kNone};
    const auto unsynced = disk.unsynced();
    const auto kept = survivors(unsynced, random.pick(kLosses), random);
    count_losses(unsynced, kept, faults);
    disk.crash(kept);
}

bool damage_at_rest(Disk& disk, const Disk::Path& directory, Random& random, FaultCounts& faults) {
    auto segments = damageable(disk, directory);
    if (segments.empty()) return false;
    auto& [path, content, end] = segments[random.below(segments.size())];
    const auto blocks = end / kBlockBytes;
    const auto block = random.below(blocks) * kBlockBytes;
    if (random.coin()) {
        const auto at = block + random.below(kBlockBytes);
        content[at] = static_cast<char>(content[at] ^ (1 << random.below(8)));
        faults.add(Fault::kBitFlip);
    } else {
        const auto& source = segments[random.below(segments.size())].content;
        const auto from = random.below(source.size() / kBlockBytes) * kBlockBytes;
        const auto stale = random.coin() ? std::string(kBlockBytes, '\0') : source.substr(from, kBlockBytes);
        content.replace(block, kBlockBytes, stale);
        faults.add(Fault::kWrongBlock);
    }
    disk.put(path, content);
    return true;
}

}  // namespace zabd::sim
