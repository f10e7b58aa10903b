// Any transactions, in any order, on a tree that they do not fit: each is applied or refused, and what is there is a state
// afterwards, whose images are a checkpoint of it.
#include "server/core/imported_state.hpp"
#include "tests/fuzz/input.hpp"
#include "wire/assert.hpp"
#include "wire/jute.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace zabd;
using wire::OpCode;

constexpr std::array<std::string_view, 18> kPaths{"/",
                                                  "",
                                                  "/a",
                                                  "/a/b",
                                                  "/a/b/c",
                                                  "/a/c",
                                                  "/e",
                                                  "/e/f",
                                                  "/zookeeper",
                                                  "/zookeeper/config",
                                                  "/zookeeper/quota",
                                                  "/zookeeper/quota/a",
                                                  "/zookeeper/quota/a/zookeeper_limits",
                                                  "/zookeeper/quota/a/zookeeper_stats",
                                                  "/zookeeper/quota/a/b",
                                                  "/zookeeper/quota/a/b/zookeeper_limits",
                                                  "//a",
                                                  "/a/"};

class Run {
public:
    Run(const std::uint8_t* data, std::size_t size) : input_(data, size) {}

    void go() {
        load();
        while (!input_.empty()) replay();
        state_.settle();
        state_.state().check_invariants();
        state_.state().tree.for_each_ephemeral_owner(
            [&](SessionId owner) { ZABD_ASSERT(state_.sessions().is_open(owner)); });
        std::size_t nodes = 0;
        state_.for_each_images([&](const wire::StateImages& images) { nodes += images.nodes.size(); });
        ZABD_ASSERT(nodes == state_.state().tree.node_count());
    }

private:
    std::string_view path() { return kPaths[input_.below(kPaths.size())]; }
    SessionId session() { return SessionId{static_cast<std::int64_t>(input_.below(4))}; }
    wire::AclList acl() {
        if (input_.below(2) == 0) return {{wire::kAllPermissions, {"world", "anyone"}}};
        return {{wire::kRead, {"digest", "bob:x"}}};
    }

    /// Some nodes of the vocabulary; without those that would not fit.
    void load() {
        std::vector<wire::SnapshotNode> nodes(1);
        nodes.back().path = "/";
        nodes.back().acl = wire::kOpenAclOfStream;
        for (auto count = input_.below(12); count != 0; --count) {
            wire::SnapshotNode node;
            node.path = path();
            node.acl = input_.below(2) == 0 ? wire::kOpenAclOfStream : 1;
            node.owner = static_cast<std::int64_t>(input_.below(3));
            node.creations = static_cast<std::int32_t>(input_.below(5)) - 1;
            node.pzxid = Zxid{input_.below(9)};
            nodes.push_back(std::move(node));
            if (!loads(nodes)) nodes.pop_back();
        }
        ZABD_ASSERT(loads(nodes));
        state_.state().check_invariants();
    }
    bool loads(const std::vector<wire::SnapshotNode>& nodes) {
        state_ = core::ImportedState();
        ZABD_ASSERT(state_.take(wire::SnapshotSession{SessionId{1}, 1000}));
        const auto list = wire::encoded(wire::AclList{{wire::kRead, {"digest", "bob:x"}}});
        ZABD_ASSERT(state_.take(wire::SnapshotAcl{1, list}));
        for (const auto& node : nodes)
            if (!state_.take(wire::SnapshotElement(node))) return false;
        return state_.load(Zxid{1});
    }

    std::string create() {
        return wire::encoded(wire::CreateTxn{path(), input_.short_text(), acl(), input_.below(2) == 1,
                                             static_cast<std::int32_t>(input_.below(9)) - 1});
    }

    struct Operation {
        OpCode type;
        std::string body;
    };
    Operation operation() {
        switch (input_.below(8)) {
            case 0:
            case 1: return {OpCode::kCreate, create()};
            case 2: return {OpCode::kCreate2, create()};
            case 3: return {OpCode::kDelete, wire::encoded(wire::DeleteTxn{path()})};
            case 4: return {OpCode::kSetData, wire::encoded(wire::SetDataTxn{path(), input_.short_text(), 1})};
            case 5: return {OpCode::kSetAcl, wire::encoded(wire::SetAclTxn{path(), acl(), 1})};
            case 6: return {OpCode::kCheck, wire::encoded(wire::CheckTxn{path(), 1})};
            default: return {OpCode{static_cast<std::int32_t>(input_.byte())}, std::string(input_.short_text())};
        }
    }

    Operation transaction() {
        switch (input_.below(6)) {
            case 0: return {OpCode::kCreateSession, wire::encoded(wire::CreateSessionTxn{1000})};
            case 1: return {OpCode::kCloseSession, wire::encoded(wire::CloseSessionTxn{{path(), path()}})};
            case 2: {
                const std::array parts{operation(), operation(), operation()};
                wire::MultiTxn multi;
                for (const auto& part : parts) multi.operations.push_back({part.type, part.body});
                return {OpCode::kMulti, wire::encoded(multi)};
            }
            default: return operation();
        }
    }

    void replay() {
        const auto [type, body] = transaction();
        const wire::TxnHeader header{
            .session = session(), .zxid = Zxid{1 + input_.below(20)}, .time_ms = 1, .type = type};
        (void)state_.replay(header, body);
        state_.state().check_invariants();
    }

    fuzz::Input input_;
    core::ImportedState state_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Run(data, size).go();
    return 0;
}
