#include "server/core/sessions.hpp"

#include "wire/jute.hpp"
#include "wire/quorum.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace zabd::core {

void Sessions::begin_leading(const session::Table& open, Instant now) {
    stop();
    leading_ = true;
    for (const auto& [session, timeout] : open.all()) expiry_.touch(session, timeout, now);
}

void Sessions::stop() {
    leading_ = false;
    expiry_ = session::Expiry(tick_);
    owner_of_.clear();
    touched_.clear();
    asked_.clear();
    answers_.clear();
}

void Sessions::touch(SessionId session, Millis timeout, Instant now) {
    if (leading_) {
        expiry_.touch(session, timeout, now);
    } else {
        touched_.insert_or_assign(session, timeout);
    }
}

void Sessions::remove(SessionId session) {
    expiry_.remove(session);
    owner_of_.erase(session);
    touched_.erase(session);
}

std::vector<SessionId> Sessions::expired(Instant now) {
    std::vector<SessionId> expired;
    expiry_.advance(now, expired);
    return expired;
}

bool Sessions::is_owner(SessionId session, LinkId link) {
    return owner_of_.try_emplace(session, link).first->second == link;
}

void Sessions::forget(LinkId link) {
    std::erase_if(owner_of_, [&](const auto& entry) { return entry.second == link; });
}

Bytes Sessions::take_touches() {
    std::vector<std::pair<SessionId, Millis>> touched(touched_.begin(), touched_.end());
    touched_.clear();
    std::ranges::sort(touched);
    std::string table;
    wire::Encoder out(table);
    for (const auto& [session, timeout] : touched)
        wire::encode(out, wire::SessionTouch{session, static_cast<std::int32_t>(timeout.count())});
    return Bytes::copy_of(std::string_view(table));
}

void Sessions::answer(SessionId session, bool valid, Zxid bound) {
    const auto asked = std::ranges::find(asked_, session, &Asked::session);
    if (asked == asked_.end()) return;
    answers_.push_back({session, asked->connection, valid, bound});
    asked_.erase(asked);
}

std::optional<Sessions::Answer> Sessions::next_answer(Zxid applied) {
    if (answers_.empty() || answers_.front().bound > applied) return std::nullopt;
    const auto answer = answers_.front();
    answers_.pop_front();
    return answer;
}

}  // namespace zabd::core
