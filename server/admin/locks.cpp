// GET /api/v1/locks: who holds the locks below a path, and who waits.
//
// Cost      of an answer a walk through all that is below the path, in slices, up to kLookedAtMax nodes. It is given again to
//           the same caller for kAgeMax.
#include "server/admin/ask.hpp"
#include "server/admin/body.hpp"
#include "server/admin/lock_layouts.hpp"
#include "server/admin/reply.hpp"
#include "server/admin/services.hpp"
#include "server/admin/tree.hpp"
#include "znode/path.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace zabd::server::admin {
namespace {

namespace asio = boost::asio;
using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kLookedAtMax = 200'000;
constexpr std::size_t kKeptMax = 50'000;         // that can belong to a lock
constexpr std::size_t kEntriesShown = 100;       // of holders, and of those who wait, for each lock
constexpr std::size_t kDataShown = 200;          // bytes
constexpr std::size_t kDataSlice = 50;           // nodes that one question reads
constexpr std::size_t kEntriesShownMax = 5'000;  // of all
constexpr std::chrono::milliseconds kAgeMax{1000};
constexpr std::size_t kAnswersMax = 16;

struct Wanted {
    std::string below;
    std::size_t limit = 0;
};

Wanted wanted_of(const Call& call) {
    Parameters parameters(call.request);
    Wanted wanted{.below = parameters.text("below").value_or("/")};
    wanted.limit = static_cast<std::size_t>(parameters.number("limit", 1, kPageMax).value_or(kPageDefault));
    parameters.finish();
    return wanted;
}

// --- answers given lately --------------------------------------------------------------------------------------------

class Answers {
public:
    [[nodiscard]] static std::string key(const Caller& caller, const Wanted& wanted) {
        auto key = json::array({wanted.below, wanted.limit, caller.user});
        for (const auto& id : caller.identities) key.push_back({id.scheme, id.id});
        return key.dump(-1, ' ', false, json::error_handler_t::replace);
    }
    [[nodiscard]] const json* find(const std::string& key) {
        std::erase_if(given_, [now = Clock::now()](const Given& given) { return now - given.at >= kAgeMax; });
        const auto found = std::ranges::find(given_, key, &Given::key);
        return found == given_.end() ? nullptr : &found->body;
    }
    void keep(std::string key, json body) {
        given_.push_back({std::move(key), std::move(body), Clock::now()});
        if (given_.size() > kAnswersMax) given_.pop_front();
    }

private:
    struct Given {
        std::string key;
        json body;
        Clock::time_point at;
    };
    std::deque<Given> given_;
};

// --- the walk --------------------------------------------------------------------------------------------------------

struct Walked {
    wire::ErrorCode error = wire::ErrorCode::kOk;
    LockFinder finder;
    std::size_t looked_at = 0;
    bool complete = true;
};

LockNode lock_node_of(core::NodeView&& node) {
    LockNode seen{.path = std::move(node.path)};
    if (!node.readable) return seen;
    if (node.kind == znode::Kind::kEphemeral) seen.session = SessionId{node.stat.ephemeral_owner};
    seen.czxid = node.stat.czxid;
    seen.ctime_ms = node.stat.ctime;
    return seen;
}

asio::awaitable<Walked> walk(TreeReader reader, std::string below) {
    Walked walked;
    std::string cursor;
    do {
        core::WalkQuery query{.below = below, .deep = true, .cursor = cursor};
        query.nodes_max = kSliceNodes;
        auto slice = co_await reader.walk(std::move(query));
        walked.error = slice.error;
        if (slice.error != wire::ErrorCode::kOk) co_return walked;
        walked.looked_at += slice.looked_at;
        for (auto& node : slice.nodes) walked.finder.see(lock_node_of(std::move(node)));
        cursor = std::move(slice.next);
    } while (!cursor.empty() && walked.looked_at < kLookedAtMax && walked.finder.kept() < kKeptMax);
    walked.complete = cursor.empty();
    co_return walked;
}

// --- data of some nodes ----------------------------------------------------------------------------------------------

using Data = std::map<std::string, std::string>;  // by path; without those that are gone or not for the caller

asio::awaitable<Data> read(Desk& desk, std::vector<wire::Id> who, std::vector<std::string> paths) {
    Data all;
    for (std::size_t begin = 0; begin < paths.size(); begin += kDataSlice) {
        const auto end = std::min(begin + kDataSlice, paths.size());
        std::vector<std::string> some(paths.begin() + static_cast<std::ptrdiff_t>(begin),
                                      paths.begin() + static_cast<std::ptrdiff_t>(end));
        auto question = [who, some = std::move(some)](Inside& inside) {
            Data data;
            for (const auto& path : some) {
                const auto answer = inside.core().node(path, who);
                if (answer.error != wire::ErrorCode::kOk || answer.node.data.null()) continue;
                // Whole for a number, and one character more than is shown.
                data.emplace(path, answer.node.data.view().substr(0, kDataShown + 4));
            }
            return data;
        };
        all.merge(co_await ask(desk, std::move(question)));
    }
    co_return all;
}

std::map<std::string, std::size_t> limits_in(const Data& data) {
    std::map<std::string, std::size_t> limits;
    for (const auto& [path, text] : data) {
        std::size_t limit = 0;
        const auto* const end = text.data() + text.size();
        const auto [stop, error] = std::from_chars(text.data(), end, limit);
        if (error == std::errc{} && stop == end) limits.emplace(path, limit);
    }
    return limits;
}

// --- the answer ------------------------------------------------------------------------------------------------------

json json_of(const LockEntry& entry, const Data& data) {
    const auto& node = entry.node;
    json object{{"name", znode::base_name(node.path)},
                {"path", node.path},
                {"session", nullptr},
                {"since_ms", nullptr},
                {"data", nullptr},
                {"mode", nullptr}};
    if (node.session != SessionId::kNone) object["session"] = hex(node.session);
    if (node.czxid != Zxid{}) object["since_ms"] = node.ctime_ms;
    if (const auto found = data.find(node.path); found != data.end())
        object["data"] = shown(found->second, Format::kAuto, kDataShown).value;
    if (entry.mode == LockEntry::Mode::kRead) object["mode"] = "read";
    if (entry.mode == LockEntry::Mode::kWrite) object["mode"] = "write";
    return object;
}

json json_of(const std::vector<LockEntry>& entries, const Data& data) {
    auto list = json::array();
    for (const auto& entry : entries) {
        if (list.size() == kEntriesShown) break;
        list.push_back(json_of(entry, data));
    }
    return list;
}

/// Of those that are shown; of the locks behind too many of them none.
std::vector<std::string> paths_shown(const std::vector<LockView>& locks) {
    std::vector<std::string> paths;
    for (const auto& lock : locks) {
        for (const auto* entries : {&lock.holders, &lock.waiting})
            for (std::size_t i = 0; i < std::min(entries->size(), kEntriesShown); ++i)
                paths.push_back((*entries)[i].node.path);
        if (paths.size() > kEntriesShownMax) break;
    }
    return paths;
}

asio::awaitable<net::HttpResponse> list_locks(Services& services, std::shared_ptr<Answers> answers, Call call) {
    const auto wanted = wanted_of(call);
    auto key = Answers::key(call.caller, wanted);
    if (const auto* body = answers->find(key)) co_return json_reply(*body);
    auto walked = co_await walk(TreeReader(services.desk, call.caller), wanted.below);
    if (walked.error != wire::ErrorCode::kOk) co_return error_reply(walked.error, wanted.below);
    const auto& who = call.caller.identities;
    const auto limits = limits_in(co_await read(services.desk, who, walked.finder.limits_wanted()));
    auto locks = walked.finder.find(limits);
    if (locks.size() > wanted.limit) {
        locks.resize(wanted.limit);
        walked.complete = false;
    }
    const auto data = co_await read(services.desk, who, paths_shown(locks));
    json body{{"locks", json::array()}, {"scanned", walked.looked_at}, {"complete", walked.complete}};
    for (const auto& lock : locks)
        body["locks"].push_back({{"path", lock.path},
                                 {"kind", name_of(lock.kind)},
                                 {"layout", lock.layout},
                                 {"holders", json_of(lock.holders, data)},
                                 {"holders_total", lock.holders.size()},
                                 {"waiting", json_of(lock.waiting, data)},
                                 {"waiting_total", lock.waiting.size()}});
    answers->keep(std::move(key), body);
    co_return json_reply(body);
}

asio::awaitable<net::HttpResponse> get_locks(Services& services, std::shared_ptr<Answers> answers, Call call) {
    try {
        co_return co_await list_locks(services, std::move(answers), std::move(call));
    } catch (const BadRequest& wrong) {
        co_return bad_request_reply(wrong);
    }
}

}  // namespace

void add_lock_routes(Router& router, Services& services) {
    const auto answers = std::make_shared<Answers>();
    router.add({"GET", "/api/v1/locks", Role::kReader,
                [&services, answers](Call call) { return get_locks(services, answers, std::move(call)); }});
}

}  // namespace zabd::server::admin
