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

StateDigest digest_of(const core::Core& core) {
    const auto status = core.status();
    return {status.digest, status.nodes, status.ephemerals, status.sessions};
}

}  // namespace

Result<RecoveredState> recover_state(Disk& disk, const Images& checkpoint) {
    auto begin = restored(checkpoint);
    if (!begin) return std::unexpected(begin.error());
    core::Core core(core_options(), std::move(*begin));
    core::Outputs outputs;
    storage::LogScan scan;
    const auto segments = storage::LogSegments::open(
        log_options(disk), checkpoint.summary.zxid,
        [&](storage::LogRecord record) {
            core.step(core::LogRecovered{record.zxid, std::move(record.txn)}, outputs);
        },
        scan);
    if (!segments) return std::unexpected(segments.error());
    return RecoveredState{core.status().zxid_applied, digest_of(core)};
}

ScriptedRun::ScriptedRun(Disk& disk, std::size_t operations)
    : disk_(disk), operations_(operations), workload_(random_, {.reads = 0}), checkpoint_store_(disk, {}) {}

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
    auto segments = storage::LogSegments::open(log_options(disk_), Zxid{}, [](storage::LogRecord) {}, scan);
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
    return keep_house();
}

/// All that was proposed becomes durable and is acknowledged.
Result<void> ScriptedRun::work_off() {
    while (!log_->empty()) {
        if (auto kept = keep_house(); !kept) return kept;
        if (!log_->has_batch()) {
            now_.monotonic += storage::LogWriter::kRetrySpace;  // no space: it comes again
            continue;
        }
        if (auto written = log_->write_batch(); !written) return written;
        zxid_acknowledged_ = log_->progress().zxid_durable;
    }
    for (const auto zxid : std::exchange(waiting_, {})) {
        step(core::LogDurable{zxid});
        states_[zxid] = digest_of(*core_);
    }
    return {};
}

Result<void> ScriptedRun::keep_house() {
    const auto errand = log_->next_errand(now_.monotonic);
    if (!errand) return {};
    auto done = storage::run_errand(disk_, *errand);
    if (!done) return std::unexpected(done.error());
    log_->finish_errand(std::move(*done), now_.monotonic);
    return {};
}

void ScriptedRun::connect(std::uint64_t connection) {
    const ConnectionId id{connection};
    step(core::ClientOpened{.connection = id, .address = "127.0.0.1", .port = 4711});
    wire::ConnectRequest request;
    request.timeout_ms = 40'000;
    std::string frame;
    wire::Encoder out(frame);
    wire::encode(out, request);
    step(core::ClientFrame{id, frame});
}

void ScriptedRun::send(std::uint64_t connection, std::string_view frame) {
    step(core::ClientFrame{ConnectionId{connection}, frame});
}

void ScriptedRun::step(const core::Input& input) {
    core_->step(input, outputs_);
    auto outputs = std::exchange(outputs_, {});
    for (auto& output : outputs.items) {
        if (auto* append = std::get_if<core::AppendToLog>(&output)) {
            zxid_proposed_ = append->zxid;
            waiting_.push_back(append->zxid);
            log_->add({append->zxid, std::move(append->txn)});
        } else if (auto* put = std::get_if<core::PutCheckpoint>(&output)) {
            checkpoint_->take(std::move(put->images), now_.monotonic);
        }
    }
}

}  // namespace zabd::sim
