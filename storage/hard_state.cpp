#include "storage/hard_state.hpp"

#include "storage/crc32c.hpp"
#include "wire/assert.hpp"
#include "wire/jute.hpp"

#include <algorithm>
#include <utility>

namespace zabd::storage {

namespace {

constexpr std::string_view kMagic = "zabdhard";
constexpr std::size_t kCrcAt = 8;
constexpr std::size_t kSlotBytesUsed = 100;

}  // namespace

std::string encode_slot(const HardStateSlot& slot) {
    std::string content;
    wire::Encoder encoder(content);
    encoder.put_long(static_cast<std::int64_t>(slot.write));
    encoder.put_long(static_cast<std::int64_t>(slot.state.generation));
    encoder.put_int(static_cast<std::int32_t>(slot.state.accepted_epoch));
    encoder.put_int(static_cast<std::int32_t>(slot.state.current_epoch));
    encoder.put_int(slot.state.has_history ? 1 : 0);
    encoder.put_int(slot.state.provisional ? 1 : 0);
    encoder.put_raw({reinterpret_cast<const char*>(slot.state.secret.data()), slot.state.secret.size()});
    for (const auto zxid : {slot.state.fuzzy_until, slot.state.mixed_from, slot.state.mixed_until})
        encoder.put_long(static_cast<std::int64_t>(zxid.value));

    std::string out(kMagic);
    wire::Encoder sealed(out);
    sealed.put_int(static_cast<std::int32_t>(crc32c(content)));
    sealed.put_raw(content);
    ZABD_ASSERT(out.size() == kSlotBytesUsed);
    out.resize(kHardStateSlotBytes);
    return out;
}

std::optional<HardStateSlot> decode_slot(std::string_view bytes) {
    if (bytes.size() < kSlotBytesUsed || !bytes.starts_with(kMagic)) return std::nullopt;
    wire::Decoder in(bytes.substr(kCrcAt, kSlotBytesUsed - kCrcAt));
    const auto crc = static_cast<std::uint32_t>(in.get_int());
    if (crc != crc32c(in.rest())) return std::nullopt;
    HardStateSlot slot;
    slot.write = static_cast<std::uint64_t>(in.get_long());
    slot.state.generation = static_cast<std::uint64_t>(in.get_long());
    slot.state.accepted_epoch = static_cast<Epoch>(in.get_int());
    slot.state.current_epoch = static_cast<Epoch>(in.get_int());
    const auto has_history = in.get_int();
    const auto provisional = in.get_int();
    if (has_history < 0 || has_history > 1 || provisional < 0 || provisional > 1 || slot.write == 0)
        return std::nullopt;
    slot.state.has_history = has_history == 1;
    slot.state.provisional = provisional == 1;
    const auto secret = in.rest().substr(0, slot.state.secret.size());
    std::ranges::copy(secret, reinterpret_cast<char*>(slot.state.secret.data()));
    in = wire::Decoder(in.rest().substr(secret.size()));
    for (auto* zxid : {&slot.state.fuzzy_until, &slot.state.mixed_from, &slot.state.mixed_until})
        zxid->value = static_cast<std::uint64_t>(in.get_long());
    return slot;
}

Result<std::unique_ptr<HardStateFile>> HardStateFile::open(FileSystem& files, const std::filesystem::path& path,
                                                           const std::optional<StoredHardState>& initial) {
    const auto names = files.list(path.parent_path());
    if (!names) return std::unexpected(names.error());
    if (!std::ranges::binary_search(*names, path.filename().string())) {
        if (!initial) return failure(Errc::kDamaged, path.string() + ": is missing. Restore zabd/ from a backup");
        const auto slot = encode_slot({.write = 1, .state = *initial});
        std::string content(kHardStateSlots * kHardStateSlotBytes, '\0');
        content.replace(1 % kHardStateSlots * kHardStateSlotBytes, slot.size(), slot);
        if (auto made = replace_file(files, path, content, true); !made) return std::unexpected(made.error());
    }
    auto file = files.open(path);
    if (!file) return std::unexpected(file.error());
    std::unique_ptr<HardStateFile> hard_state(new HardStateFile(std::move(*file)));
    if (auto read = hard_state->read(path); !read) return std::unexpected(read.error());
    return hard_state;
}

Result<void> HardStateFile::read(const std::filesystem::path& path) {
    file_->drop_cache();
    const auto content = read_whole(*file_);
    if (!content) return std::unexpected(content.error());
    for (std::uint64_t n = 0; n < kHardStateSlots; ++n) {
        const auto at = std::min<std::size_t>(content->size(), n * kHardStateSlotBytes);
        const auto slot = decode_slot(std::string_view(*content).substr(at, kHardStateSlotBytes));
        if (!slot || slot->write % kHardStateSlots != n || slot->write <= write_last_) continue;
        write_last_ = slot->write;
        current_ = slot->state;
    }
    if (write_last_ == 0) {
        return failure(Errc::kDamaged,
                       path.string() +
                           ": damaged: what this server promised and acknowledged is unknown. Restore zabd/ "
                           "from a backup; a member of an ensemble may start with an empty directory instead");
    }
    return file_->sync_data();  // it may have come from memory only
}

Result<void> HardStateFile::save(const StoredHardState& state) {
    ZABD_ASSERT(state.accepted_epoch >= current_.accepted_epoch && state.current_epoch >= current_.current_epoch);
    ZABD_ASSERT(state.current_epoch <= state.accepted_epoch);
    ZABD_ASSERT(state.generation >= current_.generation);
    const auto write = write_last_ + 1;
    const auto slot = encode_slot({.write = write, .state = state});
    if (auto written = file_->write_at(write % kHardStateSlots * kHardStateSlotBytes, slot); !written) return written;
    if (auto synced = file_->sync_data(); !synced) return synced;
    write_last_ = write;
    current_ = state;
    return {};
}

}  // namespace zabd::storage
