// From a call's arguments to the bytes that the server is to get. All views and pointers are read here, at the call.
//
// Effects   none. What cannot be asked (a relative path, an unknown mode) becomes Request::error.
#pragma once

#include "client/multi.hpp"
#include "client/types.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

namespace zabd::client {

class EventSink;

/// Which of the server's tables a watch goes to.
enum class WatchKind : std::uint8_t { kData, kExists, kChildren, kPersistent, kRecursive };

struct Request {
    wire::OpCode op{};
    std::string frame{};  // header (with xid 0) and body, without the length in front
    std::error_code error{};
    bool repeatable = false;  // may be asked twice
    bool after_sync = false;  // ask a sync of `path` in front; its failure is this one's
    Millis timeout{0};        // 0: the client's default
    std::string path{};       // with the chroot; of requests that arm a watch or need a sync
    WatchKind watch_kind{};
    std::weak_ptr<EventSink> watch{};  // to be armed when the answer comes
};

/// A change of members, as `reconfig` takes it: either a joining / leaving, or the whole as `members`.
struct Reconfig {
    std::string joining;  // "server.4=host:2888:3888:participant;2181", separated by commas
    std::string leaving;  // "3,5"
    std::string members;
    std::int64_t version = -1;  // of the configuration (zxid); -1: any
};

/// The operation that makes a node of this mode; kError when the mode has no time to live and one is given.
wire::OpCode create_op(CreateMode mode, Millis ttl);

class RequestMaker {
public:
    /// `chroot` outlives it.
    explicit RequestMaker(std::string_view chroot) : chroot_(chroot) {}

    [[nodiscard]] Request create(std::string_view path, std::string_view data, const CreateOptions& options) const;
    [[nodiscard]] Request set(std::string_view path, std::string_view data, const VersionOptions& options) const;
    [[nodiscard]] Request remove(std::string_view path, const VersionOptions& options) const;
    [[nodiscard]] Request set_acl(std::string_view path, const AclList& acl, const VersionOptions& options) const;
    [[nodiscard]] Request multi(const Multi& multi, const CallOptions& options) const;
    [[nodiscard]] Request get(std::string_view path, const ReadOptions& options) const;
    [[nodiscard]] Request exists(std::string_view path, const ReadOptions& options) const;
    [[nodiscard]] Request children(std::string_view path, const ReadOptions& options) const;
    [[nodiscard]] Request get_acl(std::string_view path, const CallOptions& options) const;
    [[nodiscard]] Request multi_read(const MultiRead& reads, const CallOptions& options) const;
    [[nodiscard]] Request count_descendants(std::string_view path, const CallOptions& options) const;
    [[nodiscard]] Request ephemerals(std::string_view path, const CallOptions& options) const;
    [[nodiscard]] Request who_am_i(const CallOptions& options) const;
    [[nodiscard]] Request sync(std::string_view path, const CallOptions& options) const;
    [[nodiscard]] Request add_auth(std::string_view scheme, std::string_view auth, const CallOptions& options) const;
    [[nodiscard]] Request reconfig(const Reconfig& change, const CallOptions& options) const;
    [[nodiscard]] Request add_watch(const Watch& watch, std::string_view path, bool recursive,
                                    const CallOptions& options) const;
    [[nodiscard]] Request remove_watches(std::string_view path, WatcherType type, const CallOptions& options) const;

private:
    [[nodiscard]] std::string whole(std::string_view path) const;  // with the chroot
    /// Of what is to be created: a sequential node's last component may be its number alone ("/queue/").
    [[nodiscard]] std::string whole_new(Request& request, std::string_view path, wire::CreateMode mode) const;
    [[nodiscard]] Request read(wire::OpCode op, std::string_view path, const ReadOptions& options,
                               WatchKind kind) const;
    [[nodiscard]] Request of_path(wire::OpCode op, std::string_view path, const CallOptions& options) const;

    std::string_view chroot_;
};

}  // namespace zabd::client
