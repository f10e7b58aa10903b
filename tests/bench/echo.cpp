// zabd-bench-echo: the ceiling of what one thread can answer. It takes handshakes and answers each frame behind them
// with a frame of the size of a getData reply. No tree, no log, no session.
#include "tests/bench/failure.hpp"
#include "tests/bench/session.hpp"
#include "wire/connect.hpp"

#include <CLI/CLI.hpp>
#include <sys/socket.h>

#include <iostream>
#include <map>
#include <utility>

namespace zabd::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kListener = 0;
constexpr std::size_t kRequestBytesMax = 1 << 20;

/// All that is ever answered, made once.
struct Frames {
    explicit Frames(std::size_t data_bytes) {
        const std::string data(data_bytes, 'x');
        std::string record;
        wire::Encoder encoder(record);
        wire::encode(encoder, wire::ConnectReply{.timeout_ms = 40000, .session = SessionId{1}, .read_only = false});
        wire::Encoder(greeting).put_counted(record);
        record = wire::encoded(wire::ReplyHeader{}) + wire::encoded(wire::DataReply{.data = data, .stat = {}});
        wire::Encoder(reply).put_counted(record);
    }
    std::string greeting;
    std::string reply;  // its xid is to be replaced
};

class EchoServer {
public:
    EchoServer(std::uint16_t port, std::size_t data_bytes)
        : listener_(listen_on(address_of("127.0.0.1", port))), buffer_(kReadBytes), kept_(data_bytes) {
        set_non_blocking(listener_);
        poller_.add(listener_.get(), kListener);
    }

    [[noreturn]] void run() {
        for (;;)
            for (const auto number : poller_.wait(1s)) number == kListener ? accept() : serve(number);
    }

private:
    struct Client {
        explicit Client(Descriptor socket) : stream(std::move(socket)) {}
        Stream stream;
        wire::FrameSplitter splitter{kRequestBytesMax};
        bool greeted = false;
        bool blocked = false;  // waits for its socket to take more
    };

    void accept() {
        Descriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (socket.get() < 0) return;
        const auto number = number_next_++;
        poller_.add(socket.get(), number);
        clients_.emplace(number, Client(std::move(socket)));
    }

    void serve(std::size_t number) {
        auto& client = clients_.at(number);
        const auto bytes = client.stream.read_some(buffer_);
        if (bytes) client.splitter.feed(*bytes);
        while (const auto frame = bytes ? client.splitter.next() : std::nullopt) answer(client, *frame);
        if (!bytes || client.splitter.failed() || !flush(client, number)) clients_.erase(number);
    }

    void answer(Client& client, std::string_view frame) {
        auto& out = client.stream.out();
        if (!std::exchange(client.greeted, true)) {
            out += kept_.greeting;
            return;
        }
        const auto start = out.size();
        out += kept_.reply;
        // The xid is what both a request and a reply begin with.
        frame.copy(out.data() + start + wire::kFramePrefixBytes, sizeof(Xid));
    }

    /// False if the client is gone. What it does not read is kept without bound: it is the generator.
    bool flush(Client& client, std::size_t number) try {
        const bool blocked = !client.stream.flush();
        if (blocked != client.blocked) poller_.watch_writable(client.stream.fd(), number, blocked);
        client.blocked = blocked;
        return true;
    } catch (const Failure&) {
        return false;
    }

    Descriptor listener_;
    Poller poller_;
    std::vector<char> buffer_;
    Frames kept_;
    std::map<std::size_t, Client> clients_;
    std::size_t number_next_ = kListener + 1;
};

int run(int argc, char** argv) {
    std::uint16_t port = 0;
    std::size_t data_bytes = 100;
    CLI::App app("Answers every frame with one of the size of a getData reply: what this machine can do at most.");
    app.add_option("--port", port)->required();
    app.add_option("--data", data_bytes, "bytes of data in the reply")->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    EchoServer(port, data_bytes).run();
}

}  // namespace
}  // namespace zabd::bench

int main(int argc, char** argv) {
    try {
        return zabd::bench::run(argc, argv);
    } catch (const std::exception& problem) {
        std::cerr << "zabd-bench-echo: " << problem.what() << "\n";
        return 1;
    }
}
