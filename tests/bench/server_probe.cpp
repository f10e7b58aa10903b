#include "tests/bench/server_probe.hpp"

#include "tests/bench/failure.hpp"
#include "tests/bench/socket.hpp"

#include <sys/socket.h>

#include <fstream>
#include <sstream>

namespace zabd::bench {

ServerProbe::ServerProbe(const sockaddr_in& address, pid_t pid) : address_(address), pid_(pid) {
    if (pid_ != 0 && ::clock_getcpuclockid(pid_, &cpu_clock_) != 0)
        throw Failure("no process has the id " + std::to_string(pid_));
}

std::optional<std::chrono::nanoseconds> ServerProbe::cpu() const {
    if (pid_ == 0) return std::nullopt;
    std::timespec used{};
    if (::clock_gettime(cpu_clock_, &used) != 0) fail_with_errno("processor time of the server");
    return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

std::optional<std::uint64_t> ServerProbe::rss_bytes() const {
    if (pid_ == 0) return std::nullopt;
    constexpr std::uint64_t kBytesPerKib = 1024;
    std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
    for (std::string line; std::getline(status, line);) {
        std::istringstream words(line);
        std::string name;
        std::uint64_t kib = 0;
        if (words >> name >> kib && name == "VmRSS:") return kib * kBytesPerKib;
    }
    throw Failure("the server has ended");
}

std::optional<std::uint64_t> ServerProbe::syncs() const {
    std::istringstream lines(word("mntr"));
    std::string name;
    for (std::string value; lines >> name; std::getline(lines, value)) {
        std::uint64_t count = 0;
        if (name == "zk_cnt_fsynctime" && lines >> count) return count;
    }
    return std::nullopt;
}

std::string ServerProbe::word(const std::string& word) const {
    const auto socket = connect_to(address_);
    if (::send(socket.get(), word.data(), word.size(), MSG_NOSIGNAL) < 0) fail_with_errno(word);
    std::string answer;
    char buffer[4096];
    for (ssize_t size = 0; (size = ::recv(socket.get(), buffer, sizeof buffer, 0)) > 0;)
        answer.append(buffer, static_cast<std::size_t>(size));
    return answer;
}

}  // namespace zabd::bench
