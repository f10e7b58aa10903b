// What a server must remember besides log and checkpoint: the epochs that it promised and took part in, whether it has a
// history, the key of session passwords, and which log and checkpoint count.
//
// Contract  save() makes the whole of it durable in one step: after a crash there is the old state or the new one.
// Form      two slots in a file, each in a block of its own, written in turn, with a checksum and a number that rises with
//           every write (docs/storage.md). A slot that does not read was being written when the power went; the other
//           one then counts.
// Threads   one at a time. hard_state_writer.hpp is the thread.
// Errors    Errc::kDamaged if neither slot reads, or if the file is missing and must not be. After a failed save()
//           nothing may be called any more: nobody can know what the disk has.
#pragma once

#include "storage/file.hpp"
#include "wire/ids.hpp"
#include "wire/result.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace zabd::storage {

struct StoredHardState {
    Epoch accepted_epoch = 0;  // >= current_epoch; neither ever decreases
    Epoch current_epoch = 0;
    bool has_history = false;  // log and checkpoint hold all that this server ever acknowledged
    std::array<unsigned char, 32> secret{};
    Zxid fuzzy_until{};            // the checkpoint is a state only with what the log holds up to here
    bool provisional = false;      // the checkpoint may hold what was never committed
    Zxid mixed_from{};             // sessions that were opened behind it
    Zxid mixed_until{};            // and up to here have passwords as ZooKeeper makes them
    std::uint64_t generation = 0;  // of log and checkpoint: which directories count. Never decreases
    friend bool operator==(const StoredHardState&, const StoredHardState&) = default;
};

class HardStateFile {
public:
    /// `initial` is what a new file begins with; nullopt: there has to be one.
    static Result<std::unique_ptr<HardStateFile>> open(FileSystem& files, const std::filesystem::path& path,
                                                       const std::optional<StoredHardState>& initial);

    [[nodiscard]] const StoredHardState& current() const { return current_; }
    Result<void> save(const StoredHardState& state);

private:
    explicit HardStateFile(std::unique_ptr<File> file) : file_(std::move(file)) {}
    Result<void> read(const std::filesystem::path& path);

    std::unique_ptr<File> file_;
    StoredHardState current_;
    std::uint64_t write_last_ = 0;  // its number says the slot too
};

inline constexpr std::uint64_t kHardStateSlotBytes = 4096;
inline constexpr std::uint64_t kHardStateSlots = 2;

struct HardStateSlot {
    std::uint64_t write = 0;  // number of the write that made it, from 1 on
    StoredHardState state;
};
/// kHardStateSlotBytes long.
[[nodiscard]] std::string encode_slot(const HardStateSlot& slot);
/// nullopt: never written, torn or damaged.
[[nodiscard]] std::optional<HardStateSlot> decode_slot(std::string_view bytes);

}  // namespace zabd::storage
