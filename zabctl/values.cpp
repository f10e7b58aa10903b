#include "zabctl/values.hpp"

#include "zabctl/acl_text.hpp"
#include "zabctl/failure.hpp"

#include <boost/locale/utf.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/evp.h>

#include <ctime>

namespace zabd::zabctl {
namespace {

using Utf8 = boost::locale::utf::utf_traits<char>;

bool valid_utf8(std::string_view text) {
    for (auto at = text.begin(); at != text.end();) {
        const auto code_point = Utf8::decode(at, text.end());
        if (code_point == boost::locale::utf::illegal || code_point == boost::locale::utf::incomplete) return false;
    }
    return true;
}

std::string decode_base64(std::string_view text) {
    std::string bytes(text.size() / 4 * 3, '\0');
    const auto decoded =
        EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                        reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
    if (decoded < 0 || text.size() % 4 != 0) throw Failure(kFailed, "data_base64 is no base64");
    const auto padding = text.size() - text.find_last_not_of('=') - 1;
    if (!text.empty()) bytes.resize(static_cast<std::size_t>(decoded) - padding);
    return bytes;
}

/// "Sun Nov 22 06:34:14 UTC 2026"
std::string time_text(std::int64_t ms) {
    return fmt::format("{:%a %b %d %H:%M:%S %Z %Y}", fmt::localtime(static_cast<std::time_t>(ms / 1000)));
}

}  // namespace

Json json_of(const client::Stat& stat) {
    return {{"czxid", hex(stat.czxid.value)},
            {"mzxid", hex(stat.mzxid.value)},
            {"pzxid", hex(stat.pzxid.value)},
            {"ctime", stat.ctime},
            {"mtime", stat.mtime},
            {"version", stat.version},
            {"cversion", stat.cversion},
            {"aversion", stat.aversion},
            {"ephemeralOwner", hex(static_cast<std::uint64_t>(stat.ephemeral_owner))},
            {"dataLength", stat.data_length},
            {"numChildren", stat.num_children}};
}

Json json_of(const client::AclList& acl) {
    auto words = Json::array();
    for (const auto& entry : acl) words.push_back(acl_word(entry));
    return words;
}

Json json_of(const client::Event& event) {
    Json object{{"event", name_of(event.type)}};
    if (event.type == client::EventType::kState) object["state"] = name_of(event.state);
    if (!event.path.empty()) object["path"] = event.path;
    if (event.zxid.value != 0) object["zxid"] = hex(event.zxid.value);
    return object;
}

void put_data(Json& object, std::string_view data) {
    if (valid_utf8(data)) {
        object["data"] = data;
    } else {
        object["data_base64"] = base64(data);
    }
}

std::string take_data(const Json& object) {
    if (object.contains("data_base64")) return decode_base64(object.at("data_base64").get<std::string>());
    return object.value("data", std::string());
}

std::string text_of(const client::Stat& stat) {
    return fmt::format(
        "cZxid = {:#x}\nctime = {}\nmZxid = {:#x}\nmtime = {}\npZxid = {:#x}\ncversion = {}\ndataVersion = {}\n"
        "aclVersion = {}\nephemeralOwner = {:#x}\ndataLength = {}\nnumChildren = {}",
        stat.czxid.value, time_text(stat.ctime), stat.mzxid.value, time_text(stat.mtime), stat.pzxid.value,
        stat.cversion, stat.version, stat.aversion, static_cast<std::uint64_t>(stat.ephemeral_owner), stat.data_length,
        stat.num_children);
}

std::string text_of(const client::AclList& acl) {
    std::string text;
    for (const auto& entry : acl) {
        if (!text.empty()) text += '\n';
        text += fmt::format("'{},'{}\n: {}", entry.id.scheme, entry.id.id, permission_letters(entry.permissions));
    }
    return text;
}

std::string text_of(const client::Event& event) {
    if (event.type == client::EventType::kState) return fmt::format("connection {}", name_of(event.state));
    if (event.type == client::EventType::kLagged) return "events were dropped, as they came too fast: read anew";
    const auto zxid = event.zxid.value == 0 ? std::string() : fmt::format("  zxid {}", hex(event.zxid.value));
    return fmt::format("{} {}{}", name_of(event.type), event.path, zxid);
}

std::string text_of(const std::vector<std::string>& names) { return fmt::format("[{}]", fmt::join(names, ", ")); }

std::string hex(std::uint64_t number) { return fmt::format("{:#x}", number); }

std::string base64(std::string_view bytes) {
    std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // and the NUL that OpenSSL appends
    const auto size =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                        reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
    text.resize(static_cast<std::size_t>(size));
    return text;
}

std::string printable(std::string_view data) {
    const bool utf8 = valid_utf8(data);
    std::string text;
    for (const char character : data) {
        const auto byte = static_cast<unsigned char>(character);
        const bool control = (byte < 0x20 && character != '\n' && character != '\t') || byte == 0x7f;
        if (control || (byte >= 0x80 && !utf8)) {
            text += fmt::format("\\x{:02x}", byte);
        } else {
            text += character;
        }
    }
    return text;
}

}  // namespace zabd::zabctl
