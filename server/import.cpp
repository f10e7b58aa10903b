#include "server/import.hpp"

#include "server/core/imported_state.hpp"
#include "storage/file.hpp"
#include "storage/new_directory.hpp"
#include "storage/zookeeper_content.hpp"
#include "storage/zookeeper_directory.hpp"
#include "storage/zookeeper_log_file.hpp"
#include "storage/zookeeper_snapshot_file.hpp"
#include "wire/zookeeper_txn.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

namespace zabd::server {
namespace {

namespace fs = std::filesystem;
using storage::ZookeeperFile;

std::string shown(Zxid zxid) { return fmt::format("0x{:x}", zxid.value); }

class Import {
public:
    explicit Import(const ImportOptions& options) : options_(options) {}

    Result<ImportReport> run() {
        auto target = storage::NewDirectory::begin(options_.to);
        if (!target) return std::unexpected(target.error());
        auto found = storage::list_zookeeper_directory(options_.from, options_.log_from);
        if (!found) return std::unexpected(found.error());
        found_ = std::move(*found);
        for (const auto step : {&Import::load_snapshot, &Import::replay_logs, &Import::judge, &Import::settle_epochs}) {
            if (auto done = (this->*step)(); !done) return std::unexpected(done.error());
        }
        if (auto written = write(**target); !written) return std::unexpected(written.error());
        return std::move(report_);
    }

private:
    void remark(std::string what) { report_.remarks.push_back(std::move(what)); }

    // --- the snapshot ------------------------------------------------------------------------------------------------

    Result<void> load_snapshot() {
        for (const auto& snapshot : found_.snapshots) {
            const auto whole = storage::looks_whole(snapshot.path);
            if (!whole) return std::unexpected(whole.error());
            if (!*whole) {
                remark(snapshot.path.string() + ": was not written to its end, and is passed over");
                continue;
            }
            auto loaded = load(snapshot);
            if (loaded) return {};
            if (loaded.error().code != Errc::kDamaged) return loaded;
            remark(loaded.error().where + ". An older snapshot is taken");
            if (!damage_) damage_ = {snapshot.zxid, loaded.error()};
        }
        if (damage_) return std::unexpected(damage_->second);
        return failure(Errc::kBadConfig, (options_.from / storage::kZookeeperVersion).string() +
                                             ": has no snapshot, without which a log says nothing");
    }

    Result<void> load(const ZookeeperFile& snapshot) {
        state_ = std::make_unique<core::ImportedState>();
        const auto digest =
            storage::read_zookeeper_snapshot(snapshot.path, [this](wire::SnapshotElement&& element) -> Result<void> {
                if (state_->take(std::move(element))) return {};
                return failure(Errc::kDamaged, "a session, ACL list or node does not fit those before it");
            });
        if (!digest) return std::unexpected(digest.error());
        if (!state_->load(snapshot.zxid)) return failure(Errc::kDamaged, snapshot.path.string() + ": has no root");
        report_.snapshot = snapshot.path;
        // An older one is that of a server which had not counted on since it was loaded.
        if (*digest && (*digest)->zxid >= snapshot.zxid) digest_of_snapshot_ = *digest;
        return compare(digest_of_snapshot_);
    }

    // --- the log -----------------------------------------------------------------------------------------------------

    Result<void> replay_logs() {
        loaded_ = state_->zxid();
        const auto logs = found_.logs_behind(loaded_);
        for (const auto& log : logs) {
            std::error_code error;
            if (&log == &logs.back() && fs::file_size(log.path, error) == 0) {
                remark(log.path.string() + ": is empty, and is passed over");
                continue;
            }
            const auto tail = storage::read_zookeeper_log(log.path, [this](auto payload) { return replay(payload); });
            if (!tail) return std::unexpected(tail.error());
            if (!*tail) continue;
            remark(fmt::format("{}: ends at byte {}, where {}: it was written to nobody's knowledge", log.path.string(),
                               (*tail)->offset, (*tail)->why));
        }
        return {};
    }

    Result<void> replay(std::string_view payload) {
        const auto txn = wire::read_zookeeper_txn(payload);
        if (!txn) return failure(Errc::kDamaged, "a record is no transaction of a known type");
        const auto zxid = txn->header.zxid;
        const auto last = state_->zxid();
        const bool again = zxid == last && txn->header.type == wire::OpCode::kError;  // some releases do that
        if (zxid <= loaded_ || again) return {};
        if (!follows(last, zxid)) {
            return failure(Errc::kDamaged, fmt::format("transaction {} comes behind {}: some are missing between them",
                                                       shown(zxid), shown(last)));
        }
        if (!state_->replay(txn->header, txn->body))
            return failure(Errc::kDamaged, "transaction " + shown(zxid) + " is none that can be applied");
        ++report_.transactions;
        return compare_behind(*txn);
    }

    // --- digests -----------------------------------------------------------------------------------------------------

    /// If the digest is that of where the state stands.
    Result<void> compare(const std::optional<storage::TreeDigest>& digest) {
        if (!digest || digest->zxid != state_->zxid()) return {};
        const auto ours = state_->state().tree.digest();
        if (ours == digest->value) return {};
        const auto what = fmt::format("the tree's digest at {} is {:x}, but ZooKeeper's was {:x}", shown(digest->zxid),
                                      ours, digest->value);
        if (options_.digests_must_fit) return failure(Errc::kDamaged, what + " (see --ignore-digests)");
        if (!std::exchange(digest_differed_, true)) remark(what);
        return {};
    }

    /// A snapshot without a digest does not say until when it was being written: then only the end is sure to be exact.
    Result<void> compare_behind(const wire::ZookeeperTxn& txn) {
        const auto zxid = txn.header.zxid;
        if (auto compared = compare(digest_of_snapshot_); !compared) return compared;
        if (txn.digest) {
            digest_last_ = {zxid, *txn.digest};
        } else if (digest_last_ && txn.header.type == wire::OpCode::kError) {
            digest_last_->zxid = zxid;
        } else {
            digest_last_.reset();
        }
        const bool exact = digest_of_snapshot_ && zxid >= digest_of_snapshot_->zxid;
        return exact ? compare(digest_last_) : Result<void>();
    }

    Result<void> judge() {
        if (auto compared = compare(digest_last_); !compared) return compared;
        const auto last = state_->zxid();
        if (damage_ && last < damage_->first) {
            auto error = damage_->second;
            error.where += fmt::format(". Without it the state ends at {}", shown(last));
            return std::unexpected(error);
        }
        if (digest_of_snapshot_ && last < digest_of_snapshot_->zxid) {
            const auto what = fmt::format("{}: has seen transactions up to {}, but the log ends at {}",
                                          report_.snapshot.string(), shown(digest_of_snapshot_->zxid), shown(last));
            if (options_.digests_must_fit) return failure(Errc::kDamaged, what + " (see --ignore-digests)");
            remark(what);
        }
        return {};
    }

    // --- the rest ----------------------------------------------------------------------------------------------------

    Result<void> settle_epochs() {
        const auto needed = state_->zxid().epoch();
        const auto files = options_.from / storage::kZookeeperVersion;
        auto current = found_.current_epoch.value_or(needed);
        if (current < needed && found_.current_epoch_unfinished == needed) current = needed;
        if (current < needed) {
            return failure(Errc::kDamaged, fmt::format("{}: is {}, but the last transaction is {}, of epoch {}",
                                                       (files / storage::kCurrentEpoch).string(), current,
                                                       shown(state_->zxid()), needed));
        }
        const auto accepted = found_.accepted_epoch.value_or(current);
        if (accepted < current) {
            return failure(Errc::kDamaged, fmt::format("{}: is {}, which is less than the current epoch, {}",
                                                       (files / storage::kAcceptedEpoch).string(), accepted, current));
        }
        report_.accepted_epoch = accepted;
        report_.current_epoch = current;
        return {};
    }

    Result<void> write(storage::NewDirectory& target) {
        if (const auto gone = state_->settle(); gone != 0)
            remark(fmt::format("{} ephemeral nodes of sessions that are over have been deleted", gone));
        report_.zxid = state_->zxid();
        report_.nodes = state_->state().tree.node_count();
        report_.sessions = state_->sessions().size();
        Result<void> put;
        state_->for_each_images([&](wire::StateImages images) {
            if (put) put = target.put(std::move(images));
        });
        if (!put) return put;
        const storage::BroughtAlong brought{.accepted_epoch = report_.accepted_epoch,
                                            .current_epoch = report_.current_epoch,
                                            // A member replays what it has logged, whether a quorum had it or not.
                                            .provisional = found_.current_epoch.has_value()};
        if (auto finished = target.finish(report_.zxid, brought); !finished) return finished;
        std::error_code error;
        const auto number = options_.to / storage::kServerNumber;
        if (!found_.server_number || fs::exists(number, error)) return {};
        return storage::replace_file(storage::real_file_system(), number, *found_.server_number + "\n");
    }

    const ImportOptions& options_;
    storage::ZookeeperDirectory found_;
    std::unique_ptr<core::ImportedState> state_;
    Zxid loaded_;                                   // where the snapshot stands
    std::optional<std::pair<Zxid, Error>> damage_;  // of the newest snapshot
    std::optional<storage::TreeDigest> digest_of_snapshot_;
    std::optional<storage::TreeDigest> digest_last_;  // of the log
    bool digest_differed_ = false;
    ImportReport report_;
};

}  // namespace

Result<ImportReport> import_zookeeper(const ImportOptions& options) { return Import(options).run(); }

std::string text_of(const ImportReport& report) {
    auto text = fmt::format(
        "imported zxid={} nodes={} sessions={} acceptedEpoch={} currentEpoch={}\n"
        "from {} and {} transactions behind it\n",
        shown(report.zxid), report.nodes, report.sessions, report.accepted_epoch, report.current_epoch,
        report.snapshot.string(), report.transactions);
    for (const auto& remark : report.remarks) text += "note: " + remark + "\n";
    return text;
}

}  // namespace zabd::server
