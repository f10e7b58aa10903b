#include "server/admin/audit_log.hpp"

#include "server/admin/reply.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <fstream>
#include <mutex>
#include <thread>
#include <utility>

namespace zabd::server::admin {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kPathBytesMax = 4096;
constexpr std::size_t kUserBytesMax = 1024;
constexpr std::string_view kServer = "server";  // who acts when no client does

/// ZooKeeper's words (its AuditConstants), and ours for what it does not audit.
std::string operation(const core::Audited& audited) {
    using enum wire::OpCode;
    const bool by_server = audited.address.empty();
    switch (audited.op) {
        case kCreate:
        case kCreate2:
        case kCreateTtl:
        case kCreateContainer: return "create";
        case kDelete: return by_server ? "ephemeralZNodeDeletionOnSessionCloseOrExpire" : "delete";
        case kDeleteContainer: return "delete";
        case kSetData: return "setData";
        case kSetAcl: return "setAcl";
        case kMulti: return "multiOperation";
        case kReconfig: return "reconfig";
        case kCreateSession: return "createSession";
        case kCloseSession: return by_server ? "expireSession" : "closeSession";
        case kAuth: return "authenticate";
        default: return fmt::format("operation{}", static_cast<int>(audited.op));
    }
}

/// ZooKeeper's words; the last one of what its client did not wait for.
std::string_view result(const core::Audited& audited) {
    if (audited.unknown) return "invoked";
    return audited.result == wire::ErrorCode::kOk ? "success" : "failure";
}

std::string error_name(wire::ErrorCode code) {
    using enum wire::ErrorCode;
    switch (code) {
        case kOk: return "";
        case kSystemError: return "SystemError";
        case kRuntimeInconsistency: return "RuntimeInconsistency";
        case kMarshallingError: return "MarshallingError";
        case kUnimplemented: return "Unimplemented";
        case kBadArguments: return "BadArguments";
        case kUnknownSession: return "UnknownSession";
        case kNewConfigNoQuorum: return "NewConfigNoQuorum";
        case kReconfigInProgress: return "ReconfigInProgress";
        case kNoNode: return "NoNode";
        case kNoAuth: return "NoAuth";
        case kBadVersion: return "BadVersion";
        case kNoChildrenForEphemerals: return "NoChildrenForEphemerals";
        case kNodeExists: return "NodeExists";
        case kNotEmpty: return "NotEmpty";
        case kSessionExpired: return "SessionExpired";
        case kInvalidAcl: return "InvalidACL";
        case kAuthFailed: return "AuthFailed";
        case kSessionMoved: return "SessionMoved";
        case kNotReadOnly: return "NotReadOnly";
        case kEphemeralOnLocalSession: return "EphemeralOnLocalSession";
        case kNoWatcher: return "NoWatcher";
        case kReconfigDisabled: return "ReconfigDisabled";
        case kSessionClosedRequireAuth: return "SessionClosedRequireAuth";
        case kQuotaExceeded: return "QuotaExceeded";
        case kThrottledOp: return "ThrottledOp";
    }
    return fmt::format("{}", static_cast<int>(code));
}

/// "digest:ben": of a digest not the hash, which is as good as the password to whoever may try many.
std::string name_of(const wire::Id& identity) {
    const auto name = identity.scheme == "digest" ? identity.id.substr(0, identity.id.find(':')) : identity.id;
    return name.empty() ? identity.scheme : identity.scheme + ":" + name;
}

/// Those that a client proved first; where it comes from, and that it is anyone, only if there is nothing else.
std::string user_of(const core::Audited& audited) {
    if (audited.address.empty()) return std::string(kServer);
    const auto rank = [](const wire::Id& identity) {
        return identity.scheme == "world" ? 2 : identity.scheme == "ip" ? 1 : 0;
    };
    auto identities = audited.identities;
    std::ranges::stable_sort(identities, {}, rank);
    std::string names;
    for (const auto& identity : identities) {
        if (names.size() > kUserBytesMax) break;
        names += (names.empty() ? "" : ",") + name_of(identity);
    }
    return names;
}

Json null_if_empty(std::string text) { return text.empty() ? Json() : Json(std::move(text)); }

/// In ASCII: U+2028 and the like end a line for some who read it, and C1 controls move a terminal.
std::string line_of(const Json& record) { return record.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n"; }

std::size_t bytes_of(const core::Audited& audited) {
    std::size_t bytes = sizeof audited + audited.path.size() + audited.address.size();
    for (const auto& identity : audited.identities)
        bytes += sizeof identity + identity.scheme.size() + identity.id.size();
    return bytes;
}

WallTime wall_now() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return WallTime{std::chrono::duration_cast<std::chrono::milliseconds>(now).count()};
}

/// A crash, or a full disk, may have left half a line.
bool ends_amid_line(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary | std::ios::ate);
    if (!in || in.tellg() == std::ifstream::pos_type{0}) return false;
    in.seekg(-1, std::ios::end);
    return in.get() != '\n';
}

}  // namespace

wire::Id identity_of(std::string_view user) {
    const auto colon = std::min(user.find(':'), user.size());
    return {std::string(user.substr(0, colon)), std::string(user.substr(std::min(colon + 1, user.size())))};
}

std::string audit_time(WallTime time) {
    const auto ms = std::max<std::int64_t>(static_cast<std::int64_t>(time), 0);
    const auto seconds = static_cast<std::time_t>(ms / 1000);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                       parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, ms % 1000);
}

std::string audit_line(const core::Audited& audited) {
    auto user = user_of(audited);
    auto path = audited.path;
    const bool cut = user.size() > kUserBytesMax || path.size() > kPathBytesMax;
    user.resize(std::min(user.size(), kUserBytesMax));
    path.resize(std::min(path.size(), kPathBytesMax));
    Json record;
    record["time"] = audit_time(audited.time);
    record["session"] = null_if_empty(audited.session == SessionId::kNone ? "" : hex(audited.session));
    record["user"] = std::move(user);
    record["address"] = null_if_empty(audited.address);
    record["operation"] = operation(audited);
    record["path"] = null_if_empty(std::move(path));
    record["result"] = result(audited);
    record["error"] = null_if_empty(error_name(audited.result));
    record["zxid"] = null_if_empty(audited.zxid == Zxid{} ? "" : hex(audited.zxid));
    if (cut) record["cut"] = true;
    return line_of(record);
}

std::string dropped_line(std::uint64_t count, WallTime time) {
    Json record;
    record["time"] = audit_time(time);
    for (const auto* name : {"session", "user", "address"}) record[name] = nullptr;
    record["user"] = kServer;
    record["operation"] = "recordsDropped";
    record["path"] = nullptr;
    record["result"] = "failure";
    record["error"] = record["zxid"] = nullptr;
    record["dropped"] = count;
    return line_of(record);
}

// --- the thread ------------------------------------------------------------------------------------------------------

class AuditLog::Worker {
public:
    explicit Worker(const AuditConfig& config);
    ~Worker();

    void push(core::Audited audited);

    std::atomic<std::uint64_t> written = 0;
    std::atomic<std::uint64_t> dropped = 0;

private:
    void run();
    void write(const std::vector<core::Audited>& records);
    void write_line(const std::string& line);
    void failed(const std::string& why, std::uint64_t lost);

    spdlog::sinks::rotating_file_sink_st sink_;  // the thread's from here on
    bool amid_line_ = false;
    bool failing_ = false;
    std::uint64_t dropped_told_ = 0;

    std::mutex mutex_;
    std::condition_variable wake_;
    std::vector<core::Audited> waiting_;
    std::size_t waiting_bytes_ = 0;
    bool ending_ = false;
    std::thread thread_;
};

AuditLog::Worker::Worker(const AuditConfig& config)
    : sink_(config.file.string(), config.file_bytes_max, config.files_max),
      amid_line_(ends_amid_line(config.file)),
      thread_([this] { run(); }) {}

AuditLog::Worker::~Worker() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void AuditLog::Worker::push(core::Audited audited) {
    const auto bytes = bytes_of(audited);
    {
        const std::lock_guard lock(mutex_);
        if (waiting_.size() >= kWaitingMax || waiting_bytes_ + bytes > kWaitingBytesMax) {
            ++dropped;
            return;
        }
        waiting_bytes_ += bytes;
        waiting_.push_back(std::move(audited));
        if (waiting_.size() > 1) return;  // it knows
    }
    wake_.notify_one();
}

void AuditLog::Worker::run() {
    sink_.set_formatter(std::make_unique<spdlog::pattern_formatter>("%v", spdlog::pattern_time_type::utc, ""));
    std::vector<core::Audited> records;
    for (bool ending = false; !ending;) {
        {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
            std::swap(records, waiting_);
            waiting_bytes_ = 0;
            ending = ending_;
        }
        write(records);
        records.clear();
    }
}

void AuditLog::Worker::write(const std::vector<core::Audited>& records) {
    try {
        for (const auto& record : records) write_line(audit_line(record));
        const auto lost = dropped.load();
        if (lost != dropped_told_) {
            spdlog::warn("audit log: records were dropped count={} in_all={}", lost - dropped_told_, lost);
            write_line(dropped_line(lost - dropped_told_, wall_now()));
        }
        sink_.flush();
        dropped_told_ = lost;
        written += records.size();
        if (std::exchange(failing_, false)) spdlog::info("audit log: it is written again");
    } catch (const spdlog::spdlog_ex& error) {
        failed(error.what(), records.size());
    }
}

void AuditLog::Worker::write_line(const std::string& line) {
    const auto text = (std::exchange(amid_line_, false) ? "\n" : "") + line;
    sink_.log({spdlog::string_view_t{}, spdlog::level::info, text});
}

/// What had been written of them may be there all the same.
void AuditLog::Worker::failed(const std::string& why, std::uint64_t lost) {
    dropped += lost;
    amid_line_ = true;
    if (!std::exchange(failing_, true))
        spdlog::error("audit log: {}; records are dropped until it can be written", why);
}

// --- for all ---------------------------------------------------------------------------------------------------------

AuditLog::AuditLog(AuditConfig config) : config_(std::move(config)) {}
AuditLog::~AuditLog() = default;

Result<std::unique_ptr<AuditLog>> AuditLog::open(const Config& config) {
    auto audit = config.audit;
    if (audit.file.empty()) audit.file = config.data_dir / "audit.log";
    std::unique_ptr<AuditLog> log(new AuditLog(std::move(audit)));
    if (!log->config_.enabled) return log;
    try {
        log->worker_ = std::make_unique<Worker>(log->config_);
    } catch (const spdlog::spdlog_ex& error) {
        return failure(Errc::kIo, log->config_.file.string() + ": the audit log cannot be written: " + error.what());
    }
    return log;
}

void AuditLog::write(core::Audited audited) {
    if (!worker_) return;
    {
        const std::lock_guard lock(named_mutex_);
        const auto named = std::ranges::find(named_, audited.session, &std::pair<SessionId, wire::Id>::first);
        if (named != named_.end() && !audited.address.empty())
            audited.identities.insert(audited.identities.begin(), named->second);
    }
    worker_->push(std::move(audited));
}

void AuditLog::name_session(SessionId session, std::string_view user) {
    const std::lock_guard lock(named_mutex_);
    const auto known = std::ranges::find(named_, session, &std::pair<SessionId, wire::Id>::first);
    if (known != named_.end()) return;
    named_.emplace_back(session, identity_of(user));
    if (named_.size() > kSessionsNamedMax) named_.pop_front();
}

std::uint64_t AuditLog::written_count() const { return worker_ ? worker_->written.load() : 0; }
std::uint64_t AuditLog::dropped_count() const { return worker_ ? worker_->dropped.load() : 0; }

}  // namespace zabd::server::admin
