#include "net/connection.hpp"

#include "net/admission.hpp"
#include "net/listener.hpp"
#include "net/outbox.hpp"
#include "wire/assert.hpp"
#include "wire/frame.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <unordered_set>
#include <utility>
#include <vector>

namespace zabd::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kReadBytes = 128 << 10;
constexpr std::size_t kRoomBytesMax = 64 << 10;  // larger buffers are not kept for others to use
constexpr std::size_t kRoomsMax = 256;
constexpr std::size_t kWordBytes = 4;
constexpr std::size_t kDescriptorsReserved = 64;  // for the log, the checkpoint, admin and peers
constexpr milliseconds kSweepMin{5};
constexpr milliseconds kSweepMax{250};
constexpr Clock::time_point kNever = Clock::time_point::max();

// An id is the connection's serial number, from 1, and its slot.
constexpr unsigned kSlotBits = 24;
constexpr std::size_t kSlotsMax = std::size_t{1} << kSlotBits;
std::size_t slot_of(ConnectionId id) { return static_cast<std::uint64_t>(id) & (kSlotsMax - 1); }
ConnectionId id_of(std::uint64_t serial, std::size_t slot) { return ConnectionId{serial << kSlotBits | slot}; }

std::size_t connections_by_descriptors() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kSlotsMax;
    const auto descriptors = static_cast<std::size_t>(limit.rlim_cur);
    return std::min(kSlotsMax, descriptors - std::min(kDescriptorsReserved, descriptors / 2));
}

Admission::Limits limits_of(const ServerOptions& options) {
    const auto possible = connections_by_descriptors();
    const auto wanted = options.connections_max == 0 ? possible : options.connections_max;
    return {.per_address_max = options.connections_per_address_max, .total_max = std::min(wanted, possible)};
}

milliseconds sweep_interval(const ServerOptions& options) {
    const auto shortest = std::min({options.first_frame_timeout, options.frame_timeout, options.write_grace,
                                    options.close_timeout, options.linger_timeout});
    return std::clamp(shortest / 4, kSweepMin, kSweepMax);
}

}  // namespace

class Connection;

/// All connections of a server: what they share, and their turns.
class Connections : public std::enable_shared_from_this<Connections> {
public:
    Connections(asio::io_context& io_context, const ServerOptions& server_options, ConnectionEvents& server_events);

    void accept(const Accepted& accepted);
    [[nodiscard]] Connection* find(ConnectionId id) const;
    void schedule_turn();
    void turn();
    void flush();
    void close_largest_above_total();
    /// The connection's id means nothing from now on; its owner is told in the next turn.
    void retire(ConnectionId id);
    void forget(const std::shared_ptr<Connection>& connection);
    void start_sweeping();
    void sweep();
    void shut_down(std::function<void()> when_done);
    void abandon();
    [[nodiscard]] std::vector<std::shared_ptr<Connection>> all() const;
    [[nodiscard]] Clock::time_point after(milliseconds wait) const { return now + sweep_every + wait; }

    asio::io_context& io;
    const ServerOptions options;
    ConnectionEvents& events;
    Admission admission;
    std::unique_ptr<Listener> listener;

    std::vector<std::shared_ptr<Connection>> slots;  // null where free
    std::vector<std::size_t> slots_free;
    std::uint64_t serial_last = 0;
    std::unordered_set<std::shared_ptr<Connection>> lingering;  // retired, their sockets still open
    std::vector<ConnectionId> retired;                          // on_closed is due
    std::vector<ConnectionId> dirty;                            // something to write, or to close
    std::vector<ConnectionId> flushing;                         // those of the flush that is under way
    std::vector<std::string> rooms;                             // buffers of emptied outboxes
    std::array<char, kReadBytes> read_buffer;
    std::size_t queued_total = 0;
    std::size_t open_count = 0;
    std::uint64_t rejected = 0;
    bool taking = true;
    bool turn_scheduled = false;
    bool abandoned = false;
    std::function<void()> done;  // set while shutting down

    asio::steady_timer sweep_timer;
    const milliseconds sweep_every;
    bool sweeping = false;
    Clock::time_point now = Clock::now();  // as of the last sweep or accept: deadlines are that coarse
};

/// A client's socket. Open until retired (the id is given up and the FIN sent), then lingering until closed.
class Connection : public std::enable_shared_from_this<Connection> {
public:
    Connection(Connections& server, ConnectionId id, tcp::socket socket, std::string address)
        : server_(server),
          id_(id),
          socket_(std::move(socket)),
          address_(std::move(address)),
          splitter_(server.options.frame_bytes_max),
          deadline_(server.after(server.options.first_frame_timeout)) {}

    void wait_for_input();
    void append(std::string_view bytes);
    void write();
    void set_reading(bool reading);
    void begin_close();
    /// Begins to close, and does not wait for the peer any more.
    void hurry();
    void close_now();
    void close_if_overdue();
    void abandon();

    [[nodiscard]] ConnectionId id() const { return id_; }
    [[nodiscard]] const std::string& address() const { return address_; }
    [[nodiscard]] std::size_t queued_bytes() const { return outbox_.size(); }

private:
    enum class State { kOpen, kClosing, kLingering, kClosed };
    enum class Input { kStart, kFrames, kDone };  // kStart: the first four bytes are not all there

    [[nodiscard]] bool wants_input() const {
        return state_ == State::kLingering || (state_ == State::kOpen && input_ != Input::kDone && !paused_ &&
                                               outbox_.size() <= server_.options.write_bytes_pause && server_.taking);
    }
    void on_readable(const error_code& error);
    void take(std::string_view bytes);
    void take_start(std::string_view bytes);
    void take_frames(std::string_view bytes);
    void wait_for_room();
    void watch_progress();
    void mark_dirty();
    void taken(std::size_t bytes);
    void give_room_back();
    void linger();

    Connections& server_;  // not to be touched once closed
    const ConnectionId id_;
    tcp::socket socket_;
    const std::string address_;
    State state_ = State::kOpen;
    Input input_ = Input::kStart;
    bool paused_ = false;
    bool peer_finished_ = false;
    bool reading_ = false;  // a wait for input is under way
    bool writing_ = false;  // a wait for room is under way
    bool dirty_ = false;
    bool greeted_ = false;  // the first frame is complete
    std::string start_;     // of the first four bytes, or of a word and its argument, what has come
    wire::FrameSplitter splitter_;
    Outbox outbox_;
    Clock::time_point deadline_;                 // for the frame under way; for what is to be sent; for the peer's FIN
    Clock::time_point write_deadline_ = kNever;  // while too much is waiting: for the next byte to be taken
};

void Connection::wait_for_input() {
    if (reading_ || !wants_input()) return;
    reading_ = true;
    socket_.async_wait(tcp::socket::wait_read,
                       [self = shared_from_this()](const error_code& error) { self->on_readable(error); });
}

void Connection::on_readable(const error_code& error) {
    reading_ = false;
    if (state_ == State::kClosed) return;
    if (error) return close_now();
    if (!wants_input()) return;
    error_code failure;  // the socket is non-blocking
    const auto size = socket_.read_some(asio::buffer(server_.read_buffer), failure);
    if (failure == asio::error::eof) {
        peer_finished_ = true;
        return state_ == State::kLingering ? close_now() : begin_close();
    }
    if (failure && failure != asio::error::would_block) return close_now();
    if (state_ == State::kOpen && size != 0) take({server_.read_buffer.data(), size});
    wait_for_input();
}

void Connection::take(std::string_view bytes) {
    server_.schedule_turn();
    if (input_ == Input::kStart) return take_start(bytes);
    take_frames(bytes);
}

void Connection::take_start(std::string_view bytes) {
    start_.append(bytes);
    if (start_.size() < kWordBytes) return;
    const auto word = std::string_view(start_).substr(0, kWordBytes);
    if (const auto argument_bytes = server_.events.word_argument_bytes(word)) {
        if (start_.size() < kWordBytes + *argument_bytes) return;
        input_ = Input::kDone;
        return server_.events.on_word(id_, word, std::string_view(start_).substr(kWordBytes, *argument_bytes));
    }
    input_ = Input::kFrames;
    take_frames(std::exchange(start_, {}));
}

void Connection::take_frames(std::string_view bytes) {
    bool began_here = !splitter_.mid_frame();
    splitter_.feed(bytes);
    while (const auto frame = splitter_.next()) {
        began_here = greeted_ = true;
        server_.events.on_frame(id_, *frame);
        if (state_ != State::kOpen) return;
    }
    if (splitter_.failed()) return begin_close();
    if (!greeted_) return;  // still under the first frame's deadline
    if (!splitter_.mid_frame()) {
        deadline_ = kNever;
    } else if (began_here) {
        deadline_ = server_.after(server_.options.frame_timeout);
    }
}

void Connection::append(std::string_view bytes) {
    if (outbox_.size() > server_.options.write_bytes_max) return close_now();
    if (!outbox_.owns_room() && !server_.rooms.empty()) {
        outbox_.adopt(std::move(server_.rooms.back()));
        server_.rooms.pop_back();
    }
    outbox_.append(bytes);
    server_.queued_total += bytes.size();
    mark_dirty();
}

void Connection::mark_dirty() {
    if (std::exchange(dirty_, true)) return;
    server_.dirty.push_back(id_);
    server_.schedule_turn();
}

void Connection::write() {
    dirty_ = false;
    if (writing_) return watch_progress();
    while (!outbox_.empty()) {
        error_code error;
        const auto waiting = outbox_.waiting();
        const auto size = socket_.write_some(asio::buffer(waiting.data(), waiting.size()), error);
        if (error == asio::error::would_block) return wait_for_room();
        if (error) return close_now();
        taken(size);
    }
    give_room_back();
    if (state_ == State::kClosing) return linger();
    wait_for_input();
}

void Connection::taken(std::size_t bytes) {
    outbox_.take(bytes);
    server_.queued_total -= bytes;
    write_deadline_ = kNever;
    if (state_ == State::kClosing) deadline_ = server_.after(server_.options.close_timeout);
}

void Connection::watch_progress() {
    const bool too_much = outbox_.size() > server_.options.write_bytes_high;
    if (too_much && write_deadline_ == kNever) write_deadline_ = server_.after(server_.options.write_grace);
}

void Connection::wait_for_room() {
    watch_progress();
    writing_ = true;
    socket_.async_wait(tcp::socket::wait_write, [self = shared_from_this()](const error_code& error) {
        self->writing_ = false;
        if (self->state_ == State::kClosed) return;
        if (error) return self->close_now();
        self->write();
    });
}

void Connection::give_room_back() {
    if (!outbox_.owns_room()) return;
    auto room = outbox_.release();
    if (room.capacity() <= kRoomBytesMax && server_.rooms.size() < kRoomsMax) server_.rooms.push_back(std::move(room));
}

void Connection::set_reading(bool reading) {
    paused_ = !reading;
    wait_for_input();
}

void Connection::begin_close() {
    if (state_ != State::kOpen) return;
    state_ = State::kClosing;
    deadline_ = server_.after(server_.options.close_timeout);
    mark_dirty();
}

void Connection::hurry() {
    if (state_ == State::kLingering) return close_now();
    begin_close();
}

void Connection::linger() {
    error_code error;
    socket_.shutdown(tcp::socket::shutdown_send, error);
    if (error || peer_finished_) return close_now();
    state_ = State::kLingering;
    deadline_ = server_.after(server_.done ? milliseconds{0} : server_.options.linger_timeout);
    server_.lingering.insert(shared_from_this());
    server_.retire(id_);
    wait_for_input();
}

void Connection::close_now() {
    const auto self = shared_from_this();
    const auto before = std::exchange(state_, State::kClosed);
    if (before == State::kClosed) return;
    error_code ignored;
    socket_.close(ignored);
    server_.queued_total -= outbox_.size();
    outbox_ = {};
    if (before != State::kLingering) server_.retire(id_);
    server_.forget(self);
}

void Connection::close_if_overdue() {
    const bool kept_waiting = state_ == State::kOpen && greeted_ && !wants_input();
    if (kept_waiting && deadline_ != kNever) deadline_ = server_.after(server_.options.frame_timeout);
    if (server_.now > deadline_ || server_.now > write_deadline_) close_now();
}

void Connection::abandon() {
    error_code ignored;
    state_ = State::kClosed;
    socket_.close(ignored);
}

Connections::Connections(asio::io_context& io_context, const ServerOptions& server_options,
                         ConnectionEvents& server_events)
    : io(io_context),
      options(server_options),
      events(server_events),
      admission(limits_of(server_options)),
      sweep_timer(io_context),
      sweep_every(sweep_interval(server_options)) {}

void Connections::accept(const Accepted& accepted) {
    if (!taking || !admission.enter(accepted.address)) {
        ::close(accepted.descriptor);
        ++rejected;
        return;
    }
    if (!sweeping) now = Clock::now();
    error_code ignored;
    tcp::socket socket{io};
    socket.assign(accepted.ipv6 ? tcp::v6() : tcp::v4(), accepted.descriptor, ignored);
    socket.non_blocking(true, ignored);
    socket.set_option(tcp::no_delay(true), ignored);
    if (options.keep_alive) socket.set_option(tcp::socket::keep_alive(true), ignored);
    if (slots_free.empty()) {
        slots_free.push_back(slots.size());
        slots.emplace_back();
    }
    const auto slot = slots_free.back();
    slots_free.pop_back();
    const auto id = id_of(++serial_last, slot);
    const auto connection = slots[slot] = std::make_shared<Connection>(*this, id, std::move(socket), accepted.address);
    ++open_count;
    schedule_turn();
    start_sweeping();
    events.on_open(id, accepted.address, accepted.port);
    connection->wait_for_input();
}

Connection* Connections::find(ConnectionId id) const {
    const auto slot = slot_of(id);
    if (slot >= slots.size() || !slots[slot] || slots[slot]->id() != id) return nullptr;
    return slots[slot].get();
}

void Connections::schedule_turn() {
    if (std::exchange(turn_scheduled, true)) return;
    asio::post(io, [self = shared_from_this()] { self->turn(); });
}

void Connections::turn() {
    if (abandoned) return;
    turn_scheduled = false;
    for (const auto id : std::exchange(retired, {})) events.on_closed(id);
    events.on_turn_end();
    flush();
    if (done && open_count == 0 && lingering.empty() && retired.empty()) std::exchange(done, {})();
}

void Connections::flush() {
    std::swap(flushing, dirty);
    for (const auto id : flushing) {
        if (const auto connection = find(id)) connection->write();
    }
    flushing.clear();
    close_largest_above_total();
}

void Connections::close_largest_above_total() {
    while (queued_total > options.write_bytes_total_max) {
        const auto connections = all();
        const auto largest = std::max_element(connections.begin(), connections.end(),
                                              [](auto& a, auto& b) { return a->queued_bytes() < b->queued_bytes(); });
        (*largest)->close_now();
    }
}

void Connections::retire(ConnectionId id) {
    slots[slot_of(id)].reset();
    slots_free.push_back(slot_of(id));
    --open_count;
    retired.push_back(id);
    schedule_turn();
}

void Connections::forget(const std::shared_ptr<Connection>& connection) {
    lingering.erase(connection);
    admission.leave(connection->address());
    if (done) schedule_turn();
}

void Connections::start_sweeping() {
    if (std::exchange(sweeping, true)) return;
    sweep_timer.expires_after(sweep_every);
    sweep_timer.async_wait([self = shared_from_this()](const error_code& error) {
        if (error || self->abandoned) return;
        self->sweeping = false;
        self->sweep();
    });
}

void Connections::sweep() {
    now = Clock::now();
    for (const auto& connection : all()) connection->close_if_overdue();
    if (open_count != 0 || !lingering.empty()) start_sweeping();
}

std::vector<std::shared_ptr<Connection>> Connections::all() const {
    std::vector<std::shared_ptr<Connection>> connections(lingering.begin(), lingering.end());
    std::copy_if(slots.begin(), slots.end(), std::back_inserter(connections), [](auto& slot) { return !!slot; });
    return connections;
}

void Connections::shut_down(std::function<void()> when_done) {
    listener.reset();
    done = std::move(when_done);
    for (const auto& connection : all()) connection->hurry();
    schedule_turn();
}

void Connections::abandon() {
    abandoned = true;
    listener.reset();
    sweep_timer.cancel();
    for (const auto& connection : all()) connection->abandon();
}

ClientServer::ClientServer(asio::io_context& io, const ServerOptions& options, ConnectionEvents& events)
    : connections_(std::make_shared<Connections>(io, options, events)) {}

ClientServer::~ClientServer() { connections_->abandon(); }

Result<void> ClientServer::listen(const std::string& address, std::uint16_t port) {
    auto listener = Listener::open(connections_->io, address, port, connections_->options.backlog,
                                   [this](const Accepted& accepted) { connections_->accept(accepted); });
    if (!listener) return std::unexpected(listener.error());
    connections_->listener = std::move(*listener);
    return {};
}

std::uint16_t ClientServer::port() const {
    ZABD_ASSERT(connections_->listener);
    return connections_->listener->port();
}

void ClientServer::send(ConnectionId id, std::string_view bytes) {
    if (const auto connection = connections_->find(id)) connection->append(bytes);
}

void ClientServer::close_after_send(ConnectionId id) {
    if (const auto connection = connections_->find(id)) connection->begin_close();
}

void ClientServer::set_reading(ConnectionId id, bool reading) {
    if (const auto connection = connections_->find(id)) connection->set_reading(reading);
}

void ClientServer::flush() { connections_->flush(); }

void ClientServer::stop_taking() {
    connections_->taking = false;
    connections_->listener.reset();
}

void ClientServer::shut_down(std::function<void()> done) { connections_->shut_down(std::move(done)); }

std::size_t ClientServer::queued_bytes(ConnectionId id) const {
    const auto connection = connections_->find(id);
    return connection == nullptr ? 0 : connection->queued_bytes();
}

std::size_t ClientServer::connection_count() const { return connections_->open_count; }

std::uint64_t ClientServer::rejected_count() const { return connections_->rejected; }

}  // namespace zabd::net
