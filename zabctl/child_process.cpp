#include "zabctl/child_process.hpp"

#include "zabctl/failure.hpp"

#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

extern "C" {  // glibc 2.36 forgets to say so itself
#include <sys/pidfd.h>
}

namespace zabd::zabctl {

namespace asio = boost::asio;

namespace {

int spawn(std::vector<std::string>& words) {
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    pid_t process = 0;
    const int error = ::posix_spawnp(&process, arguments[0], nullptr, nullptr, arguments.data(), environ);
    if (error) throw Failure(kCannotRun, fmt::format("cannot run {}: {}", words.front(), std::strerror(error)));
    const int handle = ::pidfd_open(process, 0);
    if (handle < 0) throw Failure(kCannotRun, fmt::format("cannot watch {}: {}", words.front(), std::strerror(errno)));
    return handle;
}

}  // namespace

ChildProcess::ChildProcess(const asio::any_io_executor& executor, std::vector<std::string> words)
    : handle_(executor, spawn(words)) {}

asio::awaitable<int> ChildProcess::exited() {
    co_await handle_.async_wait(handle_.wait_read, asio::use_awaitable);
    siginfo_t info{};
    ::waitid(P_PIDFD, static_cast<id_t>(handle_.native_handle()), &info, WEXITED);
    co_return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

void ChildProcess::send(int signal) { ::pidfd_send_signal(handle_.native_handle(), signal, nullptr, 0); }

}  // namespace zabd::zabctl
