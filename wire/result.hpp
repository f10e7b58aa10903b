// Failure of an operation on bad input or a failing resource, as a value.
//
// Ordinary outcomes of the protocol (NoNode, BadVersion) are wire::ErrorCode, not these.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace zabd {

enum class Errc {
    kMalformed,    // bytes that do not decode
    kDamaged,      // stored data that fails its checks
    kUnsupported,  // well-formed, but of a kind or version that is not ours
    kBadConfig,    // a configuration value that cannot be used
    kIo,           // the operating system refused; errno is in the text
    kNoSpace,      // no room on the disk
    kInUse,        // held by another process
};

/// What failed and where: `where` names the thing and the place ("zoo.cfg:12: tickTime=abc is not a number of ms").
struct Error {
    Errc code = Errc::kMalformed;
    std::string where;
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> failure(Errc code, std::string where) {
    return std::unexpected(Error{code, std::move(where)});
}

}  // namespace zabd
