#include "recipes/number_form.hpp"

#include <catch2/catch.hpp>

#include <limits>

namespace zabd::recipes {

TEST_CASE("a number is kept in the form that other libraries read", "[recipes][counter]") {
    struct Case {
        NumberForm form;
        std::int64_t number;
        std::string data;
    };
    const auto c = GENERATE(values<Case>({
        {NumberForm::kLong, 1, std::string("\0\0\0\0\0\0\0\1", 8)},
        {NumberForm::kLong, -2, "\xff\xff\xff\xff\xff\xff\xff\xfe"},
        {NumberForm::kLong, std::numeric_limits<std::int64_t>::min(), std::string("\x80\0\0\0\0\0\0\0", 8)},
        {NumberForm::kInt, 258, std::string("\0\0\1\2", 4)},
        {NumberForm::kInt, std::numeric_limits<std::int32_t>::max(), "\x7f\xff\xff\xff"},
        {NumberForm::kText, -17, "-17"},
        {NumberForm::kText, std::numeric_limits<std::int64_t>::max(), "9223372036854775807"},
    }));
    CAPTURE(c.number);
    CHECK(encode_number(c.form, c.number) == c.data);
    CHECK(decode_number(c.form, c.data) == c.number);
}

TEST_CASE("no data are zero", "[recipes][counter]") {
    const auto form = GENERATE(NumberForm::kLong, NumberForm::kInt, NumberForm::kText);
    CHECK(decode_number(form, "") == 0);
}

TEST_CASE("a number that does not fit has no form", "[recipes][counter]") {
    CHECK_FALSE(encode_number(NumberForm::kInt, std::int64_t{std::numeric_limits<std::int32_t>::max()} + 1));
    CHECK_FALSE(encode_number(NumberForm::kInt, std::int64_t{std::numeric_limits<std::int32_t>::min()} - 1));
}

TEST_CASE("data of another form are no number", "[recipes][counter]") {
    CHECK_FALSE(decode_number(NumberForm::kLong, "1234567"));
    CHECK_FALSE(decode_number(NumberForm::kInt, "12345"));
    for (const auto* text : {"x", "1x", " 1", "1.5", "9223372036854775808"}) {
        CAPTURE(text);
        CHECK_FALSE(decode_number(NumberForm::kText, text));
    }
}

}  // namespace zabd::recipes
