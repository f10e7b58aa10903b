#include "tests/sim/workload.hpp"

#include <utility>

namespace zabd::sim {

using wire::CreateMode;
using wire::OpCode;

namespace {

constexpr std::string_view kTops[] = {"/a", "/b", "/c", "/d", "/e"};
constexpr std::string_view kNames[] = {"/x", "/y", "/z"};
constexpr std::size_t kLearntMax = 12;
constexpr std::int32_t kPermissions[] = {wire::kAllPermissions, wire::kAllPermissions & ~wire::kWrite,
                                         wire::kAllPermissions & ~wire::kRead, wire::kAllPermissions & ~wire::kDelete,
                                         wire::kAllPermissions & ~wire::kCreate};

template <class Record>
ClientRequest request(OpCode op, const std::string& path, const Record& record) {
    return {.op = op, .path = path, .body = wire::encoded(record)};
}

}  // namespace

ClientRequest Workload::next() {
    const auto kind = random_.below(mix_.reads + mix_.writes + mix_.multis);
    if (kind < mix_.reads) return read();
    return kind < mix_.reads + mix_.writes ? write() : multi();
}

ClientRequest Workload::probe() {
    return request(OpCode::kSetData, "/", wire::SetDataRequest{.path = "/", .data = "probe"});
}

void Workload::learn_path(std::string path) {
    if (learnt_.size() < kLearntMax) {
        learnt_.push_back(std::move(path));
    } else {
        learnt_[random_.below(kLearntMax)] = std::move(path);
    }
}

ClientRequest Workload::read() {
    constexpr OpCode kReads[] = {OpCode::kExists,      OpCode::kExists,       OpCode::kGetData,     OpCode::kGetData,
                                 OpCode::kGetChildren, OpCode::kGetChildren2, OpCode::kGetChildren2};
    const auto which = random_.below(40);
    const auto where = path();
    if (which == 0) return request(OpCode::kGetEphemerals, "/", wire::NullablePathRequest{"/"});
    if (which <= 3) return request(OpCode::kSync, where, wire::NullablePathRequest{where});
    if (which == 4) {
        const auto mode = static_cast<wire::AddWatchMode>(random_.below(2));
        return request(OpCode::kAddWatch, where, wire::AddWatchRequest{where, mode});
    }
    const bool watch = random_.per_mille(mix_.watches);
    auto asked = request(random_.pick(kReads), where, wire::ReadRequest{where, watch});
    asked.watches = watch;
    return asked;
}

ClientRequest Workload::write() {
    const auto which = random_.below(20);
    if (which < 9) return create();
    const auto where = path();
    const auto version = version_of(where);
    if (which < 15) {
        const auto content = data();
        return request(OpCode::kSetData, where, wire::SetDataRequest{where, content, version});
    }
    if (which < 19) return request(OpCode::kDelete, where, wire::VersionedRequest{where, version});
    return request(OpCode::kSetAcl, where, wire::SetAclRequest{where, acl(), -1});
}

ClientRequest Workload::create() {
    const auto which = random_.below(20);
    const auto where = path();
    const auto content = data();
    if (which == 0) {
        return request(OpCode::kCreateContainer, where,
                       wire::CreateRequest{where, content, acl(), CreateMode::kContainer});
    }
    if (which == 1) {
        const auto ttl_ms = static_cast<std::int64_t>(random_.between(1000, 60'000));
        return request(OpCode::kCreateTtl, where,
                       wire::CreateTtlRequest{where, content, acl(), CreateMode::kPersistentTtl, ttl_ms});
    }
    const auto op = random_.coin() ? OpCode::kCreate : OpCode::kCreate2;
    if (which < 10) return request(op, where, wire::CreateRequest{where, content, acl(), CreateMode::kPersistent});
    if (which < 14) return request(op, where, wire::CreateRequest{where, content, acl(), CreateMode::kEphemeral});
    const auto parent = std::string(random_.pick(kTops)) + "/s-";
    const auto mode = which < 17 ? CreateMode::kPersistentSequential : CreateMode::kEphemeralSequential;
    return request(op, parent, wire::CreateRequest{parent, content, acl(), mode});
}

ClientRequest Workload::multi() {
    ClientRequest multi{.op = OpCode::kMulti, .path = "/", .body = {}};
    wire::Encoder out(multi.body);
    const auto count = random_.below(4);
    for (std::uint64_t n = 0; n <= count; ++n) put_operation(out);
    wire::encode(out, wire::kMultiEnd);
    return multi;
}

void Workload::put_operation(wire::Encoder& out) {
    auto operation = write();
    if (operation.op == OpCode::kSetAcl) operation.op = OpCode::kCheck;  // no multi takes it
    if (operation.op == OpCode::kCheck)
        operation.body = wire::encoded(wire::VersionedRequest{operation.path, version_of(operation.path)});
    wire::encode(out, wire::MultiHeader{operation.op, false, wire::ErrorCode::kSystemError});
    out.put_raw(operation.body);
}

std::string Workload::path() {
    const auto which = random_.below(10);
    if (which == 0 && !learnt_.empty()) return learnt_[random_.below(learnt_.size())];
    std::string path(random_.pick(kTops));
    if (which < 5) path += random_.pick(kNames);
    if (which < 2) path += random_.pick(kNames);
    return path;
}

std::string Workload::data() {
    const auto size = random_.below(50) == 0 ? random_.below(9000) : random_.below(mix_.data_bytes_max + 1);
    return std::string(size, static_cast<char>('a' + random_.below(26)));
}

std::int32_t Workload::version_of(const std::string& path) {
    const auto which = random_.below(10);
    if (which < 6) return -1;
    const auto known = versions_.find(path);
    if (which < 9 && known != versions_.end()) return known->second;
    return static_cast<std::int32_t>(random_.below(4));
}

wire::AclList Workload::acl() {
    const auto permissions = random_.below(40) == 0 ? random_.pick(kPermissions) : wire::kAllPermissions;
    return {{permissions, {"world", "anyone"}}};
}

}  // namespace zabd::sim
