// Who is to be told of what: watches of this server's connections. Not replicated.
//
// Kinds     standard ones in two tables, data (getData, exists) and child (getChildren), gone after one event;
//           persistent ones in both; persistent recursive ones, which see the path and all below it but never
//           kNodeChildrenChanged. Kinds on one path coexist.
// Order     connections come in ascending order for each event: the same history gives the same output.
// Bounds    a connection's watches go with it; their number is limited by the caller.
// Cost      an event costs the watchers of its path, and one look-up for every length that recursively watched paths
//           above it have: a deep tree is not walked for nobody.
#pragma once

#include "wire/ids.hpp"
#include "wire/requests.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace zabd::znode {

enum class WatchKind : std::uint8_t { kData, kChild, kPersistent, kPersistentRecursive };

class Watches {
public:
    struct Watch {
        std::string_view path;
        ConnectionId connection = ConnectionId::kNone;
        WatchKind kind = WatchKind::kData;
    };
    /// Again is no error and has no effect.
    void add(const Watch& watch);

    /// Connections to tell, each once; standard watches that fire are removed. `told` is cleared first.
    void fire(wire::EventType type, std::string_view path, std::vector<ConnectionId>& told);

    /// Has the connection a watch of this type on exactly this path? kData and kChildren mean standard ones.
    [[nodiscard]] bool has(std::string_view path, ConnectionId connection, wire::WatcherType type) const;
    /// False if there was none.
    bool remove(std::string_view path, ConnectionId connection, wire::WatcherType type);
    void remove_connection(ConnectionId connection);

    [[nodiscard]] std::size_t count() const { return count_; }          // pairs of path and connection, in both tables
    [[nodiscard]] std::size_t count_of(ConnectionId connection) const;  // paths that it watches
    /// Of one connection, from the `from`th on, at most `max`. In no order that means anything.
    void for_each_of(ConnectionId connection, std::size_t from, std::size_t max,
                     const std::function<void(std::string_view path, const std::vector<WatchKind>&)>& visit) const;
    /// The data table, as the words wchs, wchc and wchp show it; sorted by path.
    void for_each_data_watch(const std::function<void(std::string_view path, ConnectionId)>& visit) const;

private:
    using Kinds = std::uint8_t;  // a set of WatchKind, so that setting twice is once

    struct Watcher {
        ConnectionId connection = ConnectionId::kNone;
        std::uint32_t place = 0;  // of the path in the connection's list
        Kinds kinds = 0;
    };
    struct PathHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view path) const { return std::hash<std::string_view>{}(path); }
    };
    /// Watchers ascending. An entry stays where it is until it is erased, and has at least one watcher.
    using Paths = std::unordered_map<std::string, std::vector<Watcher>, PathHash, std::equal_to<>>;
    using Entry = Paths::value_type;

    [[nodiscard]] Kinds kinds_of(std::string_view path, ConnectionId connection) const;
    void fire_at(Entry& entry, Kinds told_kinds, Kinds spent_kinds, std::vector<ConnectionId>& told);
    void fire_above(std::string_view path, std::vector<ConnectionId>& told) const;
    void change_kinds(const Entry& entry, Watcher& watcher, Kinds kinds);
    void forget_place(const Entry& entry, const Watcher& watcher);

    Paths by_path_;
    std::unordered_map<ConnectionId, std::vector<Entry*>> paths_of_;
    std::map<std::size_t, std::size_t> recursive_lengths_;  // of recursively watched paths: length, how many watchers
    std::size_t count_ = 0;
};

}  // namespace zabd::znode
