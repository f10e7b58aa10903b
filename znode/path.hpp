// Paths: what is a legal one, and taking one apart.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace zabd::znode {

/// Paths that cannot be deleted, even by super.
inline constexpr std::string_view kRootPath = "/";
inline constexpr std::string_view kSystemPath = "/zookeeper";
inline constexpr std::string_view kQuotaPath = "/zookeeper/quota";
inline constexpr std::string_view kConfigPath = "/zookeeper/config";

/// The full rules: absolute, no empty, "." or ".." component, no trailing slash, no control, surrogate, private-use
/// or special character; everything outside the basic plane is refused, and so is malformed UTF-8.
[[nodiscard]] bool valid_path(std::string_view path);

/// What create and delete ask first: a slash somewhere, no NUL.
[[nodiscard]] bool loosely_valid_path(std::string_view path);

/// One of the four paths above.
[[nodiscard]] bool special_path(std::string_view path);

/// Up to the last slash; "/" for a node at the top. The path must hold a slash.
[[nodiscard]] std::string_view parent_path(std::string_view path);
/// Behind the last slash.
[[nodiscard]] std::string_view base_name(std::string_view path);

/// What a sequential create appends: the parent's count of creations as "%010d".
[[nodiscard]] std::string sequence_suffix(std::int32_t creations);

}  // namespace zabd::znode
