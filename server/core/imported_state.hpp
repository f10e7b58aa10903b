// A state from ZooKeeper's files: a snapshot, which was written while transactions went on, and the transactions from
// where it was begun.
//
// Use       take() the elements, load(), replay() what follows, settle(); then state() and sessions() are those of a
//           server that has done all of it.
// Exact     once everything has been replayed that the snapshot may have seen (znode::Fit::kFuzzy).
// Passwords of its sessions are as ZooKeeper makes them.
// Errors    by value; what is there then is without meaning.
#pragma once

#include "server/core/core.hpp"
#include "server/core/snapshot_state.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>

namespace zabd::core {

class ImportedState {
public:
    /// False: it does not fit what came before.
    [[nodiscard]] bool take(wire::SnapshotElement&& element);
    /// All of the snapshot of this zxid has been taken. False: there is no root.
    [[nodiscard]] bool load(Zxid zxid);
    /// False: the bytes are no transaction.
    [[nodiscard]] bool replay(const wire::TxnHeader& header, std::string_view body);
    /// What ZooKeeper does before it serves: ephemerals of sessions that are not open go, and each quota's statistics say
    /// what is used. Answers how many ephemerals went.
    std::size_t settle();

    [[nodiscard]] Zxid zxid() const { return zxid_; }
    [[nodiscard]] const znode::State& state() const { return *state_; }
    [[nodiscard]] const session::Table& sessions() const { return sessions_; }

    /// All of it, some at a time, each complete up to zxid() together with the others.
    void for_each_images(const std::function<void(wire::StateImages)>& visit) const;

private:
    void replay_session(const wire::TxnHeader& header, std::string_view body);
    void tell_quotas();

    SnapshotState loading_{true, [](SessionId) { return true; }};
    std::optional<znode::State> state_;
    session::Table sessions_;
    Zxid zxid_;
    wire::StateImages images_;  // scratch
    znode::Changes changes_;    // scratch
};

}  // namespace zabd::core
