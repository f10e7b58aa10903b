#include "tests/sim/scenario/words.hpp"

#include "tests/sim/scenario/describe.hpp"
#include "wire/requests.hpp"

#include <fmt/format.h>

#include <charconv>
#include <utility>

namespace zabd::sim::scenario {

using wire::OpCode;

// --- words -----------------------------------------------------------------------------------------------------------

Words::Words(std::string_view text) {
    while (!text.empty()) {
        const auto end = text.find(' ');
        if (end != 0) words_.emplace_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
}

std::string Words::rest() const {
    std::string text;
    for (const auto& word : words_) text += (text.empty() ? "" : " ") + word;
    return text;
}

std::string Words::next() {
    if (words_.empty()) throw BadWords("something is missing at the end");
    auto word = std::move(words_.front());
    words_.pop_front();
    return word;
}

bool Words::take(std::string_view word) {
    if (words_.empty() || words_.front() != word) return false;
    words_.pop_front();
    return true;
}

void Words::expect(std::string_view word) {
    if (!take(word)) throw BadWords(fmt::format("\"{}\" is missing", word));
}

std::size_t Words::number() {
    const auto word = next();
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size())
        throw BadWords(fmt::format("\"{}\" is no number", word));
    return value;
}

Duration Words::time() {
    const auto word = next();
    const auto unit = word.find_first_not_of("0123456789");
    if (unit == 0 || unit == std::string::npos) throw BadWords(fmt::format("\"{}\" is no time", word));
    const auto count = static_cast<std::int64_t>(Words(word.substr(0, unit)).number());
    const auto name = word.substr(unit);
    if (name == "ms") return milliseconds(count);
    if (name == "s") return seconds(count);
    throw BadWords(fmt::format("\"{}\" is no time", word));
}

wire::PacketType Words::packet_type() {
    const auto word = next();
    for (int n = 1; n <= static_cast<int>(wire::PacketType::kInformAndActivate); ++n)
        if (const auto type = static_cast<wire::PacketType>(n); name_of(type) == word) return type;
    throw BadWords(fmt::format("\"{}\" is no packet", word));
}

std::vector<Words> Words::split(std::string_view separator) {
    std::vector<Words> parts{Words()};
    while (!empty()) {
        auto word = next();
        const bool ends = word.ends_with(separator);
        if (ends) word.resize(word.size() - separator.size());
        if (!word.empty()) parts.back().words_.push_back(std::move(word));
        if (ends) parts.push_back(Words());
    }
    return parts;
}

// --- requests --------------------------------------------------------------------------------------------------------

namespace {

ClientRequest create(Words& words) {
    const auto path = words.next();
    std::string data;
    if (!words.empty() && words.peek() != "ephemeral" && words.peek() != "sequential") data = words.next();
    const int ephemeral = words.take("ephemeral") ? 1 : 0;
    const int sequential = words.take("sequential") ? 2 : 0;
    const wire::AclList acl{{wire::kAllPermissions, {"world", "anyone"}}};
    const wire::CreateRequest request{path, data, acl, static_cast<wire::CreateMode>(ephemeral + sequential)};
    return {.op = OpCode::kCreate, .path = path, .body = wire::encoded(request)};
}

std::int32_t version(Words& words) { return words.take("version") ? static_cast<std::int32_t>(words.number()) : -1; }

ClientRequest read(OpCode op, Words& words) {
    const auto path = words.next();
    const bool watch = words.take("watch");
    return {.op = op, .path = path, .body = wire::encoded(wire::ReadRequest{path, watch}), .watches = watch};
}

/// (REQUEST, REQUEST...)
ClientRequest multi(Words& words) {
    std::string body;
    wire::Encoder out(body);
    std::string path;
    auto text = words.rest();
    if (text.size() < 2 || text.front() != '(' || text.back() != ')') throw BadWords("a multi is in parentheses");
    words = Words("");
    for (auto& one : Words(text.substr(1, text.size() - 2)).split(",")) {
        const auto request = request_in(one);
        wire::encode(out, wire::MultiHeader{request.op, false, wire::ErrorCode::kSystemError});
        out.put_raw(request.body);
        if (path.empty()) path = request.path;
    }
    wire::encode(out, wire::kMultiEnd);
    return {.op = OpCode::kMulti, .path = path, .body = body};
}

}  // namespace

ClientRequest request_in(Words& words) {
    if (words.take("create")) return create(words);
    if (words.take("get")) return read(OpCode::kGetData, words);
    if (words.take("exists")) return read(OpCode::kExists, words);
    if (words.take("children")) return read(OpCode::kGetChildren, words);
    if (words.take("multi")) return multi(words);
    if (words.take("close")) return {.op = OpCode::kCloseSession, .path = {}, .body = {}};
    if (words.take("set")) {
        const auto path = words.next();
        const auto data = words.next();
        const wire::SetDataRequest request{path, data, version(words)};
        return {.op = OpCode::kSetData, .path = path, .body = wire::encoded(request)};
    }
    if (words.take("delete")) {
        const auto path = words.next();
        return {.op = OpCode::kDelete, .path = path, .body = wire::encoded(wire::VersionedRequest{path, -1})};
    }
    if (words.take("sync")) {
        const auto path = words.next();
        return {.op = OpCode::kSync, .path = path, .body = wire::encoded(wire::NullablePathRequest{path})};
    }
    throw BadWords(fmt::format("\"{}\" is no request", words.peek()));
}

}  // namespace zabd::sim::scenario
