#include "tests/sim/planted_files.hpp"

#include "storage/log_format.hpp"
#include "wire/jute.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace zabd::sim {

using storage::File;

namespace {

class FileOfBadSyncs final : public File {
public:
    FileOfBadSyncs(std::unique_ptr<File> file, Bug bug) : file_(std::move(file)), bug_(bug) {}

    Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) override {
        return file_->read_at(offset, into);
    }
    Result<void> write_at(std::uint64_t offset, std::string_view content) override {
        return file_->write_at(offset, content);
    }
    Result<void> allocate(std::uint64_t bytes) override { return file_->allocate(bytes); }
    Result<void> sync_data() override { return sync_all(); }
    Result<void> sync_all() override {
        if (bug_ == Bug::kSyncSkipped) return {};
        auto synced = file_->sync_all();
        return synced ? synced : file_->sync_all();
    }
    Result<std::uint64_t> size() override { return file_->size(); }
    void drop_cache() override { file_->drop_cache(); }

private:
    std::unique_ptr<File> file_;
    Bug bug_;
};

/// The batch at `offset` built anew from what its headers claim, if they claim anything.
std::optional<std::string> mended_batch(std::string_view content, const storage::SegmentId& id, std::uint64_t offset) {
    const auto header = storage::decode_batch_header(content, id, offset);
    if (!header) return std::nullopt;
    std::string batch;
    storage::BatchEncoder encoder(batch, *header);
    auto at = offset + storage::kBatchHeaderBytes;
    auto zxid = header->before.zxid;
    for (std::uint32_t n = 0; n < header->record_count; ++n) {
        wire::Decoder in(content.substr(std::min<std::size_t>(at, content.size())));
        (void)in.get_int();
        const auto bytes = static_cast<std::uint32_t>(in.get_int());
        const auto rest = in.rest().substr(std::min<std::size_t>(8, in.rest().size()));
        zxid = Zxid::of(zxid.epoch(), zxid.counter() + 1);
        encoder.add(zxid, rest.substr(0, bytes));
        at += storage::kRecordHeaderBytes + bytes;
    }
    (void)encoder.finish();
    return batch;
}

}  // namespace

Result<std::unique_ptr<File>> PlantedFiles::wrapped(Result<std::unique_ptr<File>> file) const {
    const bool bad = planted_.is(Bug::kSyncSkipped) || planted_.is(Bug::kFailedSyncRetried);
    if (!file || !bad) return file;
    return std::make_unique<FileOfBadSyncs>(std::move(*file), planted_.bug);
}

Result<std::unique_ptr<File>> PlantedFiles::open(const std::filesystem::path& path) {
    return wrapped(disk_.open(path));
}

Result<std::unique_ptr<File>> PlantedFiles::create(const std::filesystem::path& path, bool secret) {
    return wrapped(disk_.create(path, secret));
}

void accept_torn_tail(storage::FileSystem& disk, const std::filesystem::path& directory) {
    const auto names = disk.list(directory);
    for (const auto& name : names.value_or(std::vector<std::string>{})) {
        const auto file = storage::segment_number(name) ? disk.open(directory / name) : failure(Errc::kIo, "");
        if (!file) continue;
        const auto content = storage::read_whole(**file).value_or("");
        const auto header = storage::decode_segment_header(content);
        if (!header) continue;
        for (auto offset = storage::kBlockBytes; offset < content.size(); offset += storage::kBlockBytes) {
            const auto batch = storage::decode_batch_header(content, header->id, offset);
            if (!batch) continue;
            std::vector<storage::RecordView> records;
            std::optional<std::uint64_t> broken_at;
            storage::decode_batch_body(content, *batch, records, broken_at);
            if (!broken_at) continue;
            if (const auto mended = mended_batch(content, header->id, offset)) (void)(*file)->write_at(offset, *mended);
        }
    }
}

}  // namespace zabd::sim
