// Which handler a request has, and who may call it.
//
// Access    decided here, before any handler runs: Host header, credentials, role, protection against other sites' pages
//           (access.hpp). A handler sees only calls that may be made.
// Threads   the admin thread's.
#pragma once

#include "net/http.hpp"
#include "wire/acl.hpp"

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::server::admin {

enum class Role { kNobody, kReader, kOperator };

/// Who calls.
struct Caller {
    Role role = Role::kNobody;
    std::string user;                  // as the audit log names it: "digest:ben", "token:operator", "anonymous"
    std::string digest;                // "user:password" to authenticate clients' sessions with; empty: none. Secret.
    std::vector<wire::Id> identities;  // what ACLs know the caller by; the super user's among them if it is he
};

struct Call {
    net::HttpRequest request;
    Caller caller;
    std::string rest;  // what the * of the pattern stands for: "/a/b" of "/api/v1/tree/a/b"; "" of "/api/v1/tree"
};

using Handler = std::function<boost::asio::awaitable<net::HttpResponse>(Call)>;

struct Route {
    std::string method;   // GET stands for HEAD too
    std::string pattern;  // "/livez", or with a * at its end: "/api/v1/tree*"; the longest match wins
    Role needs = Role::kReader;
    Handler handler;
};

class Router {
public:
    void add(Route route) { routes_.push_back(std::move(route)); }
    [[nodiscard]] const std::vector<Route>& routes() const { return routes_; }

    struct Found {
        const Route* route = nullptr;
        std::vector<std::string> allowed;  // methods, if the path has routes but none of this method
        std::string rest;
    };
    [[nodiscard]] Found find(std::string_view method, std::string_view path) const;

private:
    std::vector<Route> routes_;
};

}  // namespace zabd::server::admin
