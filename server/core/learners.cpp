#include "server/core/learners.hpp"

#include <algorithm>

namespace zabd::core {

void Learners::remove(LinkId link) {
    const auto found = learners_.find(link);
    if (found == learners_.end()) return;
    owed_ -= found->second.owed.size();
    learners_.erase(found);
}

void Learners::clear() {
    learners_.clear();
    owed_ = 0;
}

bool Learners::is_zookeeper(LinkId link) const {
    const auto found = learners_.find(link);
    return found != learners_.end() && !found->second.zabd;
}

void Learners::tell(LinkId link, Zxid committed) {
    const auto found = learners_.find(link);
    if (found != learners_.end()) found->second.told = std::max(found->second.told, committed);
}

void Learners::owe(LinkId link, Answer answer) {
    const auto found = learners_.find(link);
    if (found == learners_.end()) return;
    found->second.owed.push_back(answer);
    ++owed_;
}

std::optional<std::pair<LinkId, Learners::Answer>> Learners::next_due() {
    if (owed_ == 0) return std::nullopt;
    for (auto& [link, learner] : learners_) {
        if (learner.owed.empty() || learner.owed.front().bound > learner.told) continue;
        const auto answer = learner.owed.front();
        learner.owed.pop_front();
        --owed_;
        return std::pair(link, answer);
    }
    return std::nullopt;
}

}  // namespace zabd::core
