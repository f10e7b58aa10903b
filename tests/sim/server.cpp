#include "tests/sim/server.hpp"

#include "tests/sim/planted_inputs.hpp"
#include "tests/sim/power_cut.hpp"
#include "wire/assert.hpp"
#include "wire/jute.hpp"

#include <fmt/format.h>

#include <utility>
#include <variant>

namespace zabd::sim {

namespace {

constexpr Duration kTick = milliseconds(100);
constexpr std::int64_t kMonotonicBegin = 1'000'000;
constexpr std::int64_t kWallBegin = 1'700'000'000'000;
constexpr Duration kDrainMax = seconds(10);

std::int64_t in_ms(Duration time) { return time.count() / 1000; }

/// The frames of `bytes`, without their prefixes.
template <class Visit>
void for_each_frame(std::string_view bytes, const Visit& visit) {
    while (!bytes.empty()) {
        wire::Decoder in(bytes);
        const auto size = static_cast<std::size_t>(in.get_int());
        visit(in.rest().substr(0, size));
        bytes = in.rest().substr(size);
    }
}

}  // namespace

Server::Server(Stage& stage, const ServerOptions& options, Network& network, Mesh& mesh, History& history,
               Checkers& checkers)
    : stage_(stage),
      options_(options),
      network_(network),
      mesh_(mesh),
      oracle_(options.core.server, history, checkers),
      store_(stage, options.store),
      connection_last_(number(options.core.server) << 32) {
    options_.core.membership = membership_with_planted_bug(options.core.membership, id(), stage.planted);
    mesh_.attach(id(), *this);
}

// --- time ------------------------------------------------------------------------------------------------------------

Now Server::now() {
    auto time = stage_.queue.now();
    const auto wall = kWallBegin + in_ms(time) + wall_offset_ms_;
    if (stalled_until_ > stalled_from_) {
        if (time >= stalled_until_) {
            clock_behind_ += stalled_until_ - stalled_from_;
            stalled_until_ = stalled_from_;
        } else {
            time = stalled_from_;
        }
    }
    time -= clock_behind_;
    if (stage_.planted.is(Bug::kExpiredEarly)) time *= 3;
    return {Instant(Millis(kMonotonicBegin + in_ms(time))), WallTime{wall}};
}

void Server::stall_clock(Duration time) {
    (void)now();  // what is over is counted
    if (stalled_until_ > stalled_from_) return;
    stalled_from_ = stage_.queue.now();
    stalled_until_ = stalled_from_ + time;
}

void Server::step_down() {
    input([this] { step(core::StepDown{}); });
}

void Server::heal() {
    const auto now = stage_.queue.now();
    paused_until_ = slow_until_ = slow_syncs_until_ = std::min(now, paused_until_);
    if (stalled_until_ > stalled_from_) stalled_until_ = std::clamp(now, stalled_from_, stalled_until_);
    disk().do_not_cut();
    disk().capacity = std::numeric_limits<std::uint64_t>::max();
    if (up()) after(Duration(0), [this] { run_inputs(); });
}

void Server::slow_down(Duration time, Duration per_input) {
    slow_until_ = stage_.queue.now() + time;
    per_input_ = per_input;
}

void Server::slow_syncs(Duration time, Duration low, Duration high) {
    slow_syncs_until_ = stage_.queue.now() + time;
    slow_sync_min_ = low;
    slow_sync_max_ = high;
}

Duration Server::sync_time() {
    if (stage_.queue.now() >= slow_syncs_until_)
        return stage_.random.mostly_short(options_.sync_min, options_.sync_max);
    stage_.faults.add(Fault::kSlowSync);
    return stage_.random.between(slow_sync_min_, slow_sync_max_);
}

void Server::after(Duration wait, std::function<void()> action) {
    stage_.queue.after(wait, [this, life = life_, action = std::move(action)] {
        if (life == life_) action();
    });
}

/// The core's thread: one input after the other.
void Server::input(std::function<void()> action) {
    inputs_.push_back(std::move(action));
    run_inputs();
}

void Server::run_inputs() {
    const auto now = stage_.queue.now();
    while (!inputs_.empty() && now >= free_at()) {
        const auto action = std::move(inputs_.front());
        inputs_.pop_front();
        action();
        if (!up()) return;
        finish_batch();
        if (now < slow_until_) busy_until_ = now + per_input_;
    }
    if (inputs_.empty() || std::exchange(wakes_, true)) return;
    after(free_at() - now, [this] {
        wakes_ = false;
        run_inputs();
    });
}

void Server::tick() {
    after(kTick, [this] { tick(); });
    if (stage_.planted.is(Bug::kLeaderNeverSilent)) hear_of_leader();
    if (inputs_.empty())
        input([this] {
            begin_batch();
            if (!progress_.told()) step(core::LogHeldBack{});
        });
    if (!up() || stage_.queue.now() < paused_until_) return;
    begin_jobs();
    if (up() && draining_) stop_if_drained();
}

// --- life ------------------------------------------------------------------------------------------------------------

Start Server::start() {
    ZABD_ASSERT(!up());
    busy_ = {};
    errand_.reset();
    inputs_.clear();
    wakes_ = draining_ = batch_open_ = false;
    busy_until_ = paused_until_ = slow_until_ = Time{0};
    images_meanwhile_.clear();
    hard_states_.clear();
    cuts_.clear();
    cuts_told_ = cuts_asked_ = 0;
    log_begin_told_ = {};
    install_.reset();
    after_install_.clear();
    snapshots_wanted_.clear();
    ++storage_number_;
    if (auto recovered = recover(); !recovered) {
        reason_ = recovered.error();
        core_.reset();
        outputs_.clear();
        store_.close();
        stage_.trace.event("server {} does not start: {}", number(id()), reason_.where);
        if (disk().cut()) sim::cut_power(disk(), stage_.random, stage_.faults);
        return reason_.code == Errc::kDamaged ? Start::kRefused : Start::kDied;
    }
    mesh_.server_up(id());
    tick();
    return Start::kServing;
}

Result<void> Server::recover() {
    auto opened = store_.open();
    if (!opened) return std::unexpected(opened.error());
    if (opened->quarantined) {
        stage_.trace.event("server {} puts its storage aside: {}", number(id()), *opened->quarantined);
        disk_was_lost(true);
    }
    recovered_ = opened->checkpoint;
    const auto stands_at = recovered_.summary.zxid;
    options_.core.start = now().wall;
    core_ = std::make_unique<core::Core>(options_.core, std::move(opened->begin));
    std::set<Zxid> log;
    for (auto& [zxid, txn] : opened->records) {
        log.insert(zxid);
        core_->step(core::LogRecovered{zxid, std::move(txn)}, outputs_);
    }
    learn_generation(stands_at);
    progress_ = {store_.log().progress().zxid_durable, stands_at};
    disk_facts_ = {.hard_state_asked = store_.hard_state()};
    learn_disk_facts();

    recovering_ = true;
    begin_batch();
    finish_batch();
    recovering_ = false;
    const auto zxid = core_->status().zxid_applied;
    stage_.trace.event("server {} recovers zxid {:#x} log {:#x} digest {:x} torn {}", number(id()), zxid.value,
                       disk_facts_.log_durable.value, core_->status().digest, opened->torn_bytes);
    oracle_.recovered({.server = id(),
                       .core = *core_,
                       .options = options_.core,
                       .checkpoint = opened->checkpoint,
                       .state = recovered_,
                       .zxid = zxid,
                       .now = now(),
                       .disk = disk_facts_},
                      std::move(log), !member());
    return {};
}

void Server::disk_was_lost(bool empty) {
    generation_ = 0;
    replacing_.reset();
    if (empty) disk_facts_ = {};
    oracle_.tell([&](Checker& checker) { checker.on_disk_lost(id(), empty); });
}

/// A state that was to take the place of the one before counts: then it is whole.
void Server::learn_generation(Zxid stands_at) {
    if (store_.generation() > generation_) {
        oracle_.tell([&](Checker& checker) { checker.on_replaced(id(), stands_at); });
        if (replacing_ && stands_at < *replacing_)
            violated("I-DUR", fmt::format("server {} starts at {:#x}, where it had installed {:#x}", number(id()),
                                          stands_at.value, replacing_->value));
    }
    generation_ = store_.generation();
    replacing_.reset();
}

void Server::learn_disk_facts() {
    disk_facts_.hard_state = store_.hard_state();
    disk_facts_.log_durable = store_.log().progress().zxid_durable;
    disk_facts_.cut_pending = store_.log().progress().truncations < cuts_asked_;
}

void Server::kill() {
    stage_.trace.event("server {} is killed", number(id()));
    interrupt_jobs();
    go_down(false);
}

void Server::cut_power() {
    stage_.trace.event("power of server {} is cut", number(id()));
    if (up()) {
        interrupt_jobs();
        go_down(true);
    }
    sim::cut_power(disk(), stage_.random, stage_.faults);
}

void Server::go_down(bool power) {
    ++life_;
    store_.close();
    core_.reset();
    outputs_.clear();
    connections_.clear();
    peers_.clear();
    inputs_.clear();
    mesh_.server_down(id(), power);
    network_.server_down(*this, power);
    oracle_.went_down();
}

void Server::die(const Error& error) {
    reason_ = error;
    const bool power = disk().cut();
    stage_.trace.event("server {} stops: {}", number(id()), error.where);
    interrupt_jobs();
    go_down(power);
    if (power) sim::cut_power(disk(), stage_.random, stage_.faults);
    on_death(power);
}

void Server::draw_settings() {
    constexpr Millis kHolds[] = {Millis(100), Millis(2000)};
    constexpr std::size_t kWindows[] = {500, 20'000, 32 << 20};
    options_.core.hold_max = stage_.random.pick(kHolds);
    options_.core.window_bytes_max = stage_.random.pick(kWindows);
}

void Server::stop(std::function<void()> on_stopped) {
    stage_.trace.event("server {} is to stop", number(id()));
    draining_ = true;
    on_stopped_ = std::move(on_stopped);
    after(kDrainMax, [this] { kill(), on_stopped_(); });
}

void Server::stop_if_drained() {
    if (std::ranges::any_of(busy_, std::identity{}) || !inputs_.empty() || core_->status().outstanding != 0) return;
    if (auto written = write_last_words(); !written) return die(written.error());
    stage_.trace.event("server {} has stopped", number(id()));
    go_down(false);
    on_stopped_();
}

Result<void> Server::write_last_words() {
    auto& log = store_.log();
    while (log.has_batch()) {
        if (auto written = log.write_batch(); !written) return written;
    }
    if (log.empty()) {
        if (auto written = log.write_end(); !written) return written;
    }
    progress_.let_go();
    hear_of_log();
    begin_batch();
    finish_batch();
    return store_.checkpoint().write(now().monotonic);
}

// --- the core --------------------------------------------------------------------------------------------------------

void Server::begin_batch() {
    if (!std::exchange(batch_open_, true)) step(core::TimeIs{now()});
}

void Server::step(const core::Input& input) {
    begin_batch();
    core_->step(input, outputs_);
    if (!recovering_) oracle_.stepped(core_->status().zxid_applied);
    carry_out_all();
}

/// At once, and not when the batch is over, as the oracle must see inputs and outputs in their order.
void Server::carry_out_all() {
    auto outputs = std::exchange(outputs_, {});
    std::swap(outputs_.bytes, outputs.bytes);  // what the ranges mean
    for (auto& output : outputs.items) std::visit([this](auto& one) { carry_out(one); }, output);
    outputs_.clear();
}

void Server::finish_batch() {
    if (!std::exchange(batch_open_, false) || recovering_) return;
    learn_disk_facts();
    oracle_.batch_end(*core_, disk_facts_, now(), std::exchange(frames_in_batch_, 0));
    begin_jobs();
}

void Server::feed(ConnectionId id, std::string_view bytes) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    auto& connection = found->second;
    if (connection.paused) {
        connection.held += bytes;
        return;
    }
    connection.splitter.feed(bytes);
    while (const auto frame = connection.splitter.next()) {
        if (connection.closing || draining_) continue;
        begin_batch();
        oracle_.frame_in(id, *frame);
        ++frames_in_batch_;
        const auto given = frame_with_planted_bug(*frame, stage_.planted);
        step(core::ClientFrame{id, given});
        if (stage_.planted.is(Bug::kWriteTwice) && stage_.random.per_mille(20)) step(core::ClientFrame{id, given});
    }
    ZABD_ASSERT(!connection.splitter.failed());
}

void Server::carry_out(core::SendToClient& output) {
    const auto bytes = std::string_view(outputs_.bytes).substr(output.begin, output.size);
    for_each_frame(bytes, [&](std::string_view frame) { oracle_.frame_out(output.connection, frame); });
    network_.send(*this, output.connection, bytes);
}

void Server::carry_out(core::CloseClient& output) {
    oracle_.closed(output.connection);
    connections_.at(output.connection).closing = true;
    network_.close(*this, output.connection);
    after(milliseconds(1), [this, id = output.connection] { peer_closed(id); });
}

void Server::carry_out(core::PauseClient& output) {
    stage_.trace.event("connection {} is {}", number(output.connection), output.paused ? "paused" : "resumed");
    auto& connection = connections_.at(output.connection);
    connection.paused = output.paused && !stage_.planted.is(Bug::kPauseIgnored);
    if (connection.paused || connection.held.empty()) return;
    inputs_.push_front([this, id = output.connection, held = std::exchange(connection.held, {})] { feed(id, held); });
}

void Server::carry_out(core::AppendToLog& output) {
    stage_.trace.event("server {} logs {:#x} {}", number(id()), output.zxid.value, output.txn.view().size());
    oracle_.appended(output.zxid, output.txn);
    if (install_) {
        after_install_.push_back(
            [this, record = storage::LogRecord{output.zxid, std::move(output.txn)}] { store_.log().add(record); });
        return;
    }
    if (tells_durable_early())
        after(Duration(0), [this, zxid = output.zxid] {
            if (zxid > progress_.log().zxid_durable) input([this, zxid] { step(core::LogDurable{zxid}); });
        });
    store_.log().add({output.zxid, std::move(output.txn)});
}

void Server::carry_out(core::PutCheckpoint& output) {
    if (recovering_) recovered_.add(output.images);
    if (install_) {
        after_install_.push_back(
            [this, images = std::move(output.images)] { store_.checkpoint().take(images, now().monotonic); });
        return;
    }
    if (stage_.planted.is(Bug::kReleasedEarly)) store_.log().release_through(output.images.zxid);
    if (busy(Job::kCommit)) {
        images_meanwhile_.push_back(std::move(output.images));
    } else {
        store_.checkpoint().take(std::move(output.images), now().monotonic);
    }
}

void Server::carry_out(core::Event& output) {
    stage_.trace.event("server {} event {} session {:#x} zxid {:#x} {}", number(id()), static_cast<int>(output.kind),
                       number(output.session), output.zxid.value, output.detail);
    if (on_event) on_event(output);
}

// --- links -----------------------------------------------------------------------------------------------------------

ConnectionId Server::accept() {
    const ConnectionId id{++connection_last_};
    connections_.try_emplace(id);
    oracle_.opened(id);
    input([this, id] { step(core::ClientOpened{.connection = id, .address = "127.0.0.1", .port = 4711}); });
    return id;
}

void Server::receive(ConnectionId id, std::string bytes) {
    if (!connections_.contains(id)) return;
    input([this, id, bytes = std::move(bytes)] { feed(id, bytes); });
}

void Server::peer_closed(ConnectionId id) {
    if (!connections_.contains(id)) return;
    input([this, id] {
        begin_batch();  // in which it may still be spoken of
        if (connections_.erase(id) == 0) return;
        oracle_.closed(id);
        step(core::ClientClosed{id});
    });
}

}  // namespace zabd::sim
