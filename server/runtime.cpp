#include "server/runtime.hpp"

#include "net/connection.hpp"
#include "server/core/core.hpp"
#include "server/printable.hpp"
#include "server/process.hpp"
#include "server/restore.hpp"
#include "server/storage_progress.hpp"
#include "server/words.hpp"
#include "storage/log_format.hpp"
#include "storage/recovery.hpp"
#include "storage/sync_probe.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <mutex>
#include <optional>
#include <utility>

namespace zabd::server {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::steady_clock;
using std::chrono::system_clock;

constexpr milliseconds kTickMax{100};               // between two looks at the clock
constexpr milliseconds kDrainMax{10'000};           // for what was taken to become durable and be answered
constexpr std::size_t kBytesPerBatchMax = 1 << 20;  // of replies, before they are handed on within a turn
constexpr std::size_t kBytesKeptMax = 4 << 20;      // of their buffer, between batches
constexpr std::uint64_t kTraceMask = 306;           // ZooKeeper's default; zabd traces nothing

template <class Clock>
milliseconds since_epoch() {
    return std::chrono::duration_cast<milliseconds>(Clock::now().time_since_epoch());
}

WallTime wall_now() { return WallTime{since_epoch<system_clock>().count()}; }

core::Options core_options(const Config& config, const storage::DataDir& directory) {
    core::Options options;
    options.tick = config.tick;
    options.session_timeout_min = config.session_timeout_min;
    options.session_timeout_max = config.session_timeout_max;
    options.start = wall_now();
    options.secret = directory.secret();
    options.outstanding_max = config.outstanding_max;
    options.log_overhead_bytes_max = storage::kRecordOverheadBytesMax;
    options.log_reserve_bytes = std::min<std::uint64_t>(options.log_reserve_bytes, config.log_segment_bytes / 4);
    options.reconfig_enabled = config.reconfig_enabled;
    options.super_digest = config.super_digest;
    options.digest_auth_enabled = config.digest_enabled;
    options.enforced_schemes = config.enforced_schemes;
    options.reap_interval = config.container_check_interval;
    options.reaps_per_minute_max = config.containers_per_minute_max;
    options.never_used_container_max = config.container_never_used_max;
    options.prepare.extended_types = config.ttl_nodes;
    options.prepare.enforce_quota = config.enforce_quota;
    options.prepare.check_acls = !config.skip_acl;
    options.prepare.txn_bytes_max = config.frame_bytes_max + config.txn_bytes_extra;
    return options;
}

net::ServerOptions net_options(const Config& config) {
    net::ServerOptions options;
    options.frame_bytes_max = config.frame_bytes_max;
    options.connections_per_address_max = config.connections_per_address_max;
    options.connections_max = config.connections_max;
    options.first_frame_timeout = config.first_frame_timeout;
    options.backlog = config.client_backlog;
    options.keep_alive = config.keep_alive;
    return options;
}

std::uint64_t mask_of(std::string_view bytes) {
    std::uint64_t mask = 0;
    for (const char byte : bytes) mask = mask << 8 | static_cast<unsigned char>(byte);
    return mask;
}

void log_event(const core::Event& event) {
    using enum core::Event::Kind;
    const auto session = static_cast<std::uint64_t>(event.session);
    const auto zxid = fmt::format("0x{:x}:{:08x}", event.zxid.epoch(), event.zxid.counter());
    switch (event.kind) {
        case kSessionExpired: return spdlog::info("session expired session=0x{:x}", session);
        case kSessionRefused:
            return spdlog::debug("session refused session=0x{:x} {}", session, printable(event.detail));
        case kEpochAdvanced: return spdlog::info("epoch advanced zxid={}", zxid);
        case kReaped: return spdlog::debug("reaped zxid={} path={}", zxid, printable(event.detail));
    }
}

/// How far another thread has come, told on the io thread: many become one.
template <class Progress>
class ProgressSignal {
public:
    ProgressSignal(asio::io_context& io, std::function<void(const Progress&)> on_progress)
        : io_(io), on_progress_(std::move(on_progress)) {}

    /// On the other thread.
    void tell(const Progress& progress) {
        const std::lock_guard lock(mutex_);
        newest_ = progress;
        if (!std::exchange(posted_, true)) asio::post(io_, [this] { deliver(); });
    }
    /// On the io thread.
    void deliver() {
        std::unique_lock lock(mutex_);
        posted_ = false;
        const auto progress = newest_;
        lock.unlock();
        on_progress_(progress);
    }

private:
    asio::io_context& io_;
    std::function<void(const Progress&)> on_progress_;
    std::mutex mutex_;
    Progress newest_;
    bool posted_ = false;
};

}  // namespace

class Runtime::Impl final : public net::ConnectionEvents {
public:
    explicit Impl(const Config& config) : config_(config) {}

    Result<void> recover();
    Result<void> listen();
    void run();
    void stop() {
        asio::post(io_, [this] { drain(); });
    }
    [[nodiscard]] std::uint16_t port() const { return server_->port(); }

private:
    // net::ConnectionEvents
    void on_open(ConnectionId connection, std::string_view address, std::uint16_t port) override;
    void on_frame(ConnectionId connection, std::string_view frame) override;
    void on_word(ConnectionId connection, net::Word word, std::string_view argument) override;
    void on_closed(ConnectionId connection) override;
    [[nodiscard]] std::optional<std::size_t> word_argument_bytes(net::Word word) const override;
    void on_turn_end() override { finish_batch(); }

    // The core: inputs in batches, each begun with the time; outputs carried out when a batch is over.
    void begin_batch();
    void step(const core::Input& input);
    void finish_batch();
    void tell_time();
    void carry_out(core::SendToClient& output);
    void carry_out(core::CloseClient& output) { server_->close_after_send(output.connection); }
    void carry_out(core::PauseClient& output) { server_->set_reading(output.connection, !output.paused); }
    void carry_out(core::AppendToLog& output) {
        if (log_stopped_) return;  // as if the process had ended before: nobody is told of it
        storage_.log->append(output.zxid, std::move(output.txn));
        appended_ = true;
    }
    void carry_out(core::PutCheckpoint& output) {
        if (!storage_.checkpoint->put(std::move(output.images))) progress_.hold_back();
    }
    void carry_out(core::Event& output) { log_event(output); }

    [[nodiscard]] Result<void> check_directories() const;
    void report_sync_time() const;
    void start_ticking();
    void look_at_log();
    void warn_of_slow_syncs(const storage::Log::Figures& before, const storage::Log::Figures& now) const;
    void warn_of_checkpoint();
    void log_went_on(const storage::LogProgress& progress);
    void checkpoint_went_on(const storage::CheckpointProgress& progress);
    void tell_progress();
    std::string answer(ConnectionId connection, net::Word word, std::string_view argument);
    [[nodiscard]] ServerFigures figures() const;
    void drain();
    void close_once_drained();
    void finish();

    const Config config_;
    asio::io_context io_{1};
    std::optional<core::Core> core_;
    core::Outputs outputs_;
    bool batch_open_ = false;  // the core knows the time
    bool log_stopped_ = false;
    bool appended_ = false;  // something waits for the log to be flushed
    std::optional<net::ClientServer> server_;
    ProgressSignal<storage::LogProgress> log_signal_{io_, [this](const auto& progress) { log_went_on(progress); }};
    ProgressSignal<storage::CheckpointProgress> checkpoint_signal_{
        io_, [this](const auto& progress) { checkpoint_went_on(progress); }};
    StorageProgress progress_;
    bool out_of_space_ = false;
    storage::Storage storage_;  // below what its threads call
    asio::signal_set signals_{io_, SIGINT, SIGTERM};
    asio::steady_timer tick_timer_{io_};
    steady_clock::time_point drain_deadline_;
    bool draining_ = false;
    bool closing_ = false;
    storage::Log::Figures log_seen_;
    storage::CheckpointFigures checkpoint_seen_;
    int idle_ticks_ = 0;  // without anything logged
    std::uint64_t words_received_ = 0;
    std::uint64_t words_sent_ = 0;
    std::uint64_t trace_mask_ = kTraceMask;
};

// --- start -----------------------------------------------------------------------------------------------------------

Result<void> Runtime::Impl::listen() {
    raise_descriptor_limit();
    server_.emplace(io_, net_options(config_), *this);
    return server_->listen(config_.client_address, config_.client_port);
}

Result<void> Runtime::Impl::check_directories() const {
    if (config_.create_directories) return {};
    for (const auto& directory : {config_.data_dir, config_.log_dir}) {
        std::error_code error;
        if (std::filesystem::is_directory(directory, error)) continue;
        return failure(Errc::kIo,
                       directory.string() + ": is no directory, and datadir.autocreate=false forbids to make it");
    }
    return {};
}

Result<void> Runtime::Impl::recover() {
    if (auto usable = check_directories(); !usable) return usable;
    Restorer restorer;
    storage::Checkpoint* checkpoint = nullptr;
    std::uint64_t records = 0;
    const storage::StorageOptions options{.data_root = config_.data_dir,
                                          .log_root = config_.log_dir,
                                          .segment_bytes = config_.log_segment_bytes,
                                          .checkpoint = config_.checkpoint};
    auto state = restorer.visitor();
    state.on_progress = [](const storage::LoadProgress& progress) {
        spdlog::info("loading the checkpoint nodes={} of={}", progress.nodes, progress.nodes_in_all);
    };
    auto opened = storage::open_storage(
        options, {.state = std::move(state),
                  .on_state = [&](const auto& directory, const auto& summary, auto& into) -> Result<void> {
                      checkpoint = &into;
                      auto recovered = restorer.finish(summary);
                      if (!recovered) return std::unexpected(recovered.error());
                      core_.emplace(core_options(config_, directory), std::move(*recovered));
                      return {};
                  },
                  .on_record =
                      [&](storage::LogRecord record) {
                          core_->step(core::LogRecovered{record.zxid, std::move(record.txn)}, outputs_);
                          ++records;
                          // Folded as they come: a long log would leave more images than there is memory for.
                          std::erase_if(outputs_.items, [&](core::Output& output) {
                              auto* put = std::get_if<core::PutCheckpoint>(&output);
                              if (put) checkpoint->put(std::move(put->images));
                              return put != nullptr;
                          });
                      }});
    if (!opened) return std::unexpected(opened.error());
    storage_ = std::move(*opened);
    progress_ = {storage_.log_found.zxid_last, storage_.checkpoint_found.zxid};
    storage_.checkpoint->start([this](const auto& progress) {
        give_back_memory();  // of this thread's heap: a batch has just gone
        checkpoint_signal_.tell(progress);
    });
    storage_.log->start([this](const auto& progress) { log_signal_.tell(progress); });
    finish_batch();
    report_sync_time();
    const auto status = core_->status();
    spdlog::info("recovered zxid=0x{:x} nodes={} sessions={} log_records={} torn_bytes={}", status.zxid_applied.value,
                 status.nodes, status.sessions, records, storage_.log_found.torn_bytes);
    return {};
}

void Runtime::Impl::look_at_log() {
    constexpr int kIdleTicks = 10;
    const auto now = storage_.log->figures();
    const auto before = std::exchange(log_seen_, now);
    warn_of_slow_syncs(before, now);
    // What a burst of requests left free is given back once nothing has been logged, or checkpointed, for a while.
    idle_ticks_ = now.records == before.records ? idle_ticks_ + 1 : 0;
    if (idle_ticks_ == kIdleTicks) give_back_memory();
}

void Runtime::Impl::report_sync_time() const {
    const auto took = storage::probe_sync(storage::real_file_system(), storage_.directory->log_directory());
    if (!took) return spdlog::warn("the disk's sync was not measured: {}", took.error().where);
    if (*took >= storage::kSyncPlausibleMin) return;
    spdlog::warn(
        "a sync took {} us: too fast for a disk that keeps what it is told. What is acknowledged may not "
        "survive a power cut",
        took->count());
}

void Runtime::Impl::start_ticking() {
    tick_timer_.expires_after(std::clamp(config_.tick / 2, milliseconds{1}, kTickMax));
    tick_timer_.async_wait([this](const error_code& error) {
        if (error) return;
        tell_time();
        look_at_log();
        close_once_drained();
        start_ticking();
    });
}

void Runtime::Impl::warn_of_slow_syncs(const storage::Log::Figures& before, const storage::Log::Figures& now) const {
    const milliseconds running{now.sync_us_now / 1000};
    if (running >= config_.slow_sync && milliseconds{before.sync_us_now / 1000} < config_.slow_sync)
        spdlog::warn("slow disk: a sync of the log has not returned running_ms={}", running.count());
    if (now.syncs == before.syncs) return;
    const auto average_us = (now.sync_us_sum - before.sync_us_sum) / (now.syncs - before.syncs);
    const auto slowest_us = now.sync_us_max > before.sync_us_max ? now.sync_us_max : average_us;
    const milliseconds took{slowest_us / 1000};
    if (took < config_.slow_sync) return;
    spdlog::warn("slow disk: a sync of the log took_ms={} average_ms={} syncs={} since the last look", took.count(),
                 average_us / 1000, now.syncs - before.syncs);
}

void Runtime::Impl::warn_of_checkpoint() {
    constexpr std::uint64_t kReaderLagMax = 10;
    const auto now = storage_.checkpoint->figures();
    if (now.disk_short && !checkpoint_seen_.disk_short)
        spdlog::warn("the checkpoint's disk is nearly full size_bytes={}", now.size_bytes);
    if (now.reader_lag >= kReaderLagMax && checkpoint_seen_.reader_lag < kReaderLagMax)
        spdlog::warn("a reader keeps the checkpoint's file growing batches_behind={}", now.reader_lag);
    checkpoint_seen_ = now;
}

void Runtime::Impl::log_went_on(const storage::LogProgress& progress) {
    progress_.take(progress);
    tell_progress();
}

void Runtime::Impl::checkpoint_went_on(const storage::CheckpointProgress& progress) {
    const auto before = progress_.checkpoint().zxid_durable;
    progress_.take(progress);
    if (progress.zxid_durable != before) {
        storage_.log->discard_through(progress.zxid_durable);
        warn_of_checkpoint();
        idle_ticks_ = 0;  // its thread has just dropped what this one made
    }
    tell_progress();
}

void Runtime::Impl::tell_progress() {
    if (const bool full = progress_.out_of_space(); full != std::exchange(out_of_space_, full)) {
        full ? spdlog::error("disk full: writes are refused once the log has no room left room_bytes={}",
                             progress_.log().room_bytes)
             : spdlog::info("disk has space again");
    }
    if (const auto told = progress_.told()) {
        step(told->room);
        step(told->durable);
        finish_batch();
    }
    close_once_drained();
}

// --- the core --------------------------------------------------------------------------------------------------------

void Runtime::Impl::begin_batch() {
    if (std::exchange(batch_open_, true)) return;
    core_->step(core::TimeIs{{Instant{since_epoch<steady_clock>()}, wall_now()}}, outputs_);
}

void Runtime::Impl::step(const core::Input& input) {
    begin_batch();
    core_->step(input, outputs_);
    if (outputs_.bytes.size() > kBytesPerBatchMax) finish_batch();
}

void Runtime::Impl::finish_batch() {
    for (auto& output : outputs_.items) {
        std::visit([this](auto& one) { carry_out(one); }, output);
    }
    outputs_.clear();
    if (outputs_.bytes.capacity() > kBytesKeptMax) outputs_.bytes.shrink_to_fit();
    batch_open_ = false;
    if (!std::exchange(appended_, false)) return;
    const bool alone = core_->status().outstanding == 1;
    if (const auto progress = storage_.log->flush(alone)) log_went_on(*progress);
}

void Runtime::Impl::tell_time() {
    finish_batch();
    begin_batch();
    finish_batch();
}

void Runtime::Impl::carry_out(core::SendToClient& output) {
    server_->send(output.connection, std::string_view(outputs_.bytes).substr(output.begin, output.size));
}

void Runtime::Impl::on_open(ConnectionId connection, std::string_view address, std::uint16_t port) {
    step(core::ClientOpened{connection, address, port});
}

void Runtime::Impl::on_frame(ConnectionId connection, std::string_view frame) {
    step(core::ClientFrame{connection, frame});
}

void Runtime::Impl::on_closed(ConnectionId connection) { step(core::ClientClosed{connection}); }

// --- words -----------------------------------------------------------------------------------------------------------

std::optional<std::size_t> Runtime::Impl::word_argument_bytes(net::Word word) const {
    return server::word_argument_bytes(word);
}

void Runtime::Impl::on_word(ConnectionId connection, net::Word word, std::string_view argument) {
    ++words_received_;
    finish_batch();  // the answer tells of all that came before
    server_->send(connection,
                  word_enabled(word, config_.words) ? answer(connection, word, argument) : not_enabled_text(word));
    server_->close_after_send(connection);
    ++words_sent_;
}

std::string Runtime::Impl::answer(ConnectionId connection, net::Word word, std::string_view argument) {
    if (word == "ruok") return "imok";
    if (word == "isro") return "rw";
    if (word == "srvr") return srvr_text(core_->status(), figures());
    if (word == "stat") return stat_text(core_->status(), figures(), core_->connections(), connection);
    if (word == "mntr") return mntr_text(core_->status(), figures());
    if (word == "conf") return conf_text(config_, figures());
    if (word == "cons") return cons_text(core_->connections(), connection);
    if (word == "envi") return envi_text(environment());
    if (word == "dirs") return dirs_text(figures());
    if (word == "dump") return dump_text(core_->sessions(), core_->connections(), config_.first_frame_timeout);
    if (word == "wchs") return wchs_text(core_->watches());
    if (word == "wchc") return wchc_text(core_->watches());
    if (word == "wchp") return wchp_text(core_->watches());
    if (word == "hash") return hash_text(core_->digests());
    if (word == "gtmk") return fmt::format("{}", trace_mask_);
    if (word == "stmk") return fmt::format("{}", trace_mask_ = mask_of(argument));
    if (word == "crst") {
        step(core::ResetStatistics{.connections_only = true});
        return "Connection stats reset.\n";
    }
    step(core::ResetStatistics{});
    words_received_ = words_sent_ = 0;
    return "Server stats reset.\n";
}

ServerFigures Runtime::Impl::figures() const {
    ServerFigures figures;
    figures.words_received = words_received_;
    figures.words_sent = words_sent_;
    figures.connections_rejected = server_->rejected_count();
    figures.checkpoint_bytes = storage_.checkpoint->size_bytes();
    const auto log = storage_.log->figures();
    figures.log_bytes = log.size_bytes;
    figures.syncs = log.syncs;
    figures.sync_us_sum = log.sync_us_sum;
    figures.sync_us_max = log.sync_us_max;
    count_descriptors(figures);
    return figures;
}

// --- end -------------------------------------------------------------------------------------------------------------

void Runtime::Impl::run() {
    signals_.async_wait([this](const error_code& error, int signal) {
        if (error) return;
        spdlog::info("stopping signal={}", signal);
        drain();
    });
    start_ticking();
    io_.run();
    finish();
}

void Runtime::Impl::drain() {
    if (std::exchange(draining_, true)) return;
    drain_deadline_ = steady_clock::now() + kDrainMax;
    server_->stop_taking();
    close_once_drained();
}

void Runtime::Impl::close_once_drained() {
    if (!draining_ || closing_) return;
    if (core_->status().outstanding != 0 && steady_clock::now() < drain_deadline_) return;
    closing_ = true;
    server_->shut_down([this] { io_.stop(); });
}

void Runtime::Impl::finish() {
    storage_.log->stop();
    log_stopped_ = true;
    progress_.let_go();
    log_signal_.deliver();
    tell_time();
    storage_.checkpoint->stop();
    spdlog::info("stopped zxid=0x{:x}", core_->status().zxid_applied.value);
}

Runtime::Runtime(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Runtime::~Runtime() = default;

Result<std::unique_ptr<Runtime>> Runtime::open(const Config& config) {
    for (const auto& warning : config.warnings) spdlog::warn("{}", warning);
    auto impl = std::make_unique<Impl>(config);
    if (auto recovered = impl->recover(); !recovered) return std::unexpected(recovered.error());
    return std::unique_ptr<Runtime>(new Runtime(std::move(impl)));
}

Result<void> Runtime::listen() { return impl_->listen(); }

std::uint16_t Runtime::port() const { return impl_->port(); }
void Runtime::run() { impl_->run(); }
void Runtime::stop() { impl_->stop(); }

}  // namespace zabd::server
