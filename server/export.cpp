#include "server/export.hpp"

#include "server/core/core.hpp"
#include "storage/file.hpp"
#include "storage/new_directory.hpp"
#include "storage/recovery.hpp"
#include "storage/zookeeper_content.hpp"
#include "storage/zookeeper_directory.hpp"
#include "storage/zookeeper_log_file.hpp"
#include "storage/zookeeper_snapshot_file.hpp"
#include "wire/snapshot_stream.hpp"
#include "wire/txn_dialect.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <memory>
#include <utility>

namespace zabd::server {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUnfinished = "unfinished";
constexpr std::size_t kChunkBytes = 256 << 10;

/// Without sessions, as a server begins.
std::string stream_of(const znode::State& state) {
    const auto& [acls, tree, quotas] = state;
    std::string bytes;
    wire::SnapshotEncoder out(bytes);
    const auto lists = acls.images();
    out.begin_sessions(0);
    out.begin_acls(lists.size());
    for (const auto& list : lists)
        out.add(wire::SnapshotAcl{static_cast<std::int64_t>(list.id), list.encoded_list.value_or(std::string())});
    tree.for_each_in_subtree(*tree.find("/"), [&](const znode::Node& node) {
        const bool open = node.acl == wire::AclId::kOpen;
        out.add(wire::element_of(tree.record_of(node), tree.path_of(node), node.data,
                                 open ? wire::kOpenAclOfStream : static_cast<std::int64_t>(node.acl)));
    });
    out.end_nodes();
    return bytes;
}

std::size_t signature_bytes() {
    std::string with;
    std::string without;
    wire::SnapshotEncoder(with).end();
    wire::SnapshotEncoder(without).end_nodes();
    return with.size() - without.size();
}

class Export {
public:
    explicit Export(const ExportOptions& options) : options_(options) {}

    Result<ExportReport> run() {
        std::error_code error;
        if (!fs::exists(options_.from / "zabd" / "format", error)) {
            return failure(Errc::kBadConfig,
                           options_.from.string() + ": is no dataDir of zabd: zabd/format is not there");
        }
        for (const auto step :
             {&Export::begin, &Export::write_log, &Export::write_snapshot, &Export::write_numbers, &Export::finish}) {
            if (auto done = (this->*step)(); !done) {
                fs::remove_all(unfinished_, error);
                return std::unexpected(done.error());
            }
        }
        return report_;
    }

private:
    Result<void> begin() {
        if (auto cleared = storage::clear_for(options_.to, kUnfinished); !cleared) return cleared;
        unfinished_ = options_.to / kUnfinished;
        std::error_code error;
        fs::create_directory(unfinished_, error);
        if (error) return std::unexpected(storage::system_error(error.value(), unfinished_, "create the directory"));
        return {};
    }

    /// Opens what there is, which tells the records one by one.
    Result<void> write_log() {
        std::unique_ptr<storage::ZookeeperLogWriter> log;
        Result<void> written;
        const auto on_record = [&](const storage::LogRecord& record) {
            if (!written) return;
            if (!log) {
                auto created = storage::ZookeeperLogWriter::create(
                    unfinished_ / storage::name_of_file(storage::kLogKind, record.zxid));
                if (!created) return void(written = std::unexpected(created.error()));
                log = std::move(*created);
            }
            written = log->add(wire::for_zookeeper(record.txn).view());
            report_.zxid = record.zxid;
            ++report_.transactions;
        };
        const auto on_state = [&](const storage::Found& found, storage::Checkpoint&) -> Result<void> {
            // A server that stands alone serves before it has written down that it has a history.
            if (!found.hard_state.has_history && found.hard_state.accepted_epoch != 0) return nothing_whole();
            report_.zxid = report_.snapshot = found.checkpoint.zxid;
            report_.accepted_epoch = found.hard_state.accepted_epoch;
            report_.current_epoch = found.hard_state.current_epoch;
            fuzzy_until_ = found.hard_state.fuzzy_until;
            return {};
        };
        auto opened = storage::open_storage(
            {.data_root = options_.from, .log_root = options_.log_from},
            {.state = {.on_session = [&](const auto&) { return ++report_.sessions, Result<void>(); },
                       .on_acl = [](const auto&) { return Result<void>(); },
                       .on_node = [&](const auto&, const auto&) { return ++report_.nodes, Result<void>(); }},
             .on_state = on_state,
             .on_record = on_record});
        if (!opened) return std::unexpected(opened.error());
        storage_ = std::move(*opened);
        if (!written) return written;
        const bool anything = storage_.checkpoint_found.present || storage_.hard_state_found.has_history || log;
        if (!anything || report_.zxid < fuzzy_until_) return nothing_whole();
        return log ? log->finish() : Result<void>();
    }

    [[nodiscard]] std::unexpected<Error> nothing_whole() const {
        return failure(Errc::kBadConfig,
                       options_.from.string() + ": has no history, or none that is whole: there is nothing to export");
    }

    Result<void> write_snapshot() {
        auto file = storage::ZookeeperSnapshotWriter::create(
            unfinished_ / storage::name_of_file(storage::kSnapshotKind, report_.snapshot));
        if (!file) return std::unexpected(file.error());
        const auto& checkpoint = storage_.checkpoint_found;
        const auto written = checkpoint.present ? write_checkpoint(**file) : write_fresh(**file);
        if (!written) return written;
        // A snapshot of ZooKeeper's is the tree of its zxid only with what is behind it.
        const bool known = report_.snapshot != Zxid{} && report_.snapshot >= fuzzy_until_;
        return (*file)->finish(known ? storage::TreeDigest{report_.snapshot, checkpoint.digest}
                                     : storage::TreeDigest{});
    }

    Result<void> write_fresh(storage::ZookeeperSnapshotWriter& file) {
        const core::Recovered fresh;
        report_.nodes = fresh.state.tree.node_count();
        return file.add(stream_of(fresh.state));
    }

    Result<void> write_checkpoint(storage::ZookeeperSnapshotWriter& file) {
        auto& checkpoint = *storage_.checkpoint;
        std::promise<std::unique_ptr<storage::SnapshotSource>> opened;
        checkpoint.start([](const storage::CheckpointProgress&) {});
        checkpoint.open_snapshot([&](auto source) { opened.set_value(std::move(source)); });
        const auto source = opened.get_future().get();
        const auto written = source ? write_stream(*source, file)
                                    : failure(Errc::kIo, options_.from.string() + ": the checkpoint cannot be read");
        checkpoint.stop();
        return written;
    }

    /// All but the signature, which files do not have.
    static Result<void> write_stream(storage::SnapshotSource& source, storage::ZookeeperSnapshotWriter& file) {
        const auto held_back = signature_bytes();
        std::string bytes;
        for (;;) {
            const auto more = source.next(bytes, kChunkBytes);
            if (!more) return std::unexpected(more.error());
            const auto ready = bytes.size() - std::min(bytes.size(), held_back);
            if (auto added = file.add(std::string_view(bytes).substr(0, ready)); !added) return added;
            bytes.erase(0, ready);
            if (!*more) return {};
        }
    }

    Result<void> write_numbers() {
        report_.current_epoch = std::max(report_.current_epoch, report_.zxid.epoch());
        report_.accepted_epoch = std::max(report_.accepted_epoch, report_.current_epoch);
        auto& files = storage::real_file_system();
        for (const auto& [name, epoch] : {std::pair(storage::kAcceptedEpoch, report_.accepted_epoch),
                                          std::pair(storage::kCurrentEpoch, report_.current_epoch)}) {
            if (auto put = storage::replace_file(files, unfinished_ / name, std::to_string(epoch)); !put) return put;
        }
        return {};
    }

    Result<void> finish() {
        auto& files = storage::real_file_system();
        std::error_code error;
        const auto number = options_.from / storage::kServerNumber;
        const auto target = options_.to / storage::kServerNumber;
        if (fs::exists(number, error) && !fs::exists(target, error)) {
            fs::copy_file(number, target, error);
            if (error) return std::unexpected(storage::system_error(error.value(), number, "copy"));
        }
        if (auto synced = files.sync_directory(unfinished_); !synced) return synced;
        if (auto moved = files.rename(unfinished_, options_.to / storage::kZookeeperVersion); !moved) return moved;
        return files.sync_directory(options_.to);
    }

    const ExportOptions& options_;
    fs::path unfinished_;
    storage::Storage storage_;
    Zxid fuzzy_until_;
    ExportReport report_;
};

}  // namespace

Result<ExportReport> export_zookeeper(const ExportOptions& options) { return Export(options).run(); }

std::string text_of(const ExportReport& report) {
    return fmt::format(
        "exported zxid=0x{:x} acceptedEpoch={} currentEpoch={}\n"
        "as a snapshot at 0x{:x} with {} nodes and {} sessions, and {} transactions behind it\n",
        report.zxid.value, report.accepted_epoch, report.current_epoch, report.snapshot.value, report.nodes,
        report.sessions, report.transactions);
}

}  // namespace zabd::server
