#include "server/admin/audit_log.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace zabd::server::admin {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using wire::ErrorCode;
using wire::OpCode;

/// Removed at the end.
class Directory {
public:
    Directory() {
        std::string name = (fs::temp_directory_path() / "audit-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    ~Directory() { fs::remove_all(path_); }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    [[nodiscard]] const fs::path& path() const { return path_; }

private:
    fs::path path_;
};

core::Audited set_data(const std::string& path, std::int64_t at_ms = 1'700'000'000'123) {
    core::Audited audited;
    audited.time = WallTime{at_ms};
    audited.session = SessionId{0x100000a};
    audited.address = "10.0.0.7";
    audited.identities = {{"world", "anyone"}, {"ip", "10.0.0.7"}, {"digest", "ben:Zm9vYmFyaGFzaA=="}};
    audited.op = OpCode::kSetData;
    audited.path = path;
    audited.zxid = Zxid{0x10000002a};
    return audited;
}

json parsed(const core::Audited& audited) { return json::parse(audit_line(audited)); }

Config config_in(const fs::path& directory) {
    Config config;
    config.data_dir = directory;
    config.audit.enabled = true;
    return config;
}

void write_all(const Config& config, const std::vector<core::Audited>& records) {
    auto log = AuditLog::open(config);
    REQUIRE(log);
    for (const auto& record : records) (*log)->write(record);
}

std::vector<std::string> paths(const AuditFound& found) {
    std::vector<std::string> result;
    for (const auto& record : found.records) result.push_back(record.at("path"));
    return result;
}

TEST_CASE("a record says who did what, and what became of it", "[admin][audit]") {
    const auto record = parsed(set_data("/a"));
    CHECK(record == json::parse(R"({"time": "2023-11-14T22:13:20.123Z", "session": "0x100000a",
        "user": "digest:ben,ip:10.0.0.7,world:anyone", "address": "10.0.0.7", "operation": "setData", "path": "/a",
        "result": "success", "error": null, "zxid": "0x10000002a"})"));
}

TEST_CASE("a record of what failed has the error and no zxid", "[admin][audit]") {
    auto audited = set_data("/a");
    audited.result = ErrorCode::kNoAuth;
    audited.zxid = {};
    const auto record = parsed(audited);
    CHECK(record["result"] == "failure");
    CHECK(record["error"] == "NoAuth");
    CHECK(record["zxid"].is_null());
}

TEST_CASE("what became of it may not be known", "[admin][audit]") {
    auto audited = set_data("/a");
    audited.unknown = true;
    audited.zxid = {};
    CHECK(parsed(audited)["result"] == "invoked");
}

TEST_CASE("the hash of a digest is in no record", "[admin][audit]") {
    CHECK(audit_line(set_data("/a")).find("Zm9v") == std::string::npos);
}

TEST_CASE("operations have ZooKeeper's names where it has any", "[admin][audit]") {
    struct Case {
        OpCode op;
        std::string by_client, by_server;
    };
    const auto c = GENERATE(values<Case>({
        {OpCode::kCreate, "create", "create"},
        {OpCode::kCreateTtl, "create", "create"},
        {OpCode::kDelete, "delete", "ephemeralZNodeDeletionOnSessionCloseOrExpire"},
        {OpCode::kDeleteContainer, "delete", "delete"},
        {OpCode::kSetAcl, "setAcl", "setAcl"},
        {OpCode::kMulti, "multiOperation", "multiOperation"},
        {OpCode::kReconfig, "reconfig", "reconfig"},
        {OpCode::kCreateSession, "createSession", "createSession"},
        {OpCode::kCloseSession, "closeSession", "expireSession"},
    }));
    auto audited = set_data("/a");
    audited.op = c.op;
    CHECK(parsed(audited)["operation"] == c.by_client);
    audited.address.clear();
    CHECK(parsed(audited)["operation"] == c.by_server);
    CHECK(parsed(audited)["user"] == "server");
    CHECK(parsed(audited)["address"].is_null());
}

TEST_CASE("no text makes a second line, or anything else than text", "[admin][audit]") {
    const auto path = GENERATE(as<std::string>{}, "/a\n{\"user\":\"root\"}", "/a\"},{\"x\":\"", "/\xff\xfe", "/\x1b[2J",
                               "/\xe2\x80\xa8", "/a\r\n\t\\");
    auto audited = set_data(path);
    audited.identities = {{"digest", path + ":hash"}};
    const auto line = audit_line(audited);
    CHECK(line.find('\n') == line.size() - 1);
    CHECK(std::ranges::all_of(line.substr(0, line.size() - 1), [](char one) { return one >= ' ' && one <= '~'; }));
    const auto record = json::parse(line);
    CHECK(record.size() == 9);
    CHECK(record["path"].is_string());
    CHECK(record["operation"] == "setData");
}

TEST_CASE("long texts are cut, and the record says so", "[admin][audit]") {
    const auto record = parsed(set_data("/" + std::string(100'000, 'x')));
    CHECK(record["path"].get<std::string>().size() == 4096);
    CHECK(record["cut"] == true);
    CHECK_FALSE(parsed(set_data("/a")).contains("cut"));
}

TEST_CASE("what was written is there after the log is closed, and goes on behind it", "[admin][audit]") {
    const Directory directory;
    const auto config = config_in(directory.path());
    write_all(config, {set_data("/1"), set_data("/2")});
    std::ofstream(directory.path() / "audit.log", std::ios::app) << R"({"time": "2023-11)";  // a crash amid a line
    write_all(config, {set_data("/3")});
    const auto log = AuditLog::open(config);
    REQUIRE(log);
    CHECK(paths((*log)->search({})) == std::vector<std::string>{"/3", "/2", "/1"});
}

TEST_CASE("a log that is off writes nothing", "[admin][audit]") {
    const Directory directory;
    auto config = config_in(directory.path());
    config.audit.enabled = false;
    write_all(config, {set_data("/1")});
    CHECK(fs::is_empty(directory.path()));
}

TEST_CASE("a log that cannot be opened is an error that names the file", "[admin][audit]") {
    const Directory directory;
    std::ofstream(directory.path() / "file") << "x";
    auto config = config_in(directory.path());
    config.audit.file = directory.path() / "file" / "audit.log";
    const auto log = AuditLog::open(config);
    REQUIRE_FALSE(log);
    CHECK(log.error().code == Errc::kIo);
    CHECK(log.error().where.find("file/audit.log") != std::string::npos);
}

TEST_CASE("files are rotated, and searched over all of them", "[admin][audit]") {
    const Directory directory;
    auto config = config_in(directory.path());
    config.audit.file_bytes_max = 2000;
    config.audit.files_max = 3;
    std::vector<core::Audited> records;
    for (int number = 0; number < 100; ++number) records.push_back(set_data("/" + std::to_string(number)));
    write_all(config, records);
    for (const auto* name : {"audit.log", "audit.1.log", "audit.2.log", "audit.3.log"}) {
        CAPTURE(name);
        REQUIRE(fs::exists(directory.path() / name));
        CHECK(fs::file_size(directory.path() / name) <= 2000);
    }
    CHECK_FALSE(fs::exists(directory.path() / "audit.4.log"));

    const auto log = AuditLog::open(config);
    REQUIRE(log);
    AuditQuery query;
    query.limit = 7;
    std::vector<std::string> all;
    do {
        const auto found = (*log)->search(query);
        CHECK(found.records.size() <= query.limit);
        for (const auto& path : paths(found)) all.push_back(path);
        query.cursor = found.next;
    } while (!query.cursor.empty());
    REQUIRE(all.size() > 20);  // of 100, what four files of 2000 bytes hold
    for (std::size_t place = 0; place < all.size(); ++place) CHECK(all[place] == "/" + std::to_string(99 - place));
}

TEST_CASE("a search finds what fits all that is given", "[admin][audit]") {
    const Directory directory;
    const auto config = config_in(directory.path());
    auto other = set_data("/app/x");
    other.identities = {{"digest", "eve:hash"}};
    other.session = SessionId{0x2};
    other.result = ErrorCode::kNoAuth;
    auto created = set_data("/app", 1'700'000'001'000);
    created.op = OpCode::kCreate;
    write_all(config, {set_data("/application"), other, set_data("/app/y"), created});
    const auto log = AuditLog::open(config);
    REQUIRE(log);
    struct Case {
        const char* name;
        AuditQuery query;
        std::vector<std::string> paths;
    };
    const std::vector<Case> cases{
        {"all", {}, {"/app", "/app/y", "/app/x", "/application"}},
        {"path", {.path = "/app"}, {"/app", "/app/y", "/app/x"}},
        {"root", {.path = "/"}, {"/app", "/app/y", "/app/x", "/application"}},
        {"user", {.user = "digest:eve"}, {"/app/x"}},
        {"user without a scheme", {.user = "ben"}, {"/app", "/app/y", "/application"}},
        {"no part of a name", {.user = "be"}, {}},
        {"session", {.session = "0x2"}, {"/app/x"}},
        {"operation", {.operation = "create"}, {"/app"}},
        {"result", {.result = "failure"}, {"/app/x"}},
        {"since", {.since_ms = 1'700'000'000'500}, {"/app"}},
        {"two", {.user = "ben", .path = "/app", .operation = "setData"}, {"/app/y"}},
        {"limit", {.limit = 2}, {"/app", "/app/y"}},
    };
    for (const auto& c : cases) {
        CAPTURE(c.name);
        CHECK(paths((*log)->search(c.query)) == c.paths);
    }
}

TEST_CASE("a search looks at so much of the files at a time", "[admin][audit]") {
    const Directory directory;
    const auto config = config_in(directory.path());
    std::vector<core::Audited> records{set_data("/needle")};
    for (int number = 0; number < 5000; ++number) records.push_back(set_data("/hay"));
    write_all(config, records);
    const auto log = AuditLog::open(config);
    REQUIRE(log);
    AuditQuery query;
    query.path = "/needle";
    query.bytes_max = 1;  // one window
    int calls = 1;
    auto found = (*log)->search(query);
    for (; !found.next.empty() && found.records.empty(); ++calls) {
        query.cursor = found.next;
        found = (*log)->search(query);
    }
    CHECK(paths(found) == std::vector<std::string>{"/needle"});
    CHECK(calls > 2);
}

TEST_CASE("a cursor that is none is told apart from one whose file is gone", "[admin][audit]") {
    const Directory directory;
    const auto config = config_in(directory.path());
    write_all(config, {set_data("/1")});
    const auto log = AuditLog::open(config);
    REQUIRE(log);
    for (const auto* cursor : {"x", "1", "1:", ":1", "1:2x", "-1:2"}) {
        CAPTURE(cursor);
        CHECK((*log)->search({.cursor = cursor}).cursor_bad);
    }
    const auto gone = (*log)->search({.cursor = "1:2"});
    CHECK_FALSE(gone.cursor_bad);
    CHECK(gone.records.empty());
    CHECK(gone.next.empty());
}

TEST_CASE("lines that are not ours are passed over", "[admin][audit]") {
    const Directory directory;
    const auto config = config_in(directory.path());
    write_all(config, {set_data("/1")});
    {
        std::ofstream file(directory.path() / "audit.log", std::ios::app);
        file << "\n[1, 2]\nno json\n" << std::string(600'000, 'x') << "\n" << audit_line(set_data("/2"));
    }
    const auto log = AuditLog::open(config);
    REQUIRE(log);
    CHECK(paths((*log)->search({})) == std::vector<std::string>{"/2", "/1"});
}

TEST_CASE("what there is no room for is counted and told", "[admin][audit]") {
    const Directory directory;
    const auto config = config_in(directory.path());
    std::uint64_t dropped = 0;
    {
        auto log = AuditLog::open(config);
        REQUIRE(log);
        (*log)->write(set_data("/1"));
        (*log)->write(set_data("/" + std::string(AuditLog::kWaitingBytesMax, 'x')));
        dropped = (*log)->dropped_count();
        REQUIRE(dropped == 1);
    }
    const auto log = AuditLog::open(config);
    REQUIRE(log);
    const auto found = (*log)->search({.operation = "recordsDropped"});
    REQUIRE(found.records.size() == 1);
    CHECK(found.records[0]["dropped"] == dropped);
}

}  // namespace
}  // namespace zabd::server::admin
