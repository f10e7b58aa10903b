// Export and import of subtrees as JSON lines, one node each, parents in front of their children:
//
//     {"path": "/child", "data": "text", "acl": ["world:anyone:r"]}
//
// Paths are relative to the exported root, whose own is "". An open ACL is left out. Memory holds one batch of nodes
// and the names along the way, whatever the size of the tree.
#include "zabctl/acl_text.hpp"
#include "zabctl/command.hpp"
#include "zabctl/concurrently.hpp"
#include "zabctl/progress.hpp"
#include "zabctl/walk.hpp"

#include <boost/asio/as_tuple.hpp>
#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>

namespace zabd::zabctl {
namespace {

namespace asio = boost::asio;
constexpr auto as_value = asio::as_tuple(asio::use_awaitable);

// --- export ---

/// A line; nullopt for a node that went meanwhile, and for ephemerals: they belong to a session, not to the data.
asio::awaitable<std::optional<Json>> exported(client::Client& client, std::string path, std::string relative) {
    const client::ReadOptions read;
    const client::CallOptions call;
    const auto [data_error, node] = co_await client.get(path, read, as_value);
    const auto [acl_error, node_acl] = co_await client.get_acl(path, call, as_value);
    const auto error = data_error ? data_error : acl_error;
    if (error == client::Errc::kNoNode) co_return std::nullopt;
    if (error) throw failure_of(error, path);
    if (node.stat.ephemeral_owner != 0) co_return std::nullopt;
    Json line{{"path", relative}};
    put_data(line, node.data);
    if (node_acl.acl != client::open_acl()) line["acl"] = json_of(node_acl.acl);
    co_return line;
}

class Export : public Command {
    std::string path_;
    std::string file_;

    void declare(CLI::App& app) override {
        path_argument(app, path_);
        app.add_option("-o,--output", file_, "Write to a file instead of standard output")->type_name("FILE");
    }

    asio::awaitable<void> run(Context& context) override {
        auto* client = co_await context.client();
        std::ofstream file;
        if (!file_.empty()) file.open(file_, std::ios::binary);
        if (!file) throw Failure(kFailed, fmt::format("cannot write {}: {}", file_, std::strerror(errno)));
        auto& out = file_.empty() ? std::cout : file;

        Walk walk(*client, path_);
        std::size_t nodes = 0;
        {
            Progress progress(context.output, "nodes exported");
            while (const auto written = co_await write_batch(*client, walk, out)) {
                nodes += *written;
                progress.add(*written);
            }
        }
        out.flush();
        if (!out) throw Failure(kFailed, fmt::format("cannot write {}: {}", file_, std::strerror(errno)));
        context.output.message(fmt::format("zabctl: {} nodes exported", nodes));
    }

    /// How many lines; nullopt at the end of the walk.
    asio::awaitable<std::optional<std::size_t>> write_batch(client::Client& client, Walk& walk, std::ostream& out) {
        std::vector<asio::awaitable<std::optional<Json>>> batch;
        while (batch.size() < kConcurrent) {
            const auto visit = co_await walk.next();
            if (!visit) break;
            if (of_the_server(visit->path)) continue;
            batch.push_back(exported(client, visit->path, relative(visit->path)));
        }
        if (batch.empty()) co_return std::nullopt;
        std::size_t written = 0;
        for (const auto& line : co_await all(std::move(batch))) {
            if (!line) continue;
            out << line->dump() << '\n';
            ++written;
        }
        co_return written;
    }

    /// In the export of "/": what every server has of its own.
    [[nodiscard]] bool of_the_server(const std::string& path) const {
        return path_ == "/" && (path == "/zookeeper" || path.starts_with("/zookeeper/"));
    }

    [[nodiscard]] std::string relative(const std::string& path) const {
        return path.substr(path_ == "/" ? (path == "/" ? 1 : 0) : path_.size());
    }
};

// --- import ---

enum class Existing : std::uint8_t { kFail, kSkip, kOverwrite };

struct ImportedNode {
    std::string path;
    std::string data;
    client::AclList acl;
};

ImportedNode parse_line(const std::string& text, const std::string& root, std::size_t number) {
    try {
        const auto line = Json::parse(text);
        ImportedNode node;
        const auto relative = line.at("path").get<std::string>();
        node.path = root == "/" ? (relative.empty() ? "/" : relative) : root + relative;
        node.data = take_data(line);
        node.acl = client::open_acl();
        if (line.contains("acl")) {
            node.acl.clear();
            for (const auto& word : line.at("acl")) node.acl.push_back(parse_acl(word.get<std::string>()).at(0));
        }
        return node;
    } catch (const Json::exception& error) {
        throw Failure(kFailed, fmt::format("line {} is no exported node: {}", number, error.what()));
    }
}

/// Whether the node was written.
asio::awaitable<bool> import_node(client::Client& client, ImportedNode node, Existing existing) {
    client::CreateOptions options;
    options.acl = &node.acl;
    const auto [error, created] = co_await client.create(node.path, node.data, options, as_value);
    if (!error) co_return true;
    const bool may_exist = existing != Existing::kFail || node.path == "/";
    if (error != client::Errc::kNodeExists || !may_exist) throw failure_of(error, node.path);
    if (existing != Existing::kOverwrite) co_return false;
    co_await at(node.path, client.set(node.path, node.data));
    co_await at(node.path, client.set_acl(node.path, node.acl));
    co_return true;
}

class Import : public Command {
    std::string path_;
    std::string file_ = "-";
    Existing existing_ = Existing::kFail;
    std::size_t line_number_ = 0;

    void declare(CLI::App& app) override {
        static const std::map<std::string, Existing> kExisting{
            {"fail", Existing::kFail}, {"skip", Existing::kSkip}, {"overwrite", Existing::kOverwrite}};
        path_argument(app, path_);
        app.add_option("-f,--file", file_, "What `export` wrote; - is standard input")
            ->type_name("FILE")
            ->capture_default_str();
        app.add_option("--existing", existing_, "What to do with nodes that exist: fail, skip or overwrite")
            ->transform(CLI::CheckedTransformer(kExisting).description(""))
            ->type_name("WHAT");
    }

    asio::awaitable<void> run(Context& context) override {
        auto* client = co_await context.client();
        std::ifstream file;
        if (file_ != "-") file.open(file_, std::ios::binary);
        if (!file) throw Failure(kFailed, fmt::format("cannot read {}: {}", file_, std::strerror(errno)));
        auto& in = file_ == "-" ? std::cin : file;

        const auto parent = path_.substr(0, path_.rfind('/'));
        if (!parent.empty()) co_await at(parent, client->ensure_path(parent));
        std::size_t read = 0;
        std::size_t written = 0;
        {
            Progress progress(context.output, "nodes imported");
            for (auto batch = next_batch(*client, in); !batch.empty(); batch = next_batch(*client, in)) {
                progress.add(batch.size());
                read += batch.size();
                for (const bool one : co_await all(std::move(batch))) written += one ? 1 : 0;
            }
        }
        context.output.show({{"path", path_}, {"imported", written}, {"skipped", read - written}},
                            fmt::format("{} nodes imported, {} skipped", written, read - written));
    }

    /// Begun in the order of the file, so parents are asked for before their children.
    std::vector<asio::awaitable<bool>> next_batch(client::Client& client, std::istream& in) {
        std::vector<asio::awaitable<bool>> batch;
        for (std::string text; batch.size() < kConcurrent && std::getline(in, text);) {
            ++line_number_;
            if (text.empty()) continue;
            batch.push_back(import_node(client, parse_line(text, path_, line_number_), existing_));
        }
        return batch;
    }
};

}  // namespace

CommandFamily transfer_commands() {
    return {"Export and import",
            {
                entry<Export>("export", "Writes a subtree as JSON lines"),
                entry<Import>("import", "Makes a subtree from what `export` wrote"),
            }};
}

}  // namespace zabd::zabctl
