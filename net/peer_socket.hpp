// A connection to another server, whatever it is for: bytes as they come, and bytes to go.
//
// Threads   the io_context's one thread.
// Silence   once the object is gone, nothing is told any more.
#pragma once

#include "net/listener.hpp"

#include <cstddef>
#include <memory>
#include <string_view>

namespace zabd::net {

/// Called by the loop, never from within a call of PeerSocket's. The socket may be destroyed in each of them.
class PeerSocketEvents {
public:
    /// The view is good during the call.
    virtual void on_bytes(std::string_view bytes) = 0;
    /// Some of what waited for room has been written.
    virtual void on_room() = 0;
    /// The peer has closed, or the connection broke, or break_off() was called.
    virtual void on_lost() = 0;

protected:
    ~PeerSocketEvents() = default;
};

class PeerSocket {
public:
    /// Takes over the descriptor. `events` outlive it.
    PeerSocket(boost::asio::io_context& io, const Accepted& accepted, PeerSocketEvents& events);
    /// What can be written without waiting is.
    ~PeerSocket();

    /// Another takes what is to be told.
    void set_events(PeerSocketEvents& events);
    /// A peer that is gone without a word is noticed within some ten seconds.
    void watch_for_silence();

    /// Collects; flush() writes.
    void send(std::string_view bytes);
    void flush();
    [[nodiscard]] std::size_t waiting_bytes() const;
    /// False: on_lost is due.
    [[nodiscard]] bool open() const;
    /// on_lost follows.
    void break_off();

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace zabd::net
