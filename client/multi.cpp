#include "client/multi.hpp"

#include "client/request_maker.hpp"

#include <utility>

namespace zabd::client {

Multi& Multi::create(std::string_view path, std::string_view data, const CreateOptions& options) {
    operations_.push_back({.op = create_op(options.mode, options.ttl),
                           .path = std::string(path),
                           .data = std::string(data),
                           .acl = options.acl ? *options.acl : open_acl(),
                           .mode = options.mode,
                           .ttl_ms = options.ttl.count()});
    return *this;
}

Multi& Multi::set(std::string_view path, std::string_view data, std::int32_t version) {
    operations_.push_back({.op = wire::OpCode::kSetData,
                           .path = std::string(path),
                           .data = std::string(data),
                           .acl = {},
                           .version = version});
    return *this;
}

Multi& Multi::remove(std::string_view path, std::int32_t version) {
    operations_.push_back(
        {.op = wire::OpCode::kDelete, .path = std::string(path), .data = {}, .acl = {}, .version = version});
    return *this;
}

Multi& Multi::check(std::string_view path, std::int32_t version) {
    operations_.push_back(
        {.op = wire::OpCode::kCheck, .path = std::string(path), .data = {}, .acl = {}, .version = version});
    return *this;
}

MultiRead& MultiRead::get(std::string_view path) {
    operations_.push_back({.op = wire::OpCode::kGetData, .path = std::string(path)});
    return *this;
}

MultiRead& MultiRead::children(std::string_view path) {
    operations_.push_back({.op = wire::OpCode::kGetChildren, .path = std::string(path)});
    return *this;
}

}  // namespace zabd::client
