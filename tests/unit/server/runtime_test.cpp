#include "server/runtime.hpp"

#include "tests/unit/storage/temporary_directory.hpp"
#include "wire/connect.hpp"
#include "wire/requests.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>
#include <spdlog/spdlog.h>

#include <map>
#include <optional>
#include <thread>

using namespace zabd;
using namespace zabd::server;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

/// A server in a thread of its own.
class Running {
public:
    explicit Running(const Config& config) {
        spdlog::set_level(spdlog::level::off);
        auto opened = Runtime::open(config);
        REQUIRE(opened);
        runtime_ = std::move(*opened);
        REQUIRE(runtime_->listen());
        port_ = runtime_->port();
        thread_ = std::thread([this] { runtime_->run(); });
    }
    ~Running() { stop(); }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

    void stop() {
        if (!thread_.joinable()) return;
        runtime_->stop();
        thread_.join();
        runtime_.reset();
    }
    [[nodiscard]] std::uint16_t port() const { return port_; }

private:
    std::unique_ptr<Runtime> runtime_;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

Config config_in(const storage::TemporaryDirectory& directory) {
    Config config;
    config.client_port = 0;
    config.data_dir = config.log_dir = directory.path() / "data";
    config.words = {"*"};
    return config;
}

std::string framed(std::string_view body) {
    std::string frame;
    wire::Encoder(frame).put_counted(body);
    return frame;
}

/// A blocking client.
class Client {
public:
    explicit Client(std::uint16_t port) : socket_(io_) { socket_.connect({asio::ip::make_address("127.0.0.1"), port}); }
    void write(std::string_view bytes) { asio::write(socket_, asio::buffer(bytes.data(), bytes.size())); }
    std::string read_frame() {
        char prefix[4];
        asio::read(socket_, asio::buffer(prefix));
        std::string body(static_cast<std::size_t>(wire::Decoder({prefix, 4}).get_int()), '\0');
        asio::read(socket_, asio::buffer(body));
        return body;
    }
    std::string read_to_end() {
        std::string text;
        boost::system::error_code error;
        asio::read(socket_, asio::dynamic_buffer(text), error);
        return text;
    }
    wire::ConnectReply open_session() {
        std::string request;
        wire::Encoder encoder{request};
        wire::ConnectRequest asked;
        asked.timeout_ms = 10'000;
        asked.password = std::string_view();
        wire::encode(encoder, asked);
        write(framed(request));
        const auto reply = wire::decode_connect_reply(read_frame());
        REQUIRE(reply);
        return *reply;
    }
    template <class Request>
    void send(Xid xid, wire::OpCode op, const Request& request) {
        write(framed(wire::encoded(wire::RequestHeader{xid, op}) + wire::encoded(request)));
    }
    wire::ReplyHeader read_reply() {
        const auto header = wire::decoded<wire::ReplyHeader>(read_frame());
        REQUIRE(header);
        return *header;
    }

private:
    asio::io_context io_;
    tcp::socket socket_;
};

std::string answer_to(std::string_view word, std::uint16_t port) {
    Client client{port};
    client.write(word);
    return client.read_to_end();
}

wire::CreateRequest create(std::string_view path) {
    return {.path = path, .data = "x", .acl = wire::AclList{{wire::kAllPermissions, {"world", "anyone"}}}};
}

}  // namespace

TEST_CASE("what was acknowledged is there after a restart", "[server][runtime]") {
    const storage::TemporaryDirectory directory;
    {
        Running server{config_in(directory)};
        Client client{server.port()};
        client.open_session();
        client.send(1, wire::OpCode::kCreate, create("/a"));
        const auto reply = client.read_reply();
        CHECK(reply.xid == 1);
        CHECK(reply.error == wire::ErrorCode::kOk);
    }
    Running server{config_in(directory)};
    Client client{server.port()};
    client.open_session();
    client.send(1, wire::OpCode::kExists, wire::ReadRequest{.path = "/a", .watch = false});
    CHECK(client.read_reply().error == wire::ErrorCode::kOk);
}

TEST_CASE("what was taken before the end is answered before the close", "[server][runtime]") {
    const storage::TemporaryDirectory directory;
    Running server{config_in(directory)};
    Client client{server.port()};
    client.open_session();
    for (Xid xid = 1; xid <= 50; ++xid) client.send(xid, wire::OpCode::kCreate, create("/n" + std::to_string(xid)));
    REQUIRE(client.read_reply().xid == 1);
    server.stop();
    // All of one write to the socket were taken together, or none of those that followed.
    Xid last = 1;
    std::string rest = client.read_to_end();
    wire::Decoder in{rest};
    while (const auto frame = in.get_counted()) {
        const auto header = wire::decoded<wire::ReplyHeader>(*frame);
        REQUIRE(header);
        CHECK(header->xid == ++last);
        CHECK(header->error == wire::ErrorCode::kOk);
    }
    CHECK(in.rest().empty());
}

TEST_CASE("words are answered as the list allows", "[server][runtime]") {
    const storage::TemporaryDirectory directory;
    auto config = config_in(directory);
    config.words = {"srvr", "ruok", "stmk", "gtmk", "srst", "mntr"};
    Running server{config};
    CHECK(answer_to("ruok", server.port()) == "imok");
    CHECK(answer_to("srvr\n", server.port()).starts_with("Zookeeper version: 3.9.5-zabd-"));
    CHECK(answer_to("isro", server.port()) == "isro is not executed because it is not in the whitelist.\n");
    CHECK(answer_to("gtmk", server.port()) == "306");
    CHECK(answer_to(std::string("stmk\0\0\0\0\0\0\1\2", 12), server.port()) == "258");
    CHECK(answer_to("gtmk", server.port()) == "258");
    CHECK(answer_to("srst", server.port()) == "Server stats reset.\n");
    CHECK(answer_to("mntr", server.port()).find("zk_packets_received\t1\n") != std::string::npos);
    CHECK(answer_to("RUOK", server.port()).empty());
}

TEST_CASE("every word has an answer of its own", "[server][runtime]") {
    const storage::TemporaryDirectory directory;
    Running server{config_in(directory)};
    std::map<std::string, std::string> starts{{"conf", "clientPort="},
                                              {"cons", " /127.0.0.1:"},
                                              {"dirs", "datadir_size: "},
                                              {"dump", "SessionTracker dump:\n"},
                                              {"envi", "Environment:\n"},
                                              {"isro", "rw"},
                                              {"stat", "Zookeeper version: "},
                                              {"wchs", "0 connections watching 0 paths\n"},
                                              {"wchc", "\n"},
                                              {"wchp", "\n"},
                                              {"crst", "Connection stats reset.\n"}};
    for (const auto& [word, start] : starts) {
        CAPTURE(word);
        CHECK(answer_to(word, server.port()).starts_with(start));
    }
    CHECK(answer_to("hash", server.port()).empty());
}

TEST_CASE("a data directory serves one at a time", "[server][runtime]") {
    const storage::TemporaryDirectory directory;
    Running server{config_in(directory)};
    const auto second = Runtime::open(config_in(directory));
    REQUIRE_FALSE(second);
    CHECK(second.error().code == Errc::kInUse);
}

TEST_CASE("a port that is taken is told, and the data directory released", "[server][runtime]") {
    const storage::TemporaryDirectory first, second;
    Running server{config_in(first)};
    auto config = config_in(second);
    config.client_port = server.port();
    {
        auto runtime = Runtime::open(config);
        REQUIRE(runtime);
        const auto listening = (*runtime)->listen();
        REQUIRE_FALSE(listening);
        CHECK(listening.error().code == Errc::kIo);
    }
    CHECK(Runtime::open(config));
}

TEST_CASE("a missing directory is not made if that is forbidden", "[server][runtime]") {
    const storage::TemporaryDirectory directory;
    auto config = config_in(directory);
    config.create_directories = false;
    const auto runtime = Runtime::open(config);
    REQUIRE_FALSE(runtime);
    CHECK(runtime.error().where ==
          config.data_dir.string() + ": is no directory, and datadir.autocreate=false forbids to make it");
    CHECK_FALSE(std::filesystem::exists(config.data_dir));
}
