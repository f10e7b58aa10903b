// Recorded conversations with Apache ZooKeeper (tests/vectors/client-vectors.json, which describes its form in its first
// element): every frame decodes to the recorded fields and encodes to the recorded bytes again.
#include "wire/connect.hpp"
#include "wire/requests.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace zabd::wire {
namespace {

using Json = nlohmann::json;

// --- a record as a list of plain values, as the file tells it ---------------------------------------------------------

using Value = std::variant<std::int64_t, std::optional<std::string>>;
using Values = std::vector<Value>;

template <class T>
void flatten(const T& field, Values& out) {
    if constexpr (std::is_same_v<T, Zxid>) {
        out.emplace_back(static_cast<std::int64_t>(field.value));
    } else if constexpr (std::is_enum_v<T> || std::is_integral_v<T>) {
        out.emplace_back(static_cast<std::int64_t>(field));
    } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
        out.emplace_back(std::string(field));
    } else if constexpr (std::is_same_v<T, NullableText>) {
        out.emplace_back(field ? std::optional(std::string(*field)) : std::nullopt);
    } else if constexpr (IsNullAsEmpty<T>::value) {
        flatten(field.text, out);
    } else if constexpr (IsOptional<T>::value) {
        if (field) {
            flatten(*field, out);
        } else {
            out.emplace_back(-1);  // the count of a null vector
        }
    } else if constexpr (IsVector<T>::value) {
        out.emplace_back(static_cast<std::int64_t>(field.size()));
        for (const auto& element : field) flatten(element, out);
    } else {
        T::fields(field, [&](const auto&... inner) { (flatten(inner, out), ...); });
    }
}

std::string bytes_of_hex(std::string_view hex) {
    const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    std::string bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
        bytes += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
    return bytes;
}

Value value_of(const Json& told) {
    if (told.is_null()) return std::nullopt;
    if (told.is_number()) return told.get<std::int64_t>();
    const auto text = told.get<std::string>();
    return text.starts_with("hex:") ? bytes_of_hex(std::string_view(text).substr(4)) : text;
}

// --- reading frames ---------------------------------------------------------------------------------------------------

/// Reads one frame, and writes what it read.
class Reader {
public:
    explicit Reader(std::string_view frame) : in(frame) {}

    template <class T>
    T read() {
        T record{};
        decode(in, record);
        keep(record);
        return record;
    }
    template <class T>
    void keep(const T& record) {
        if (in.failed()) return;
        flatten(record, values);
        Encoder out(bytes);
        encode(out, record);
    }

    Decoder in;
    Values values;
    std::string bytes;
};

/// The operations of a multi, or their results. False for an operation that there is not.
bool read_operations(Reader& reader, bool (*read_body)(OpCode, Reader&)) {
    for (;;) {
        const auto header = reader.read<MultiHeader>();
        if (reader.in.failed()) return false;
        if (header.done) return true;
        if (!read_body(header.op, reader)) return false;
    }
}

bool read_request_body(OpCode op, Reader& reader) {
    switch (op) {
        case OpCode::kPing:
        case OpCode::kCloseSession:
        case OpCode::kWhoAmI: return true;
        case OpCode::kExists:
        case OpCode::kGetData:
        case OpCode::kGetChildren:
        case OpCode::kGetChildren2: return reader.read<ReadRequest>(), true;
        case OpCode::kGetAcl:
        case OpCode::kGetAllChildrenNumber: return reader.read<PathRequest>(), true;
        case OpCode::kSync:
        case OpCode::kGetEphemerals: return reader.read<NullablePathRequest>(), true;
        case OpCode::kCreate:
        case OpCode::kCreate2:
        case OpCode::kCreateContainer: return reader.read<CreateRequest>(), true;
        case OpCode::kCreateTtl: return reader.read<CreateTtlRequest>(), true;
        case OpCode::kDelete:
        case OpCode::kCheck: return reader.read<VersionedRequest>(), true;
        case OpCode::kSetData: return reader.read<SetDataRequest>(), true;
        case OpCode::kSetAcl: return reader.read<SetAclRequest>(), true;
        case OpCode::kAuth: return reader.read<AuthRequest>(), true;
        case OpCode::kSasl: return reader.read<SaslToken>(), true;
        case OpCode::kSetWatches: return reader.read<SetWatchesRequest>(), true;
        case OpCode::kSetWatches2: return reader.read<SetWatches2Request>(), true;
        case OpCode::kAddWatch: return reader.read<AddWatchRequest>(), true;
        case OpCode::kCheckWatches:
        case OpCode::kRemoveWatches: return reader.read<WatchesRequest>(), true;
        case OpCode::kReconfig: return reader.read<ReconfigRequest>(), true;
        case OpCode::kMulti:
        case OpCode::kMultiRead: return read_operations(reader, read_request_body);
        default: return false;
    }
}

bool read_reply_body(OpCode op, Reader& reader) {
    switch (op) {
        case OpCode::kPing:
        case OpCode::kDelete:
        case OpCode::kCheck:
        case OpCode::kAuth:
        case OpCode::kSetWatches:
        case OpCode::kSetWatches2:
        case OpCode::kCheckWatches:
        case OpCode::kRemoveWatches:
        case OpCode::kCloseSession: return true;
        case OpCode::kCreate:
        case OpCode::kSync: return reader.read<PathReply>(), true;
        case OpCode::kCreate2:
        case OpCode::kCreateContainer:
        case OpCode::kCreateTtl: return reader.read<PathStatReply>(), true;
        case OpCode::kExists:
        case OpCode::kSetData:
        case OpCode::kSetAcl: return reader.read<StatReply>(), true;
        case OpCode::kGetData:
        case OpCode::kReconfig: return reader.read<DataReply>(), true;
        case OpCode::kGetAcl: return reader.read<AclReply>(), true;
        case OpCode::kGetChildren:
        case OpCode::kGetEphemerals: return reader.read<NamesReply>(), true;
        case OpCode::kGetChildren2: return reader.read<NamesStatReply>(), true;
        case OpCode::kGetAllChildrenNumber: return reader.read<CountReply>(), true;
        case OpCode::kAddWatch:
        case OpCode::kError: return reader.read<ErrorReply>(), true;
        case OpCode::kSasl: return reader.read<SaslToken>(), true;
        case OpCode::kWhoAmI: return reader.read<WhoAmIReply>(), true;
        case OpCode::kMulti:
        case OpCode::kMultiRead: return read_operations(reader, read_reply_body);
        default: return false;
    }
}

template <class Handshake>
bool read_handshake(const std::optional<Handshake>& handshake, Reader& reader) {
    if (!handshake) return reader.in.fail(), false;
    Encoder out(reader.bytes);
    encode(out, *handshake);
    return true;
}

bool read_connect_request(std::string_view frame, Reader& reader) {
    const auto request = decode_connect_request(frame);
    if (!read_handshake(request, reader)) return false;
    flatten(*request, reader.values);
    if (request->read_only) flatten(*request->read_only, reader.values);
    return true;
}

bool read_connect_reply(std::string_view frame, Reader& reader) {
    const auto reply = decode_connect_reply(frame);
    if (!read_handshake(reply, reader)) return false;
    flatten(reply->protocol_version, reader.values);
    flatten(reply->timeout_ms, reader.values);
    flatten(reply->session, reader.values);
    flatten(std::string_view(reply->password.data(), reply->password.size()), reader.values);
    if (reply->read_only) flatten(*reply->read_only, reader.values);
    return true;
}

/// One connection as its recording tells it: which operation each reply answers.
class Conversation {
public:
    bool read(const Json& frame, std::string_view bytes, Reader& reader) {
        const bool from_client = frame.at("dir") == "C>S";
        const auto& fields = frame.at("fields");
        if (!fields.empty() && fields.at(0).at(0) == "protocolVersion") {
            return from_client ? read_connect_request(bytes, reader) : read_connect_reply(bytes, reader);
        }
        return from_client ? read_request(reader) : read_reply(reader);
    }

private:
    bool read_request(Reader& reader) {
        const auto header = reader.read<RequestHeader>();
        if (reader.in.failed()) return false;
        asked_[header.op == OpCode::kPing ? kXidPing : header.xid] = header.op;
        return read_request_body(header.op, reader) && !reader.in.failed();
    }
    bool read_reply(Reader& reader) {
        const auto header = reader.read<ReplyHeader>();
        if (header.xid == kXidWatchEvent) return reader.read<WatcherEvent>(), !reader.in.failed();
        const bool body = header.error == ErrorCode::kOk || !reader.in.rest().empty();
        return (!body || read_reply_body(asked_.at(header.xid), reader)) && !reader.in.failed();
    }

    std::map<Xid, OpCode> asked_;
};

// --- the vectors ------------------------------------------------------------------------------------------------------

Json read_vectors() {
    std::ifstream file(ZABD_SOURCE_DIR "/tests/vectors/client-vectors.json");
    REQUIRE(file.is_open());
    return Json::parse(file);
}

bool is_frame(const Json& frame) {
    return frame.contains("hex") && frame.value("note", "").find("raw") == std::string::npos;
}

/// Does the frame read as recorded? What the recording calls trailing it left undivided, so it is not compared.
bool as_recorded(const Json& frame, const Values& values) {
    std::size_t at = 0;
    for (const auto& field : frame.at("fields")) {
        if (field.at(0) == "trailing") return true;
        if (at == values.size() || values[at++] != value_of(field.at(3))) return false;
    }
    return at == values.size();
}

enum class Outcome {
    kAsRecorded,
    kOtherFields,
    kOtherBytes,        // the fields are right, but encode to something else
    kUndecodable,       // ends too early, or has null where there must be something
    kUnknownOperation,  // a number that no operation has
};

Outcome outcome_of(const Json& frame, Conversation& conversation) {
    const auto bytes = bytes_of_hex(frame.at("hex").get<std::string>());
    Reader reader(bytes);
    const bool known = conversation.read(frame, bytes, reader);
    if (reader.in.failed()) return Outcome::kUndecodable;
    if (!known) return Outcome::kUnknownOperation;
    if (!as_recorded(frame, reader.values)) return Outcome::kOtherFields;
    return reader.bytes == bytes ? Outcome::kAsRecorded : Outcome::kOtherBytes;
}

/// What the recorded clients sent wrong on purpose: the first request of each of these vectors.
const std::map<std::string, Outcome> kMalformedRequests = {
    {"connect_trailing_bytes_ignored", Outcome::kOtherBytes},
    {"frame_too_short_for_header", Outcome::kUndecodable},
    {"create_null_path", Outcome::kUndecodable},
    {"exists_truncated_body", Outcome::kUndecodable},
    {"multi_no_terminator", Outcome::kUndecodable},
    {"multi_unknown_subop", Outcome::kUndecodable},
    {"unknown_opcode", Outcome::kUnknownOperation},
    {"unknown_opcode_10", Outcome::kUnknownOperation},
    {"notification_opcode", Outcome::kUnknownOperation},
    {"error_opcode", Outcome::kUnknownOperation},
    {"deleteContainer_from_client", Outcome::kUnknownOperation},
};

TEST_CASE("recorded frames decode to the recorded fields and encode to the recorded bytes", "[wire][vectors]") {
    std::map<std::string, Conversation> conversations;
    std::size_t frames = 0;
    for (const auto& vector : read_vectors()) {
        const auto name = vector.at("name").get<std::string>();
        CAPTURE(name);
        const auto malformed = kMalformedRequests.find(name);
        bool first = true;
        for (const auto& frame : vector.at("frames")) {
            if (!is_frame(frame)) continue;
            CAPTURE(frame.dump());
            auto& conversation = conversations[vector.at("group").get<std::string>() + frame.value("conn", "")];
            const bool owed_malformed = std::exchange(first, false) && malformed != kMalformedRequests.end();
            CHECK(outcome_of(frame, conversation) == (owed_malformed ? malformed->second : Outcome::kAsRecorded));
            ++frames;
        }
    }
    CHECK(frames > 0);
}

}  // namespace
}  // namespace zabd::wire
