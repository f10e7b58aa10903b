#include "storage/lmdb_loading.hpp"

#include "storage/lmdb_scan.hpp"

#include <chrono>
#include <string>
#include <utility>

namespace zabd::storage {

namespace {

using std::chrono::steady_clock;

constexpr std::uint64_t kNodesBetweenLooks = 16'384;  // at the clock

class Loading {
public:
    Loading(LmdbEnvironment& environment, const CheckpointVisitor& visitor, LmdbTransaction transaction)
        : environment_(environment), visitor_(visitor), transaction_(std::move(transaction)) {}

    Result<std::optional<CheckpointMeta>> run(std::uint64_t identity) {
        auto meta = read_meta(environment_, transaction_.get());
        if (!meta) return meta;
        if (!*meta) return expect_empty();
        meta_ = **meta;
        if (meta_.identity != identity) return damage("it belongs to another data directory");
        for (const auto load : {&Loading::load_sessions, &Loading::load_acls, &Loading::load_nodes}) {
            if (auto loaded = (this->*load)(); !loaded) return std::unexpected(loaded.error());
        }
        if (content_sum_ != meta_.content_sum) return damage("its records are not those of its last batch");
        return meta;
    }

private:
    [[nodiscard]] std::unexpected<Error> damage(const std::string& what) const {
        return std::unexpected(checkpoint_damage(environment_.directory(), what));
    }

    Result<std::optional<CheckpointMeta>> expect_empty() {
        for (const auto database : {Database::kNodes, Database::kData, Database::kSessions, Database::kAcls}) {
            const auto entries = environment_.entries(transaction_.get(), database);
            if (!entries) return std::unexpected(entries.error());
            if (*entries != 0) return damage("its state record is missing");
        }
        return std::nullopt;
    }

    Result<void> finish(const LmdbScan& scan, Database database, std::uint64_t expected) {
        content_sum_ += scan.content_sum();
        if (scan.count() == expected) return {};
        return damage("database " + std::string(name_of(database)) + " has " + std::to_string(scan.count()) +
                      " records, not " + std::to_string(expected));
    }

    Result<void> load_sessions() {
        LmdbScan sessions(environment_, transaction_.get(), Database::kSessions);
        for (;;) {
            const auto there = sessions.next();
            if (!there) return std::unexpected(there.error());
            if (!*there) return finish(sessions, Database::kSessions, meta_.session_count);
            const wire::SessionImage session{.session = static_cast<SessionId>(sessions.id()),
                                             .timeout_ms = sessions.read(decode_timeout)};
            if (!session.timeout_ms) return std::unexpected(sessions.damage("a session does not read"));
            if (auto told = visitor_.on_session(session); !told) return told;
        }
    }

    Result<void> load_acls() {
        LmdbScan acls(environment_, transaction_.get(), Database::kAcls);
        for (;;) {
            const auto there = acls.next();
            if (!there) return std::unexpected(there.error());
            if (!*there) return finish(acls, Database::kAcls, meta_.acl_count);
            const wire::AclImage acl{.id = static_cast<wire::AclId>(acls.id()),
                                     .encoded_list = acls.read([](auto list) { return std::string(list); })};
            if (auto told = visitor_.on_acl(acl); !told) return told;
        }
    }

    Result<void> load_nodes() {
        LmdbScan nodes(environment_, transaction_.get(), Database::kNodes);
        LmdbScan data(environment_, transaction_.get(), Database::kData);
        auto data_there = data.next();
        for (;;) {
            const auto there = nodes.next();
            if (!there) return std::unexpected(there.error());
            if (!data_there) return std::unexpected(data_there.error());
            if (*data_there && (!*there || data.id() < nodes.id()))
                return std::unexpected(data.damage("node " + std::to_string(data.id()) + " has data, but is missing"));
            if (!*there) break;
            const auto node = nodes.read([&](auto content) { return decode_node(NodeId{nodes.id()}, content); });
            if (!node) return std::unexpected(nodes.damage("node " + std::to_string(nodes.id()) + " does not read"));
            Bytes bytes;
            if (*data_there && data.id() == nodes.id()) {
                bytes = data.read([](std::string_view content) { return Bytes::copy_of(content); });
                data_there = data.next();
            }
            if (auto told = visitor_.on_node(*node, std::move(bytes)); !told) return told;
            if (nodes.count() % kNodesBetweenLooks == 0) tell_progress(nodes.count());
        }
        if (auto finished = finish(nodes, Database::kNodes, meta_.node_count); !finished) return finished;
        return finish(data, Database::kData, meta_.data_count);
    }

    void tell_progress(std::uint64_t nodes) {
        const auto now = steady_clock::now();
        if (!visitor_.on_progress || now < next_word_) return;
        next_word_ = now + visitor_.progress_interval;
        visitor_.on_progress({.nodes = nodes, .nodes_in_all = meta_.node_count});
    }

    LmdbEnvironment& environment_;
    const CheckpointVisitor& visitor_;
    LmdbTransaction transaction_;
    CheckpointMeta meta_;
    std::uint64_t content_sum_ = 0;
    steady_clock::time_point next_word_ = steady_clock::now() + visitor_.progress_interval;
};

}  // namespace

Result<std::optional<CheckpointMeta>> load_checkpoint(LmdbEnvironment& environment, std::uint64_t identity,
                                                      const CheckpointVisitor& visitor) {
    auto transaction = environment.begin(LmdbEnvironment::Access::kRead);
    if (!transaction) return std::unexpected(transaction.error());
    return Loading(environment, visitor, std::move(*transaction)).run(identity);
}

}  // namespace zabd::storage
