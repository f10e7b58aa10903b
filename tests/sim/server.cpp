#include "tests/sim/server.hpp"

#include "storage/log_format.hpp"
#include "tests/sim/planted_state.hpp"
#include "tests/sim/power_cut.hpp"
#include "wire/assert.hpp"
#include "wire/jute.hpp"

#include <utility>
#include <variant>

namespace zabd::sim {

const Disk::Path Server::kLogDirectory = "/log";

namespace {

constexpr Duration kTick = milliseconds(100);
constexpr std::uint64_t kIdentity = 0x7a6162642d73696d;
constexpr std::int64_t kMonotonicBegin = 1'000'000;
constexpr std::int64_t kWallBegin = 1'700'000'000'000;
constexpr Duration kDrainMax = seconds(10);
constexpr std::uint64_t kWrittenInPlace = 100;  // of a thousand batches

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

Server::Server(Stage& stage, const ServerOptions& options, Network& network, Checkers& checkers)
    : stage_(stage),
      options_(options),
      network_(network),
      oracle_(checkers),
      checkpoint_store_(disk_, stage.planted),
      files_(disk_, stage.planted) {
    disk_.coin = [this] { return stage_.random.coin(); };
    checkpoint_store_.meanwhile = [this] {
        for (auto& images : std::exchange(images_meanwhile_, {})) checkpoint_->take(std::move(images), now().monotonic);
    };
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

void Server::heal() {
    const auto now = stage_.queue.now();
    paused_until_ = slow_until_ = slow_syncs_until_ = std::min(now, paused_until_);
    if (stalled_until_ > stalled_from_) stalled_until_ = std::clamp(now, stalled_from_, stalled_until_);
    disk_.do_not_cut();
    disk_.capacity = std::numeric_limits<std::uint64_t>::max();
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
    if (inputs_.empty()) input([this] { begin_batch(); });
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
    if (auto recovered = recover(); !recovered) {
        reason_ = recovered.error();
        core_.reset();
        outputs_.clear();
        stage_.trace.event("server does not start: {}", reason_.where);
        if (disk_.cut()) sim::cut_power(disk_, stage_.random, stage_.faults);
        return reason_.code == Errc::kDamaged ? Start::kRefused : Start::kDied;
    }
    tick();
    return Start::kServing;
}

Result<void> Server::recover() {
    if (stage_.planted.is(Bug::kTornTailAccepted)) accept_torn_tail(disk_, kLogDirectory);
    recovered_ = checkpoint_store_.stored();
    auto begin = restored(with_planted_bug(recovered_, stage_.planted));
    if (!begin) return std::unexpected(begin.error());
    const auto checkpoint = recovered_;
    options_.core.start = now().wall;
    core_ = std::make_unique<core::Core>(options_.core, std::move(*begin));

    const storage::LogOptions log_options{
        .directory = kLogDirectory, .segment_bytes = options_.segment_bytes, .identity = kIdentity, .files = &files_};
    storage::LogScan scan;
    auto segments = storage::LogSegments::open(
        log_options, checkpoint.summary.zxid,
        [this](storage::LogRecord record) {
            core_->step(core::LogRecovered{record.zxid, std::move(record.txn)}, outputs_);
        },
        scan);
    if (!segments) return std::unexpected(segments.error());
    log_ = std::make_unique<storage::LogWriter>(std::move(*segments));
    checkpoint_ =
        std::make_unique<storage::CheckpointWriter>(options_.checkpoint, checkpoint_store_, checkpoint.summary.zxid);
    progress_ = {log_->progress().zxid_durable, checkpoint.summary.zxid};

    recovering_ = true;
    begin_batch();
    finish_batch();
    recovering_ = false;
    const auto zxid = core_->status().zxid_applied;
    stage_.trace.event("server recovers zxid {:#x} digest {:x} torn {}", zxid.value, core_->status().digest,
                       scan.torn_bytes);
    oracle_.recovered({.core = *core_,
                       .options = options_.core,
                       .checkpoint = checkpoint,
                       .state = recovered_,
                       .zxid = zxid,
                       .now = now()});
    return {};
}

void Server::kill() {
    stage_.trace.event("server is killed");
    interrupt_jobs();
    go_down(false);
}

void Server::cut_power() {
    stage_.trace.event("power is cut");
    if (up()) {
        interrupt_jobs();
        go_down(true);
    }
    sim::cut_power(disk_, stage_.random, stage_.faults);
}

void Server::go_down(bool power) {
    ++life_;
    log_.reset();
    checkpoint_.reset();
    core_.reset();
    outputs_.clear();
    connections_.clear();
    inputs_.clear();
    network_.server_down(*this, power);
    oracle_.went_down();
}

void Server::die(const Error& error) {
    reason_ = error;
    const bool power = disk_.cut();
    stage_.trace.event("server stops: {}", error.where);
    interrupt_jobs();
    go_down(power);
    if (power) sim::cut_power(disk_, stage_.random, stage_.faults);
    on_death(power);
}

void Server::stop(std::function<void()> on_stopped) {
    stage_.trace.event("server is to stop");
    draining_ = true;
    on_stopped_ = std::move(on_stopped);
    after(kDrainMax, [this] { kill(), on_stopped_(); });
}

void Server::stop_if_drained() {
    const bool working = busy(Job::kBatch) || busy(Job::kErrand) || busy(Job::kCommit);
    if (working || !inputs_.empty() || core_->status().outstanding != 0) return;
    if (auto written = write_last_words(); !written) return die(written.error());
    stage_.trace.event("server has stopped");
    go_down(false);
    on_stopped_();
}

Result<void> Server::write_last_words() {
    while (log_->has_batch()) {
        if (auto written = log_->write_batch(); !written) return written;
    }
    if (log_->empty()) {
        if (auto written = log_->write_end(); !written) return written;
    }
    progress_.let_go();
    hear_of_log();
    begin_batch();
    finish_batch();
    return checkpoint_->write(now().monotonic);
}

// --- the core --------------------------------------------------------------------------------------------------------

void Server::begin_batch() {
    if (!std::exchange(batch_open_, true)) step(core::TimeIs{now()});
}

void Server::step(const core::Input& input) {
    begin_batch();
    core_->step(input, outputs_);
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
    oracle_.batch_end(*core_, now(), std::exchange(frames_in_batch_, 0));
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
        oracle_.frame_in(id, *frame, now());
        ++frames_in_batch_;
        step(core::ClientFrame{id, *frame});
        if (stage_.planted.is(Bug::kWriteTwice) && stage_.random.per_mille(20)) step(core::ClientFrame{id, *frame});
    }
    ZABD_ASSERT(!connection.splitter.failed());
}

void Server::carry_out(core::SendToClient& output) {
    const auto bytes = std::string_view(outputs_.bytes).substr(output.begin, output.size);
    for_each_frame(bytes, [&](std::string_view frame) { oracle_.frame_out(output.connection, frame, now()); });
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
    stage_.trace.event("server proposes {:#x} {}", output.zxid.value, output.txn.view().size());
    oracle_.proposed(output.zxid, output.txn, now());
    if (stage_.planted.is(Bug::kAnswerBeforeSync))
        after(Duration(0), [this, zxid = output.zxid] {
            if (zxid > progress_.log().zxid_durable) input([this, zxid] { step(core::LogDurable{zxid}); });
        });
    log_->add({output.zxid, std::move(output.txn)});
}

void Server::carry_out(core::PutCheckpoint& output) {
    if (recovering_) recovered_.add(output.images);
    if (stage_.planted.is(Bug::kReleasedEarly)) log_->release_through(output.images.zxid);
    if (busy(Job::kCommit)) {
        images_meanwhile_.push_back(std::move(output.images));
    } else {
        checkpoint_->take(std::move(output.images), now().monotonic);
    }
}

void Server::carry_out(core::Event& output) {
    stage_.trace.event("server event {} session {:#x} zxid {:#x}", static_cast<int>(output.kind),
                       number(output.session), output.zxid.value);
}

// --- the storage's threads -------------------------------------------------------------------------------------------

void Server::begin_jobs() {
    if (!busy(Job::kErrand)) {
        errand_ = log_->next_errand(now().monotonic);
        if (errand_) begin(Job::kErrand);
    }
    const auto due = checkpoint_->due();
    if (!busy(Job::kCommit) && due && *due <= now().monotonic) begin(Job::kCommit);
    if (busy(Job::kBatch) || !log_->has_batch()) return;
    if (!draining_ && stage_.random.per_mille(kWrittenInPlace)) return write_in_place();
    begin(Job::kBatch);
}

/// As the core's thread does when the disk is fast and nothing else waits.
void Server::write_in_place() {
    if (auto written = log_->write_batch(); !written) return die(written.error());
    after(Duration(0), [this] { input([this] { hear_of_log(); }); });
}

void Server::begin(Job job) {
    busy_[static_cast<std::size_t>(job)] = true;
    after(sync_time() * (job == Job::kBatch ? 1 : 3), [this, job] { finish(job); });
}

void Server::finish(Job job) {
    if (const auto now = stage_.queue.now(); now < paused_until_)
        return after(paused_until_ - now, [this, job] { finish(job); });
    if (auto done = carry_out(job); !done) return die(done.error());
    busy_[static_cast<std::size_t>(job)] = false;
    const auto hops = stage_.random.between(Duration(0), Duration(100));
    if (job == Job::kCommit) {
        for (auto& images : std::exchange(images_meanwhile_, {})) checkpoint_->take(std::move(images), now().monotonic);
        after(hops, [this] { input([this] { hear_of_checkpoint(); }); });
    } else {
        after(hops, [this] { input([this] { hear_of_log(); }); });
    }
    begin_jobs();
}

Result<void> Server::carry_out(Job job) {
    if (job == Job::kBatch) return log_->write_batch();
    if (job == Job::kCommit) return checkpoint_->write(now().monotonic);
    auto done = storage::run_errand(files_, *std::exchange(errand_, std::nullopt));
    if (!done) return std::unexpected(done.error());
    log_->finish_errand(std::move(*done), now().monotonic);
    return {};
}

void Server::interrupt_jobs() {
    if (disk_.cut()) return;  // then nothing that is under way comes further
    const auto first = stage_.random.below(busy_.size());
    for (std::size_t n = 0; n < busy_.size(); ++n) {
        const auto job = static_cast<Job>((first + n) % busy_.size());
        if (!busy(job) || (job == Job::kErrand && !errand_)) continue;
        disk_.cut_after(stage_.random.below(8));
        (void)carry_out(job);
        disk_.restart();
    }
}

void Server::hear_of_log() {
    progress_.take(log_->progress());
    tell_progress();
}

void Server::hear_of_checkpoint() {
    const auto before = progress_.checkpoint().zxid_durable;
    progress_.take(checkpoint_->progress());
    const auto durable = progress_.checkpoint().zxid_durable;
    if (durable != before) log_->release_through(durable);
    tell_progress();
}

void Server::tell_progress() {
    const auto told = progress_.told();
    if (!told) return;
    oracle_.room_told(told->room.bytes != core::kUnlimitedRoom);
    step(told->room);
    if (!stage_.planted.is(Bug::kAnswerBeforeSync)) step(told->durable);
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
    input([this, id] {
        if (connections_.erase(id) == 0) return;
        oracle_.closed(id);
        step(core::ClientClosed{id});
    });
}

}  // namespace zabd::sim
