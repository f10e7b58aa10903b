// Every record of the client protocol and every transaction: its fields, in order, and nothing else.
#include "wire/requests.hpp"
#include "wire/txns.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace zabd::wire {
namespace {

// --- building the expected bytes by hand ------------------------------------------------------------------------------

std::string i4(std::int32_t value) { return encoded(value); }
std::string i8(std::int64_t value) { return encoded(value); }
std::string text(std::string_view value) { return encoded(value); }
std::string flag(bool value) { return std::string(1, value ? '\1' : '\0'); }
const std::string kNull = i4(-1);

/// `record` is `bytes`, and `bytes` are `record`; no shorter ones are.
template <class Record>
void check_form(const Record& record, const std::string& bytes) {
    CHECK(encoded(record) == bytes);
    const auto again = decoded<Record>(bytes);
    REQUIRE(again.has_value());
    CHECK(encoded(*again) == bytes);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        CAPTURE(size);
        CHECK_FALSE(decoded<Record>(std::string_view(bytes).substr(0, size)).has_value());
    }
}

const AclList kAcl = {{31, {"world", "anyone"}}, {1, {"ip", "10.0.0.0/8"}}};
const std::string kAclBytes = i4(2) + i4(31) + text("world") + text("anyone") + i4(1) + text("ip") + text("10.0.0.0/8");

const Stat kStat = {.czxid = Zxid{1},
                    .mzxid = Zxid{2},
                    .ctime = 3,
                    .mtime = 4,
                    .version = 5,
                    .cversion = 6,
                    .aversion = 7,
                    .ephemeral_owner = 8,
                    .data_length = 9,
                    .num_children = 10,
                    .pzxid = Zxid{11}};
const std::string kStatBytes = i8(1) + i8(2) + i8(3) + i8(4) + i4(5) + i4(6) + i4(7) + i8(8) + i4(9) + i4(10) + i8(11);

TEST_CASE("headers", "[wire][records]") {
    check_form(RequestHeader{-2, OpCode::kPing}, i4(-2) + i4(11));
    check_form(RequestHeader{1, OpCode::kCloseSession}, i4(1) + i4(-11));
    check_form(ReplyHeader{7, Zxid::of(1, 2), ErrorCode::kNoNode}, i4(7) + i8(0x1'0000'0002) + i4(-101));
    check_form(ReplyHeader{kXidWatchEvent, kZxidUnknown, ErrorCode::kOk}, i4(-1) + i8(-1) + i4(0));
    check_form(MultiHeader{OpCode::kSetData, false, ErrorCode::kOk}, i4(5) + flag(false) + i4(0));
    check_form(kMultiEnd, i4(-1) + flag(true) + i4(-1));
}

TEST_CASE("requests that read", "[wire][records]") {
    check_form(ReadRequest{"/a", true}, text("/a") + flag(true));
    check_form(PathRequest{"/a"}, text("/a"));
    check_form(NullablePathRequest{"/a"}, text("/a"));
    check_form(NullablePathRequest{}, kNull);
}

TEST_CASE("requests that write", "[wire][records]") {
    check_form(CreateRequest{"/a", "data", kAcl, CreateMode::kEphemeralSequential},
               text("/a") + text("data") + kAclBytes + i4(3));
    check_form(CreateRequest{"/a", {}, {}, CreateMode{9}}, text("/a") + kNull + kNull + i4(9));
    check_form(CreateTtlRequest{"/a", "", AclList{}, CreateMode::kPersistentTtl, 1000},
               text("/a") + text("") + i4(0) + i4(5) + i8(1000));
    check_form(VersionedRequest{"/a", -1}, text("/a") + i4(-1));
    check_form(SetDataRequest{"/a", "data", 3}, text("/a") + text("data") + i4(3));
    check_form(SetDataRequest{"/a", {}, -1}, text("/a") + kNull + i4(-1));
    check_form(SetAclRequest{"/a", kAcl, 3}, text("/a") + kAclBytes + i4(3));
    check_form(SetAclRequest{"/a", {}, 3}, text("/a") + kNull + i4(3));
}

TEST_CASE("requests about the session", "[wire][records]") {
    check_form(AuthRequest{0, "digest", "bob:secret"}, i4(0) + text("digest") + text("bob:secret"));
    check_form(AuthRequest{4, {}, {}}, i4(4) + kNull + kNull);
    check_form(SaslToken{"token"}, text("token"));
    check_form(SaslToken{}, kNull);
}

TEST_CASE("requests about watches", "[wire][records]") {
    check_form(SetWatchesRequest{Zxid{5}, {"/a", "/b"}, {}, {"/c"}},
               i8(5) + i4(2) + text("/a") + text("/b") + i4(0) + i4(1) + text("/c"));
    check_form(
        SetWatches2Request{Zxid{5}, {"/a"}, {"/b"}, {"/c"}, {"/d"}, {"/e"}},
        i8(5) + i4(1) + text("/a") + i4(1) + text("/b") + i4(1) + text("/c") + i4(1) + text("/d") + i4(1) + text("/e"));
    check_form(AddWatchRequest{"/a", AddWatchMode::kPersistentRecursive}, text("/a") + i4(1));
    check_form(WatchesRequest{"/a", WatcherType::kAny}, text("/a") + i4(3));
}

TEST_CASE("a reconfig request", "[wire][records]") {
    check_form(ReconfigRequest{"server.1=a", "2", "server.3=c", 7},
               text("server.1=a") + text("2") + text("server.3=c") + i8(7));
    check_form(ReconfigRequest{}, kNull + kNull + kNull + i8(-1));
}

TEST_CASE("replies", "[wire][records]") {
    check_form(PathReply{"/a"}, text("/a"));
    check_form(PathReply{}, kNull);
    check_form(PathStatReply{"/a", kStat}, text("/a") + kStatBytes);
    check_form(StatReply{kStat}, kStatBytes);
    check_form(DataReply{"data", kStat}, text("data") + kStatBytes);
    check_form(DataReply{{}, kStat}, kNull + kStatBytes);
    check_form(AclReply{kAcl, kStat}, kAclBytes + kStatBytes);
    check_form(NamesReply{{"a", "b"}}, i4(2) + text("a") + text("b"));
    check_form(NamesReply{}, i4(0));
    check_form(NamesStatReply{{"a"}, kStat}, i4(1) + text("a") + kStatBytes);
    check_form(CountReply{42}, i4(42));
    check_form(ErrorReply{ErrorCode::kRuntimeInconsistency}, i4(-2));
    check_form(WhoAmIReply{{{"ip", "127.0.0.1"}, {"digest", "bob"}}},
               i4(2) + text("ip") + text("127.0.0.1") + text("digest") + text("bob"));
    check_form(WatcherEvent{EventType::kNodeDataChanged, kStateSyncConnected, "/a"}, i4(3) + i4(3) + text("/a"));
}

TEST_CASE("a stat is 68 bytes", "[wire][records]") {
    CHECK(kStatBytes.size() == 68);
    CHECK(decoded<Stat>(kStatBytes) == kStat);
}

TEST_CASE("transactions", "[wire][records]") {
    check_form(TxnHeader{SessionId{3}, 4, Zxid::of(5, 6), 7, OpCode::kMulti},
               i8(3) + i4(4) + i8(0x5'0000'0006) + i8(7) + i4(14));
    check_form(CreateTxn{"/a", "data", kAcl, true, 9}, text("/a") + text("data") + kAclBytes + flag(true) + i4(9));
    check_form(CreateContainerTxn{"/a", {}, kAcl, 9}, text("/a") + kNull + kAclBytes + i4(9));
    check_form(CreateTtlTxn{"/a", "", kAcl, 9, 1000}, text("/a") + text("") + kAclBytes + i4(9) + i8(1000));
    check_form(DeleteTxn{"/a"}, text("/a"));
    check_form(SetDataTxn{"/a", "data", 3}, text("/a") + text("data") + i4(3));
    check_form(SetAclTxn{"/a", kAcl, 3}, text("/a") + kAclBytes + i4(3));
    check_form(CheckTxn{"/a", 3}, text("/a") + i4(3));
    check_form(CreateSessionTxn{4000}, i4(4000));
    check_form(CloseSessionTxn{{"/a", "/b"}}, i4(2) + text("/a") + text("/b"));
    check_form(ErrorTxn{ErrorCode::kNodeExists}, i4(-110));
    check_form(MultiTxn{{{OpCode::kDelete, "body"}, {OpCode::kError, ""}}},
               i4(2) + i4(2) + text("body") + i4(-1) + text(""));
}

}  // namespace
}  // namespace zabd::wire
