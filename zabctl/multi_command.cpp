#include "zabctl/multi_command.hpp"

#include "zabctl/operations.hpp"
#include "zabctl/words.hpp"

#include <boost/asio/as_tuple.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

namespace zabd::zabctl {
namespace {

namespace asio = boost::asio;

struct Part {
    std::string name;
    std::function<std::string(const std::string& created)> told;  // what it did, for people
};

template <class Operation>
Part add_as(client::Multi& multi, std::vector<std::string> words) {
    CLI::App parser;
    Operation operation;
    operation.declare(parser);
    const auto name = words.front();
    try {
        parser.parse(std::vector<std::string>(words.rbegin(), std::prev(words.rend())));
    } catch (const CLI::ParseError& error) {
        throw Failure(kUsage, fmt::format("multi: {}: {}", name, error.what()));
    }
    operation.add_to(multi);
    return {name, [operation](const std::string& created) { return operation.told(created); }};
}

Part add(client::Multi& multi, std::vector<std::string> words) {
    using Add = Part (*)(client::Multi&, std::vector<std::string>);
    static const std::vector<std::pair<std::string, Add>> kOperations{{"create", add_as<CreateOperation>},
                                                                      {"set", add_as<SetOperation>},
                                                                      {"delete", add_as<DeleteOperation>},
                                                                      {"check", add_as<CheckOperation>}};
    for (const auto& [name, add_operation] : kOperations) {
        if (words.front() == name) return add_operation(multi, std::move(words));
    }
    throw Failure(kUsage, fmt::format("multi: '{}' is none of create, set, delete, check", words.front()));
}

/// Cuts at words that are ';'.
std::vector<std::vector<std::string>> operations_of(const std::vector<std::string>& words) {
    std::vector<std::vector<std::string>> operations(1);
    for (const auto& word : words) {
        if (word == ";") {
            operations.emplace_back();
        } else {
            operations.back().push_back(word);
        }
    }
    std::erase_if(operations, [](const auto& operation) { return operation.empty(); });
    return operations;
}

/// What the failed multi's first real error was; the others only say that they were not tried.
Failure failure_of_part(const boost::system::error_code& error, const std::vector<client::MultiResult>& results,
                        const std::vector<Part>& parts) {
    for (std::size_t i = 0; i < std::min(results.size(), parts.size()); ++i) {
        if (!results[i].error || results[i].error == client::Errc::kRuntimeInconsistency) continue;
        const auto failure = failure_of(results[i].error, fmt::format("operation {} ({})", i + 1, parts[i].name));
        return {failure.code(), fmt::format("{}; nothing was applied", failure.what())};
    }
    return failure_of(error, "multi");
}

}  // namespace

void MultiCommand::declare(CLI::App& app) {
    app.footer(
        "Operations: create, set, delete, check with their arguments, ';' between them:\n"
        "  multi 'create /a x; set /b y -v 3; delete /c; check /d -v 1'");
    app.add_option("-f,--file", file_, "Take them from a file, one on each line; - is standard input")
        ->type_name("FILE");
    // The operations' flags are theirs: all from the first word on is taken as it stands.
    app.prefix_command()->fallthrough(false)->callback([this, &app] { words_ = app.remaining(); });
}

std::vector<std::vector<std::string>> MultiCommand::operation_words() const {
    if (!file_.empty()) {
        auto lines = read_file(file_);
        std::replace(lines.begin(), lines.end(), '\n', ';');
        return operations_of(split_words(lines).words);
    }
    return operations_of(words_.size() == 1 ? split_words(words_.front()).words : words_);
}

asio::awaitable<void> MultiCommand::run(Context& context) {
    client::Multi multi;
    std::vector<Part> parts;
    for (auto& words : operation_words()) parts.push_back(add(multi, std::move(words)));
    if (parts.empty()) throw Failure(kUsage, "multi: no operations; `help multi` shows how they are written");

    auto* client = co_await context.client();
    const client::CallOptions options;
    const auto [error, results] = co_await client->multi(multi, options, asio::as_tuple(asio::use_awaitable));
    if (error) throw failure_of_part(error, results, parts);

    auto values = Json::array();
    std::string text;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const auto& result = results.at(i);
        Json value{{"operation", parts[i].name}};
        if (!result.path.empty()) value["path"] = result.path;
        if (parts[i].name == "create" || parts[i].name == "set") value["stat"] = json_of(result.stat);
        values.push_back(std::move(value));
        text += (i == 0 ? "" : "\n") + parts[i].told(result.path);
    }
    context.output.show(values, text);
}

}  // namespace zabd::zabctl
