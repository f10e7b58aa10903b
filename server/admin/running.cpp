// How the server runs: what it stores and where, its figures of the last hour, where time goes, which paths cost most.
#include "server/admin/ask.hpp"
#include "server/admin/history.hpp"
#include "server/admin/reply.hpp"
#include "server/admin/services.hpp"
#include "server/admin/stages.hpp"
#include "server/process.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <optional>
#include <utility>

namespace zabd::server::admin {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kTopDefault = 20;
constexpr std::size_t kTopMax = 1000;

std::int64_t wall_ms() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

/// From 1 to `max`, which larger ones are taken for; nullopt: it is no such number.
std::optional<std::size_t> count_in(const net::HttpRequest& request, std::string_view name, std::size_t missing,
                                    std::size_t max) {
    const auto text = request.parameter(name);
    if (!text) return missing;
    std::size_t number = 0;
    const auto* const end = text->data() + text->size();
    const auto parsed = std::from_chars(text->data(), end, number);
    if (parsed.ec != std::errc{} || parsed.ptr != end || number == 0) return std::nullopt;
    return std::min(number, max);
}

// --- storage ---------------------------------------------------------------------------------------------------------

/// Of the log; null: its directory cannot be read.
json segment_count(const Config& config) {
    std::error_code error;
    std::uint64_t count = 0;
    for (fs::directory_iterator log{config.log_dir / "zabd", error}, end; !error && log != end; log.increment(error)) {
        const auto name = log->path().filename().string();
        if (name != "log" && !name.starts_with("log.")) continue;
        for (fs::directory_iterator segment{log->path(), error}; !error && segment != end; segment.increment(error)) {
            if (segment->path().extension() != ".tmp") ++count;
        }
    }
    return error ? json() : json(count);
}

json disk_of(const Config& config) {
    std::error_code error;
    const auto space = fs::space(config.log_dir, error);
    if (error) return {{"free_bytes", nullptr}, {"size_bytes", nullptr}};
    return {{"free_bytes", space.available}, {"size_bytes", space.capacity}};
}

struct Stored {
    ServerFigures figures;
    core::Status status;
};

asio::awaitable<net::HttpResponse> storage(Services& services, Call) {
    auto question = [](Inside& inside) { return Stored{inside.figures(), inside.core().status()}; };
    const auto stored = co_await ask(services.desk, std::move(question));
    const auto& figures = stored.figures;
    const bool checkpointed = figures.zxid_checkpointed != Zxid{} && figures.checkpoint_at != 0;
    const auto age_ms = std::max<std::int64_t>(wall_ms() - figures.checkpoint_at, 0);
    json body;
    body["data_dir"] = services.config.data_dir.string();
    body["log_dir"] = services.config.log_dir.string();
    body["log"] = {{"bytes", figures.log_bytes},
                   {"segments", segment_count(services.config)},
                   {"last_zxid", hex(figures.zxid_durable)}};
    body["checkpoint"] = {{"bytes", figures.checkpoint_bytes},
                          {"zxid", checkpointed ? json(hex(figures.zxid_checkpointed)) : json()},
                          {"age_ms", checkpointed ? json(age_ms) : json()}};
    body["syncs"] = {{"count", figures.syncs},
                     {"avg_us", figures.syncs == 0 ? 0 : figures.sync_us_sum / figures.syncs},
                     {"max_us", figures.sync_us_max}};
    body["disk"] = disk_of(services.config);
    body["memory"] = {{"resident_bytes", resident_bytes()},
                      {"approximate_data_bytes", stored.status.approximate_bytes}};
    co_return json_reply(body);
}

// --- the busiest paths -----------------------------------------------------------------------------------------------

struct Busy {
    std::vector<core::PathLoad> paths;
    Millis uptime{0};
};

asio::awaitable<net::HttpResponse> top(Services& services, Call call) {
    const auto by = call.request.parameter("by").value_or("reads");
    std::uint64_t core::PathLoad::*member = nullptr;
    if (by == "reads") member = &core::PathLoad::reads;
    if (by == "writes") member = &core::PathLoad::writes;
    if (by == "bytes") member = &core::PathLoad::bytes;
    if (member == nullptr) co_return error_reply(400, "BadArguments", "by is none of reads, writes, bytes");
    const auto limit = count_in(call.request, "limit", kTopDefault, kTopMax);
    if (!limit) co_return error_reply(400, "BadArguments", "limit is not a number from 1 on");

    auto question = [](Inside& inside) { return Busy{inside.core().top_paths(), inside.core().status().uptime}; };
    auto busy = co_await ask(services.desk, std::move(question));
    std::ranges::stable_sort(busy.paths, std::ranges::greater{}, member);
    if (busy.paths.size() > *limit) busy.paths.resize(*limit);
    json paths = json::array();
    for (const auto& load : busy.paths) {
        if (load.*member == 0) break;
        paths.push_back({{"path", load.path}, {"reads", load.reads}, {"writes", load.writes}, {"bytes", load.bytes}});
    }
    json body;
    body["since_ms"] = wall_ms() - busy.uptime.count();
    body["paths"] = std::move(paths);
    co_return json_reply(body);
}

// --- the last hour ---------------------------------------------------------------------------------------------------

/// Two decimals are enough for a chart.
json rounded(double value) { return std::round(value * 100) / 100; }
json rounded(const std::optional<double>& value) { return value ? rounded(*value) : json(); }

struct Column {
    const char* name;
    json (*value)(const Sample& sample);
};
constexpr Column kColumns[] = {
    {"ops", [](const Sample& sample) { return rounded(sample.ops); }},
    {"latency_avg_ms", [](const Sample& sample) { return rounded(sample.latency_avg_ms); }},
    {"latency_max_ms", [](const Sample& sample) { return rounded(sample.latency_max_ms); }},
    {"sync_avg_us", [](const Sample& sample) { return rounded(sample.sync_avg_us); }},
    {"sync_max_us", [](const Sample& sample) { return rounded(sample.sync_max_us); }},
    {"outstanding", [](const Sample& sample) { return json(sample.outstanding); }},
    {"connections", [](const Sample& sample) { return json(sample.connections); }},
    {"nodes", [](const Sample& sample) { return json(sample.nodes); }},
    {"sessions", [](const Sample& sample) { return json(sample.sessions); }},
    {"watches", [](const Sample& sample) { return json(sample.watches); }},
    {"zxid_rate", [](const Sample& sample) { return rounded(sample.zxid_rate); }},
};

asio::awaitable<net::HttpResponse> history(Services& services, Call call) {
    constexpr std::int64_t kIntervalMs = 1000;
    const auto seconds = count_in(call.request, "seconds", History::kSecondsMax, History::kSecondsMax);
    if (!seconds) co_return error_reply(400, "BadArguments", "seconds is not a number from 1 to 3600");
    json columns = json::array();
    for (const auto& column : kColumns) columns.push_back(column.name);
    json rows = json::array();
    const auto samples = services.history.last(*seconds);
    for (const auto& sample : samples) {
        json row = json::array();
        for (const auto& column : kColumns) row.push_back(sample ? column.value(*sample) : json());
        rows.push_back(std::move(row));
    }
    const auto newest = services.history.newest();
    const auto end_ms = newest ? static_cast<std::int64_t>(newest->at) : wall_ms();
    json body;
    body["interval_ms"] = kIntervalMs;
    body["from_ms"] = end_ms - kIntervalMs * std::max<std::int64_t>(static_cast<std::int64_t>(samples.size()) - 1, 0);
    body["columns"] = std::move(columns);
    body["rows"] = std::move(rows);
    co_return json_reply(body);
}

// --- stages ----------------------------------------------------------------------------------------------------------

asio::awaitable<net::HttpResponse> stages(Services& services, Call) {
    json list = json::array();
    for (std::size_t stage = 0; stage < kStages.size(); ++stage) {
        const auto counts = services.stages.counts(stage);
        list.push_back({{"stage", kStages[stage]},
                        {"count", counts.count},
                        {"p50_us", counts.quantile(0.5)},
                        {"p99_us", counts.quantile(0.99)},
                        {"max_us", counts.max_us}});
    }
    json body;
    body["stages"] = std::move(list);
    co_return json_reply(body);
}

}  // namespace

void add_running_routes(Router& router, Services& services) {
    using Answer = asio::awaitable<net::HttpResponse> (*)(Services&, Call);
    const auto add = [&](const char* path, Answer answer) {
        router.add(
            {"GET", path, Role::kReader, [&services, answer](Call call) { return answer(services, std::move(call)); }});
    };
    add("/api/v1/storage", storage);
    add("/api/v1/top", top);
    add("/api/v1/history", history);
    add("/api/v1/stages", stages);
}

}  // namespace zabd::server::admin
