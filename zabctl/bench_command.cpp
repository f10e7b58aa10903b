// A modest load, to see whether an ensemble is well: so many sessions, each with one request in flight.
#include "zabctl/command.hpp"
#include "zabctl/concurrently.hpp"
#include "zabctl/walk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <random>

namespace zabd::zabctl {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;
using Micros = std::chrono::microseconds;

struct Latencies {
    std::string name;
    std::vector<Micros> all;  // 8 bytes an operation: a minute's worth is no burden

    [[nodiscard]] Micros quantile(double q) const {
        return all.empty() ? Micros{} : all[static_cast<std::size_t>(q * static_cast<double>(all.size() - 1))];
    }
};

constexpr std::array kQuantiles{0.5, 0.9, 0.99, 0.999, 1.0};
constexpr std::array kQuantileNames{"p50_us", "p90_us", "p99_us", "p999_us", "max_us"};

class Bench : public Command {
    std::size_t clients_ = 8;
    double seconds_ = 5;
    unsigned write_percent_ = 20;
    std::size_t data_bytes_ = 100;
    std::string path_ = "/";
    Latencies reads_{"read", {}};
    Latencies writes_{"write", {}};

    void declare(CLI::App& app) override {
        app.add_option("--clients", clients_, "Sessions")->check(CLI::Range(1, 1000))->capture_default_str();
        app.add_option("--seconds", seconds_, "How long")->check(CLI::PositiveNumber)->capture_default_str();
        app.add_option("--write-percent", write_percent_, "Of the operations, the rest are reads")
            ->check(CLI::Range(0, 100))
            ->capture_default_str();
        app.add_option("--size", data_bytes_, "Bytes of data in a node")
            ->check(CLI::Range(0, 1'000'000))
            ->capture_default_str();
        optional_path_argument(app, path_)->description("Under which each session makes an ephemeral node");
    }

    asio::awaitable<void> run(Context& context) override {
        co_await context.client();  // fails early, and with the reasons
        const auto begin = Clock::now();
        const auto end = begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds_));
        std::vector<asio::awaitable<void>> sessions;
        for (std::size_t i = 0; i < clients_; ++i) sessions.push_back(load(context, end));
        co_await all(std::move(sessions));
        report(context.output, std::chrono::duration<double>(Clock::now() - begin).count());
    }

    asio::awaitable<void> load(Context& context, Clock::time_point end) {
        auto client = co_await client::Client::connect(context.settings.server, context.client_options());
        for (const auto& [scheme, credentials] : context.settings.identities) {
            co_await at(scheme, client.add_auth(scheme, credentials));
        }
        client::CreateOptions ephemeral;
        ephemeral.mode = client::CreateMode::kEphemeralSequential;
        const std::string data(data_bytes_, 'x');
        const auto prefix = child_path(path_, "zabctl-bench-");
        const auto node = co_await at(prefix, client.create(prefix, data, ephemeral));
        std::minstd_rand random{std::random_device{}()};
        std::uniform_int_distribution<unsigned> percent(0, 99);
        while (Clock::now() < end) {
            const bool write = percent(random) < write_percent_;
            const auto asked = Clock::now();
            if (write) {
                co_await at(node.path, client.set(node.path, data));
            } else {
                co_await at(node.path, client.get(node.path));
            }
            (write ? writes_ : reads_).all.push_back(std::chrono::duration_cast<Micros>(Clock::now() - asked));
        }
        co_await client.close();
    }

    void report(const Output& output, double seconds) {
        Json value{{"clients", clients_}, {"seconds", seconds}};
        std::vector<std::vector<std::string>> rows{
            {"OPERATION", "COUNT", "OPS/S", "P50 us", "P90 us", "P99 us", "P99.9 us", "MAX us"}};
        for (auto* latencies : {&reads_, &writes_}) {
            auto& all = latencies->all;
            std::sort(all.begin(), all.end());
            const auto rate = static_cast<double>(all.size()) / seconds;
            Json one{{"count", all.size()}, {"ops_per_second", rate}};
            std::vector<std::string> row{latencies->name, std::to_string(all.size()), fmt::format("{:.0f}", rate)};
            for (std::size_t i = 0; i < kQuantiles.size(); ++i) {
                const auto latency = latencies->quantile(kQuantiles[i]).count();
                one[kQuantileNames[i]] = latency;
                row.push_back(std::to_string(latency));
            }
            value[latencies->name] = std::move(one);
            rows.push_back(std::move(row));
        }
        output.show(value, table_text(rows));
    }
};

}  // namespace

CommandFamily bench_commands() {
    return {"Load", {entry<Bench>("bench", "Puts a modest load on the servers and prints rates and latencies")}};
}

}  // namespace zabd::zabctl
