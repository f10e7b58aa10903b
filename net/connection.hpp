// Client connections: bytes to frames and back. No decision about requests is made here.
//
// Loop      waits for readiness, reads into the thread's buffer, hands over every whole frame, so that an idle
//           connection owns no buffer. Frames to be sent collect and leave in one write per turn of the loop.
// Threads   everything on the io_context's one thread.
// Ids       ascend in the order in which connections came, and are found without a search.
// Closing   what was sent before leaves first, then FIN; what the peer still says is read and dropped for a short
//           while, so that no reset swallows the last reply. The peer's own FIN closes in the same way.
// Bounds    a frame is at most frame_bytes_max. Of what a peer does not read, write_bytes_pause stops the reading from
//           it; write_bytes_high for longer than write_grace without a byte taken, or write_bytes_max before a further
//           frame, closes it. So one reply of any size always gets through. Beyond write_bytes_total_max over all
//           connections those with the most waiting are closed.
// Deadlines a connection that has not completed its first frame in first_frame_timeout is closed; so is one that takes
//           longer than frame_timeout over any frame it has begun. They are looked at a few times a second, so a
//           closing may come that much late.
#pragma once

#include "wire/ids.hpp"
#include "wire/result.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace boost::asio {
class io_context;
}

namespace zabd::net {

class Connections;

/// Four ASCII bytes in place of the first frame's length: an administrator's word ("ruok").
using Word = std::string_view;

/// What the owner of the connections implements. Calls come one at a time, on the io_context's thread, and never from
/// within a call of ClientServer's.
class ConnectionEvents {
public:
    /// `address` in text form; an IPv4 peer's is IPv4 also when it came through an IPv6 socket.
    virtual void on_open(ConnectionId connection, std::string_view address, std::uint16_t port) = 0;
    /// The view is good during the call.
    virtual void on_frame(ConnectionId connection, std::string_view frame) = 0;
    /// `word` is one that word_argument_bytes() knows; `argument` so many bytes that came right behind it.
    virtual void on_word(ConnectionId connection, Word word, std::string_view argument) = 0;
    /// Once for every on_open. The id means nothing any more.
    virtual void on_closed(ConnectionId connection) = 0;
    /// How many bytes belong to the word; nullopt: it is no word, so these four bytes are a frame's length.
    [[nodiscard]] virtual std::optional<std::size_t> word_argument_bytes(Word word) const = 0;
    /// All input that was there has been handed over: a good time to flush what came of it.
    virtual void on_turn_end() = 0;

protected:
    ~ConnectionEvents() = default;
};

struct ServerOptions {
    std::size_t frame_bytes_max = 1048575;
    std::size_t write_bytes_pause = 1 << 20;
    std::size_t write_bytes_high = 4 << 20;
    std::size_t write_bytes_max = 64 << 20;
    std::size_t write_bytes_total_max = 512 << 20;
    std::size_t connections_per_address_max = 60;  // 0: no limit
    std::size_t connections_max = 0;               // 0: as many as descriptors allow, less a reserve
    std::chrono::milliseconds first_frame_timeout{10'000};
    std::chrono::milliseconds frame_timeout{30'000};
    std::chrono::milliseconds write_grace{1'000};
    std::chrono::milliseconds close_timeout{5'000};   // when a connection is to close: for the next byte to be taken
    std::chrono::milliseconds linger_timeout{1'000};  // for the peer to close its side after we did ours
    int backlog = -1;                                 // of the listening socket; below 0: as many as the system lets us
    bool keep_alive = false;                          // TCP's own probes on idle connections
};

/// A listening port and the connections that came through it.
class ClientServer {
public:
    /// `io` and `events` outlive it. `io` is run by one thread.
    ClientServer(boost::asio::io_context& io, const ServerOptions& options, ConnectionEvents& events);
    ~ClientServer();

    /// Binds and listens; `port` 0 takes a free one. An empty address is all of this machine's, IPv4 and IPv6; a name is
    /// resolved. Errc::kIo says the address and why.
    Result<void> listen(const std::string& address, std::uint16_t port);
    [[nodiscard]] std::uint16_t port() const;

    /// Appends whole frames (with their prefixes), or a word's answer. They leave at the end of the turn, in order.
    /// A connection that is gone is no error.
    void send(ConnectionId connection, std::string_view bytes);
    /// Closes once what was sent has left; on_closed follows. No more frames come from it.
    void close_after_send(ConnectionId connection);
    /// No more is read from it until resumed: the peer feels it as TCP back-pressure. Frames that had been read come
    /// still.
    void set_reading(ConnectionId connection, bool reading);

    /// Writes what was sent now, instead of at the end of the turn. Not from within on_open, on_frame or on_word.
    void flush();

    /// Takes no more connections and no more input from those there are.
    void stop_taking();
    /// As close_after_send for all, without waiting long for peers to close theirs. `done` is called when the last one
    /// is gone.
    void shut_down(std::function<void()> done);

    /// Bytes that wait to be sent to this one.
    [[nodiscard]] std::size_t queued_bytes(ConnectionId connection) const;
    [[nodiscard]] std::size_t connection_count() const;
    [[nodiscard]] std::uint64_t rejected_count() const;  // over a limit

private:
    std::shared_ptr<Connections> connections_;
};

}  // namespace zabd::net
