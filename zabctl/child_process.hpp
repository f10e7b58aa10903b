// A command that runs as our child, with our terminal, files and environment.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <string>
#include <vector>

namespace zabd::zabctl {

class ChildProcess {
public:
    /// The first word is looked for in PATH. Throws Failure (kCannotRun).
    ChildProcess(const boost::asio::any_io_executor& executor, std::vector<std::string> words);

    /// Its exit code, or 128 and the signal that ended it, as shells have it. May be cancelled and called again; not
    /// after it has returned.
    boost::asio::awaitable<int> exited();
    void send(int signal);

private:
    boost::asio::posix::stream_descriptor handle_;  // a pidfd: readable once the process has ended
};

}  // namespace zabd::zabctl
