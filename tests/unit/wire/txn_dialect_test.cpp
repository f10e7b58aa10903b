#include "wire/txn_dialect.hpp"

#include "wire/jute.hpp"
#include "wire/txns.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <utility>
#include <vector>

namespace zabd::wire {
namespace {

Bytes multi_of(const std::vector<std::pair<OpCode, std::string>>& operations) {
    MultiTxn multi;
    for (const auto& [type, body] : operations) multi.operations.push_back({type, body});
    std::string bytes;
    Encoder out(bytes);
    encode(out, TxnHeader{.session = SessionId{5}, .xid = 7, .zxid = Zxid::of(1, 2), .type = OpCode::kMulti});
    encode(out, multi);
    return Bytes::copy_of(bytes);
}

TEST_CASE("a create2 inside a multi is a create to ZooKeeper's servers", "[wire]") {
    const auto body = encoded(CreateTxn{.path = "/a", .data = {}, .acl = {}, .parent_creations = 3});
    const auto ours =
        multi_of({{OpCode::kCreate, body}, {OpCode::kCreate2, body}, {OpCode::kDelete, "x"}, {OpCode::kCreate2, ""}});
    const auto theirs =
        multi_of({{OpCode::kCreate, body}, {OpCode::kCreate, body}, {OpCode::kDelete, "x"}, {OpCode::kCreate, ""}});
    CHECK(for_zookeeper(ours).view() == theirs.view());
}

TEST_CASE("a session with too many ephemerals ends without their names", "[wire]") {
    std::string header;
    Encoder out(header);
    encode(out, TxnHeader{.session = SessionId{5}, .zxid = Zxid::of(1, 2), .type = OpCode::kCloseSession});
    const auto ending = [&](std::size_t names) {
        const std::string name(kZookeeperTxnBytesMax / 4, 'n');
        CloseSessionTxn txn;
        for (std::size_t n = 0; n < names; ++n) txn.ephemerals.emplace_back(name);
        return Bytes::copy_of(header + encoded(txn));
    };
    CHECK(for_zookeeper(ending(3)).view() == ending(3).view());
    CHECK(for_zookeeper(ending(4)).view() == header);
}

TEST_CASE("what ZooKeeper's servers know is left as it is", "[wire]") {
    const auto multi = multi_of({{OpCode::kCreate, "a"}, {OpCode::kCreateTtl, "b"}});
    CHECK(for_zookeeper(multi).view() == multi.view());
    std::string alone;
    Encoder out(alone);
    encode(out, TxnHeader{.zxid = Zxid::of(1, 2), .type = OpCode::kCreate2});
    CHECK(for_zookeeper(Bytes::copy_of(alone)).view() == alone);
}

TEST_CASE("what is no transaction is left as it is", "[wire]") {
    const auto multi = multi_of({{OpCode::kCreate2, "a"}, {OpCode::kCreate2, "b"}});
    for (std::size_t n = 0; n < multi.size(); ++n) {
        const auto cut = Bytes::copy_of(multi.view().substr(0, n));
        CHECK(for_zookeeper(cut).view() == cut.view());
    }
}

}  // namespace
}  // namespace zabd::wire
