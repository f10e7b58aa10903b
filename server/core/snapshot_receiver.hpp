// A leader's snapshot as it comes: the state that it describes is built beside the one in use, and put as images into a
// checkpoint beside the one in use.
//
// Bounds    the new state itself; of the stream an unfinished element.
// Errors    a stream that is none, or describes no state (a node without its parent; an ephemeral of no open session, unless
//           it is fuzzy: then that session's transaction follows), is broken.
#pragma once

#include "server/core/core.hpp"
#include "server/core/snapshot_state.hpp"
#include "wire/snapshot_stream.hpp"

#include <cstddef>
#include <string_view>
#include <vector>

namespace zabd::core {

/// The replicated state as a whole.
struct Replacement {
    znode::State state;
    session::Table sessions;
    Zxid zxid;
};

class SnapshotReceiver {
public:
    /// `fuzzy`: it was written while transactions went on, from `zxid` on.
    SnapshotReceiver(Zxid zxid, bool fuzzy, std::size_t element_bytes_max,
                     SnapshotState::AboutSession has_zookeeper_password)
        : zxid_(zxid), fuzzy_(fuzzy), decoder_(element_bytes_max), state_(fuzzy, std::move(has_zookeeper_password)) {}

    /// Answers how many of `bytes` belong to the snapshot: fewer than all only once it is whole or broken.
    std::size_t feed(std::string_view bytes, Outputs& out);
    [[nodiscard]] bool whole() const { return decoder_.finished() && !broken_; }
    [[nodiscard]] bool broken() const { return decoder_.failed() || broken_; }
    /// Something has been put.
    [[nodiscard]] bool begun() const { return begun_; }

    /// Of a whole one. The object is empty afterwards.
    [[nodiscard]] Replacement take();

private:
    [[nodiscard]] bool fits() const;
    void put(Outputs& out);

    Zxid zxid_;
    bool fuzzy_;
    wire::SnapshotDecoder decoder_;
    std::vector<wire::SnapshotElement> elements_;  // scratch
    bool broken_ = false;
    bool begun_ = false;

    SnapshotState state_;
    wire::StateImages images_;
};

}  // namespace zabd::core
