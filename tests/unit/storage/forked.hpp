// Runs a function in a process of its own and says how that ended: for what is meant to stop the server.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <string>

namespace zabd::storage {

struct Ending {
    int signal = 0;
    int exit_code = -1;
    std::string said;  // on standard error
};

inline Ending run_forked(const std::function<void()>& body) {
    int ends[2];
    if (::pipe(ends) != 0) return {};
    const auto child = ::fork();
    if (child == 0) {
        ::dup2(ends[1], STDERR_FILENO);
        ::close(ends[0]);
        ::signal(SIGABRT, SIG_DFL);  // Catch's handler would report a failed test
        body();
        ::_exit(0);
    }
    ::close(ends[1]);
    Ending ending;
    char bytes[512];
    for (ssize_t size = 0; (size = ::read(ends[0], bytes, sizeof bytes)) > 0;)
        ending.said.append(bytes, static_cast<std::size_t>(size));
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) ending.signal = WTERMSIG(status);
    if (WIFEXITED(status)) ending.exit_code = WEXITSTATUS(status);
    return ending;
}

}  // namespace zabd::storage
