#include "storage/recovery.hpp"

#include "storage/file.hpp"
#include "storage/log_format.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace zabd::storage {

namespace {

class Recovery {
public:
    Recovery(const StorageOptions& options, const RecoveryVisitor& visitor) : options_(options), visitor_(visitor) {}

    Result<Storage> run() {
        if (auto opened = open_directory(); !opened) return std::unexpected(opened.error());
        auto opened = open_generation();
        if (!opened && opened.error().code == Errc::kDamaged && options_.quarantine) {
            if (auto aside = put_aside(opened.error()); !aside) return std::unexpected(aside.error());
            visitor_.on_quarantine();
            opened = open_generation();
        }
        if (!opened) return std::unexpected(opened.error());
        storage_.hard_state_found = hard_state_->current();
        storage_.hard_state = std::make_unique<HardStateWriter>(std::move(hard_state_));
        storage_.installer =
            std::make_unique<Installer>(*storage_.directory, *storage_.hard_state,
                                        InstallerOptions{.segment_bytes = options_.segment_bytes,
                                                         .retain_bytes = options_.retain_bytes,
                                                         .checkpoint = options_.checkpoint,
                                                         .generation = storage_.hard_state_found.generation});
        return std::move(storage_);
    }

private:
    [[nodiscard]] DataDir::Generation generation() const { return hard_state_->current().generation; }

    Result<void> open_directory() {
        const auto& log_root = options_.log_root.empty() ? options_.data_root : options_.log_root;
        auto directory = DataDir::open(options_.data_root, log_root);
        if (!directory) return std::unexpected(directory.error());
        storage_.directory = std::move(*directory);
        auto hard_state = HardStateFile::open(real_file_system(), storage_.directory->hard_state_path(), std::nullopt);
        if (!hard_state) return std::unexpected(hard_state.error());
        hard_state_ = std::move(*hard_state);
        return storage_.directory->remove_other_generations(generation());
    }

    Result<void> open_generation() {
        if (auto there = expect_log(); !there) return there;
        if (auto made = storage_.directory->make_generation(generation()); !made) return made;
        if (auto opened = open_checkpoint(); !opened) return opened;
        return open_log();
    }

    /// Where there is a history, an empty log is a lost one: it always keeps a segment.
    [[nodiscard]] Result<void> expect_log() const {
        if (!hard_state_->current().has_history) return {};
        const auto directory = storage_.directory->log_directory(generation());
        const auto names = real_file_system().list(directory);
        const auto is_segment = [](const std::string& name) { return segment_number(name).has_value(); };
        if (names && std::ranges::any_of(*names, is_segment)) return {};
        return failure(Errc::kDamaged, directory.string() +
                                           ": the log is lost: there has been one, and it has no segment. Restore "
                                           "zabd/ from a backup");
    }

    Result<void> open_checkpoint() {
        const CheckpointOptions options{.directory = storage_.directory->checkpoint_directory(generation()),
                                        .identity = storage_.directory->identity(generation()),
                                        .triggers = options_.checkpoint};
        auto checkpoint = Checkpoint::open(options, visitor_.state, storage_.checkpoint_found);
        if (!checkpoint) return std::unexpected(checkpoint.error());
        storage_.checkpoint = std::move(*checkpoint);
        return {};
    }

    Result<void> tell_state() const {
        const auto& scan = storage_.log_found;
        Found found{hard_state_->current(), storage_.checkpoint_found, scan.zxid_begin, scan.epoch_ends};
        std::erase_if(found.epoch_ends, [&](Zxid end) { return end > found.checkpoint.zxid; });
        return visitor_.on_state(found, *storage_.checkpoint);
    }

    Result<void> open_log() {
        const LogOptions options{.directory = storage_.directory->log_directory(generation()),
                                 .segment_bytes = options_.segment_bytes,
                                 .identity = storage_.directory->identity(generation()),
                                 .retain_bytes = options_.retain_bytes};
        // Where the log begins is known when the first record is told, and not before.
        std::optional<Result<void>> state_told;
        const auto on_record = [&](LogRecord record) {
            if (!state_told) state_told = tell_state();
            if (*state_told) visitor_.on_record(std::move(record));
        };
        auto log = Log::open(options, storage_.checkpoint_found.zxid, on_record, storage_.log_found);
        if (!log) return std::unexpected(log.error());
        if (!state_told) state_told = tell_state();
        if (!*state_told) return *state_told;
        storage_.log = std::move(*log);
        return {};
    }

    /// (1) The history is disowned. (2) What is left of it is moved away. (3) Another generation begins. A crash before (2)
    /// meets the damage again; one between (2) and (3) finds nothing, and knows that it is not all there was.
    Result<void> put_aside(const Error& why) {
        storage_.checkpoint.reset();
        storage_.checkpoint_found = {};
        auto state = hard_state_->current();
        state.has_history = false;
        if (auto saved = hard_state_->save(state); !saved) return saved;
        auto directory = storage_.directory->quarantine(state.generation);
        if (!directory) return std::unexpected(directory.error());
        storage_.quarantine = {.directory = std::move(*directory), .reason = why.where};
        ++state.generation;
        return hard_state_->save(state);
    }

    const StorageOptions& options_;
    const RecoveryVisitor& visitor_;
    Storage storage_;
    std::unique_ptr<HardStateFile> hard_state_;
};

}  // namespace

Result<Storage> open_storage(const StorageOptions& options, const RecoveryVisitor& visitor) {
    return Recovery(options, visitor).run();
}

}  // namespace zabd::storage
