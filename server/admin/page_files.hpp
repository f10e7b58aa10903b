// The page's files, which the build puts into the program.
#pragma once

#include <span>
#include <string_view>

namespace zabd::server::admin {

struct PageFile {
    std::string_view name;  // "main.js"
    std::string_view content;
};

/// In order of their names. Static.
[[nodiscard]] std::span<const PageFile> page_files();

}  // namespace zabd::server::admin
