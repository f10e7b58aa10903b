#include "tests/sim/mesh.hpp"

#include <algorithm>

namespace zabd::sim {

namespace {

constexpr Duration kDelayMin{50};
constexpr Duration kDelayMax = milliseconds(3);
constexpr Duration kDialMax = seconds(5);
constexpr Duration kDialAgain = milliseconds(500);
constexpr Duration kRefusedAgain = milliseconds(50);
constexpr Duration kSentAgain = milliseconds(200);
constexpr std::uint64_t kSplit = 100;     // of a thousand sends
constexpr std::uint64_t kLost = 150;      // of a thousand pieces, while the path loses
constexpr std::uint64_t kHalfDone = 100;  // of a thousand dials into a path that is cut on the way back

}  // namespace

bool Mesh::passes(ServerId from, ServerId to) { return !path(from, to).cut && machines_[to].powered; }

bool Mesh::is_cut(ServerId from, ServerId to) const {
    const auto found = paths_.find({from, to});
    return found != paths_.end() && found->second.cut;
}

Duration Mesh::latency(ServerId from, ServerId to, std::uint64_t bytes) {
    auto& way = path(from, to);
    const auto now = stage_.queue.now();
    auto time = stage_.random.mostly_short(kDelayMin, kDelayMax);
    if (now < way.delayed_until) time += stage_.random.between(Duration(0), way.delay);
    if (now < way.narrow_until) time += milliseconds(bytes / way.bytes_per_ms);
    if (now < way.lossy_until && stage_.random.per_mille(kLost)) {
        stage_.faults.add(Fault::kLoss);
        time += kSentAgain * (1 << stage_.random.below(4));
    }
    return time;
}

// --- dialling --------------------------------------------------------------------------------------------------------

void Mesh::dial(ServerId from, ServerId to) {
    Dialling dialling{.from = from, .to = to, .number = ++machines_[from].dials, .begun = stage_.queue.now()};
    dialling.until = stage_.queue.now() + kDialMax;
    stage_.queue.after(latency(from, to, 0), [this, dialling] { try_dial(dialling); });
}

bool Mesh::given_up(const Dialling& dialling) {
    const auto& machine = machines_[dialling.from];
    if (!machine.end->listens()) return true;
    if (dialling.election) return !elections_[pair_of(dialling.from, dialling.to)].dialling[dialling.from];
    return machine.dials != dialling.number;
}

void Mesh::try_dial(const Dialling& dialling) {
    if (given_up(dialling)) return;
    if (stage_.queue.now() >= dialling.until) return fail(dialling);
    const bool there = passes(dialling.from, dialling.to);
    const bool back = passes(dialling.to, dialling.from);
    const auto& end = *machines_[dialling.to].end;
    const bool listens = dialling.election ? end.listens() : end.takes_learners();
    if (there && back) {
        if (listens) return connect(dialling);
        const auto patience = machines_[dialling.from].end->patience();
        if (end.listens() && stage_.queue.now() - dialling.begun < patience) {
            stage_.queue.after(kRefusedAgain, [this, dialling] { try_dial(dialling); });
            return;
        }
        stage_.queue.after(latency(dialling.to, dialling.from, 0), [this, dialling] {
            if (!given_up(dialling)) fail(dialling);
        });
        return;
    }
    if (there && listens && !dialling.election && stage_.random.per_mille(kHalfDone)) {
        const auto number = make_link(dialling.from, dialling.to, false);
        links_.at(number).ends[0].open = false;  // the one that dialled never hears of it
        machines_[dialling.to].end->on_peer_opened(links_.at(number).ends[1].id, false, dialling.from);
    }
    stage_.queue.after(kDialAgain, [this, dialling] { try_dial(dialling); });
}

void Mesh::fail(const Dialling& dialling) {
    auto& end = *machines_[dialling.from].end;
    if (!dialling.election) return end.on_peer_unreachable();
    elections_[pair_of(dialling.from, dialling.to)].dialling[dialling.from] = false;
    end.on_election_link(dialling.to, false);
}

void Mesh::connect(const Dialling& dialling) {
    const auto back = latency(dialling.to, dialling.from, 0);
    if (dialling.election) {
        auto& election = elections_[pair_of(dialling.from, dialling.to)];
        election.dialling[dialling.from] = false;
        if (election.link != 0) forget(election.link);
        election.link = make_link(dialling.from, dialling.to, true);
        stage_.trace.event("election link {} to {}", number(dialling.from), number(dialling.to));
        machines_[dialling.to].end->on_election_link(dialling.from, true);
        machines_[dialling.from].end->on_election_link(dialling.to, true);
        for (std::size_t n = 0; n < election.last.size(); ++n) stage_.faults.add(Fault::kDuplicate);
        say_again(pair_of(dialling.from, dialling.to), dialling.from);
        say_again(pair_of(dialling.from, dialling.to), dialling.to);
        return;
    }
    const auto link = make_link(dialling.from, dialling.to, false);
    auto& ends = links_.at(link).ends;
    ends[1].sent.arrival = stage_.queue.now() + back;
    stage_.queue.after(back, [this, dialling, id = ends[0].id] {
        if (!ends_.contains(id)) return;
        if (given_up(dialling)) return close(id);
        machines_[dialling.from].end->on_peer_opened(id, true, dialling.to);
    });
    machines_[dialling.to].end->on_peer_opened(ends[1].id, false, dialling.from);
}

Mesh::LinkNumber Mesh::make_link(ServerId from, ServerId to, bool election) {
    const auto number = ++link_last_;
    Link link;
    link.election = election;
    const std::array servers{from, to};
    for (std::size_t n = 0; n < 2; ++n) {
        auto& end = link.ends[n];
        end.server = servers[n];
        end.id = LinkId{++id_last_};
        end.open = true;
        end.sent.arrival = stage_.queue.now();
        ends_[end.id] = {number, n};
    }
    links_.emplace(number, std::move(link));
    return number;
}

// --- streams ---------------------------------------------------------------------------------------------------------

void Mesh::send(LinkId id, std::string_view bytes) {
    const auto found = ends_.find(id);
    if (found == ends_.end()) return;
    const auto [number, from] = found->second;
    while (!bytes.empty()) {
        const bool splits = !stage_.planted.makes_hear() && stage_.random.per_mille(kSplit);
        const auto size = splits ? 1 + stage_.random.below(bytes.size()) : bytes.size();
        push(number, from, std::string(bytes.substr(0, size)), false);
        bytes.remove_prefix(size);
    }
}

void Mesh::close(LinkId id) {
    const auto found = ends_.find(id);
    if (found == ends_.end()) return;
    const auto [number, at] = found->second;
    auto& end = links_.at(number).ends[at];
    if (!std::exchange(end.open, false)) return;
    push(number, at, {}, true);
    drop_if_over(number);
}

void Mesh::push(LinkNumber number, std::size_t from, std::string bytes, bool last) {
    auto& link = links_.at(number);
    if (link.silent) return;
    auto& end = link.ends[from];
    auto& stream = end.sent;
    const auto ready = stage_.queue.now() + latency(end.server, link.ends[1 - from].server, bytes.size());
    stream.arrival = std::max(stream.arrival, ready);
    stream.bytes += bytes.size();
    const bool held = !link.election && !last && path(end.server, link.ends[1 - from].server).held;
    stream.pieces.push_back({std::move(bytes), stream.arrival, last, held});
    if (stream.pieces.size() == 1) pump(number, from);
    tell_congestion(link, from);
}

/// Delivers what is due, and comes back when the next piece is; or is woken when the path passes again.
void Mesh::pump(LinkNumber number, std::size_t from) {
    for (;;) {
        const auto found = links_.find(number);
        if (found == links_.end() || found->second.silent) return;
        auto& link = found->second;
        auto& stream = link.ends[from].sent;
        if (stream.waits || stream.pieces.empty()) return;
        if (const auto ready = stream.pieces.front().ready; ready > stage_.queue.now()) {
            stream.waits = true;
            stage_.queue.at(ready, [this, number, from] {
                const auto again = links_.find(number);
                if (again == links_.end()) return;
                again->second.ends[from].sent.waits = false;
                pump(number, from);
            });
            return;
        }
        const auto sender = link.ends[from].server;
        const auto receiver = link.ends[1 - from].server;
        if (!passes(sender, receiver) || (stream.pieces.front().held && path(sender, receiver).held)) return;
        auto piece = std::move(stream.pieces.front());
        stream.pieces.pop_front();
        stream.bytes -= piece.bytes.size();
        tell_congestion(link, from);
        deliver(number, from, std::move(piece));
    }
}

void Mesh::deliver(LinkNumber number, std::size_t from, Piece piece) {
    auto& link = links_.at(number);
    auto& receiver = link.ends[1 - from];
    if (piece.last) return tell_closed(number, 1 - from);
    if (!receiver.open) {
        // Nobody knows of it there any more.
        if (link.ends[from].open) push(number, 1 - from, {}, true);
        return;
    }
    auto& end = *machines_[receiver.server].end;
    if (!link.election) return end.on_peer_bytes(receiver.id, std::move(piece.bytes));
    end.on_election(link.ends[from].server, std::move(piece.bytes));
}

void Mesh::tell_closed(LinkNumber number, std::size_t at) {
    auto& link = links_.at(number);
    auto& end = link.ends[at];
    const bool was_open = std::exchange(end.open, false);
    const auto server = end.server;
    const auto peer = link.ends[1 - at].server;
    const auto id = end.id;
    const bool election = link.election;
    drop_if_over(number);
    if (!was_open) return;
    auto& told = *machines_[server].end;
    election ? told.on_election_link(peer, false) : told.on_peer_closed(id);
}

void Mesh::tell_congestion(Link& link, std::size_t from) {
    auto& end = link.ends[from];
    if (link.election || !end.open) return;
    const bool congested = end.sent.bytes > (end.sent.congested ? congested_bytes_ / 2 : congested_bytes_);
    if (congested == end.sent.congested) return;
    end.sent.congested = congested;
    stage_.queue.after(Duration(1), [this, id = end.id, congested] {
        const auto found = ends_.find(id);
        if (found == ends_.end()) return;
        const auto& now = links_.at(found->second.first).ends[found->second.second];
        if (now.open && now.sent.congested == congested) machines_[now.server].end->on_peer_congested(id, congested);
    });
}

void Mesh::drop_if_over(LinkNumber number) {
    const auto found = links_.find(number);
    if (found == links_.end()) return;
    const auto& ends = found->second.ends;
    if (!ends[0].open && !ends[1].open) forget(number);
}

void Mesh::forget(LinkNumber number) {
    const auto& link = links_.at(number);
    auto& election = elections_[pair_of(link.ends[0].server, link.ends[1].server)];
    if (election.link == number) election.link = 0;
    for (const auto& end : link.ends) ends_.erase(end.id);
    links_.erase(number);
}

// --- election --------------------------------------------------------------------------------------------------------

void Mesh::send_election(ServerId from, ServerId to, std::string payload) {
    const auto pair = pair_of(from, to);
    auto& election = elections_[pair];
    election.last[from] = std::move(payload);
    if (election.link != 0) {
        const auto& ends = links_.at(election.link).ends;
        if (ends[ends[0].server == from ? 0 : 1].open) return say_again(pair, from);
    }
    if (std::exchange(election.dialling[from], true)) return;
    const Dialling dialling{.from = from, .to = to, .election = true, .until = stage_.queue.now() + kDialMax};
    stage_.queue.after(latency(from, to, 0), [this, dialling] { try_dial(dialling); });
}

/// The last message of that end, in the place of what waits.
void Mesh::say_again(const Pair& pair, ServerId from) {
    auto& election = elections_[pair];
    const auto last = election.last.find(from);
    if (election.link == 0 || last == election.last.end()) return;
    auto& link = links_.at(election.link);
    const std::size_t at = link.ends[0].server == from ? 0 : 1;
    auto& stream = link.ends[at].sent;
    if (!stream.waits && !stream.pieces.empty()) {
        stream.pieces.clear();
        stream.bytes = 0;
    }
    push(election.link, at, last->second, false);
}

// --- lives -----------------------------------------------------------------------------------------------------------

void Mesh::server_up(ServerId server) {
    machines_[server].powered = true;
    wake();
}

void Mesh::server_down(ServerId server, bool power) {
    auto& machine = machines_[server];
    machine.powered = !power;
    ++machine.dials;
    for (auto& [pair, election] : elections_) {
        election.dialling[server] = false;
        election.last.erase(server);
    }
    std::vector<std::pair<LinkNumber, std::size_t>> lost;
    for (const auto& [number, link] : links_)
        for (std::size_t n = 0; n < 2; ++n)
            if (link.ends[n].server == server && link.ends[n].open) lost.emplace_back(number, n);
    for (const auto& [number, at] : lost) {
        auto& end = links_.at(number).ends[at];
        end.open = false;
        if (power || stage_.random.coin()) end.sent.pieces.clear(), end.sent.bytes = 0;
        if (!power) push(number, at, {}, true);
        drop_if_over(number);
    }
}

// --- faults ----------------------------------------------------------------------------------------------------------

void Mesh::cut(ServerId from, ServerId to) { path(from, to).cut = true; }

void Mesh::mend(ServerId from, ServerId to) {
    path(from, to).cut = false;
    wake();
}

void Mesh::release(ServerId from, ServerId to) {
    path(from, to).held = false;
    wake();
}

void Mesh::delay(ServerId from, ServerId to, Duration time, Duration by) {
    auto& way = path(from, to);
    way.delayed_until = stage_.queue.now() + time;
    way.delay = by;
}

void Mesh::narrow(ServerId from, ServerId to, Duration time, std::uint64_t bytes_per_ms) {
    auto& way = path(from, to);
    way.narrow_until = stage_.queue.now() + time;
    way.bytes_per_ms = bytes_per_ms;
}

template <class Visit>
void Mesh::for_links(ServerId one, ServerId other, const Visit& visit) {
    std::vector<LinkNumber> numbers;
    for (const auto& [number, link] : links_)
        if (pair_of(link.ends[0].server, link.ends[1].server) == pair_of(one, other)) numbers.push_back(number);
    for (const auto number : numbers) visit(number);
}

void Mesh::silence(ServerId one, ServerId other) {
    for_links(one, other, [&](LinkNumber number) {
        auto& link = links_.at(number);
        if (!link.election) link.silent = true;
    });
}

void Mesh::reset(ServerId one, ServerId other) {
    for_links(one, other, [&](LinkNumber number) {
        for (std::size_t n = 0; n < 2; ++n) {
            const auto found = links_.find(number);
            if (found == links_.end()) return;
            auto& pieces = found->second.ends[n].sent.pieces;
            const bool part = !found->second.election && !pieces.empty() && pieces.front().bytes.size() > 1;
            if (part) {
                stage_.faults.add(Fault::kResetMidFrame);
                pieces.front().bytes.resize(1 + stage_.random.below(pieces.front().bytes.size() - 1));
            }
            pieces.resize(part ? 1 : 0);
            found->second.ends[n].sent.bytes = part ? pieces.front().bytes.size() : 0;
            push(number, n, {}, true);
        }
    });
}

/// What waited gets through with the next attempt to send it again.
void Mesh::wake() {
    std::vector<LinkNumber> numbers;
    for (const auto& [number, link] : links_) numbers.push_back(number);
    for (const auto number : numbers)
        for (const std::size_t from : {0U, 1U})
            stage_.queue.after(stage_.random.between(Duration(0), kSentAgain),
                               [this, number, from] { pump(number, from); });
}

void Mesh::heal() {
    for (auto& [ends, way] : paths_) way = {};
    for (auto& [server, machine] : machines_) machine.powered = true;
    wake();
}

}  // namespace zabd::sim
