#include "tests/client/soak_model.hpp"

#include "client/error.hpp"

#include <utility>

namespace zabd::client::tests {

bool NodeModel::wrote(const Effect& effect, const std::error_code& error) {
    const bool unsent = error == Errc::kNotSent;
    if (unsent) return true;
    std::set<Content> next;
    const bool in_doubt = may_have_been_applied(error);
    for (const auto& content : possible_) {
        const auto* after = std::get_if<Content>(content ? &effect.on_node : &effect.on_none);
        if (in_doubt || (error && !after)) next.insert(content);
        if (after && (in_doubt || !error)) next.insert(*after);
    }
    possible_ = std::move(next);
    return !possible_.empty();
}

bool NodeModel::read(const Content& content, bool behind_sync) {
    const bool explained = possible_.contains(content);
    if (behind_sync) possible_ = {content};
    return explained;
}

std::string text_of(const Content& content) { return content ? content->substr(0, content->find('-')) : "no node"; }

}  // namespace zabd::client::tests
