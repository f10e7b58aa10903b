#include "recipes/queue_entries.hpp"

#include <catch2/catch.hpp>

#include <limits>
#include <string>
#include <vector>

namespace zabd::recipes {

namespace {

std::vector<std::string> names_of(const std::vector<QueueEntry>& entries) {
    std::vector<std::string> names;
    for (const auto& entry : entries) names.push_back(entry.name);
    return names;
}

}  // namespace

TEST_CASE("an entry's name says its rank and number", "[recipes][queue]") {
    struct Case {
        QueueForm form;
        std::int64_t rank;
        std::string base;
    };
    const auto c = GENERATE(values<Case>({
        {QueueForm::kPlain, 0, "queue-"},
        {QueueForm::kPriority, 0, "queue-100000000"},
        {QueueForm::kPriority, 5, "queue-100000005"},
        {QueueForm::kPriority, -1, "queue-0FFFFFFFF"},
        {QueueForm::kPriority, std::numeric_limits<std::int32_t>::max(), "queue-17FFFFFFF"},
        {QueueForm::kPriority, std::numeric_limits<std::int32_t>::min(), "queue-080000000"},
        {QueueForm::kDelay, 10, "queue-|0000000A|"},
        {QueueForm::kDelay, 1'700'000'000'000, "queue-|18BCFE56800|"},
    }));
    CAPTURE(c.base);
    CHECK(entry_base(c.form, c.rank) == c.base);
    const auto name = c.base + "0000000042";
    CHECK(parse_entry(c.form, name) == QueueEntry{.name = name, .rank = c.rank, .number = 42});
    const auto wrapped = c.base + "-2147483648";
    CHECK(parse_entry(c.form, wrapped)->number == std::numeric_limits<std::int32_t>::min());
}

TEST_CASE("strangers are no entries", "[recipes][queue]") {
    const auto form = GENERATE(QueueForm::kPlain, QueueForm::kPriority, QueueForm::kDelay);
    const auto* name =
        GENERATE("", "queue-", "queue", "entry-100-0000000001", "queue-1", "queue-x000000001", "queue-99999999999",
                 "queue-0000000001x", "queue-1000000", "queue-000000005000000000", "queue-||0000000001", "queue-|",
                 "queue-|5", "queue-|5|", "queue-|5|1", "queue-|x|0000000001", "queue-|fffffffffffffffff|0000000001");
    CAPTURE(name);
    CHECK_FALSE(parse_entry(form, name));
}

TEST_CASE("entries are taken by rank, then by number", "[recipes][queue]") {
    const std::vector<std::string> priorities{"queue-1000000050000000001", "queue-0FFFFFFFE0000000004", "stranger",
                                              "queue-1000000050000000000", "queue-0FFFFFFFF0000000003"};
    CHECK(names_of(parse_entries(QueueForm::kPriority, priorities)) ==
          std::vector<std::string>{"queue-0FFFFFFFE0000000004", "queue-0FFFFFFFF0000000003",
                                   "queue-1000000050000000000", "queue-1000000050000000001"});

    const std::vector<std::string> delays{"queue-|18BCFE56801|0000000001", "queue-|18BCFE56800|0000000002",
                                          "queue-|0000000F|0000000003"};
    CHECK(names_of(parse_entries(QueueForm::kDelay, delays)) ==
          std::vector<std::string>{delays[2], delays[1], delays[0]});
}

TEST_CASE("numbers behind the counter's end come last", "[recipes][queue]") {
    const std::vector<std::string> ends{"queue--2147483647", "queue-2147483646", "queue--2147483648",
                                        "queue-2147483647"};
    CHECK(names_of(parse_entries(QueueForm::kPlain, ends)) ==
          std::vector<std::string>{ends[1], ends[3], ends[2], ends[0]});

    const std::vector<std::string> around_zero{"queue-0000000000", "queue--000000001", "queue-0000000001"};
    CHECK(names_of(parse_entries(QueueForm::kPlain, around_zero)) ==
          std::vector<std::string>{around_zero[1], around_zero[0], around_zero[2]});
}

TEST_CASE("messages come out of an entry as they went in", "[recipes][queue]") {
    const auto messages = GENERATE(values<Messages>({{}, {""}, {"one"}, {"one", "", std::string("\2\0\1", 3)}}));
    CHECK(decode_messages(encode_messages(messages)) == messages);
}

TEST_CASE("data of another form are one message", "[recipes][queue]") {
    const auto whole = encode_messages({"message"});
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const auto cut = whole.substr(0, size);
        CHECK(decode_messages(cut) == Messages{cut});
    }
    CHECK(decode_messages(whole + "x") == Messages{whole + "x"});
    const std::string huge("\0\1\0\1\1\xff\xff\xff\xff", 9);
    CHECK(decode_messages(huge) == Messages{huge});
}

}  // namespace zabd::recipes
