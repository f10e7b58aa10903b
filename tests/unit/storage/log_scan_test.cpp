#include "storage/log_scan.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace zabd;
using namespace zabd::storage;
using Catch::Matchers::Contains;

namespace {

constexpr std::uint64_t kIdentity = 0x1122'3344'5566'7788;
constexpr std::uint64_t kSegmentBytes = 64 << 10;

struct Batch {
    Zxid first;
    std::vector<std::string> txns;
};

/// A segment as the writer leaves it: each batch is durable before the next one begins.
class SegmentBuilder {
public:
    explicit SegmentBuilder(SegmentId id = {kIdentity, 1}, bool recycled = false) : id_(id) {
        content_ = encode_segment_header({.id = id, .recycled = recycled});
        content_.resize(kSegmentBytes);
    }

    SegmentBuilder& add(const Batch& batch) {
        std::string bytes;
        BatchEncoder encoder(bytes,
                             {.segment = id_, .offset = offset_, .before = position_, .zxid_durable = position_.zxid});
        auto zxid = batch.first;
        for (const auto& txn : batch.txns) {
            encoder.add(zxid, txn);
            ++zxid.value;
        }
        offsets_.push_back(offset_);
        position_ = encoder.finish();
        content_.replace(offset_, bytes.size(), bytes);
        offset_ += bytes.size();
        return *this;
    }

    std::string content_;
    std::vector<std::uint64_t> offsets_;  // of the batches
    std::uint64_t offset_ = kBlockBytes;
    LogPosition position_ = log_origin(kIdentity);

private:
    SegmentId id_;
};

SegmentBuilder three_batches() {
    SegmentBuilder builder;
    builder.add({Zxid::of(0, 1), {"first", "second"}});
    builder.add({Zxid::of(0, 3), {std::string(5000, 'x'), "fourth"}});
    builder.add({Zxid::of(0, 5), {"fifth", "sixth", ""}});
    return builder;
}

std::string in_hex(std::string_view bytes) {
    std::string text;
    for (const char byte : bytes) {
        text += "0123456789abcdef"[static_cast<unsigned char>(byte) >> 4];
        text += "0123456789abcdef"[static_cast<unsigned char>(byte) & 15];
    }
    return text;
}

struct Scanned {
    std::vector<std::string> txns;
    std::vector<Zxid> zxids;
    Result<SegmentScan> result;
};

Scanned scan(std::string_view content, SegmentId id = {kIdentity, 1}) {
    Scanned scanned{.txns = {}, .zxids = {}, .result = {}};
    scanned.result = scan_segment(content, id, std::nullopt, "FILE", [&](const RecordView& record) {
        scanned.txns.emplace_back(record.txn);
        scanned.zxids.push_back(record.zxid);
    });
    return scanned;
}

}  // namespace

TEST_CASE("a segment's records come back as they were written", "[storage][log]") {
    const auto segment = three_batches();
    const auto scanned = scan(segment.content_);
    REQUIRE(scanned.result);
    CHECK(scanned.txns ==
          std::vector<std::string>{"first", "second", std::string(5000, 'x'), "fourth", "fifth", "sixth", ""});
    CHECK(scanned.zxids.front() == Zxid::of(0, 1));
    CHECK(scanned.zxids.back() == Zxid::of(0, 7));
    CHECK(scanned.result->begin == log_origin(kIdentity));
    CHECK(scanned.result->end == segment.position_);
    CHECK(scanned.result->end_offset == segment.offset_);
    CHECK(scanned.result->torn_bytes == 0);
}

TEST_CASE("the example of docs/storage.md is what is written", "[storage][log]") {
    const std::string header =
        "7a6162646c6f6731"
        "9e0a09a0"
        "00000000"
        "1122334455667788"
        "0000000000000001";
    const std::string batch =
        "7a626174"
        "838270a3"
        "1122334455667788"
        "0000000000000001"
        "0000000000001000"
        "0000000000000000"
        "7709291b83f632e2"
        "0000000000000000"
        "00000002"
        "0000002b"
        "fb67693a"
        "00000005"
        "0000000000000001"
        "6669727374"
        "603e04e1"
        "00000006"
        "0000000000000002"
        "7365636f6e64";
    SegmentBuilder segment;
    segment.add({Zxid::of(0, 1), {"first", "second"}});
    CHECK(in_hex(segment.content_.substr(0, header.size() / 2)) == header);
    CHECK(in_hex(segment.content_.substr(kBlockBytes, batch.size() / 2)) == batch);
}

TEST_CASE("a segment without batches is empty, not damaged", "[storage][log]") {
    const SegmentBuilder segment;
    const auto scanned = scan(segment.content_);
    REQUIRE(scanned.result);
    CHECK_FALSE(scanned.result->begin);
    CHECK(scanned.result->end_offset == kBlockBytes);
}

TEST_CASE("S-07: a last batch cut at any byte is a torn tail", "[storage][log]") {
    const auto segment = three_batches();
    const auto last = segment.offsets_.back();
    const auto batch_end = segment.content_.find_last_not_of('\0') + 1;
    for (auto cut = last; cut < batch_end; ++cut) {
        auto content = segment.content_;
        std::fill(content.begin() + static_cast<std::ptrdiff_t>(cut), content.end(), '\0');
        if (content == segment.content_) continue;
        const auto scanned = scan(content);
        CAPTURE(cut);
        REQUIRE(scanned.result);
        REQUIRE(scanned.zxids.back() == Zxid::of(0, 4));
        REQUIRE(scanned.result->end_offset == last);
        REQUIRE(scanned.result->torn_bytes == (cut == last ? 0 : content.find_last_not_of('\0') + 1 - last));
    }
}

TEST_CASE("S-09: what a weak checksum takes for the same is told apart", "[storage][log]") {
    // One up, two down, one up leaves the sums of Adler-32 as they were.
    auto segment = three_batches();
    const auto at = segment.content_.find("fourth");
    segment.content_[at] = static_cast<char>(segment.content_[at] + 1);
    segment.content_[at + 1] = static_cast<char>(segment.content_[at + 1] - 2);
    segment.content_[at + 2] = static_cast<char>(segment.content_[at + 2] + 1);
    CHECK(scan(segment.content_).result.error().code == Errc::kDamaged);
}

TEST_CASE("S-09: a record whose checksum is right but which was never written there breaks the chain",
          "[storage][log]") {
    auto other = SegmentBuilder().add({Zxid::of(0, 1), {"first", "secomd"}});
    auto segment = three_batches();
    segment.content_.replace(kBlockBytes, kBlockBytes, other.content_.substr(kBlockBytes, kBlockBytes));
    CHECK(scan(segment.content_).result.error().code == Errc::kDamaged);
}

TEST_CASE("S-07: a last batch with any byte flipped is a torn tail", "[storage][log]") {
    const auto segment = three_batches();
    const auto last = segment.offsets_.back();
    const auto batch_end = segment.content_.find_last_not_of('\0') + 1;
    for (auto at = last; at < batch_end; ++at) {
        auto content = segment.content_;
        content[at] = static_cast<char>(content[at] ^ 0x10);
        const auto scanned = scan(content);
        CAPTURE(at);
        REQUIRE(scanned.result);
        REQUIRE(scanned.result->end_offset == last);
        REQUIRE(scanned.result->torn_bytes > 0);
    }
}

TEST_CASE("S-06 S-07: a byte flipped in a batch that a later one names durable is damage at its offset",
          "[storage][log]") {
    const auto segment = three_batches();
    struct Case {
        const char* name;
        std::uint64_t at;
        std::uint64_t reported;
    };
    const auto first = segment.offsets_[0];
    const auto second = segment.offsets_[1];
    const auto second_record = second + kBatchHeaderBytes + kRecordHeaderBytes + 5000;
    const auto c = GENERATE_REF(values<Case>({
        {"magic of the first batch", first, first},
        {"header of the first batch", first + 40, first},
        {"length of its first record", first + kBatchHeaderBytes + 5, first + kBatchHeaderBytes},
        {"zxid of its first record", first + kBatchHeaderBytes + 8, first + kBatchHeaderBytes},
        {"data of its first record", first + kBatchHeaderBytes + 16, first + kBatchHeaderBytes},
        {"header of the second batch", second + 60, second},
        {"data in a batch's second block", second + 4500, second + kBatchHeaderBytes},
        {"a batch's last record", second_record + 18, second_record},
        {"the segment's header", 20, 0},
    }));
    CAPTURE(c.name);
    auto content = segment.content_;
    content[c.at] = static_cast<char>(content[c.at] ^ 1);
    const auto scanned = scan(content);
    REQUIRE_FALSE(scanned.result);
    CHECK(scanned.result.error().code == Errc::kDamaged);
    CHECK_THAT(scanned.result.error().where, Contains("FILE: damaged at byte " + std::to_string(c.reported) + ":"));
}

TEST_CASE("S-06: zeros in the middle are damage, not the end", "[storage][log]") {
    auto content = three_batches().content_;
    const auto second = three_batches().offsets_[1];
    content.replace(second, 4096, 4096, '\0');
    const auto scanned = scan(content);
    REQUIRE_FALSE(scanned.result);
    CHECK_THAT(scanned.result.error().where, Contains("damaged at byte " + std::to_string(second)));
}

TEST_CASE("S-07: an empty batch at the end makes a flip in the one before it damage", "[storage][log]") {
    auto segment = three_batches();
    const auto last = segment.offsets_.back();
    segment.add({Zxid{}, {}});
    CHECK(scan(segment.content_).result->end == segment.position_);
    segment.content_[last + kBatchHeaderBytes + 20] ^= 1;
    CHECK_FALSE(scan(segment.content_).result);
}

TEST_CASE("S-07: an empty batch that rots is damage, not the end of what follows it", "[storage][log]") {
    auto segment = three_batches();
    segment.add({Zxid{}, {}});
    const auto empty = segment.offsets_.back();
    segment.add({Zxid::of(0, 8), {"acknowledged"}});
    segment.content_[empty + 30] ^= 1;
    const auto scanned = scan(segment.content_);
    REQUIRE_FALSE(scanned.result);
    CHECK_THAT(scanned.result.error().where, Contains("damaged at byte " + std::to_string(empty)));
}

TEST_CASE("S-10: a batch at another place, of another segment or another log is not read", "[storage][log]") {
    const auto segment = three_batches();
    const auto last = segment.offsets_.back();
    SECTION("moved within the segment") {
        auto content = segment.content_;
        content.replace(last + 4096, 4096, content, last, 4096);
        content.replace(last, 4096, 4096, '\0');
        const auto scanned = scan(content);
        REQUIRE(scanned.result);
        CHECK(scanned.result->end_offset == last);
    }
    SECTION("of another segment") {
        const auto scanned = scan(segment.content_, {kIdentity, 2});
        CHECK_FALSE(scanned.result);
    }
    SECTION("of another log") {
        const auto scanned = scan(segment.content_, {kIdentity + 1, 1});
        CHECK_THAT(scanned.result.error().where, Contains("belongs to another data directory"));
    }
}

TEST_CASE("S-10: a stale batch with the right place and the wrong history is damage", "[storage][log]") {
    SegmentBuilder stale;
    stale.add({Zxid::of(0, 1), {"other", "second"}});
    auto content = three_batches().content_;
    content.replace(kBlockBytes, 4096, stale.content_, kBlockBytes, 4096);
    const auto scanned = scan(content);
    REQUIRE_FALSE(scanned.result);
    CHECK_THAT(scanned.result.error().where, Contains("damaged at byte 8192"));
}

TEST_CASE("S-07: what a recycled segment has left of its earlier life is no history", "[storage][log]") {
    const auto earlier = three_batches();
    SegmentBuilder segment({kIdentity, 4}, true);
    segment.add({Zxid::of(0, 1), {"new"}});
    auto content = earlier.content_;
    content.replace(0, 2 * kBlockBytes, segment.content_, 0, 2 * kBlockBytes);
    const auto scanned = scan(content, {kIdentity, 4});
    REQUIRE(scanned.result);
    CHECK(scanned.txns == std::vector<std::string>{"new"});
    CHECK(scanned.result->torn_bytes == 0);
    CHECK(scanned.result->leftover_bytes > 0);
}

TEST_CASE("I-CONT: a zxid follows by one, or starts a later epoch at one", "[storage][log]") {
    struct Case {
        Zxid before, next;
        bool follows;
    };
    const auto c = GENERATE(values<Case>({
        {Zxid::of(0, 0), Zxid::of(0, 1), true},
        {Zxid::of(0, 7), Zxid::of(0, 8), true},
        {Zxid::of(0, 7), Zxid::of(1, 1), true},
        {Zxid::of(2, 7), Zxid::of(9, 1), true},
        {Zxid::of(0, 0xffffffff), Zxid::of(1, 1), true},
        {Zxid::of(0, 7), Zxid::of(0, 9), false},
        {Zxid::of(0, 7), Zxid::of(0, 7), false},
        {Zxid::of(0, 7), Zxid::of(1, 2), false},
        {Zxid::of(0, 7), Zxid::of(1, 0), false},
        {Zxid::of(0, 0xffffffff), Zxid::of(1, 0), false},
        {Zxid::of(3, 1), Zxid::of(2, 1), false},
    }));
    CAPTURE(c.before.value, c.next.value);
    CHECK(follows(c.before, c.next) == c.follows);
}

TEST_CASE("segment names sort as their numbers do and nothing else passes for one", "[storage][log]") {
    CHECK(segment_name(1) == "0000000000000001.log");
    CHECK(segment_number("00000000000000ff.log") == 255u);
    for (const auto* name : {"1.log", "0000000000000000.log", "00000000000000FF.log", "0000000000000001.log.tmp",
                             "000000000000000g.log", "", "data.mdb"}) {
        CAPTURE(name);
        CHECK_FALSE(segment_number(name));
    }
}
