#include "server/core/request_paths.hpp"

#include "wire/requests.hpp"

namespace zabd::core {
namespace {

using wire::OpCode;

template <class Record>
std::string_view path_of_next(wire::Decoder& in) {
    Record record{};
    wire::decode(in, record);
    return record.path;
}

/// Takes one operation's body.
std::string_view next_path(OpCode op, wire::Decoder& in) {
    switch (op) {
        case OpCode::kCreate:
        case OpCode::kCreate2:
        case OpCode::kCreateContainer: return path_of_next<wire::CreateRequest>(in);
        case OpCode::kCreateTtl: return path_of_next<wire::CreateTtlRequest>(in);
        case OpCode::kDelete:
        case OpCode::kCheck: return path_of_next<wire::VersionedRequest>(in);
        case OpCode::kSetData: return path_of_next<wire::SetDataRequest>(in);
        case OpCode::kSetAcl: return path_of_next<wire::SetAclRequest>(in);
        case OpCode::kExists:
        case OpCode::kGetData:
        case OpCode::kGetChildren:
        case OpCode::kGetChildren2: return path_of_next<wire::ReadRequest>(in);
        case OpCode::kGetAcl:
        case OpCode::kGetAllChildrenNumber: return path_of_next<wire::PathRequest>(in);
        default: return {};
    }
}

std::vector<Touched> touched_by_multi(std::string_view body) {
    std::vector<Touched> touched;
    wire::Decoder in(body);
    for (;;) {
        wire::MultiHeader header;
        wire::decode(in, header);
        if (in.failed()) return {};
        if (header.done) return touched;
        touched.push_back({header.op, next_path(header.op, in)});
        if (touched.back().path.empty()) return {};  // where the next one begins is not known
    }
}

}  // namespace

std::vector<Touched> touched_by(OpCode op, std::string_view body) {
    if (op == OpCode::kMulti || op == OpCode::kMultiRead) return touched_by_multi(body);
    wire::Decoder in(body);
    const auto path = next_path(op, in);
    if (in.failed()) return {};
    return {{op, path}};
}

}  // namespace zabd::core
