#include "server/admin/members.hpp"

#include "server/printable.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <system_error>
#include <utility>

namespace zabd::server::admin {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr auto as_value = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kVersionBytesMax = 80;

template <class Number>
std::optional<Number> parse_number(std::string_view text, int base) {
    Number value{};
    const auto* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value, base);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return value;
}

/// "0/0.4/12": the second one.
std::optional<double> parse_average(std::string_view text) {
    const auto first = text.find('/');
    if (first == std::string_view::npos) return std::nullopt;
    const auto second = text.find('/', first + 1);
    if (second == std::string_view::npos) return std::nullopt;
    const auto average = text.substr(first + 1, second - first - 1);
    double value = 0;
    const auto* const end = average.data() + average.size();
    const auto [stop, error] = std::from_chars(average.data(), end, value, std::chars_format::fixed);
    if (error != std::errc{} || stop != end || !std::isfinite(value) || value < 0) return std::nullopt;
    return value;
}

std::optional<std::string_view> value_of(std::string_view line, std::string_view name) {
    if (!line.starts_with(name) || !line.substr(name.size()).starts_with(": ")) return std::nullopt;
    line.remove_prefix(name.size() + 2);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

void take_line(std::string_view line, MemberAnswer& answer) {
    if (const auto version = value_of(line, "Zookeeper version")) {
        answer.version = printable(version->substr(0, version->find(',')).substr(0, kVersionBytesMax));
    } else if (const auto latency = value_of(line, "Latency min/avg/max")) {
        answer.latency_avg_ms = parse_average(*latency);
    } else if (const auto connections = value_of(line, "Connections")) {
        answer.connections = parse_number<std::uint64_t>(*connections, 10);
    } else if (const auto outstanding = value_of(line, "Outstanding")) {
        answer.outstanding = parse_number<std::uint64_t>(*outstanding, 10);
    } else if (const auto zxid = value_of(line, "Zxid"); zxid && zxid->starts_with("0x")) {
        if (const auto value = parse_number<std::uint64_t>(zxid->substr(2), 16)) answer.zxid = Zxid{*value};
    } else if (const auto mode = value_of(line, "Mode")) {
        constexpr std::array<std::string_view, 5> kModes{"leader", "follower", "observer", "standalone", "read-only"};
        if (std::ranges::find(kModes, *mode) != kModes.end()) answer.role = *mode;
    }
}

}  // namespace

std::optional<MemberAnswer> parse_srvr(std::string_view text) {
    MemberAnswer answer;
    if (text.starts_with("This ZooKeeper instance is not currently serving requests")) {
        answer.role = "looking";
        return answer;
    }
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        take_line(text.substr(0, end), answer);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    if (answer.role.empty()) return std::nullopt;
    return answer;
}

Endpoint client_endpoint(const EnsembleServer& member, std::uint16_t own_client_port) {
    if (!member.client) return {member.host, own_client_port};
    const auto& host = member.client->host;
    const bool any = host.empty() || host == "0.0.0.0" || host == "::";
    return {any ? member.host : host, member.client->port};
}

// --- asking ----------------------------------------------------------------------------------------------------------

namespace {

/// One question at one member. Ends by itself, at the latest when it is cancelled.
struct Question {
    Question(asio::io_context& io, Endpoint at) : endpoint(std::move(at)), resolver(io), socket(io), deadline(io) {}

    asio::awaitable<std::optional<MemberAnswer>> ask() {
        const auto service = std::to_string(endpoint.port);
        const auto [unknown, found] = co_await resolver.async_resolve(endpoint.host, service, as_value);
        if (unknown || over) co_return std::nullopt;
        const auto [unreachable, at] = co_await asio::async_connect(socket, found, as_value);
        if (unreachable || over) co_return std::nullopt;
        const auto [unsent, sent] = co_await asio::async_write(socket, asio::buffer("srvr", 4), as_value);
        if (unsent || over) co_return std::nullopt;
        std::string text(Members::kAnswerBytesMax, '\0');
        const auto [ended, size] = co_await asio::async_read(socket, asio::buffer(text), as_value);
        if ((ended && ended != asio::error::eof) || over) co_return std::nullopt;
        text.resize(size);
        co_return parse_srvr(text);
    }
    void cancel() {
        over = true;
        boost::system::error_code ignored;
        resolver.cancel();
        socket.close(ignored);
    }

    Endpoint endpoint;
    tcp::resolver resolver;
    tcp::socket socket;
    asio::steady_timer deadline;
    bool over = false;
    bool answered = false;
};

}  // namespace

struct Members::Impl : std::enable_shared_from_this<Members::Impl> {
    Impl(asio::io_context& context, std::map<ServerId, Endpoint> members)
        : io(context), others(std::move(members)), done(context, Clock::time_point::max()) {}

    /// A look-up of a name cannot be interrupted: the deadline does not wait for it.
    asio::awaitable<void> ask_one(ServerId server, std::shared_ptr<Question> question) {
        question->deadline.expires_after(kAnswerTimeout);
        question->deadline.async_wait(
            [self = shared_from_this(), server, question](const boost::system::error_code& error) {
                if (error) return;
                question->cancel();
                self->take(server, *question, std::nullopt);
            });
        auto answer = co_await question->ask();
        question->deadline.cancel();
        boost::system::error_code ignored;
        question->socket.close(ignored);
        take(server, *question, std::move(answer));
    }

    void take(ServerId server, Question& question, std::optional<MemberAnswer> answer) {
        if (std::exchange(question.answered, true)) return;
        reports[server] = {Clock::now(), std::move(answer)};
        if (--asked == 0) done.cancel();
    }

    void ask_all() {
        asked = others.size();
        asked_at = Clock::now();
        for (const auto& [server, at] : others) {
            auto asking = [](std::shared_ptr<Impl> self, ServerId whom,
                             std::shared_ptr<Question> question) -> asio::awaitable<void> {
                co_await self->ask_one(whom, std::move(question));
            };
            asio::co_spawn(io, asking(shared_from_this(), server, std::make_shared<Question>(io, at)), asio::detached);
        }
    }

    asio::io_context& io;
    std::map<ServerId, Endpoint> others;
    std::map<ServerId, MemberReport> reports;
    std::size_t asked = 0;  // and not answered
    std::optional<Clock::time_point> asked_at;
    asio::steady_timer done;
};

Members::Members(asio::io_context& io, std::map<ServerId, Endpoint> others)
    : impl_(std::make_shared<Impl>(io, std::move(others))) {}
Members::~Members() = default;

asio::awaitable<std::map<ServerId, MemberReport>> Members::reports() {
    const auto impl = impl_;
    const auto age = impl->asked_at ? Clock::now() - *impl->asked_at : Clock::duration::max();
    if (impl->asked == 0 && age >= kAgeMax && !impl->others.empty()) impl->ask_all();
    const bool old = impl->reports.size() < impl->others.size() || age >= kAgeWaited;
    while (old && impl->asked != 0) co_await impl->done.async_wait(as_value);
    co_return impl->reports;
}

// --- lag -------------------------------------------------------------------------------------------------------------

void ProposalTimes::note(Clock::time_point now, Zxid proposed) {
    // Another leader's history may be shorter than ours was.
    if (!times_.empty() && proposed < times_.back().proposed) times_.clear();
    if (!times_.empty() && proposed == times_.back().proposed) return;
    times_.push_back({now, proposed});
    if (times_.size() > kTimesMax) times_.pop_front();
}

std::chrono::milliseconds ProposalTimes::lag(Clock::time_point now, Zxid acked) const {
    const auto behind = std::ranges::upper_bound(times_, acked, {}, &Time::proposed);
    if (behind == times_.end()) return std::chrono::milliseconds(0);
    return std::chrono::duration_cast<std::chrono::milliseconds>(now - behind->seen);
}

}  // namespace zabd::server::admin
