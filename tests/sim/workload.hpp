// What clients ask: operations on few paths, so that they meet.
#pragma once

#include "tests/sim/checkers/checker.hpp"
#include "tests/sim/random.hpp"
#include "wire/requests.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace zabd::sim {

struct ClientRequest {
    wire::OpCode op = wire::OpCode::kNotification;
    std::string path;  // the first, of a multi
    std::string body;
    bool watches = false;
};

/// Kinds of requests, with how often each is asked, in relation to the others.
struct Mix {
    std::uint64_t reads = 30;
    std::uint64_t writes = 30;
    std::uint64_t multis = 4;
    std::uint64_t watches = 300;  // of a thousand reads
    std::uint64_t data_bytes_max = 200;
};

class Workload {
public:
    Workload(Random& random, const Mix& mix) : random_(random), mix_(mix) {}

    ClientRequest next();
    /// A write that succeeds whatever the state is.
    static ClientRequest probe();

    /// From replies: a node that a sequential create has made, and versions.
    void learn_path(std::string path);
    void learn_version(const std::string& path, std::int32_t version) { versions_[path] = version; }

private:
    ClientRequest read();
    ClientRequest write();
    ClientRequest multi();
    ClientRequest create();
    [[nodiscard]] std::string path();
    [[nodiscard]] std::string data();
    [[nodiscard]] std::int32_t version_of(const std::string& path);
    [[nodiscard]] wire::AclList acl();
    void put_operation(wire::Encoder& out);

    Random& random_;
    Mix mix_;
    std::vector<std::string> learnt_;
    std::map<std::string, std::int32_t> versions_;
};

}  // namespace zabd::sim
