#include "net/listener.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <catch2/catch.hpp>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <vector>

using namespace zabd;
using namespace zabd::net;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

/// The process may open no descriptor more while this lives.
class NoDescriptors {
public:
    NoDescriptors() {
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
        const int lowest_free = ::dup(0);
        REQUIRE(lowest_free >= 0);
        ::close(lowest_free);
        auto lowered = before_;
        lowered.rlim_cur = static_cast<rlim_t>(lowest_free);
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &lowered) == 0);
    }
    ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
    NoDescriptors(const NoDescriptors&) = delete;
    NoDescriptors& operator=(const NoDescriptors&) = delete;

private:
    rlimit before_{};
};

bool run_until(asio::io_context& io, const std::function<bool()>& holds) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (!holds() && std::chrono::steady_clock::now() < deadline) {
        io.restart();
        io.run_one_for(20ms);
    }
    return holds();
}

}  // namespace

TEST_CASE("a listener hands over descriptors with the peer's address", "[net][listener]") {
    asio::io_context io{1};
    std::vector<Accepted> accepted;
    auto listener = Listener::open(io, "localhost", 0, 16, [&](Accepted one) { accepted.push_back(std::move(one)); });
    REQUIRE(listener);
    asio::io_context clients;
    tcp::socket client{clients};
    tcp::resolver resolver{clients};
    client.connect(*resolver.resolve("localhost", std::to_string((*listener)->port())).begin());
    REQUIRE(run_until(io, [&] { return accepted.size() == 1; }));
    CHECK(accepted[0].port == client.local_endpoint().port());
    CHECK(accepted[0].address == client.local_endpoint().address().to_string());
    CHECK(accepted[0].ipv6 == client.local_endpoint().address().is_v6());
    ::close(accepted[0].descriptor);
}

TEST_CASE("without descriptors waiting connections are closed, and accepting goes on later", "[net][listener]") {
    asio::io_context io{1};
    std::vector<Accepted> accepted;
    auto listener = Listener::open(io, "127.0.0.1", 0, 16, [&](Accepted one) { accepted.push_back(std::move(one)); });
    REQUIRE(listener);
    const tcp::endpoint endpoint{asio::ip::make_address("127.0.0.1"), (*listener)->port()};
    asio::io_context clients;
    tcp::socket shed{clients, tcp::v4()};
    tcp::socket patient{clients, tcp::v4()};
    shed.non_blocking(true);
    {
        const NoDescriptors none;
        boost::system::error_code ignored;
        shed.connect(endpoint, ignored);
        boost::system::error_code read;
        char byte = 0;
        REQUIRE(run_until(io, [&] {
            shed.read_some(asio::buffer(&byte, 1), read);
            return read == asio::error::eof || read == asio::error::connection_reset;
        }));
        CHECK(accepted.empty());
    }
    patient.connect(endpoint);
    REQUIRE(run_until(io, [&] { return accepted.size() == 1; }));
    ::close(accepted[0].descriptor);
}
