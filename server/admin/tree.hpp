// What the handlers of /api/v1/tree share.
//
// Reads     by questions to the core, in slices, for the caller's identities: never through the client port.
// Threads   the admin thread's.
#pragma once

#include "server/admin/router.hpp"
#include "server/admin/services.hpp"
#include "server/admin/values.hpp"
#include "server/core/inspect.hpp"
#include "znode/owner.hpp"

#include <boost/asio/awaitable.hpp>
#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::server::admin {

inline constexpr std::size_t kSliceNodes = 256;  // that one question looks at
inline constexpr std::size_t kPageDefault = 100;
inline constexpr std::size_t kPageMax = 1000;

/// Who asks, and where.
class TreeReader {
public:
    TreeReader(Desk& desk, const Caller& caller)
        : desk_(desk), who_(std::make_shared<const std::vector<wire::Id>>(caller.identities)) {}

    [[nodiscard]] boost::asio::awaitable<core::NodeAnswer> node(std::string path) const;
    /// One slice.
    [[nodiscard]] boost::asio::awaitable<core::WalkAnswer> walk(core::WalkQuery query) const;

private:
    Desk& desk_;
    std::shared_ptr<const std::vector<wire::Id>> who_;  // questions may outlive who asked them
};

/// Of the call's rest: "" and "/" are the root. Whether it is a valid path, the core says.
[[nodiscard]] std::string znode_path(const Call& call);

/// A walk's cursor as a word that needs no quoting in a URL, and back; null and "" are where a walk begins and has ended.
/// What is no such word throws BadRequest.
[[nodiscard]] nlohmann::json shown_cursor(const std::string& cursor);
[[nodiscard]] std::string given_cursor(std::string_view shown);

[[nodiscard]] std::string_view name_of(znode::Kind kind);
[[nodiscard]] nlohmann::json json_of(const wire::Stat& stat);
/// A child in a list, or what a search found. All but path and name is null if the node is not readable.
[[nodiscard]] nlohmann::json item_of(const core::NodeView& node);

/// Of a node that may be shown or not: "kind", "ttl_ms", "session".
void put_kind(nlohmann::json& object, const core::NodeView& node);

// What a GET of /api/v1/tree/PATH may ask for besides the node.
[[nodiscard]] boost::asio::awaitable<net::HttpResponse> search_tree(TreeReader reader, Call call);   // tree_search.cpp
[[nodiscard]] boost::asio::awaitable<net::HttpResponse> size_of_tree(TreeReader reader, Call call);  // tree_search.cpp
[[nodiscard]] boost::asio::awaitable<net::HttpResponse> stream_tree(TreeReader reader, Call call);   // tree_stream.cpp

void add_tree_write_routes(Router& router, Services& services);  // tree_writes.cpp

}  // namespace zabd::server::admin
