#include "server/runtime.hpp"

#include "net/connection.hpp"
#include "server/core_feed.hpp"
#include "server/core_options.hpp"
#include "server/peer_shell.hpp"
#include "server/printable.hpp"
#include "server/process.hpp"
#include "server/stage_sampler.hpp"
#include "server/storage_shell.hpp"
#include "server/words.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <csignal>
#include <deque>
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
constexpr milliseconds kMemberDrainMax{1'000};      // the others go on without it
constexpr std::size_t kBytesPerBatchMax = 1 << 20;  // of replies, before they are handed on within a turn
constexpr std::size_t kBytesKeptMax = 4 << 20;      // of their buffer, between batches
constexpr unsigned kSlowRequestsPerSecond = 10;     // are named in the log
constexpr std::uint64_t kTraceMask = 306;           // ZooKeeper's default; zabd traces nothing

template <class Clock>
milliseconds since_epoch() {
    return std::chrono::duration_cast<milliseconds>(Clock::now().time_since_epoch());
}

WallTime wall_now() { return WallTime{since_epoch<system_clock>().count()}; }

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
        case kSlowRequest:
            return spdlog::warn("slow request session=0x{:x} zxid={} {}", session, zxid, printable(event.detail));
        case kRole:
        case kPeer: return spdlog::info("{}", printable(event.detail));
    }
}

}  // namespace

/// Lets so many through in a second: a disk that hangs makes every request slow.
class RateLimit {
public:
    explicit RateLimit(unsigned per_second) : per_second_(per_second) {}
    [[nodiscard]] bool lets_through(steady_clock::time_point now) {
        if (now - since_ >= std::chrono::seconds{1}) since_ = now, count_ = 0;
        return count_++ < per_second_;
    }

private:
    unsigned per_second_;
    unsigned count_ = 0;
    steady_clock::time_point since_{};
};

/// What was asked at the desk and is not answered. From any thread.
class Questions {
public:
    /// False: it is too late.
    bool add(Desk::Question question) {
        const std::lock_guard lock(mutex_);
        if (!closed_) waiting_.push_back(std::move(question));
        return !closed_;
    }
    std::optional<Desk::Question> take() {
        const std::lock_guard lock(mutex_);
        if (waiting_.empty()) return std::nullopt;
        auto question = std::move(waiting_.front());
        waiting_.pop_front();
        return question;
    }
    void close() {
        std::deque<Desk::Question> dropped;
        const std::lock_guard lock(mutex_);
        closed_ = true;
        dropped.swap(waiting_);
    }

private:
    std::mutex mutex_;
    bool closed_ = false;
    std::deque<Desk::Question> waiting_;
};

class Runtime::Impl final : public net::ConnectionEvents, public CoreFeed, public Desk {
public:
    explicit Impl(const Config& config) : config_(config) {}

    Result<void> recover();
    Result<void> listen();
    void run();
    void stop() {
        asio::post(io_, [this] { drain(); });
    }
    [[nodiscard]] std::uint16_t port() const { return server_->port(); }
    void tell(Witness& witness) { witness_ = &witness; }

    // Desk
    void ask(Question question) override {
        if (questions_.add(std::move(question))) asio::post(io_, [this] { answer_one(); });
    }

private:
    class Looking final : public Inside {
    public:
        explicit Looking(Impl& impl) : impl_(impl) {}
        [[nodiscard]] const core::Core& core() const override { return *impl_.core_; }
        [[nodiscard]] ServerFigures figures() const override { return impl_.figures(); }
        void give(const core::Input& input) override {
            impl_.give(input);
            impl_.settle();
        }
        void reset_statistics(bool connections_only) override {
            impl_.reset_statistics(connections_only);
            impl_.settle();
        }

    private:
        Impl& impl_;
    };

    // net::ConnectionEvents
    void on_open(ConnectionId connection, std::string_view address, std::uint16_t port) override;
    void on_frame(ConnectionId connection, std::string_view frame) override;
    void on_word(ConnectionId connection, net::Word word, std::string_view argument) override;
    void on_closed(ConnectionId connection) override;
    [[nodiscard]] std::optional<std::size_t> word_argument_bytes(net::Word word) const override;
    void on_turn_end() override { settle(); }

    // CoreFeed: inputs in batches, each begun with the time; outputs carried out when a batch is over.
    void give(const core::Input& input) override;
    void settle() override;
    [[nodiscard]] Zxid log_needed() const override { return core_->log_needed(); }

    void begin_batch();
    void carry_out_batch();
    void send_now();
    void tell_time();
    template <class Output>
    void carry_out(Output& output);
    void carry_out(core::SendToClient& output) { server_->send(output.connection, bytes_of(output)); }
    void carry_out(core::CloseClient& output) { server_->close_after_send(output.connection); }
    void carry_out(core::PauseClient& output) { server_->set_reading(output.connection, !output.paused); }
    void carry_out(core::SendToPeer& output) { peers_->send(output.link, bytes_of(output)); }
    void carry_out(core::SendElection& output) { peers_->send_election(output.to, bytes_of(output)); }
    void carry_out(core::AppendToLog& output);
    void carry_out(core::Event& output);
    void carry_out(core::Audited& output) {
        if (witness_) witness_->on_audited(std::move(output));
    }
    [[nodiscard]] std::string_view bytes_of(const auto& range) const {
        return std::string_view(outputs_.bytes).substr(range.begin, range.size);
    }

    void answer_one();
    void start_ticking();
    std::string answer(ConnectionId connection, net::Word word, std::string_view argument);
    void reset_statistics(bool connections_only);
    [[nodiscard]] ServerFigures figures() const;
    [[nodiscard]] ServerFigures figures_with_descriptors() const;
    void drain();
    void close_once_drained();
    void finish();

    const Config config_;
    asio::io_context io_{1};
    std::optional<core::Core> core_;
    core::Outputs outputs_;
    bool batch_open_ = false;  // the core knows the time
    Looking inside_{*this};
    Questions questions_;
    Witness* witness_ = nullptr;
    StageSampler stages_;
    RateLimit slow_requests_{kSlowRequestsPerSecond};
    std::optional<net::ClientServer> server_;
    StorageShell storage_{io_, config_, *this};
    std::optional<PeerShell> peers_;  // of a member
    asio::signal_set signals_{io_, SIGINT, SIGTERM};
    asio::steady_timer tick_timer_{io_};
    steady_clock::time_point drain_deadline_;
    bool draining_ = false;
    bool closing_ = false;
    std::uint64_t words_received_ = 0;
    std::uint64_t words_sent_ = 0;
    std::uint64_t trace_mask_ = kTraceMask;
    ProposalSizes proposals_;  // since we have the part that we have
    steady_clock::time_point part_since_ = steady_clock::now();
};

// --- start -----------------------------------------------------------------------------------------------------------

Result<void> Runtime::Impl::listen() {
    raise_descriptor_limit();
    server_.emplace(io_, net_options(config_), *this);
    if (auto listening = server_->listen(config_.client_address, config_.client_port); !listening) return listening;
    return peers_ ? peers_->listen() : Result<void>();
}

Result<void> Runtime::Impl::recover() {
    std::uint64_t records = 0;
    const auto on_record = [&](core::LogRecovered record) {
        core_->step(record, outputs_);
        ++records;
        // Folded as they come: a long log would leave more images than there is memory for.
        std::erase_if(outputs_.items, [&](core::Output& output) {
            auto* put = std::get_if<core::PutCheckpoint>(&output);
            if (put) storage_.carry_out(*put);
            return put != nullptr;
        });
    };
    const auto on_state = [&](core::Recovered recovered) {
        outputs_.clear();
        records = 0;
        core_.emplace(core_options(config_, wall_now()), std::move(recovered));
    };
    if (auto opened = storage_.open({.on_state = on_state, .on_record = on_record}); !opened) return opened;
    if (config_.ensemble) peers_.emplace(io_, *config_.ensemble, *this, storage_);
    storage_.start();
    const auto status = core_->status();
    spdlog::info("recovered zxid=0x{:x} nodes={} sessions={} log_records={} torn_bytes={}", status.zxid_proposed.value,
                 status.nodes, status.sessions, records, storage_.torn_bytes());
    return {};
}

void Runtime::Impl::start_ticking() {
    tick_timer_.expires_after(std::clamp(config_.tick / 2, milliseconds{1}, kTickMax));
    tick_timer_.async_wait([this](const error_code& error) {
        if (error) return;
        tell_time();
        storage_.look();
        start_ticking();
    });
}

// --- the core --------------------------------------------------------------------------------------------------------

void Runtime::Impl::begin_batch() {
    if (std::exchange(batch_open_, true)) return;
    stages_.turn_began();
    core_->step(core::TimeIs{{Instant{since_epoch<steady_clock>()}, wall_now()}}, outputs_);
}

void Runtime::Impl::give(const core::Input& input) {
    begin_batch();
    if (stages_.following()) {
        stages_.before_step(input);
        core_->step(input, outputs_);
        stages_.after_step(core_->zxid_applied());
    } else {
        core_->step(input, outputs_);
    }
    if (outputs_.bytes.size() > kBytesPerBatchMax) carry_out_batch();
}

void Runtime::Impl::settle() {
    carry_out_batch();
    const bool lone = core_->outstanding() <= 1;
    // A member never waits for its disk: it has peers to hear and to be heard by (hazard S-29).
    if (storage_.wants_flush()) storage_.flush(lone && !peers_);
    if (lone) send_now();
    if (stages_.following())
        if (const auto times = stages_.carried_out(); times && witness_) witness_->on_stages(*times);
}

void Runtime::Impl::carry_out_batch() {
    for (auto& output : outputs_.items) {
        std::visit([this](auto& one) { carry_out(one); }, output);
    }
    outputs_.clear();
    if (outputs_.bytes.capacity() > kBytesKeptMax) outputs_.bytes.shrink_to_fit();
    batch_open_ = false;
    if (draining_) asio::post(io_, [this] { close_once_drained(); });
}

/// With hardly anything asked there is nothing to collect. Clients come first: what wakes a peer may cost us the processor.
void Runtime::Impl::send_now() {
    server_->flush();
    if (peers_) peers_->flush();
}

void Runtime::Impl::tell_time() {
    settle();
    begin_batch();
    settle();
}

void Runtime::Impl::carry_out(core::AppendToLog& output) {
    proposals_.add(static_cast<std::int64_t>(output.txn.size()));
    storage_.carry_out(output);
}

void Runtime::Impl::carry_out(core::Event& output) {
    using enum core::Event::Kind;
    if (output.kind != kSlowRequest || slow_requests_.lets_through(steady_clock::now())) log_event(output);
    if (witness_) witness_->on_event(output, wall_now());
    if (output.kind != kRole) return;
    stages_.forget();
    proposals_ = {};
    part_since_ = steady_clock::now();
}

/// What the other shells do.
template <class Output>
void Runtime::Impl::carry_out(Output& output) {
    if constexpr (requires { storage_.carry_out(output); }) {
        storage_.carry_out(output);
    } else {
        peers_->carry_out(output);
    }
}

void Runtime::Impl::answer_one() {
    auto question = questions_.take();
    if (!question) return;
    carry_out_batch();  // the answer tells of all that came before
    (*question)(inside_);
}

void Runtime::Impl::on_open(ConnectionId connection, std::string_view address, std::uint16_t port) {
    give(core::ClientOpened{connection, address, port});
}

void Runtime::Impl::on_frame(ConnectionId connection, std::string_view frame) {
    if (!stages_.due()) return give(core::ClientFrame{connection, frame});
    begin_batch();
    const auto first = outputs_.items.size();
    stages_.begin();
    core_->step(core::ClientFrame{connection, frame}, outputs_);
    stages_.prepared(outputs_, first);
    if (outputs_.bytes.size() > kBytesPerBatchMax) carry_out_batch();
}

void Runtime::Impl::on_closed(ConnectionId connection) { give(core::ClientClosed{connection}); }

// --- words -----------------------------------------------------------------------------------------------------------

std::optional<std::size_t> Runtime::Impl::word_argument_bytes(net::Word word) const {
    return server::word_argument_bytes(word);
}

void Runtime::Impl::on_word(ConnectionId connection, net::Word word, std::string_view argument) {
    ++words_received_;
    carry_out_batch();  // the answer tells of all that came before
    server_->send(connection, answer(connection, word, argument));
    server_->close_after_send(connection);
    ++words_sent_;
}

std::string Runtime::Impl::answer(ConnectionId connection, net::Word word, std::string_view argument) {
    if (!word_enabled(word, config_.words)) return not_enabled_text(word);
    if (!word_answerable(word, core_->status())) return not_serving_text();
    if (word == "ruok") return "imok";
    if (word == "isro") return isro_text(core_->status());
    const auto voters = config_.ensemble ? config_.ensemble->membership.voters().size() : 1;
    if (word == "srvr") return srvr_text(core_->status(), figures());
    if (word == "stat") return stat_text(core_->status(), figures(), core_->connections(), connection);
    if (word == "mntr") return mntr_text(core_->status(), figures_with_descriptors(), voters);
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
    const bool connections_only = word == "crst";
    reset_statistics(connections_only);
    return connections_only ? "Connection stats reset.\n" : "Server stats reset.\n";
}

void Runtime::Impl::reset_statistics(bool connections_only) {
    give(core::ResetStatistics{connections_only});
    if (connections_only) return;
    words_received_ = words_sent_ = 0;
    proposals_ = {};
}

ServerFigures Runtime::Impl::figures() const {
    ServerFigures figures;
    figures.words_received = words_received_;
    figures.words_sent = words_sent_;
    figures.connections_rejected = server_->rejected_count();
    figures.proposals = proposals_;
    figures.part_held = std::chrono::duration_cast<milliseconds>(steady_clock::now() - part_since_);
    storage_.count(figures);
    return figures;
}

ServerFigures Runtime::Impl::figures_with_descriptors() const {
    auto all = figures();
    count_descriptors(all);
    return all;
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
    drain_deadline_ = steady_clock::now() + (config_.ensemble ? kMemberDrainMax : kDrainMax);
    server_->stop_taking();
    close_once_drained();
}

void Runtime::Impl::close_once_drained() {
    if (!draining_ || closing_) return;
    const auto status = core_->status();
    const bool waits = status.serving && status.outstanding != 0;
    if (waits && steady_clock::now() < drain_deadline_) return;
    closing_ = true;
    if (peers_) peers_->stop();  // the others see it at once, and elect
    server_->shut_down([this] { io_.stop(); });
}

void Runtime::Impl::finish() {
    storage_.stop_log();
    tell_time();
    storage_.stop_checkpoint();
    questions_.close();
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

Desk& Runtime::desk() { return *impl_; }
void Runtime::tell(Witness& witness) { impl_->tell(witness); }
std::uint16_t Runtime::port() const { return impl_->port(); }
void Runtime::run() { impl_->run(); }
void Runtime::stop() { impl_->stop(); }

}  // namespace zabd::server
