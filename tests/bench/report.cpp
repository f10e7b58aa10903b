#include "tests/bench/report.hpp"

namespace zabd::bench {
namespace {

double micros(std::chrono::nanoseconds duration) { return static_cast<double>(duration.count()) / 1000; }

template <class T>
Json or_null(const std::optional<T>& value) {
    return value ? Json(*value) : Json(nullptr);
}

}  // namespace

void add_latency(Json& json, const Histogram& latency) {
    json["p50_us"] = micros(latency.quantile(0.5));
    json["p99_us"] = micros(latency.quantile(0.99));
    json["p999_us"] = micros(latency.quantile(0.999));
    json["max_us"] = micros(latency.max());
}

Json report(const Outcome& outcome, std::optional<std::uint64_t> rss_before, std::optional<std::uint64_t> rss_after) {
    const auto operations = static_cast<double>(outcome.operations);
    Json json;
    json["ok"] = outcome.errors.empty();
    json["operations"] = outcome.operations;
    json["seconds"] = outcome.elapsed.count();
    json["per_second"] = operations / outcome.elapsed.count();
    add_latency(json, outcome.latency);
    json["server_cpu_seconds"] = outcome.server_cpu ? Json(Seconds(*outcome.server_cpu).count()) : Json(nullptr);
    json["per_server_cpu_second"] =
        outcome.server_cpu ? Json(operations / Seconds(*outcome.server_cpu).count()) : Json(nullptr);
    json["generator_cpu_seconds"] = Seconds(outcome.own_cpu).count();
    json["syncs_per_second"] = or_null(outcome.syncs_per_second);
    json["rss_before_bytes"] = or_null(rss_before);
    json["rss_after_bytes"] = or_null(rss_after);
    json["errors"] = Json::object();
    for (const auto& [code, count] : outcome.errors) json["errors"][std::to_string(code)] = count;
    return json;
}

Json report(const IdleOutcome& outcome, std::size_t sessions) {
    const auto grown = static_cast<double>(outcome.rss_after_bytes) - static_cast<double>(outcome.rss_before_bytes);
    Json json;
    json["ok"] = true;
    json["sessions"] = sessions;
    json["opening_seconds"] = outcome.opening.count();
    json["rss_before_bytes"] = outcome.rss_before_bytes;
    json["rss_after_bytes"] = outcome.rss_after_bytes;
    json["rss_bytes_per_session"] = grown / static_cast<double>(sessions);
    return json;
}

}  // namespace zabd::bench
