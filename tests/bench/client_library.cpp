// What a client library costs: one program thread keeps so many requests in flight through one session, with ours or with
// ZooKeeper's C library (libzookeeper-mt, its asynchronous calls). Prints one line of JSON.
#include "client/client.hpp"

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>
#include <sys/resource.h>
#include <zookeeper/zookeeper.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

struct Plan {
    std::string server;
    std::string operation = "get";
    int in_flight = 512;
    double warm_up = 0.5;  // seconds
    double seconds = 3;
    std::string path = "/bench-client";
    std::string data = std::string(100, 'x');
};

double cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// What is counted between two looks.
struct Counted {
    std::uint64_t operations = 0;
    double cpu = cpu_seconds();
    Clock::time_point at = Clock::now();
};

void tell(const Plan& plan, const std::string& library, const Counted& from, const Counted& to, std::uint64_t errors) {
    const auto operations = static_cast<double>(to.operations - from.operations);
    const std::chrono::duration<double> time = to.at - from.at;
    std::cout << nlohmann::json{{"library", library},
                                {"operation", plan.operation},
                                {"in_flight", plan.in_flight},
                                {"operations", operations},
                                {"errors", errors},
                                {"per_second", operations / time.count()},
                                {"cpu_us_per_operation", 1e6 * (to.cpu - from.cpu) / operations}}
              << '\n';
}

std::chrono::nanoseconds duration(double seconds) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(seconds));
}

// --- ours ------------------------------------------------------------------------------------------------------------

class OurLoad {
public:
    OurLoad(zabd::client::Client& client, const Plan& plan) : client_(client), plan_(plan) {}

    void ask() {
        if (plan_.operation == "get") {
            client_.get(plan_.path, {}, [this](auto error, const zabd::client::NodeData&) { answered(error); });
        } else {
            client_.set(plan_.path, plan_.data, {}, [this](auto error, const zabd::client::Stat&) { answered(error); });
        }
    }
    void stop() { over_ = true; }
    [[nodiscard]] std::uint64_t answers() const { return answers_; }
    [[nodiscard]] std::uint64_t errors() const { return errors_; }

private:
    void answered(const boost::system::error_code& error) {
        ++answers_;
        if (error) ++errors_;
        if (!over_) ask();
    }

    zabd::client::Client& client_;
    const Plan& plan_;
    std::uint64_t answers_ = 0;
    std::uint64_t errors_ = 0;
    bool over_ = false;
};

asio::awaitable<void> run_ours(const Plan& plan) {
    auto client = co_await zabd::client::Client::connect(plan.server);
    co_await client.ensure_path(plan.path);
    co_await client.set(plan.path, plan.data);
    OurLoad load(client, plan);
    for (int i = 0; i < plan.in_flight; ++i) load.ask();
    asio::steady_timer timer(client.get_executor(), duration(plan.warm_up));
    co_await timer.async_wait(asio::use_awaitable);
    const Counted from{load.answers()};
    timer.expires_after(duration(plan.seconds));
    co_await timer.async_wait(asio::use_awaitable);
    const Counted to{load.answers()};
    load.stop();
    co_await client.sync();  // behind all that is in flight
    tell(plan, "zabd", from, to, load.errors());
    co_await client.close();
}

// --- ZooKeeper's C library ---------------------------------------------------------------------------------------------

class TheirLoad {
public:
    explicit TheirLoad(const Plan& plan) : plan_(plan) {
        zoo_set_debug_level(ZOO_LOG_LEVEL_ERROR);
        handle_ = zookeeper_init(
            plan.server.c_str(), [](auto...) {}, 10'000, nullptr, nullptr, 0);
        const auto limit = Clock::now() + std::chrono::seconds(10);
        while (zoo_state(handle_) != ZOO_CONNECTED_STATE) {
            if (Clock::now() > limit) throw std::runtime_error("not connected");
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        zoo_create(handle_, plan.path.c_str(), plan.data.data(), static_cast<int>(plan.data.size()),
                   &ZOO_OPEN_ACL_UNSAFE, 0, nullptr, 0);
        zoo_set(handle_, plan.path.c_str(), plan.data.data(), static_cast<int>(plan.data.size()), -1);
    }
    ~TheirLoad() { zookeeper_close(handle_); }
    TheirLoad(const TheirLoad&) = delete;
    TheirLoad& operator=(const TheirLoad&) = delete;

    void ask() {
        const int refused =
            plan_.operation == "get"
                ? zoo_aget(
                      handle_, plan_.path.c_str(), 0,
                      [](int rc, const char*, int, const Stat*, const void* load) { answered(rc, load); }, this)
                : zoo_aset(
                      handle_, plan_.path.c_str(), plan_.data.data(), static_cast<int>(plan_.data.size()), -1,
                      [](int rc, const Stat*, const void* load) { answered(rc, load); }, this);
        if (refused != ZOK) ++errors_;
    }
    void stop() { over_ = true; }
    [[nodiscard]] std::uint64_t answers() const { return answers_; }
    [[nodiscard]] std::uint64_t errors() const { return errors_; }

private:
    /// On the library's completion thread, which is also where the next request is asked from.
    static void answered(int rc, const void* load) {
        auto& self = *static_cast<TheirLoad*>(const_cast<void*>(load));
        ++self.answers_;
        if (rc != ZOK) ++self.errors_;
        if (!self.over_) self.ask();
    }

    const Plan& plan_;
    zhandle_t* handle_ = nullptr;
    std::atomic<std::uint64_t> answers_ = 0;
    std::atomic<std::uint64_t> errors_ = 0;
    std::atomic<bool> over_ = false;
};

void run_theirs(const Plan& plan) {
    TheirLoad load(plan);
    for (int i = 0; i < plan.in_flight; ++i) load.ask();
    std::this_thread::sleep_for(duration(plan.warm_up));
    const Counted from{load.answers()};
    std::this_thread::sleep_for(duration(plan.seconds));
    const Counted to{load.answers()};
    load.stop();
    tell(plan, "libzookeeper-mt", from, to, load.errors());
}

}  // namespace

int main(int argc, char** argv) {
    Plan plan;
    std::string library = "zabd";
    CLI::App app{"One thread's operations through a client library"};
    app.add_option("--server", plan.server)->required();
    app.add_option("--library", library)->check(CLI::IsMember({"zabd", "libzookeeper-mt"}));
    app.add_option("--operation", plan.operation)->check(CLI::IsMember({"get", "set"}));
    app.add_option("--in-flight", plan.in_flight)->check(CLI::Range(1, 100'000));
    app.add_option("--seconds", plan.seconds);
    app.add_option("--warm-up", plan.warm_up);
    CLI11_PARSE(app, argc, argv);
    try {
        if (library != "zabd") {
            run_theirs(plan);
            return 0;
        }
        asio::io_context io{1};
        asio::co_spawn(io, run_ours(plan), [](std::exception_ptr failed) {
            if (failed) std::rethrow_exception(failed);
        });
        io.run();
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
