// What servers answer, as JSON and as text for people; the text is that of ZooKeeper's shell.
//
// JSON      zxids and session ids are strings ("0x10f"), as not every reader keeps 64 bits of a number; times are
//           milliseconds since 1970. Data that is not UTF-8 is under "data_base64" instead of "data".
#pragma once

#include "client/types.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::zabctl {

using Json = nlohmann::ordered_json;  // members in the order in which they are given

[[nodiscard]] Json json_of(const client::Stat& stat);
[[nodiscard]] Json json_of(const client::AclList& acl);
[[nodiscard]] Json json_of(const client::Event& event);
/// Adds "data" or "data_base64".
void put_data(Json& object, std::string_view data);
/// Takes either; neither gives empty data. Throws Failure for what is no base64.
[[nodiscard]] std::string take_data(const Json& object);

[[nodiscard]] std::string text_of(const client::Stat& stat);               // lines, the last one without its end
[[nodiscard]] std::string text_of(const client::AclList& acl);             // likewise
[[nodiscard]] std::string text_of(const client::Event& event);             // one line
[[nodiscard]] std::string text_of(const std::vector<std::string>& names);  // "[a, b]"

[[nodiscard]] std::string hex(std::uint64_t number);  // "0x10f"
[[nodiscard]] std::string base64(std::string_view bytes);
/// Control characters but newline and tab, and what is not UTF-8, as \xNN: data must not give orders to a terminal.
[[nodiscard]] std::string printable(std::string_view data);

}  // namespace zabd::zabctl
