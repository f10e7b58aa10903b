#include "tests/bench/workload.hpp"

#include "tests/bench/failure.hpp"
#include "tests/bench/session.hpp"

#include <charconv>
#include <functional>
#include <map>
#include <utility>

namespace zabd::bench {
namespace {

using wire::CreateMode;
using wire::OpCode;

constexpr std::uint64_t kSeed = 1;

void append_number(std::string& out, std::size_t number, std::size_t digits_min) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    const auto size = static_cast<std::size_t>(end - digits);
    if (size < digits_min) out.append(digits_min - size, '0');
    out.append(digits, size);
}

/// Appends requests, with the values that are the same in all of them made once.
class Requests {
public:
    explicit Requests(std::size_t data_bytes) : data_(data_bytes, 'x') {
        acl_.push_back({.permissions = wire::kAllPermissions, .id = {.scheme = "world", .id = "anyone"}});
    }

    void read(OpCode op, std::string_view path, Xid xid, std::string& out) const {
        append_request(out, xid, op, wire::ReadRequest{.path = path, .watch = false});
    }
    void set(std::string_view path, Xid xid, std::string& out) const {
        append_request(out, xid, OpCode::kSetData, wire::SetDataRequest{.path = path, .data = data_, .version = -1});
    }
    void create(std::string_view path, CreateMode mode, Xid xid, std::string& out) {
        append_request(out, xid, OpCode::kCreate, BorrowingCreate{path, data_, acl_, mode});
    }
    void remove(std::string_view path, Xid xid, std::string& out) const {
        append_request(out, xid, OpCode::kDelete, wire::VersionedRequest{.path = path, .version = -1});
    }

private:
    /// wire::CreateRequest owns its ACL, which would be copied for each request.
    struct BorrowingCreate {
        std::string_view path;
        const std::string& data;
        const wire::AclList& acl;
        CreateMode mode;
        static void fields(const BorrowingCreate& self, auto&& visit) {
            visit(self.path, self.data, self.acl, self.mode);
        }
    };

    std::string data_;
    wire::AclList acl_;
};

/// Reads, or sets, of nodes drawn from the tree.
class OverNodes : public Workload {
public:
    OverNodes(const Tree& tree, OpCode read, unsigned write_percent)
        : tree_(tree), requests_(tree.data_bytes), read_(read), write_percent_(write_percent) {}

    bool next(std::size_t, Xid xid, std::string& out) override {
        const auto path = node_path(tree_, draw_.below(tree_.nodes), path_);
        if (write_percent_ > 0 && draw_.below(100) < write_percent_) {
            requests_.set(path, xid, out);
        } else {
            requests_.read(read_, path, xid, out);
        }
        return true;
    }

private:
    Tree tree_;
    Requests requests_;
    OpCode read_;
    unsigned write_percent_;
    Draw draw_{kSeed};
    std::string path_;
};

class Children : public Workload {
public:
    explicit Children(const Tree& tree) : tree_(tree), requests_(0) {}

    bool next(std::size_t, Xid xid, std::string& out) override {
        requests_.read(OpCode::kGetChildren2, parent_path(draw_.below(tree_.parents), path_), xid, out);
        return true;
    }

private:
    Tree tree_;
    Requests requests_;
    Draw draw_{kSeed};
    std::string path_;
};

/// Parent of what one session creates during the run: /bench/t<tag>-<session>.
std::string own_parent(const WorkloadOptions& options, std::size_t session) {
    return std::string(kRoot) + "/t" + options.tag + "-" + std::to_string(session);
}

/// Each session creates nodes under a parent of its own; ephemerals are deleted by the request behind.
class Create : public Workload {
public:
    Create(const WorkloadOptions& options, CreateMode mode)
        : requests_(options.tree.data_bytes), mode_(mode), made_(options.sessions) {
        for (std::size_t session = 0; session < options.sessions; ++session)
            prefixes_.push_back(own_parent(options, session) + "/n");
    }

    bool next(std::size_t session, Xid xid, std::string& out) override {
        const bool deletes = mode_ == CreateMode::kEphemeral && made_[session] % 2 == 1;
        const auto number = mode_ == CreateMode::kEphemeral ? made_[session] / 2 : made_[session];
        ++made_[session];
        path_ = prefixes_[session];
        append_number(path_, number, 7);
        if (deletes) {
            requests_.remove(path_, xid, out);
        } else {
            requests_.create(path_, mode_, xid, out);
        }
        return true;
    }

private:
    Requests requests_;
    CreateMode mode_;
    std::vector<std::string> prefixes_;
    std::vector<std::size_t> made_;  // requests so far, per session
    std::string path_;
};

class CreateParents : public Workload {
public:
    explicit CreateParents(const WorkloadOptions& options) : requests_(0) {
        paths_.emplace_back(kRoot);
        std::string buffer;
        for (std::size_t i = 0; i < options.tree.parents; ++i) paths_.emplace_back(parent_path(i, buffer));
        for (std::size_t i = 0; i < options.sessions; ++i) paths_.push_back(own_parent(options, i));
    }

    bool next(std::size_t, Xid xid, std::string& out) override {
        if (next_ == paths_.size()) return false;
        requests_.create(paths_[next_++], CreateMode::kPersistent, xid, out);
        return true;
    }

private:
    Requests requests_;
    std::vector<std::string> paths_;
    std::size_t next_ = 0;
};

class CreateNodes : public Workload {
public:
    explicit CreateNodes(const Tree& tree) : tree_(tree), requests_(tree.data_bytes) {}

    bool next(std::size_t, Xid xid, std::string& out) override {
        if (next_ == tree_.nodes) return false;
        requests_.create(node_path(tree_, next_++, path_), CreateMode::kPersistent, xid, out);
        return true;
    }

private:
    Tree tree_;
    Requests requests_;
    std::string path_;
    std::size_t next_ = 0;
};

using Make = std::function<std::unique_ptr<Workload>(const WorkloadOptions&)>;

Make over_nodes(OpCode read, unsigned write_percent) {
    return [=](const auto& options) { return std::make_unique<OverNodes>(options.tree, read, write_percent); };
}

Make creating(CreateMode mode) {
    return [=](const auto& options) { return std::make_unique<Create>(options, mode); };
}

const std::vector<std::pair<std::string, Make>>& workloads() {
    static const std::vector<std::pair<std::string, Make>> kWorkloads{
        {"get", over_nodes(OpCode::kGetData, 0)},
        {"exists", over_nodes(OpCode::kExists, 0)},
        {"children", [](const auto& options) { return std::make_unique<Children>(options.tree); }},
        {"set", over_nodes(OpCode::kGetData, 100)},
        {"mixed", [](const auto& options) { return over_nodes(OpCode::kGetData, options.write_percent)(options); }},
        {"create", creating(CreateMode::kPersistent)},
        {"ephemeral", creating(CreateMode::kEphemeral)},
    };
    return kWorkloads;
}

}  // namespace

std::string_view parent_path(std::size_t parent, std::string& buffer) {
    buffer = kRoot;
    buffer += "/p";
    append_number(buffer, parent, 1);
    return buffer;
}

std::string_view node_path(const Tree& tree, std::size_t node, std::string& buffer) {
    parent_path(node % tree.parents, buffer);
    buffer += "/n";
    append_number(buffer, node, 7);
    return buffer;
}

std::vector<std::string> workload_names() {
    std::vector<std::string> names;
    for (const auto& [name, make] : workloads()) names.push_back(name);
    return names;
}

std::unique_ptr<Workload> make_workload(const std::string& name, const WorkloadOptions& options) {
    for (const auto& [known, make] : workloads())
        if (known == name) return make(options);
    throw Failure("there is no workload " + name);
}

std::unique_ptr<Workload> create_parents(const WorkloadOptions& options) {
    return std::make_unique<CreateParents>(options);
}

std::unique_ptr<Workload> create_nodes(const Tree& tree) { return std::make_unique<CreateNodes>(tree); }

}  // namespace zabd::bench
