#include "zabctl/failure.hpp"

#include "client/error.hpp"

#include <boost/asio/error.hpp>
#include <fmt/format.h>

#include <array>

namespace zabd::zabctl {
namespace {

using client::Errc;

struct Explanation {
    Errc error;
    ExitCode code;
    std::string_view text;  // {} is the path
};

constexpr std::array kExplanations{
    Explanation{Errc::kNoNode, kNoNode, "no such node: {}"},
    Explanation{Errc::kNodeExists, kNodeExists, "the node exists already: {}"},
    Explanation{Errc::kBadVersion, kBadVersion, "{} has another version than the one asked for; `stat` shows it"},
    Explanation{Errc::kNotEmpty, kNotEmpty, "{} has children; `deleteall` deletes them too"},
    Explanation{Errc::kNoAuth, kNotAllowed,
                "the ACL of {} does not allow it; --auth scheme:credentials or `addauth` gives an identity, `getAcl` "
                "shows what is needed"},
    Explanation{Errc::kNoChildrenForEphemerals, kFailed, "{} would be the child of an ephemeral node, which has none"},
    Explanation{Errc::kInvalidAcl, kFailed, "the server does not take this ACL for {}; the form is scheme:id:cdrwa"},
    Explanation{Errc::kBadArguments, kFailed,
                "the path or the arguments cannot be: '{}'; a path begins with / and has no empty, . or .. part"},
    Explanation{Errc::kQuotaExceeded, kFailed, "a quota at or above {} is used up; `listquota` shows it"},
    Explanation{Errc::kNoWatcher, kFailed, "this session has no such watch on {}"},
    Explanation{Errc::kUnimplemented, kFailed, "the server does not know this operation (asked for {})"},
    Explanation{Errc::kNotReadOnly, kNotAllowed, "the server has no quorum and serves reads only: {}"},
    Explanation{Errc::kReconfigDisabled, kNotAllowed, "the server does not take reconfigurations (reconfigEnabled)"},
    Explanation{Errc::kReconfigInProgress, kFailed, "another reconfiguration is under way; try again"},
    Explanation{Errc::kNewConfigNoQuorum, kFailed, "too few of the new configuration's members are up to date"},
    Explanation{Errc::kAuthFailed, kNotAllowed, "the server refused an identity given by --auth or addauth"},
    Explanation{Errc::kRequestTooLarge, kFailed, "the request for {} is larger than servers take (jute.maxbuffer)"},
    Explanation{Errc::kConnectionLoss, kCannotConnect,
                "the connection was lost while {} was asked; a write may have been applied"},
    Explanation{Errc::kSessionExpired, kCannotConnect, "the session expired while {} was asked"},
    Explanation{Errc::kClosed, kCannotConnect, "the connection was closed while {} was asked"},
    Explanation{Errc::kOperationTimeout, kTimeout,
                "no answer in time for {}; a write may have been applied (--timeout)"},
    Explanation{Errc::kNotSent, kTimeout, "no server could be asked in time for {}; nothing was sent (--timeout)"},
};

}  // namespace

Failure failure_of(const boost::system::error_code& error, const std::string& where) {
    if (error == boost::asio::error::operation_aborted) return {kInterrupted, "interrupted"};
    const std::string place = where.empty() ? "the server" : where;
    for (const auto& [errc, code, text] : kExplanations) {
        if (error == errc) return {code, fmt::format(fmt::runtime(text), place)};
    }
    return {kFailed, fmt::format("{}: {}", place, error.message())};
}

}  // namespace zabd::zabctl
