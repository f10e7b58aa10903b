// The checkpoint: a replica of the state in LMDB that lags behind.
//
// Contract  put() takes the after-images of committed transactions, in order; a thread of its own folds them (the last
//           image of a node wins) and writes them in one LMDB transaction together with the zxid that they are complete
//           up to. What is on disk is always exactly the state at one zxid.
// Threads   put() and stop() from one thread (the core's); `on_durable` is called on the checkpoint's thread.
// Errors    opening and loading by value. A commit that fails for anything but a full map stops the process.
// Keys      node ids, so that a path may be longer than an LMDB key, and one forward scan meets parents first.
#pragma once

#include "wire/bytes.hpp"
#include "wire/ids.hpp"
#include "wire/node_image.hpp"
#include "wire/result.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>

namespace zabd::storage {

struct CheckpointOptions {
    std::filesystem::path directory;
    std::uint64_t transactions_per_batch = 100'000;  // written when so many are waiting ...
    std::uint64_t bytes_per_batch = 64 << 20;        // ... or so many bytes of images
    std::uint64_t identity = 0;                  // of the data directory, DataDir::identity(): told from another one's
    std::uint64_t map_bytes_initial = 64 << 20;  // of address space; grows as needed
};

/// What a checkpoint holds, in the order in which it is told: sessions and ACL lists, then nodes by ascending id.
struct CheckpointVisitor {
    std::function<Result<void>(const wire::SessionImage&)> on_session;
    std::function<Result<void>(const wire::AclImage&)> on_acl;
    std::function<Result<void>(const wire::NodeRecord&, Bytes data)> on_node;
};

struct CheckpointSummary {
    Zxid zxid;                 // 0: there was no checkpoint yet
    std::uint64_t digest = 0;  // of the tree at zxid
    std::uint64_t node_count = 0;
    NodeId next_node{};  // ids below it have been used
    SessionId highest_session = SessionId::kNone;
    bool present = false;  // false: a fresh directory
};

class Checkpoint {
public:
    /// Opens, and tells `visitor` all there is. Damage is Errc::kDamaged with the file and what a restore needs.
    static Result<std::unique_ptr<Checkpoint>> open(const CheckpointOptions& options, const CheckpointVisitor& visitor,
                                                    CheckpointSummary& summary);
    virtual ~Checkpoint() = default;

    /// `on_durable(zxid)`: the checkpoint on disk holds everything up to here.
    virtual void start(std::function<void(Zxid)> on_durable) = 0;
    virtual void put(wire::StateImages images) = 0;
    /// Writes all that is waiting, then ends the thread.
    virtual void stop() = 0;

    [[nodiscard]] virtual Zxid zxid_durable() const = 0;         // from any thread
    [[nodiscard]] virtual std::uint64_t size_bytes() const = 0;  // of the file, from any thread
};

}  // namespace zabd::storage
