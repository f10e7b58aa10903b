// The syntax of Java's properties files, as ZooKeeper reads zoo.cfg.
//
//   # or ! begins a comment line                     key=value  key:value  key value
//   a backslash at the end continues the line        \t \n \r \f \\ \uXXXX and \ before any other character
//
// Unlike Java, a value's trailing blanks are dropped: ZooKeeper trims them.
#pragma once

#include "wire/result.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::server {

struct Property {
    std::string key;
    std::string value;
    std::size_t line = 0;  // where it begins, from 1
};

/// In the order of the file, repeated keys and all. Fails (Errc::kBadConfig, `name`:line) on a bad \u escape.
Result<std::vector<Property>> parse_properties(std::string_view text, const std::string& name);

}  // namespace zabd::server
