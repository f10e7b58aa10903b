// The learners of a leader, as far as they are owed answers.
//
// Rule      SYNC, and the answer to REVALIDATE, leave once all that was proposed when it was asked is committed, and behind
//           the COMMIT or INFORM that says so on the same link: then the learner's stream holds it all (hazard Z-35). A
//           learner may lag behind what is committed, so this is looked at for each.
// Order     of the questions, per link.
// ZooKeeper its learners know an answer to SYNC by its place among the COMMITs: it comes right behind that of the last
//           proposal of when it was asked. A later COMMIT before it would be taken for it.
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
    void add(LinkId link, Zxid committed, bool zabd) {
        learners_[link] = {.told = committed, .zabd = zabd, .owed = {}};
    }
    void remove(LinkId link);
    void clear();
    [[nodiscard]] bool contains(LinkId link) const { return learners_.contains(link); }
    /// A learner of ZooKeeper's.
    [[nodiscard]] bool is_zookeeper(LinkId link) const;

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
        bool zabd = true;
        std::deque<Answer> owed;
    };
    std::map<LinkId, Learner> learners_;
    std::size_t owed_ = 0;  // to all
};

}  // namespace zabd::core
