#include "zabctl/walk.hpp"

#include "zabctl/failure.hpp"

#include <algorithm>
#include <utility>

namespace zabd::zabctl {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kBatch = 64;  // nodes of one request

}  // namespace

Walk::Walk(client::Client& client, std::string root, std::size_t depth_max) : client_(client), depth_max_(depth_max) {
    stack_.push_back({.path = std::move(root)});
}

asio::awaitable<std::optional<Visit>> Walk::next() {
    while (!stack_.empty()) {
        if (!stack_.back().fetched) co_await fetch();
        const Entry entry = std::move(stack_.back());
        stack_.pop_back();
        if (entry.gone) continue;
        if (entry.depth < depth_max_) push_children(entry);
        co_return Visit{entry.path, entry.depth, entry.last_sibling, entry.names.size()};
    }
    co_return std::nullopt;
}

asio::awaitable<void> Walk::fetch() {
    client::MultiRead reads;
    std::vector<std::size_t> places;
    for (std::size_t i = stack_.size(); i-- > 0 && places.size() < kBatch;) {
        if (stack_[i].fetched) continue;
        reads.children(stack_[i].path);
        places.push_back(i);
    }
    auto results = co_await at(stack_.back().path, client_.multi_read(reads));
    for (std::size_t i = 0; i < places.size(); ++i) take(stack_[places[i]], results.at(i));
}

void Walk::take(Entry& entry, client::MultiReadResult& result) const {
    entry.fetched = true;
    entry.gone = result.error == client::Errc::kNoNode && entry.depth > 0;
    if (result.error && !entry.gone) throw failure_of(result.error, entry.path);
    entry.names = std::move(result.names);
}

void Walk::push_children(const Entry& entry) {
    auto names = entry.names;
    std::sort(names.begin(), names.end(), std::greater<>());
    for (const auto& name : names) {
        stack_.push_back(
            {.path = child_path(entry.path, name), .depth = entry.depth + 1, .last_sibling = &name == &names.front()});
    }
}

asio::awaitable<std::vector<std::string>> all_paths(client::Client& client, std::string root) {
    std::vector<std::string> paths;
    Walk walk(client, std::move(root));
    while (auto visit = co_await walk.next()) paths.push_back(std::move(visit->path));
    co_return paths;
}

std::string child_path(std::string_view parent, std::string_view name) {
    std::string path(parent == "/" ? "" : parent);
    return path.append("/").append(name);
}

}  // namespace zabd::zabctl
