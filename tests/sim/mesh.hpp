// The network between servers: quorum links and election messages, over paths that delay, lose, stop and break.
//
// Path      one direction between two servers. What is sent while it is cut waits, as TCP sends again until it gets through;
//           loss shows as delay. A machine without power answers nothing.
// Quorum    links are byte streams: in order, once, split anywhere. One whose other end is gone is reset once bytes reach
//           the machine that has forgotten it. One that has gone silent never tells.
// Election  one link for each pair; a message takes the place of one that waits, and the last one is sent again on a new
//           link, so it may come twice.
#pragma once

#include "tests/sim/stage.hpp"
#include "wire/ids.hpp"

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zabd::sim {

/// A server's end of it. Nothing is called from within a call of the mesh by that server.
class MeshEnd {
public:
    virtual ~MeshEnd() = default;
    [[nodiscard]] virtual bool listens() const = 0;
    /// On the quorum port. Others than zabd open it when they are to lead.
    [[nodiscard]] virtual bool takes_learners() const { return listens(); }
    /// How long it tries, while a server that is up refuses it there.
    [[nodiscard]] virtual Duration patience() const { return seconds(1); }
    virtual void on_peer_opened(LinkId link, bool dialled, ServerId peer) = 0;
    virtual void on_peer_unreachable() = 0;
    virtual void on_peer_bytes(LinkId link, std::string bytes) = 0;
    virtual void on_peer_closed(LinkId link) = 0;
    virtual void on_peer_congested(LinkId link, bool congested) = 0;
    virtual void on_election(ServerId from, std::string payload) = 0;
    virtual void on_election_link(ServerId peer, bool up) = 0;
};

class Mesh {
public:
    explicit Mesh(Stage& stage) : stage_(stage) {}
    void attach(ServerId server, MeshEnd& end) { machines_[server].end = &end; }

    // --- the servers' ---
    /// Answered by on_peer_opened() or on_peer_unreachable(); an earlier attempt is given up.
    void dial(ServerId from, ServerId to);
    void send(LinkId link, std::string_view bytes);
    /// Nothing of it is heard any more.
    void close(LinkId link);
    void send_election(ServerId from, ServerId to, std::string payload);
    void server_up(ServerId server);
    /// With `power` nobody is told until the machine is up again.
    void server_down(ServerId server, bool power);

    // --- faults ---
    void cut(ServerId from, ServerId to);
    void mend(ServerId from, ServerId to);
    [[nodiscard]] bool is_cut(ServerId from, ServerId to) const;
    /// What is sent on quorum links from now on waits, behind what was sent before.
    void hold(ServerId from, ServerId to) { path(from, to).held = true; }
    void release(ServerId from, ServerId to);
    /// What is sent is late by up to `by`, each link for itself.
    void delay(ServerId from, ServerId to, Duration time, Duration by);
    void lose(ServerId from, ServerId to, Duration time) { path(from, to).lossy_until = stage_.queue.now() + time; }
    void narrow(ServerId from, ServerId to, Duration time, std::uint64_t bytes_per_ms);
    /// Links between them that stand now carry nothing any more; neither end is told.
    void silence(ServerId one, ServerId other);
    /// Links between them break in the midst of what is on its way.
    void reset(ServerId one, ServerId other);
    void set_congested_bytes(std::uint64_t bytes) { congested_bytes_ = bytes; }
    void heal();

private:
    struct Machine {
        MeshEnd* end = nullptr;
        bool powered = true;
        std::uint64_t dials = 0;
    };
    struct Path {
        bool cut = false;
        bool held = false;
        Time delayed_until{0};
        Duration delay{0};
        Time lossy_until{0};
        Time narrow_until{0};
        std::uint64_t bytes_per_ms = 0;
    };
    struct Piece {
        std::string bytes;
        Time ready{0};
        bool last = false;  // the end of the stream
        bool held = false;  // until the path is released
    };
    /// What one end has sent.
    struct Stream {
        std::deque<Piece> pieces;
        std::uint64_t bytes = 0;
        Time arrival{0};     // of the last piece
        bool waits = false;  // for an event, not for the path
        bool congested = false;
    };
    struct End {
        ServerId server{};
        LinkId id{};
        bool open = false;
        Stream sent;
    };
    struct Link {
        std::array<End, 2> ends;
        bool election = false;
        bool silent = false;
    };
    using LinkNumber = std::uint64_t;
    using Pair = std::pair<ServerId, ServerId>;  // ascending
    struct Election {
        LinkNumber link = 0;                   // 0: none
        std::map<ServerId, std::string> last;  // by its sender
        std::map<ServerId, bool> dialling;
    };

    [[nodiscard]] Path& path(ServerId from, ServerId to) { return paths_[{from, to}]; }
    [[nodiscard]] static Pair pair_of(ServerId one, ServerId other) {
        return one < other ? Pair{one, other} : Pair{other, one};
    }
    [[nodiscard]] bool passes(ServerId from, ServerId to);
    [[nodiscard]] Duration latency(ServerId from, ServerId to, std::uint64_t bytes);

    struct Dialling {
        ServerId from{};
        ServerId to{};
        bool election = false;
        std::uint64_t number = 0;
        Time until{0};
        Time begun{0};
    };
    void try_dial(const Dialling& dialling);
    [[nodiscard]] bool given_up(const Dialling& dialling);
    void connect(const Dialling& dialling);
    void fail(const Dialling& dialling);

    LinkNumber make_link(ServerId from, ServerId to, bool election);
    void push(LinkNumber number, std::size_t from, std::string bytes, bool last);
    void pump(LinkNumber number, std::size_t from);
    void deliver(LinkNumber number, std::size_t from, Piece piece);
    void tell_closed(LinkNumber number, std::size_t at);
    void tell_congestion(Link& link, std::size_t from);
    void drop_if_over(LinkNumber number);
    void forget(LinkNumber number);
    void say_again(const Pair& pair, ServerId from);
    void wake();
    template <class Visit>
    void for_links(ServerId one, ServerId other, const Visit& visit);

    Stage& stage_;
    std::map<ServerId, Machine> machines_;
    std::map<std::pair<ServerId, ServerId>, Path> paths_;
    std::map<LinkNumber, Link> links_;
    std::map<LinkId, std::pair<LinkNumber, std::size_t>> ends_;
    std::map<Pair, Election> elections_;
    LinkNumber link_last_ = 0;
    std::uint64_t id_last_ = 0;
    std::uint64_t congested_bytes_ = 256 << 10;
};

}  // namespace zabd::sim
