#include "server/admin/search_pattern.hpp"

#include "server/admin/body.hpp"
#include "server/admin/values.hpp"

#include <re2/re2.h>

namespace zabd::server::admin {
namespace {

constexpr std::int64_t kProgramBytesMax = 2 << 20;  // a pattern of kBytesMax may ask for a thousand times itself

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

std::string regex_of(std::string_view pattern, Match match) {
    switch (match) {
        case Match::kSubstring: return re2::RE2::QuoteMeta(piece(pattern));
        case Match::kGlob: return regex_of_glob(pattern);
        case Match::kRegex: break;
    }
    return std::string(pattern);
}

/// Takes "[...]" from the front of the glob; a [ without its ] is a character like others.
std::string take_class(std::string_view& glob) {
    const std::size_t begin = glob.starts_with("[!") || glob.starts_with("[^") ? 2 : 1;
    const auto end = glob.find(']', begin + 1);  // a ] that comes first is one of the characters
    if (end == std::string_view::npos) {
        glob.remove_prefix(1);
        return "\\[";
    }
    std::string regex = begin == 2 ? "[^/" : "[";
    for (const char c : glob.substr(begin, end - begin)) {
        if (c == '\\' || c == '[' || c == ']' || c == '^' || c == '&' || c == '~') regex.push_back('\\');
        regex.push_back(c);
    }
    glob.remove_prefix(end + 1);
    return regex + "]";
}

}  // namespace

std::string regex_of_glob(std::string_view glob) {
    std::string regex;
    while (!glob.empty()) {
        if (glob.starts_with("**")) {
            regex += ".*";
            glob.remove_prefix(2);
        } else if (glob.front() == '*' || glob.front() == '?') {
            regex += glob.front() == '*' ? "[^/]*" : "[^/]";
            glob.remove_prefix(1);
        } else if (glob.front() == '[') {
            regex += take_class(glob);
        } else {
            if (glob.front() == '\\' && glob.size() > 1) glob.remove_prefix(1);
            const auto next = glob.find_first_of("*?[\\", 1);
            regex += re2::RE2::QuoteMeta(piece(glob.substr(0, next)));
            glob.remove_prefix(next == std::string_view::npos ? glob.size() : next);
        }
    }
    return regex;
}

SearchPattern::SearchPattern(std::string_view pattern, Match match) : whole_(match == Match::kGlob) {
    if (pattern.empty()) throw BadRequest{"the pattern is empty"};
    if (pattern.size() > kBytesMax) throw BadRequest{"the pattern is longer than " + std::to_string(kBytesMax)};
    if (!is_utf8(pattern)) throw BadRequest{"the pattern is not UTF-8"};
    re2::RE2::Options options;
    options.set_log_errors(false);
    options.set_case_sensitive(match == Match::kRegex);
    options.set_dot_nl(true);
    options.set_never_capture(true);
    options.set_max_mem(kProgramBytesMax);
    regex_ = std::make_unique<re2::RE2>(regex_of(pattern, match), options);
    if (!regex_->ok()) throw BadRequest{"not a pattern: " + regex_->error()};
}

SearchPattern::~SearchPattern() = default;

bool SearchPattern::matches(std::string_view text) const {
    return whole_ ? re2::RE2::FullMatch(piece(text), *regex_) : re2::RE2::PartialMatch(piece(text), *regex_);
}

}  // namespace zabd::server::admin
