#include "wire/frame.hpp"

#include "wire/jute.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace zabd::wire {
namespace {

using namespace std::string_literals;

using Frames = std::vector<std::string>;

constexpr std::size_t kLimit = 16;

std::string framed(std::string_view content) { return encoded(content); }

Frames take(FrameSplitter& splitter, const std::string& piece) {
    splitter.feed(piece);
    Frames frames;
    while (const auto frame = splitter.next()) frames.emplace_back(*frame);
    return frames;
}

/// The frames of a stream that arrives in these pieces. Each piece is gone when the next comes.
Frames split(FrameSplitter& splitter, std::string_view stream, const std::vector<std::size_t>& cuts) {
    Frames frames;
    std::size_t begin = 0;
    const auto take_until = [&](std::size_t end) {
        for (auto& frame : take(splitter, std::string(stream.substr(begin, end - begin)))) frames.push_back(frame);
        begin = end;
    };
    for (const auto cut : cuts) take_until(cut);
    take_until(stream.size());
    return frames;
}

const Frames kFrames = {"a", "", "sixteen bytes...", "\0\0\0\1"s, "last"};

std::string stream_of(const Frames& frames) {
    std::string stream;
    for (const auto& frame : frames) stream += framed(frame);
    return stream;
}

TEST_CASE("frames that come together are told apart", "[wire][frame]") {
    FrameSplitter splitter(kLimit);
    CHECK(take(splitter, stream_of(kFrames)) == kFrames);
    CHECK_FALSE(splitter.mid_frame());
    CHECK_FALSE(splitter.failed());
}

TEST_CASE("nothing is a frame of nothing", "[wire][frame]") {
    FrameSplitter splitter(kLimit);
    CHECK(take(splitter, "").empty());
    CHECK_FALSE(splitter.mid_frame());
    CHECK(take(splitter, framed("")) == Frames{""});
}

TEST_CASE("frames may be cut at any two places", "[wire][frame]") {
    const auto stream = stream_of(kFrames);
    for (std::size_t first = 0; first <= stream.size(); ++first) {
        for (std::size_t second = first; second <= stream.size(); ++second) {
            CAPTURE(first, second);
            FrameSplitter splitter(kLimit);
            CHECK(split(splitter, stream, {first, second}) == kFrames);
            CHECK_FALSE(splitter.mid_frame());
        }
    }
}

TEST_CASE("frames may come byte by byte, and it is known when one is under way", "[wire][frame]") {
    FrameSplitter splitter(kLimit);
    Frames frames;
    for (const auto& frame : kFrames) {
        const auto bytes = framed(frame);
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            CHECK(splitter.mid_frame() == (i > 0));
            for (const auto& whole : take(splitter, bytes.substr(i, 1))) frames.push_back(whole);
            CHECK(frames.size() == static_cast<std::size_t>(&frame - kFrames.data()) + (i + 1 == bytes.size() ? 1 : 0));
        }
    }
    CHECK(frames == kFrames);
}

TEST_CASE("a frame is not under way while the one before it is looked at", "[wire][frame]") {
    FrameSplitter splitter(kLimit);
    const auto bytes = framed("ab");
    take(splitter, bytes.substr(0, 5));
    CHECK(splitter.mid_frame());
    const auto rest = bytes.substr(5);
    splitter.feed(rest);
    CHECK(splitter.next() == "ab");
    CHECK_FALSE(splitter.mid_frame());
}

TEST_CASE("a length out of bounds ends the stream behind the frames before it", "[wire][frame]") {
    struct Case {
        const char* name;
        std::string prefix;
    };
    const auto c = GENERATE(values<Case>({
        {"one byte above the limit", "\x00\x00\x00\x11"s},
        {"the largest length there is", "\x7f\xff\xff\xff"s},
        {"below zero", "\xff\xff\xff\xff"s},
        {"the least of all", "\x80\x00\x00\x00"s},
    }));
    CAPTURE(c.name);
    const auto stream = framed("before") + c.prefix + framed("behind");
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
        CAPTURE(cut);
        FrameSplitter splitter(kLimit);
        CHECK(split(splitter, stream, {cut}) == Frames{"before"});
        CHECK(splitter.failed());
        CHECK(take(splitter, framed("later")).empty());
        CHECK(splitter.failed());
    }
}

TEST_CASE("a length fails as soon as its four bytes are there", "[wire][frame]") {
    FrameSplitter splitter(kLimit);
    take(splitter, "\x00\x00\x00"s);
    CHECK_FALSE(splitter.failed());
    take(splitter, "\x11"s);
    CHECK(splitter.failed());
}

TEST_CASE("a frame of the limit passes, also if the limit is nothing", "[wire][frame]") {
    const auto limit = GENERATE(as<std::size_t>(), 0, 1, 1000, 100'000);
    FrameSplitter splitter(limit);
    const std::string content(limit, 'x');
    CHECK(take(splitter, framed(content)) == Frames{content});
    take(splitter, framed(content + 'x'));
    CHECK(splitter.failed());
}

TEST_CASE("the end of a frame and further frames may come in one piece", "[wire][frame]") {
    FrameSplitter splitter(kLimit);
    const auto stream = framed("first") + framed("second") + framed("third");
    CHECK(take(splitter, stream.substr(0, 6)).empty());
    CHECK(take(splitter, stream.substr(6, 6)) == Frames{"first"});
    CHECK(take(splitter, stream.substr(12)) == Frames{"second", "third"});
}

}  // namespace
}  // namespace zabd::wire
