#include "tests/bench/server_probe.hpp"

#include "tests/bench/failure.hpp"
#include "tests/bench/socket.hpp"

#include <sys/socket.h>

#include <fstream>
#include <sstream>
#include <string>
#include <utility>

namespace zabd::bench {
namespace {

std::uint64_t rss_bytes_of(pid_t pid) {
    constexpr std::uint64_t kBytesPerKib = 1024;
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(status, line);) {
        std::istringstream words(line);
        std::string name;
        std::uint64_t kib = 0;
        if (words >> name >> kib && name == "VmRSS:") return kib * kBytesPerKib;
    }
    throw Failure("the server has ended");
}

std::string answer_to(const std::string& word, const sockaddr_in& address) {
    const auto socket = connect_to(address);
    if (::send(socket.get(), word.data(), word.size(), MSG_NOSIGNAL) < 0) fail_with_errno(word);
    std::string answer;
    char buffer[4096];
    for (ssize_t size = 0; (size = ::recv(socket.get(), buffer, sizeof buffer, 0)) > 0;)
        answer.append(buffer, static_cast<std::size_t>(size));
    return answer;
}

std::optional<std::uint64_t> syncs_of(const sockaddr_in& address) {
    std::istringstream lines(answer_to("mntr", address));
    std::string name;
    for (std::string value; lines >> name; std::getline(lines, value)) {
        std::uint64_t count = 0;
        if (name == "zk_cnt_fsynctime" && lines >> count) return count;
    }
    return std::nullopt;
}

}  // namespace

ServerProbe::ServerProbe(Addresses addresses, const std::vector<pid_t>& pids) : addresses_(std::move(addresses)) {
    for (const auto pid : pids) {
        processes_.push_back({.pid = pid});
        if (::clock_getcpuclockid(pid, &processes_.back().cpu_clock) != 0)
            throw Failure("no process has the id " + std::to_string(pid));
    }
}

std::optional<std::chrono::nanoseconds> ServerProbe::cpu() const {
    if (processes_.empty()) return std::nullopt;
    std::chrono::nanoseconds sum{0};
    for (const auto& process : processes_) {
        std::timespec used{};
        if (::clock_gettime(process.cpu_clock, &used) != 0) fail_with_errno("processor time of the server");
        sum += std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
    }
    return sum;
}

std::optional<std::uint64_t> ServerProbe::rss_bytes() const {
    if (processes_.empty()) return std::nullopt;
    std::uint64_t sum = 0;
    for (const auto& process : processes_) sum += rss_bytes_of(process.pid);
    return sum;
}

std::optional<std::uint64_t> ServerProbe::syncs() const {
    std::uint64_t sum = 0;
    for (const auto& address : addresses_) {
        const auto syncs = syncs_of(address);
        if (!syncs) return std::nullopt;
        sum += *syncs;
    }
    return sum;
}

}  // namespace zabd::bench
