#include "server/snapshot_reader.hpp"

#include <catch2/catch.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

using namespace zabd;
using namespace zabd::server;
using net::StreamPull;

namespace {

/// Gives numbered chunks, then ends or breaks.
class Numbers final : public storage::SnapshotSource {
public:
    Numbers(int count, bool breaks, std::atomic<int>& given) : count_(count), breaks_(breaks), given_(given) {}
    [[nodiscard]] Zxid zxid() const override { return Zxid{1}; }
    Result<bool> next(std::string& out, std::size_t) override {
        if (given_ == count_ && breaks_) return failure(Errc::kDamaged, "a page");
        if (given_ == count_) return false;
        out += std::to_string(given_++) + ",";
        return true;
    }

private:
    int count_;
    bool breaks_;
    std::atomic<int>& given_;
};

/// All that comes until the end.
StreamPull pull_all(SnapshotReader& reader, std::string& text) {
    for (;;) {
        std::string chunk;
        const auto pulled = reader.pull(chunk);
        text += chunk;
        if (pulled == StreamPull::kEnd || pulled == StreamPull::kBroken) return pulled;
        if (pulled == StreamPull::kLater) std::this_thread::yield();
    }
}

}  // namespace

TEST_CASE("a snapshot is pulled to its end, in order", "[server][snapshot_reader]") {
    std::atomic<int> given = 0;
    SnapshotReader reader(std::make_unique<Numbers>(30, false, given), [] {});
    std::string text;
    CHECK(pull_all(reader, text) == StreamPull::kEnd);
    std::string expected;
    for (int i = 0; i < 30; ++i) expected += std::to_string(i) + ",";
    CHECK(text == expected);
}

TEST_CASE("one that breaks says so behind what was whole", "[server][snapshot_reader]") {
    spdlog::set_level(spdlog::level::off);
    std::atomic<int> given = 0;
    SnapshotReader reader(std::make_unique<Numbers>(2, true, given), [] {});
    std::string text;
    CHECK(pull_all(reader, text) == StreamPull::kBroken);
    CHECK(text == "0,1,");
}

TEST_CASE("so much is read ahead and no more, and who pulls is told of more", "[server][snapshot_reader]") {
    std::atomic<int> given = 0;
    std::atomic<int> told = 0;
    SnapshotReader reader(std::make_unique<Numbers>(1000, false, given), [&] { ++told; });
    while (told != static_cast<int>(SnapshotReader::kChunks)) std::this_thread::yield();
    std::string chunk;
    CHECK(reader.pull(chunk) == StreamPull::kChunk);
    while (told != static_cast<int>(SnapshotReader::kChunks) + 1) std::this_thread::yield();
    CHECK(given == static_cast<int>(SnapshotReader::kChunks) + 1);
}
