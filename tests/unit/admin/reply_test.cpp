#include "server/admin/reply.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace zabd;
using namespace zabd::server::admin;
using nlohmann::json;
using wire::ErrorCode;

TEST_CASE("errors of the protocol have a status and a name", "[admin][reply]") {
    struct Case {
        ErrorCode error;
        unsigned status;
        std::string code;
    };
    const auto c = GENERATE(values<Case>({
        {ErrorCode::kNoNode, 404, "NoNode"},
        {ErrorCode::kNoAuth, 403, "NoAuth"},
        {ErrorCode::kBadVersion, 409, "BadVersion"},
        {ErrorCode::kNodeExists, 409, "NodeExists"},
        {ErrorCode::kNotEmpty, 409, "NotEmpty"},
        {ErrorCode::kNoChildrenForEphemerals, 409, "NoChildrenForEphemerals"},
        {ErrorCode::kBadArguments, 400, "BadArguments"},
        {ErrorCode::kInvalidAcl, 400, "InvalidACL"},
        {ErrorCode::kMarshallingError, 400, "Marshalling"},
        {ErrorCode::kNotReadOnly, 503, "NotServing"},
        {ErrorCode::kSessionExpired, 503, "NotServing"},
        {ErrorCode::kRuntimeInconsistency, 500, "Internal"},
    }));
    const auto response = error_reply(c.error, "/a");
    CHECK(response.status == c.status);
    CHECK(response.content_type == "application/json");
    const auto body = json::parse(response.body);
    CHECK(body["error"]["code"] == c.code);
    CHECK(body["error"]["message"].get<std::string>().starts_with("/a: "));
}

TEST_CASE("text of others stays text", "[admin][reply]") {
    const std::string path = "/\"</script>\n\xff\x1b";
    const auto body = error_reply(ErrorCode::kNoNode, path).body;
    CHECK(json::parse(body)["error"]["message"].get<std::string>().starts_with("/\"</script>\n\xef\xbf\xbd\x1b: "));
    CHECK(body.find('\n') == body.size() - 1);
    CHECK(body.find('\x1b') == std::string::npos);
}

TEST_CASE("numbers are shown in hex", "[admin][reply]") {
    CHECK(hex(std::uint64_t{0}) == "0x0");
    CHECK(hex(Zxid::of(2, 0x1f)) == "0x20000001f");
    CHECK(hex(SessionId{-1}) == "0xffffffffffffffff");
}
