// What is asked: each workload writes the next request of a session.
#pragma once

#include "tests/bench/nodes.hpp"
#include "wire/ids.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::bench {

class Workload {
public:
    virtual ~Workload() = default;
    /// Appends the frame of the next request of session number `session`; false: there is none any more.
    virtual bool next(std::size_t session, Xid xid, std::string& out) = 0;
};

struct WorkloadOptions {
    Tree tree;
    std::size_t sessions = 60;
    unsigned write_percent = 10;  // of mixed
    std::string tag{};            // in the names of nodes that the run creates; unlike that of any other run
};

/// Names that make_workload() takes: get, exists, children, set, mixed, create, ephemeral.
std::vector<std::string> workload_names();
std::unique_ptr<Workload> make_workload(const std::string& name, const WorkloadOptions& options);

/// What must be there first, as finite workloads for one session and for any number of sessions.
std::unique_ptr<Workload> create_parents(const WorkloadOptions& options);
std::unique_ptr<Workload> create_nodes(const Tree& tree);

}  // namespace zabd::bench
