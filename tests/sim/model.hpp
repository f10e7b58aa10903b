// What a coordination service is, in the plainest way: a map of paths. Requests are carried out on it in the order of
// the zxids, and it says what each must be answered and which events it causes. Written from the protocol, not from the
// code under test; slow where that is simpler.
//
// Bounds    one ACL entry per node, world:anyone with some permissions; no quotas; paths are valid.
#pragma once

#include "wire/error_codes.hpp"
#include "wire/ids.hpp"
#include "wire/opcodes.hpp"
#include "wire/requests.hpp"
#include "wire/stat.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zabd::sim {

struct ModelEvent {
    wire::EventType type = wire::EventType::kNodeCreated;
    std::string path;
    bool readable = true;  // by clients, so that they may be told
};

/// What a request comes to.
struct Outcome {
    wire::ErrorCode error = wire::ErrorCode::kOk;
    std::string body;  // of the reply
    std::vector<ModelEvent> events;
};

class Model {
public:
    enum class Kind : std::uint8_t { kPersistent, kEphemeral, kContainer, kTtl };

    struct Node {
        std::optional<std::string> data;
        wire::Stat stat;  // data_length and num_children are filled in when asked for
        Kind kind = Kind::kPersistent;
        SessionId owner = SessionId::kNone;
        std::uint64_t number = 0;  // in order of creation
        std::int64_t ttl_ms = 0;
        std::int32_t creations = 0;
        std::int32_t permissions = wire::kAllPermissions;
        std::vector<std::string> children;  // in order of creation
    };

    /// The position of a transaction in the history.
    struct Place {
        Zxid zxid;
        std::int64_t time_ms = 0;
        SessionId session = SessionId::kNone;
    };

    Model();

    // --- transactions, in the order of their zxids ---
    Outcome write(wire::OpCode op, std::string_view body, const Place& place);
    void open_session(SessionId session, std::int32_t timeout_ms);
    /// All its ephemerals go, in the order of their paths.
    Outcome close_session(const Place& place);
    /// A container, or a TTL node that has been silent for its time, without children; else nothing.
    Outcome reap(std::string_view path, const Place& place);

    // --- reads ---
    [[nodiscard]] Outcome read(wire::OpCode op, std::string_view body, SessionId session) const;
    [[nodiscard]] const Node* find(std::string_view path) const;
    [[nodiscard]] wire::Stat stat_of(const Node& node) const;
    [[nodiscard]] const std::map<std::string, Node, std::less<>>& nodes() const { return nodes_; }
    [[nodiscard]] const std::map<SessionId, std::int32_t>& sessions() const { return sessions_; }
    /// In order of creation.
    [[nodiscard]] std::vector<std::string> ephemerals_of(SessionId session) const;

private:
    struct Done {
        wire::ErrorCode error = wire::ErrorCode::kOk;
        wire::OpCode answered_as = wire::OpCode::kError;
        std::string body;
    };

    Done perform(wire::OpCode op, wire::Decoder& in, const Place& place);
    Outcome multi(std::string_view body, const Place& place);
    Done create(wire::OpCode op, const wire::CreateRequest& request, std::int64_t ttl_ms, const Place& place);
    Done remove(const wire::VersionedRequest& request, const Place& place);
    Done set_data(const wire::SetDataRequest& request, const Place& place);
    Done set_acl(const wire::SetAclRequest& request);
    Done check(const wire::VersionedRequest& request);
    void remove_node(const std::string& path, const Place& place);

    Node& change(const std::string& path);
    void roll_back();
    void cause(wire::EventType type, const std::string& path, const Node& whose);

    std::map<std::string, Node, std::less<>> nodes_;
    std::map<SessionId, std::int32_t> sessions_;
    std::uint64_t created_ = 0;
    std::vector<ModelEvent> events_;                                   // of the transaction at work
    std::vector<std::pair<std::string, std::optional<Node>>> before_;  // what the transaction at work has changed
};

}  // namespace zabd::sim
