#include "wire/txn_dialect.hpp"

#include "wire/jute.hpp"
#include "wire/txns.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace zabd::wire {

Bytes for_zookeeper(const Bytes& txn) {
    const auto bytes = txn.view();
    Decoder in(bytes);
    TxnHeader header;
    decode(in, header);
    if (in.failed()) return txn;
    if (header.type == OpCode::kCloseSession && bytes.size() > kZookeeperTxnBytesMax)
        return Bytes::copy_of(bytes.substr(0, bytes.size() - in.rest().size()));
    if (header.type != OpCode::kMulti) return txn;
    std::string translated;
    for (auto count = in.get_int(); count > 0 && !in.failed(); --count) {
        const auto at = bytes.size() - in.rest().size();
        SubTxn operation;
        decode(in, operation);
        if (in.failed() || operation.type != OpCode::kCreate2) continue;
        if (translated.empty()) translated = bytes;
        std::string type;
        Encoder encoder(type);
        encode(encoder, OpCode::kCreate);
        translated.replace(at, type.size(), type);
    }
    return in.failed() || translated.empty() ? txn : Bytes::copy_of(translated);
}

}  // namespace zabd::wire
