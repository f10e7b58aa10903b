#include "client/request_maker.hpp"

#include "client/error.hpp"
#include "client/event_queue.hpp"
#include "client/request_frame.hpp"
#include "wire/jute.hpp"

#include <optional>
#include <utility>

namespace zabd::client {
namespace {

using wire::OpCode;

/// What a server would refuse with an answer that tells less, or by hanging up. It checks the rest.
bool can_be_path(std::string_view path) {
    return path.starts_with('/') && (path.size() == 1 || !path.ends_with('/')) &&
           path.find('\0') == std::string_view::npos;
}

void check_path(Request& request, std::string_view path) {
    if (!can_be_path(path)) request.error = Errc::kBadArguments;
}

bool sequential(CreateMode mode) {
    return mode == CreateMode::kPersistentSequential || mode == CreateMode::kEphemeralSequential ||
           mode == CreateMode::kPersistentSequentialTtl;
}

void encode_create(wire::Encoder& out, OpCode op, const wire::CreateRequest& create, std::int64_t ttl_ms) {
    if (op == OpCode::kCreateTtl) {
        wire::encode(out, wire::CreateTtlRequest{create.path, create.data, create.acl, create.mode, ttl_ms});
    } else {
        wire::encode(out, create);
    }
}

std::optional<std::string_view> null_if_empty(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional<std::string_view>(text);
}

}  // namespace

wire::OpCode create_op(CreateMode mode, Millis ttl) {
    if (mode == CreateMode::kPersistentTtl || mode == CreateMode::kPersistentSequentialTtl) return OpCode::kCreateTtl;
    if (ttl != Millis(0)) return OpCode::kError;  // no other mode has one
    return mode == CreateMode::kContainer ? OpCode::kCreateContainer : OpCode::kCreate2;
}

std::string RequestMaker::whole(std::string_view path) const {
    std::string whole(chroot_);
    if (chroot_.empty() || path != "/") whole += path;
    return whole;
}

std::string RequestMaker::whole_new(Request& request, std::string_view path, CreateMode mode) const {
    if (!sequential(mode)) {
        check_path(request, path);
        return whole(path);
    }
    check_path(request, std::string(path) + '0');
    return std::string(chroot_) + std::string(path);
}

Request RequestMaker::of_path(OpCode op, std::string_view path, const CallOptions& options) const {
    Request request{.op = op, .repeatable = true, .timeout = options.timeout};
    check_path(request, path);
    request.frame = frame_of(0, op, wire::PathRequest{whole(path)});
    return request;
}

Request RequestMaker::read(OpCode op, std::string_view path, const ReadOptions& options, WatchKind kind) const {
    Request request{.op = op, .repeatable = true, .after_sync = options.linearizable, .timeout = options.timeout};
    check_path(request, path);
    auto full = whole(path);
    request.frame = frame_of(0, op, wire::ReadRequest{full, options.watch != nullptr});
    if (options.watch) {
        if (!options.watch->open()) request.error = Errc::kWatchClosed;
        request.watch = options.watch->queue_;
        request.watch_kind = kind;
    }
    if (options.watch || options.linearizable) request.path = std::move(full);
    return request;
}

Request RequestMaker::create(std::string_view path, std::string_view data, const CreateOptions& options) const {
    Request request{.op = create_op(options.mode, options.ttl), .timeout = options.timeout};
    const auto full = whole_new(request, path, options.mode);
    if (request.op == OpCode::kError) request.error = Errc::kBadArguments;
    wire::Encoder out(request.frame);
    wire::encode(out, wire::RequestHeader{0, request.op});
    encode_create(out, request.op, {full, data, options.acl ? *options.acl : open_acl(), options.mode},
                  options.ttl.count());
    return request;
}

Request RequestMaker::set(std::string_view path, std::string_view data, const VersionOptions& options) const {
    Request request{.op = OpCode::kSetData, .timeout = options.timeout};
    check_path(request, path);
    request.frame = frame_of(0, request.op, wire::SetDataRequest{whole(path), data, options.version});
    return request;
}

Request RequestMaker::remove(std::string_view path, const VersionOptions& options) const {
    Request request{.op = OpCode::kDelete, .timeout = options.timeout};
    check_path(request, path);
    request.frame = frame_of(0, request.op, wire::VersionedRequest{whole(path), options.version});
    return request;
}

Request RequestMaker::set_acl(std::string_view path, const AclList& acl, const VersionOptions& options) const {
    Request request{.op = OpCode::kSetAcl, .timeout = options.timeout};
    check_path(request, path);
    request.frame = frame_of(0, request.op, wire::SetAclRequest{whole(path), acl, options.version});
    return request;
}

Request RequestMaker::multi(const Multi& multi, const CallOptions& options) const {
    Request request{.op = OpCode::kMulti, .timeout = options.timeout};
    wire::Encoder out(request.frame);
    wire::encode(out, wire::RequestHeader{0, request.op});
    for (const auto& operation : multi.operations_) {
        if (operation.op == OpCode::kError) request.error = Errc::kBadArguments;
        wire::encode(out, wire::MultiHeader{.op = operation.op});
        const auto path = whole_new(request, operation.path, operation.mode);
        switch (operation.op) {
            case OpCode::kSetData:
                wire::encode(out, wire::SetDataRequest{path, operation.data, operation.version});
                break;
            case OpCode::kDelete:
            case OpCode::kCheck: wire::encode(out, wire::VersionedRequest{path, operation.version}); break;
            default:
                encode_create(out, operation.op, {path, operation.data, operation.acl, operation.mode},
                              operation.ttl_ms);
        }
    }
    wire::encode(out, wire::kMultiEnd);
    return request;
}

Request RequestMaker::multi_read(const MultiRead& reads, const CallOptions& options) const {
    Request request{.op = OpCode::kMultiRead, .repeatable = true, .timeout = options.timeout};
    wire::Encoder out(request.frame);
    wire::encode(out, wire::RequestHeader{0, request.op});
    for (const auto& operation : reads.operations_) {
        check_path(request, operation.path);
        wire::encode(out, wire::MultiHeader{.op = operation.op});
        wire::encode(out, wire::ReadRequest{whole(operation.path), false});
    }
    wire::encode(out, wire::kMultiEnd);
    return request;
}

Request RequestMaker::get(std::string_view path, const ReadOptions& options) const {
    return read(OpCode::kGetData, path, options, WatchKind::kData);
}

Request RequestMaker::exists(std::string_view path, const ReadOptions& options) const {
    return read(OpCode::kExists, path, options, WatchKind::kExists);
}

Request RequestMaker::children(std::string_view path, const ReadOptions& options) const {
    return read(OpCode::kGetChildren2, path, options, WatchKind::kChildren);
}

Request RequestMaker::get_acl(std::string_view path, const CallOptions& options) const {
    return of_path(OpCode::kGetAcl, path, options);
}

Request RequestMaker::count_descendants(std::string_view path, const CallOptions& options) const {
    return of_path(OpCode::kGetAllChildrenNumber, path, options);
}

Request RequestMaker::ephemerals(std::string_view path, const CallOptions& options) const {
    return of_path(OpCode::kGetEphemerals, path, options);
}

Request RequestMaker::sync(std::string_view path, const CallOptions& options) const {
    return of_path(OpCode::kSync, path, options);
}

Request RequestMaker::who_am_i(const CallOptions& options) const {
    return {
        .op = OpCode::kWhoAmI, .frame = frame_of(0, OpCode::kWhoAmI), .repeatable = true, .timeout = options.timeout};
}

Request RequestMaker::add_auth(std::string_view scheme, std::string_view auth, const CallOptions& options) const {
    return {.op = OpCode::kAuth,
            .frame = frame_of(0, OpCode::kAuth, wire::AuthRequest{0, scheme, auth}),
            .timeout = options.timeout};
}

Request RequestMaker::reconfig(const Reconfig& change, const CallOptions& options) const {
    return {.op = OpCode::kReconfig,
            .frame = frame_of(0, OpCode::kReconfig,
                              wire::ReconfigRequest{null_if_empty(change.joining), null_if_empty(change.leaving),
                                                    null_if_empty(change.members), change.version}),
            .timeout = options.timeout};
}

Request RequestMaker::add_watch(const Watch& watch, std::string_view path, bool recursive,
                                const CallOptions& options) const {
    Request request{.op = OpCode::kAddWatch, .repeatable = true, .timeout = options.timeout};
    check_path(request, path);
    if (!watch.open()) request.error = Errc::kWatchClosed;
    request.path = whole(path);
    request.watch = watch.queue_;
    request.watch_kind = recursive ? WatchKind::kRecursive : WatchKind::kPersistent;
    const auto mode = recursive ? wire::AddWatchMode::kPersistentRecursive : wire::AddWatchMode::kPersistent;
    request.frame = frame_of(0, request.op, wire::AddWatchRequest{request.path, mode});
    return request;
}

Request RequestMaker::remove_watches(std::string_view path, WatcherType type, const CallOptions& options) const {
    Request request{.op = OpCode::kRemoveWatches, .timeout = options.timeout};
    check_path(request, path);
    request.frame = frame_of(0, request.op, wire::WatchesRequest{whole(path), type});
    return request;
}

}  // namespace zabd::client
