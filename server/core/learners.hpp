// The learners of a leader, as far as they are owed answers.
//
// Rule      SYNC, and the answer to REVALIDATE, leave once all that was proposed when it was asked is committed, and behind
//           the COMMIT or INFORM that says so on the same link: then the learner's stream holds it all (hazard Z-35). A
//           learner may lag behind what is committed, so this is looked at for each.
// Order     of the questions, per link.
#pragma once

#include "wire/ids.hpp"

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <utility>

namespace zabd::core {

class Learners {
public:
    /// It is up to date, and knows what is committed up to here.
    void add(LinkId link, Zxid committed) { learners_[link].told = committed; }
    void remove(LinkId link);
    void clear();
    [[nodiscard]] bool contains(LinkId link) const { return learners_.contains(link); }

    /// It has been sent that this is committed. Links of no learner are ignored.
    void tell(LinkId link, Zxid committed);

    struct Answer {
        Zxid bound;
        SessionId session = SessionId::kNone;  // whose validity; kNone: SYNC
    };
    void owe(LinkId link, Answer answer);
    /// An answer that may leave now.
    [[nodiscard]] std::optional<std::pair<LinkId, Answer>> next_due();

private:
    struct Learner {
        Zxid told;
        std::deque<Answer> owed;
    };
    std::map<LinkId, Learner> learners_;
    std::size_t owed_ = 0;  // to all
};

}  // namespace zabd::core
