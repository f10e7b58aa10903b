// The way from the log to its disk, where bugs of syncing can be planted.
#pragma once

#include "storage/file.hpp"
#include "tests/sim/planted_bugs.hpp"

namespace zabd::sim {

class PlantedFiles final : public storage::FileSystem {
public:
    PlantedFiles(storage::FileSystem& disk, Planted planted) : disk_(disk), planted_(planted) {}

    Result<std::unique_ptr<storage::File>> open(const std::filesystem::path& path) override;
    Result<std::unique_ptr<storage::File>> create(const std::filesystem::path& path, bool secret) override;
    Result<void> rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
        return disk_.rename(from, to);
    }
    Result<void> remove(const std::filesystem::path& path) override { return disk_.remove(path); }
    Result<void> sync_directory(const std::filesystem::path& directory) override {
        if (planted_.is(Bug::kDirectorySyncSkipped)) return {};
        return disk_.sync_directory(directory);
    }
    Result<std::vector<std::string>> list(const std::filesystem::path& directory) override {
        return disk_.list(directory);
    }

private:
    Result<std::unique_ptr<storage::File>> wrapped(Result<std::unique_ptr<storage::File>> file) const;

    storage::FileSystem& disk_;
    Planted planted_;
};

/// Planted: takes the last batch of the log for whole though its checksums say that it is torn, by making them right.
void accept_torn_tail(storage::FileSystem& disk, const std::filesystem::path& directory);

}  // namespace zabd::sim
