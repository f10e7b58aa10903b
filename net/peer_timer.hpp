// Something to be done later, unless it is stopped or started anew before; also at the last moment, when it was due and
// its turn had not come. So what it does may touch the owner of the timer.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace zabd::net {

class PeerTimer {
public:
    explicit PeerTimer(boost::asio::io_context& io);
    ~PeerTimer();

    void start(std::chrono::nanoseconds wait, std::function<void()> action);
    void stop();
    [[nodiscard]] bool running() const;

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace zabd::net
