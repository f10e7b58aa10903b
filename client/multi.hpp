// Several operations as one: all are applied, under one zxid, or none is.
//
//     Multi multi;
//     multi.check("/config", 7).set("/config", "new").create("/log/entry-", "x", {.mode = CreateMode::kPersistentSequential});
//     auto results = co_await client.multi(multi);
//
// Bounds    the whole is one request: Options::request_bytes_max.
// Paths     relative to the client's chroot, as everywhere.
#pragma once

#include "client/types.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace zabd::client {

class Multi {
public:
    Multi& create(std::string_view path, std::string_view data = {}, const CreateOptions& options = {});
    Multi& set(std::string_view path, std::string_view data, std::int32_t version = kAnyVersion);
    Multi& remove(std::string_view path, std::int32_t version = kAnyVersion);
    /// Fails the whole with kNoNode or kBadVersion.
    Multi& check(std::string_view path, std::int32_t version = kAnyVersion);

    [[nodiscard]] std::size_t size() const { return operations_.size(); }
    [[nodiscard]] bool empty() const { return operations_.empty(); }

private:
    friend class RequestMaker;
    struct Operation {
        wire::OpCode op{};
        std::string path;
        std::string data;
        AclList acl;
        CreateMode mode{};
        std::int64_t ttl_ms = 0;
        std::int32_t version = kAnyVersion;
    };
    std::vector<Operation> operations_;
};

/// Of one operation. When the multi failed, the first with an error that is not kRuntimeInconsistency says why.
struct MultiResult {
    std::error_code error;
    std::string path;  // create
    Stat stat;         // create, set
};

/// Several reads of one state, in one request. A read that fails (kNoNode, kNoAuth) fails alone.
class MultiRead {
public:
    MultiRead& get(std::string_view path);
    MultiRead& children(std::string_view path);

    [[nodiscard]] std::size_t size() const { return operations_.size(); }

private:
    friend class RequestMaker;
    struct Operation {
        wire::OpCode op{};
        std::string path;
    };
    std::vector<Operation> operations_;
};

struct MultiReadResult {
    std::error_code error;
    std::string data;                // get
    Stat stat;                       // get
    std::vector<std::string> names;  // children
};

}  // namespace zabd::client
