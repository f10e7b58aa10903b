// What the admin handlers work with. One of each per server; all of it lives on the admin thread but for what says otherwise.
#pragma once

#include "server/admin/router.hpp"
#include "server/config.hpp"
#include "server/desk.hpp"

namespace boost::asio {
class io_context;
}

namespace zabd::server::admin {

class AuditLog;         // audit_log.hpp
class Clients;          // clients.hpp: sessions at our own client port, by which writes go
class History;          // history.hpp: what happened, and figures of the last hour
class StageHistograms;  // stages.hpp

struct Services {
    boost::asio::io_context& io;
    const Config& config;
    Desk& desk;
    Clients& clients;
    History& history;
    StageHistograms& stages;
    AuditLog& audit;
};

// Each adds the routes of one part; what they answer: docs/admin.md. Services outlive the router.
void add_command_routes(Router& router, Services& services);   // commands.cpp: ZooKeeper's /commands
void add_metric_routes(Router& router, Services& services);    // metrics.cpp: /metrics
void add_tree_routes(Router& router, Services& services);      // tree.cpp, tree_writes.cpp
void add_event_routes(Router& router, Services& services);     // events.cpp
void add_session_routes(Router& router, Services& services);   // sessions.cpp: sessions, connections, watches
void add_lock_routes(Router& router, Services& services);      // locks.cpp
void add_ensemble_routes(Router& router, Services& services);  // ensemble.cpp
void add_running_routes(Router& router, Services& services);   // running.cpp: storage, top, history, stages
void add_setting_routes(Router& router, Services& services);   // settings.cpp: config, log level, whoami
void add_health_routes(Router& router, Services& services);    // health.cpp
void add_audit_routes(Router& router, Services& services);     // audit_search.cpp
void add_openapi_routes(Router& router, Services& services);   // openapi.cpp
void add_page_routes(Router& router, Services& services);      // page.cpp

}  // namespace zabd::server::admin
