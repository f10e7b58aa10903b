// Who is to be told of which path: the client's side of its watches.
//
// Effects   none. Sinks are not owned, nor called: they are dropped before they go.
// Source    what an event means for which kind of watch, and what setWatches makes up for: ZooKeeper's client protocol.
#pragma once

#include "client/request_maker.hpp"
#include "client/types.hpp"

#include <array>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::client {

/// Where events go. Calls come from within the client's inputs, on its thread.
class EventSink {
public:
    virtual void take(const Event& event) = 0;

protected:
    ~EventSink() = default;
};

class WatchRegistry {
public:
    /// Paths here have the chroot, events have it not.
    explicit WatchRegistry(std::string chroot) : chroot_(std::move(chroot)) {}

    void add(WatchKind kind, std::string_view path, EventSink& sink);
    /// Who is to be told, each once. Forgets the one-shot watches that the event spent.
    [[nodiscard]] std::vector<EventSink*> fire(EventType type, std::string_view path);
    /// A path as callers know it.
    [[nodiscard]] std::string_view within_chroot(std::string_view path) const;
    /// The session is over, and with it what the server would have fired for.
    void forget_one_shots();
    /// The server has removed these, whoever wanted them.
    void forget(std::string_view path, WatcherType type);

    /// What the server need not watch any more.
    struct Removal {
        std::string path;
        WatcherType type;
    };
    /// Forgets the sink. While somebody wants another kind of watch of a path, a one-shot of that path stays, at the
    /// price of one event that nobody hears: servers before 3.9 hold one watch of a path and session, and would remove
    /// what is still wanted.
    std::vector<Removal> drop(const EventSink& sink);

    /// Frames (header and body, without length) that set all watches again, none with paths of more than `bytes_max`
    /// in sum unless it is a single one. `xid` is all of them's.
    [[nodiscard]] std::vector<std::string> rearming(Zxid seen, Xid xid, std::size_t bytes_max) const;
    [[nodiscard]] bool watches(std::string_view path) const;
    [[nodiscard]] std::size_t size() const;

private:
    using Sinks = std::vector<EventSink*>;
    using Paths = std::map<std::string, Sinks, std::less<>>;  // ordered: what is sent must not depend on a hash
    static constexpr std::size_t kKinds = 5;

    [[nodiscard]] Paths& of(WatchKind kind) { return paths_[static_cast<std::size_t>(kind)]; }

    std::string chroot_;
    std::array<Paths, kKinds> paths_;
};

}  // namespace zabd::client
