// Locks, semaphores, elections, barriers and queues, known by how their recipes name nodes.
//
// Use       see() every node of a walk, in any order; then find(), with what limits_wanted() asks for.
// Effects   none.
// Layouts   curator    of Curator, go-zk and the recipes of our client, which write the same names
//           kazoo      of kazoo, and our recipes with its flavor
//           zookeeper  the examples of ZooKeeper's documentation: x-<session>-N, n_N
// Told      who holds and who waits, in the order of the queue. Of a lock: the first; with readers all that are in front of
//           the first writer. Of a semaphore: its leases, but for the one whose owner is still acquiring. Of a double
//           barrier: its members, who hold once it is open. Of a queue: the entries that are claimed, and the others.
// Not told  apart: Curator's LeaderSelector and kazoo's Election are locks by their names, and are shown as such. A single
//           barrier, a shared counter and the members of a group have no names of their own, and are not shown.
// Both      where contenders of Curator and of kazoo meet on one path they do not see each other, and both hold: two
//           entries of the list.
// Bounds    what it keeps is limited by the caller, who counts kept(). Names are foreign text.
#pragma once

#include "wire/ids.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::server::admin {

/// What is known of a node. One that may not be read has but its path.
struct LockNode {
    std::string path;
    SessionId session = SessionId::kNone;  // of an ephemeral
    Zxid czxid{};
    std::int64_t ctime_ms = 0;

    friend bool operator==(const LockNode&, const LockNode&) = default;
};

enum class LockKind : std::uint8_t { kLock, kReadWriteLock, kSemaphore, kElection, kBarrier, kQueue };
[[nodiscard]] std::string_view name_of(LockKind kind);  // "read_write_lock"

struct LockEntry {
    LockNode node;
    enum class Mode : std::uint8_t { kNone, kRead, kWrite } mode = Mode::kNone;
};

struct LockView {
    std::string path;
    LockKind kind = LockKind::kLock;
    std::string_view layout;  // "curator", "kazoo", "zookeeper"
    std::vector<LockEntry> holders;
    std::vector<LockEntry> waiting;
};

class LockFinder {
public:
    LockFinder();
    ~LockFinder();
    LockFinder(LockFinder&&) noexcept;

    /// One that can belong to nothing is not kept.
    void see(LockNode node);
    [[nodiscard]] std::size_t kept() const;

    /// Paths of nodes whose data say how many leases a semaphore has.
    [[nodiscard]] std::vector<std::string> limits_wanted() const;
    /// By path. `limits`: of those whose data were numbers.
    [[nodiscard]] std::vector<LockView> find(const std::map<std::string, std::size_t>& limits) const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace zabd::server::admin
