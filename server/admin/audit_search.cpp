// Searching the audit log: backwards through its files, so much of them at a time.
//
// Cursor    "<inode>:<offset>": all lines that begin there or later have been looked at. A file keeps its inode when
//           it is rotated; when it is gone there is nothing older left either.
#include "net/http.hpp"
#include "server/admin/audit_log.hpp"
#include "server/admin/reply.hpp"
#include "server/admin/services.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <memory>
#include <utility>

namespace zabd::server::admin {
namespace {

namespace asio = boost::asio;
using nlohmann::json;

constexpr std::size_t kWindowBytes = 256 << 10;
constexpr std::size_t kLimitDefault = 100;
constexpr std::size_t kLimitMax = 1000;

/// One file, open.
class File {
public:
    explicit File(const std::filesystem::path& path) : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
        struct stat status {};
        if (descriptor_ < 0 || ::fstat(descriptor_, &status) != 0) return;
        inode_ = status.st_ino;
        size_ = static_cast<std::uint64_t>(status.st_size);
    }
    File(File&& other) noexcept
        : descriptor_(std::exchange(other.descriptor_, -1)), inode_(other.inode_), size_(other.size_) {}
    File& operator=(File&&) = delete;
    ~File() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }

    [[nodiscard]] std::uint64_t inode() const { return inode_; }  // 0: it could not be opened
    [[nodiscard]] std::uint64_t size() const { return size_; }
    [[nodiscard]] std::string read(std::uint64_t begin, std::uint64_t end) const {
        std::string bytes(end - begin, '\0');
        std::size_t done = 0;
        while (done < bytes.size()) {
            const auto got =
                ::pread(descriptor_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(begin + done));
            if (got <= 0) break;
            done += static_cast<std::size_t>(got);
        }
        bytes.resize(done);
        return bytes;
    }

private:
    int descriptor_ = -1;
    std::uint64_t inode_ = 0;
    std::uint64_t size_ = 0;
};

/// As the writer names them: audit.log, audit.1.log, ...
std::filesystem::path name_of(const std::filesystem::path& file, std::size_t index) {
    if (index == 0) return file;
    return file.parent_path() / fmt::format("{}.{}{}", file.stem().string(), index, file.extension().string());
}

/// Newest first. One that is renamed while we look is met twice, or moves one on.
std::vector<File> open_files(const AuditConfig& config) {
    std::vector<File> files;
    for (std::size_t index = 0; index <= config.files_max; ++index) {
        File file(name_of(config.file, index));
        if (file.inode() == 0) continue;
        if (std::ranges::find(files, file.inode(), &File::inode) == files.end()) files.push_back(std::move(file));
    }
    return files;
}

struct Place {
    std::uint64_t inode = 0;
    std::uint64_t offset = 0;
};

std::optional<Place> parse_place(std::string_view text) {
    Place place;
    const auto* const end = text.data() + text.size();
    const auto inode = std::from_chars(text.data(), end, place.inode);
    if (inode.ec != std::errc{} || inode.ptr == end || *inode.ptr != ':') return std::nullopt;
    const auto offset = std::from_chars(inode.ptr + 1, end, place.offset);
    if (offset.ec != std::errc{} || offset.ptr != end) return std::nullopt;
    return place;
}

std::string text_of(const json& record, const char* field) {
    const auto found = record.find(field);
    return found != record.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool is_user(std::string_view users, std::string_view wanted) {
    if (users == wanted) return true;
    while (!users.empty()) {
        const auto one = users.substr(0, users.find(','));
        if (one == wanted || one.substr(std::min(one.find(':'), one.size() - 1) + 1) == wanted) return true;
        users.remove_prefix(std::min(one.size() + 1, users.size()));
    }
    return false;
}

bool is_below(std::string_view path, std::string_view above) {
    if (above == "/") return path.starts_with('/');
    return path.starts_with(above) && (path.size() == above.size() || path[above.size()] == '/');
}

class Search {
public:
    Search(const AuditConfig& config, const AuditQuery& query) : query_(query), files_(open_files(config)) {
        if (query.since_ms > 0) since_ = audit_time(WallTime{query.since_ms});
    }

    AuditFound run() {
        std::size_t first = 0;
        std::uint64_t end = std::numeric_limits<std::uint64_t>::max();
        if (!query_.cursor.empty()) {
            const auto place = parse_place(query_.cursor);
            if (!place) return {.records = {}, .next = {}, .cursor_bad = true};
            const auto file = std::ranges::find(files_, place->inode, &File::inode);
            if (file == files_.end()) return {};
            first = static_cast<std::size_t>(file - files_.begin());
            end = place->offset;
        }
        for (auto index = first; index < files_.size(); ++index) {
            const auto& file = files_[index];
            auto at = index == first ? std::min(end, file.size()) : file.size();
            while (at > 0) {
                if (bytes_ >= query_.bytes_max) return stopped(file, at);
                const auto next = look(file, at);
                if (found_.records.size() >= query_.limit) return stopped(file, next);
                at = next;
            }
        }
        return std::move(found_);
    }

private:
    AuditFound stopped(const File& file, std::uint64_t at) {
        found_.next = fmt::format("{}:{}", file.inode(), at);
        return std::move(found_);
    }

    /// Takes the lines that end before `end`, newest first; says where the oldest one taken begins.
    std::uint64_t look(const File& file, std::uint64_t end) {
        const auto begin = end > kWindowBytes ? end - kWindowBytes : 0;
        const auto window = file.read(begin, end);
        bytes_ += kWindowBytes;
        std::string_view rest = window;
        while (!rest.empty() && found_.records.size() < query_.limit) {
            const auto line_end = rest.ends_with('\n') ? rest.size() - 1 : rest.size();
            const auto before = line_end == 0 ? std::string_view::npos : rest.rfind('\n', line_end - 1);
            if (before == std::string_view::npos && begin != 0) break;  // the line began further before
            const auto line_begin = before == std::string_view::npos ? 0 : before + 1;
            if (line_end != rest.size()) take(rest.substr(line_begin, line_end - line_begin));
            rest = rest.substr(0, line_begin);
        }
        // A line longer than the window is none of ours; the rest of it will not parse.
        return rest.size() == window.size() ? begin : begin + rest.size();
    }

    void take(std::string_view line) {
        auto record = json::parse(line, nullptr, false);
        if (!record.is_object()) return;
        const auto is = [&](const char* field, const std::string& wanted) {
            return wanted.empty() || text_of(record, field) == wanted;
        };
        const bool wanted = is("session", query_.session) && is("operation", query_.operation) &&
                            is("result", query_.result) &&
                            (query_.user.empty() || is_user(text_of(record, "user"), query_.user)) &&
                            (query_.path.empty() || is_below(text_of(record, "path"), query_.path)) &&
                            text_of(record, "time") >= since_;
        if (wanted) found_.records.push_back(std::move(record));
    }

    const AuditQuery& query_;
    std::vector<File> files_;
    std::string since_;
    std::size_t bytes_ = 0;
    AuditFound found_;
};

// --- the route -------------------------------------------------------------------------------------------------------

std::optional<std::int64_t> number_of(const std::string& text) {
    std::int64_t number = 0;
    const auto* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, number);
    if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
    return number;
}

/// Empty: what is wrong with it is in `wrong`.
std::optional<AuditQuery> query_of(const net::HttpRequest& request, std::string& wrong) {
    const auto text = [&](std::string_view name) { return request.parameter(name).value_or(""); };
    AuditQuery query;
    query.user = text("user");
    query.session = text("session");
    query.path = text("path");
    query.operation = text("operation");
    query.result = text("result");
    query.cursor = text("cursor");
    query.limit = kLimitDefault;
    if (query.path.size() > 1 && query.path.ends_with('/')) query.path.pop_back();
    if (const auto limit = request.parameter("limit")) {
        const auto number = number_of(*limit);
        if (!number || *number < 1) wrong = "limit is not a number from 1 to 1000";
        query.limit = std::min(static_cast<std::size_t>(std::max<std::int64_t>(number.value_or(1), 1)), kLimitMax);
    }
    if (const auto since = request.parameter("since_ms")) {
        const auto number = number_of(*since);
        constexpr std::int64_t kYear9999 = 253'402'300'799'999;
        if (!number || *number < 0 || *number > kYear9999) wrong = "since_ms is not a time in ms since 1970";
        query.since_ms = number.value_or(0);
    }
    if (!wrong.empty()) return std::nullopt;
    return query;
}

asio::awaitable<AuditFound> search_in(const AuditLog& log, AuditQuery query) { co_return log.search(query); }

/// The disk is waited for on a thread of its own.
asio::awaitable<net::HttpResponse> audit(Services& services, asio::thread_pool& pool, Call call) {
    std::string wrong;
    const auto query = query_of(call.request, wrong);
    if (!query) co_return error_reply(400, "BadArguments", wrong);
    AuditFound found;
    if (services.audit.enabled()) {
        auto search = search_in(services.audit, *query);
        found = co_await asio::co_spawn(pool, std::move(search), asio::use_awaitable);
    }
    if (found.cursor_bad) co_return error_reply(400, "BadArguments", "cursor is not one that was given out here");
    json body;
    body["enabled"] = services.audit.enabled();
    body["records"] = std::move(found.records);
    body["next"] = found.next.empty() ? json() : json(found.next);
    co_return json_reply(body);
}

}  // namespace

AuditFound AuditLog::search(const AuditQuery& query) const { return Search(config_, query).run(); }

void add_audit_routes(Router& router, Services& services) {
    auto pool = std::make_shared<asio::thread_pool>(1);
    router.add({"GET", "/api/v1/audit", Role::kReader,
                [&services, pool = std::move(pool)](Call call) { return audit(services, *pool, std::move(call)); }});
}

}  // namespace zabd::server::admin
