#include "wire/zookeeper_txn.hpp"

#include "wire/jute.hpp"

namespace zabd::wire {
namespace {

constexpr std::size_t kDigestBytes = 4 + 8;
constexpr std::int32_t kDigestVersion = 2;
constexpr std::string_view kCountNotSaid("\xff\xff\xff\xff", 4);

bool is_digest(std::string_view bytes) {
    Decoder in(bytes);
    return bytes.size() == kDigestBytes && in.get_int() == kDigestVersion;
}

/// How many bytes the record takes; nullopt: there is none.
template <class Txn>
std::optional<std::size_t> size_as(std::string_view bytes) {
    Decoder in(bytes);
    Txn txn{};
    decode(in, txn);
    return in.failed() ? std::nullopt : std::optional(bytes.size() - in.rest().size());
}

std::optional<std::size_t> record_size(OpCode type, std::string_view bytes) {
    switch (type) {
        case OpCode::kCreate:
        case OpCode::kCreate2: return size_as<CreateTxn>(bytes);
        case OpCode::kCreateContainer: return size_as<CreateContainerTxn>(bytes);
        case OpCode::kCreateTtl: return size_as<CreateTtlTxn>(bytes);
        case OpCode::kDelete:
        case OpCode::kDeleteContainer: return size_as<DeleteTxn>(bytes);
        case OpCode::kSetData:
        case OpCode::kReconfig: return size_as<SetDataTxn>(bytes);
        case OpCode::kSetAcl: return size_as<SetAclTxn>(bytes);
        case OpCode::kMulti: return size_as<MultiTxn>(bytes);
        case OpCode::kCreateSession: return size_as<CreateSessionTxn>(bytes);
        case OpCode::kCloseSession: return size_as<CloseSessionTxn>(bytes);
        case OpCode::kError: return size_as<ErrorTxn>(bytes);
        default: return std::nullopt;
    }
}

/// The record with what an older release left out of it.
std::string completed(OpCode type, std::string_view bytes) {
    if (type == OpCode::kCloseSession && (bytes.empty() || is_digest(bytes)))
        return encoded(CloseSessionTxn{}).append(bytes);
    std::string record(bytes);
    if (type == OpCode::kCreate && !size_as<CreateTxn>(bytes)) record.append(kCountNotSaid);
    return record;
}

}  // namespace

std::optional<ZookeeperTxn> read_zookeeper_txn(std::string_view bytes) {
    ZookeeperTxn txn;
    Decoder in(bytes);
    decode(in, txn.header);
    if (in.failed()) return std::nullopt;
    txn.body = completed(txn.header.type, in.rest());
    const auto size = record_size(txn.header.type, txn.body);
    if (!size) return std::nullopt;
    const auto behind = std::string_view(txn.body).substr(*size);
    if (is_digest(behind)) txn.digest = load_big_endian<std::uint64_t>(behind.data() + 4);
    txn.body.resize(*size);
    if (txn.header.type == OpCode::kReconfig) txn.header.type = OpCode::kSetData;
    return txn;
}

}  // namespace zabd::wire
