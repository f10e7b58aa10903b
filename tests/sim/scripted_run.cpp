#include "tests/sim/scripted_run.hpp"

#include "wire/assert.hpp"

#include <utility>
#include <variant>

namespace zabd::sim {

namespace {

constexpr std::uint64_t kSessions = 3;
constexpr std::size_t kOperationsPerSession = 40;  // then one is closed, and another begins
constexpr std::size_t kOperationsPerCheckpoint = 50;

core::Options core_options() {
    core::Options options;
    options.start = WallTime{1'700'000'000'000};
    options.prepare.extended_types = true;
    options.session_timeout_max = Millis(40'000);
    return options;
}

storage::LogOptions log_options(Disk& disk) {
    return {.directory = "/log", .segment_bytes = 32 << 10, .identity = 7, .files = &disk};
}

constexpr Now kBegin{Instant(Millis(1'000'000)), WallTime{1'700'000'000'000}};

void open_session(core::Core& core, ConnectionId connection, core::Outputs& outputs) {
    core.step(core::ClientOpened{.connection = connection, .address = "127.0.0.1", .port = 4711}, outputs);
    wire::ConnectRequest request;
    request.timeout_ms = 40'000;
    std::string frame;
    wire::Encoder out(frame);
    wire::encode(out, request);
    core.step(core::ClientFrame{connection, frame}, outputs);
}

void add_appended(core::Outputs& outputs, storage::LogWriter& log) {
    for (auto& output : outputs.items)
        if (auto* append = std::get_if<core::AppendToLog>(&output)) log.add({append->zxid, std::move(append->txn)});
}

Result<void> run_due_errand(storage::LogWriter& log, Disk& disk, Instant now) {
    const auto errand = log.next_errand(now);
    if (!errand) return {};
    auto done = storage::run_errand(disk, *errand);
    if (!done) return std::unexpected(done.error());
    log.finish_errand(std::move(*done), now);
    return {};
}

/// Time passes while there is no space.
Result<void> write_all(storage::LogWriter& log, Disk& disk, Instant now) {
    for (; !log.empty(); now += storage::LogWriter::kRetrySpace) {
        if (auto kept = run_due_errand(log, disk, now); !kept) return kept;
        while (log.has_batch()) {
            if (auto written = log.write_batch(); !written) return written;
        }
    }
    return {};
}

StateDigest digest_of(const core::Core& core) {
    const auto status = core.status();
    return {status.digest, status.nodes, status.ephemerals, status.sessions};
}

}  // namespace

Result<RecoveredState> recover_state(Disk& disk, const Images& checkpoint) {
    return recover_and_go_on(disk, checkpoint, 0);
}

Result<RecoveredState> recover_and_go_on(Disk& disk, const Images& checkpoint, std::size_t sessions) {
    auto begin = restored(checkpoint);
    if (!begin) return std::unexpected(begin.error());
    core::Core core(core_options(), std::move(*begin));
    core::Outputs outputs;
    storage::LogScan scan;
    auto segments = storage::LogSegments::open(
        log_options(disk), checkpoint.summary.zxid,
        [&](storage::LogRecord record) {
            core.step(core::LogRecovered{record.zxid, std::move(record.txn)}, outputs);
        },
        scan);
    if (!segments) return std::unexpected(segments.error());
    storage::LogWriter log(std::move(*segments));
    if (sessions > 0) core.step(core::TimeIs{kBegin}, outputs);
    for (std::size_t n = 1; n <= sessions; ++n) {
        outputs.clear();
        open_session(core, ConnectionId{n}, outputs);
        add_appended(outputs, log);
        if (auto written = write_all(log, disk, kBegin.monotonic); !written) return std::unexpected(written.error());
        core.step(core::LogDurable{log.progress().zxid_durable}, outputs);
    }
    return RecoveredState{core.status().zxid_applied, digest_of(core)};
}

ScriptedRun::ScriptedRun(Disk& disk, std::size_t operations)
    : disk_(disk),
      operations_(operations),
      workload_(random_, {.reads = 0, .data_bytes_max = 6000}),
      checkpoint_store_(disk, {}) {}

Result<void> ScriptedRun::run() {
    if (auto opened = open(); !opened) return opened;
    for (std::size_t n = 0; n < operations_; ++n) {
        if (auto done = operation(n); !done) return done;
    }
    if (auto written = work_off(); !written) return written;
    if (auto written = log_->write_end(); !written) return written;
    return checkpoint_->write(now_.monotonic);
}

Result<void> ScriptedRun::open() {
    core_ = std::make_unique<core::Core>(core_options(), core::Recovered{});
    states_[Zxid{}] = digest_of(*core_);
    storage::LogScan scan;
    auto segments = storage::LogSegments::open(
        log_options(disk_), Zxid{}, [](storage::LogRecord) {}, scan);
    if (!segments) return std::unexpected(segments.error());
    log_ = std::make_unique<storage::LogWriter>(std::move(*segments));
    checkpoint_ = std::make_unique<storage::CheckpointWriter>(storage::CheckpointTriggers{}, checkpoint_store_, Zxid{});
    step(core::TimeIs{now_});
    for (std::uint64_t n = 0; n < kSessions; ++n) connect(++connection_last_);
    return work_off();
}

Result<void> ScriptedRun::operation(std::size_t number) {
    now_.monotonic += Millis(10);
    now_.wall = WallTime{static_cast<std::int64_t>(now_.wall) + 10};
    step(core::TimeIs{now_});
    const auto oldest = connection_last_ - kSessions + 1;
    if (number % kOperationsPerSession == kOperationsPerSession - 1) {
        send(oldest, wire::encoded(wire::RequestHeader{++xid_last_, wire::OpCode::kCloseSession}));
        connect(++connection_last_);
    } else {
        const auto request = workload_.next();
        send(oldest + 1 + number % (kSessions - 1),
             wire::encoded(wire::RequestHeader{++xid_last_, request.op}) + request.body);
    }
    if (random_.below(3) != 0) {  // else it goes into one batch with the next
        if (auto written = work_off(); !written) return written;
    }
    if (number % kOperationsPerCheckpoint != kOperationsPerCheckpoint - 1) return {};
    if (auto written = checkpoint_->write(now_.monotonic); !written) return written;
    log_->release_through(checkpoint_->progress().zxid_durable);
    return run_due_errand(*log_, disk_, now_.monotonic);
}

/// All that was proposed becomes durable and is acknowledged.
Result<void> ScriptedRun::work_off() {
    const auto written = write_all(*log_, disk_, now_.monotonic);
    zxid_acknowledged_ = log_->progress().zxid_durable;
    if (!written) return written;
    for (const auto zxid : std::exchange(waiting_, {})) {
        step(core::LogDurable{zxid});
        states_[zxid] = digest_of(*core_);
    }
    return {};
}

void ScriptedRun::connect(std::uint64_t connection) {
    open_session(*core_, ConnectionId{connection}, outputs_);
    take_outputs();
}

void ScriptedRun::send(std::uint64_t connection, std::string_view frame) {
    step(core::ClientFrame{ConnectionId{connection}, frame});
}

void ScriptedRun::step(const core::Input& input) {
    core_->step(input, outputs_);
    take_outputs();
}

void ScriptedRun::take_outputs() {
    auto outputs = std::exchange(outputs_, {});
    for (auto& output : outputs.items) {
        if (const auto* append = std::get_if<core::AppendToLog>(&output)) {
            zxid_proposed_ = append->zxid;
            waiting_.push_back(append->zxid);
        } else if (auto* put = std::get_if<core::PutCheckpoint>(&output)) {
            checkpoint_->take(std::move(put->images), now_.monotonic);
        }
    }
    add_appended(outputs, *log_);
}

}  // namespace zabd::sim
