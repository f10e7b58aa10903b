#include "server/admin/lock_layouts.hpp"

#include "recipes/contenders.hpp"
#include "recipes/queue_entries.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <span>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace zabd::server::admin {
namespace {

using recipes::Contender;
using recipes::Dialect;
using recipes::QueueForm;
using recipes::Share;
using Limits = std::map<std::string, std::size_t>;

constexpr std::string_view kReady = "ready";          // of an open double barrier
constexpr std::string_view kLeaseBase = "lease-";     // Curator's
constexpr std::string_view kMember = "-member";       // of our double barrier
constexpr std::string_view kKazooLock = "-__lock__";  // behind a semaphore's path: its queue
constexpr std::string_view kClaims = "-locks";        // behind a queue's path: its claims
constexpr std::string_view kTaken = "taken";          // of kazoo's LockingQueue: its claims
constexpr std::string_view kEntry = "entry-";         // kazoo's queues

std::string_view parent_of(std::string_view path) {
    const auto slash = path.rfind('/');
    return slash == 0 ? path.substr(0, 1) : path.substr(0, slash);
}
std::string_view base_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool is_id(std::string_view name) {
    const auto hex_or_dash = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == '-';
    };
    if (!std::ranges::all_of(name, hex_or_dash)) return false;
    const auto dashes = std::ranges::count(name, '-');
    const bool uuid = name.size() == 36 && dashes == 4 && name[8] == '-' && name[13] == '-' && name[18] == '-';
    return (name.size() == 32 && dashes == 0) || uuid;
}

bool is_sequence(std::string_view digits) {
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    return digits.size() >= 10 && std::ranges::all_of(digits.substr(digits.starts_with('-') ? 1 : 0), is_digit);
}

/// entry-100-0000000007: in order as text.
bool is_kazoo_entry(std::string_view name) {
    if (!name.starts_with(kEntry)) return false;
    name.remove_prefix(kEntry.size());
    return name.size() > 4 && name[3] == '-' && is_sequence(name.substr(4));
}

std::optional<QueueForm> queue_form_of(std::string_view name) {
    for (const auto form : {QueueForm::kPlain, QueueForm::kPriority, QueueForm::kDelay})
        if (recipes::parse_entry(form, name)) return form;
    return std::nullopt;
}

bool is_lease(std::string_view name) {
    const auto at = name.rfind(kLeaseBase);
    return at != std::string_view::npos && (at == 0 || name.starts_with("_c_")) &&
           is_sequence(name.substr(at + kLeaseBase.size()));
}

bool is_member(std::string_view name) {
    return name.starts_with("_c_") && name.ends_with(kMember) &&
           is_id(name.substr(3, name.size() - 3 - kMember.size()));
}

/// Names that say enough, even of a node that is not ephemeral or may not be read.
bool is_unmistakable(std::string_view name, const Contender& contender) {
    return contender.dialect == Dialect::kKazoo || name.starts_with("_c_");
}

/// What below one node can belong to a recipe.
struct Family {
    std::vector<LockNode> contenders;
    std::vector<LockNode> leases;
    std::vector<LockNode> ids;      // ephemerals whose name is a random id and nothing else
    std::vector<LockNode> members;  // of our double barrier
    std::vector<LockNode> entries;
    std::vector<LockNode> kazoo_entries;
    std::vector<LockNode> claims;  // ephemerals named like an entry
    std::optional<QueueForm> form;
    bool ready = false;
    bool taken = false;  // there is a node for the claims of kazoo's LockingQueue
};

/// Good as long as the nodes are.
std::unordered_map<std::string_view, const LockNode*> by_name(const std::vector<LockNode>& nodes) {
    std::unordered_map<std::string_view, const LockNode*> named;
    for (const auto& node : nodes) named.emplace(base_of(node.path), &node);
    return named;
}

bool older(const LockNode& a, const LockNode& b) { return std::tie(a.czxid, a.path) < std::tie(b.czxid, b.path); }

std::vector<LockEntry> entries_of(std::vector<LockNode> nodes) {
    std::ranges::sort(nodes, older);
    std::vector<LockEntry> entries;
    for (auto& node : nodes) entries.push_back({std::move(node), LockEntry::Mode::kNone});
    return entries;
}

// --- contests --------------------------------------------------------------------------------------------------------

/// In the order of the queue.
std::vector<Contender> line_up(const std::vector<LockNode>& nodes) {
    std::vector<std::string> names;
    for (const auto& node : nodes) names.emplace_back(base_of(node.path));
    auto contenders = recipes::parse_contenders(names);
    if (recipes::numbers_tell_order(contenders)) return contenders;
    std::unordered_map<std::string_view, Zxid> czxids;
    for (const auto& node : nodes) czxids.emplace(base_of(node.path), node.czxid);
    for (auto& contender : contenders) contender.czxid = czxids.at(contender.name);
    recipes::order_by_czxid(contenders);
    return contenders;
}

/// Curator's read lock that is taken under a write lock has the write lock's number, and does not wait for it.
bool holds(const std::vector<Contender>& line, std::size_t place) {
    const auto* blocker = recipes::blocker_of(line, place);
    if (blocker == nullptr) return true;
    const bool under_it = line[place].share == Share::kShared && blocker->number == line[place].number;
    return under_it && blocker == &line.front();
}

bool says(const std::vector<Contender>& line, std::string_view base) {
    return std::ranges::any_of(line, [&](const Contender& c) { return c.name.find(base) != std::string::npos; });
}

LockKind kind_of(const std::vector<Contender>& line) {
    const auto shares = [](const Contender& c) { return c.share == Share::kShared; };
    if (std::ranges::any_of(line, shares) || says(line, "__WRIT__")) return LockKind::kReadWriteLock;
    const auto elects = [](const Contender& c) { return c.name.starts_with("n_"); };
    if (says(line, "latch-") || std::ranges::any_of(line, elects)) return LockKind::kElection;
    return LockKind::kLock;
}

std::string_view layout_of(const std::vector<Contender>& line) {
    switch (line.front().dialect) {
        case Dialect::kKazoo: return "kazoo";
        case Dialect::kZooKeeper: return "zookeeper";
        default: return "curator";
    }
}

LockView contest_of(std::string path, const std::vector<LockNode>& nodes, const std::vector<Contender>& line) {
    LockView view{
        .path = std::move(path), .kind = kind_of(line), .layout = layout_of(line), .holders = {}, .waiting = {}};
    const auto named = by_name(nodes);
    for (std::size_t place = 0; place < line.size(); ++place) {
        LockEntry entry{*named.at(line[place].name), LockEntry::Mode::kNone};
        if (view.kind == LockKind::kReadWriteLock)
            entry.mode = line[place].share == Share::kShared ? LockEntry::Mode::kRead : LockEntry::Mode::kWrite;
        (holds(line, place) ? view.holders : view.waiting).push_back(std::move(entry));
    }
    return view;
}

/// Who does not see the others has a queue of its own.
std::vector<LockView> contests_of(const std::string& path, const std::vector<LockNode>& nodes) {
    auto line = line_up(nodes);
    if (!recipes::mixes_blind_dialects(line)) return {contest_of(path, nodes, line)};
    const auto kazoo = [](const Contender& c) { return c.dialect == Dialect::kKazoo; };
    std::vector<Contender> others;
    std::ranges::remove_copy_if(line, std::back_inserter(others), kazoo);
    std::erase_if(line, [&](const Contender& c) { return !kazoo(c); });
    return {contest_of(path, nodes, others), contest_of(path, nodes, line)};
}

// --- semaphores ------------------------------------------------------------------------------------------------------

/// A lease is made first and waits then, as long as its owner is the first in the queue.
LockView semaphore_of(std::string path, std::string_view layout, std::vector<LockNode> leases,
                      const std::vector<LockNode>& queue, std::optional<std::size_t> limit) {
    LockView view{
        .path = std::move(path), .kind = LockKind::kSemaphore, .layout = layout, .holders = {}, .waiting = {}};
    std::ranges::sort(leases, older);
    const auto named = by_name(queue);
    const auto line = line_up(queue);
    for (const auto& contender : line) view.waiting.push_back({*named.at(contender.name), LockEntry::Mode::kNone});
    if (!view.waiting.empty() && !leases.empty() && view.waiting.front().node.session != SessionId::kNone) {
        const auto& first = view.waiting.front().node;
        if (leases.back().session == first.session && leases.back().czxid > first.czxid) leases.pop_back();
    }
    if (limit && leases.size() > *limit) leases.resize(*limit);
    view.holders = entries_of(std::move(leases));
    return view;
}

// --- barriers and queues ---------------------------------------------------------------------------------------------

LockView barrier_of(std::string path, std::string_view layout, std::vector<LockNode> members, bool open) {
    LockView view{.path = std::move(path), .kind = LockKind::kBarrier, .layout = layout, .holders = {}, .waiting = {}};
    (open ? view.holders : view.waiting) = entries_of(std::move(members));
    return view;
}

/// `names`: the entries in the order in which they are taken. A claim's node tells by whom, and since when.
LockView queue_of(std::string path, std::string_view layout, const std::vector<std::string>& names,
                  const std::vector<LockNode>& entries, const std::vector<LockNode>& claims) {
    LockView view{.path = std::move(path), .kind = LockKind::kQueue, .layout = layout, .holders = {}, .waiting = {}};
    const auto entry_named = by_name(entries);
    const auto claim_named = by_name(claims);
    for (const auto& name : names) {
        const auto claim = claim_named.find(name);
        if (claim != claim_named.end()) {
            view.holders.push_back({*claim->second, LockEntry::Mode::kNone});
        } else {
            view.waiting.push_back({*entry_named.at(name), LockEntry::Mode::kNone});
        }
    }
    return view;
}

std::vector<std::string> names_of(const std::vector<LockNode>& nodes) {
    std::vector<std::string> names;
    for (const auto& node : nodes) names.emplace_back(base_of(node.path));
    std::ranges::sort(names);
    return names;
}

}  // namespace

std::string_view name_of(LockKind kind) {
    switch (kind) {
        case LockKind::kLock: break;
        case LockKind::kReadWriteLock: return "read_write_lock";
        case LockKind::kSemaphore: return "semaphore";
        case LockKind::kElection: return "election";
        case LockKind::kBarrier: return "barrier";
        case LockKind::kQueue: return "queue";
    }
    return "lock";
}

struct LockFinder::Impl {
    std::map<std::string, Family, std::less<>> families;  // by the path of the node above
    std::size_t kept = 0;

    [[nodiscard]] const Family* family(const std::string& path) const {
        const auto found = families.find(path);
        return found == families.end() ? nullptr : &found->second;
    }
    Family& family_of(const LockNode& node) {
        ++kept;
        return families[std::string(parent_of(node.path))];
    }
    [[nodiscard]] bool curator_semaphore(const std::string& path) const {
        const auto* leases = family(path + "/leases");
        return leases != nullptr && !leases->leases.empty();
    }
    [[nodiscard]] bool kazoo_semaphore(const std::string& path) const {
        const auto* own = family(path);
        const auto* queue = family(path + std::string(kKazooLock));
        const bool leases = own != nullptr && !own->ids.empty() && !own->ready;
        return leases && own->contenders.empty() && (queue == nullptr || !queue->contenders.empty());
    }
    [[nodiscard]] bool part_of_semaphore(const std::string& path, const Limits& limits) const;
    [[nodiscard]] std::vector<LockNode> contenders_below(const std::string& path) const {
        const auto* queue = family(path);
        return queue ? queue->contenders : std::vector<LockNode>{};
    }
    void look_at(const std::string& path, const Family& own, const Limits& limits, std::vector<LockView>& found) const;
    void look_at_queues(const std::string& path, const Family& own, std::vector<LockView>& found) const;
};

LockFinder::LockFinder() : impl_(std::make_unique<Impl>()) {}
LockFinder::~LockFinder() = default;
LockFinder::LockFinder(LockFinder&&) noexcept = default;

std::size_t LockFinder::kept() const { return impl_->kept; }

void LockFinder::see(LockNode node) {
    auto& impl = *impl_;
    const auto name = base_of(node.path);
    const bool ephemeral = node.session != SessionId::kNone;
    if (const auto contender = recipes::parse_contender(name)) {
        if (ephemeral || is_unmistakable(name, *contender)) impl.family_of(node).contenders.push_back(std::move(node));
    } else if (is_lease(name)) {
        impl.family_of(node).leases.push_back(std::move(node));
    } else if (is_member(name)) {
        impl.family_of(node).members.push_back(std::move(node));
    } else if (name == kReady) {
        impl.family_of(node).ready = true;
    } else if (name == kTaken) {
        impl.family_of(node).taken = true;
    } else if (ephemeral && is_id(name)) {
        impl.family_of(node).ids.push_back(std::move(node));
    } else if (is_kazoo_entry(name)) {
        auto& family = impl.family_of(node);
        (ephemeral ? family.claims : family.kazoo_entries).push_back(std::move(node));
    } else if (const auto form = queue_form_of(name)) {
        auto& family = impl.family_of(node);
        if (!ephemeral) family.form = form;
        (ephemeral ? family.claims : family.entries).push_back(std::move(node));
    }
}

std::vector<std::string> LockFinder::limits_wanted() const {
    std::vector<std::string> paths;
    for (const auto& [path, family] : impl_->families)
        if (impl_->kazoo_semaphore(path)) paths.push_back(path);
    return paths;
}

bool LockFinder::Impl::part_of_semaphore(const std::string& path, const Limits& limits) const {
    const std::string above(parent_of(path));
    if (base_of(path) == "locks" && curator_semaphore(above)) return true;
    if (!path.ends_with(kKazooLock)) return false;
    const auto semaphore = path.substr(0, path.size() - kKazooLock.size());
    return limits.contains(semaphore) && kazoo_semaphore(semaphore);
}

void LockFinder::Impl::look_at(const std::string& path, const Family& own, const Limits& limits,
                               std::vector<LockView>& found) const {
    if (!own.contenders.empty() && !part_of_semaphore(path, limits))
        std::ranges::move(contests_of(path, own.contenders), std::back_inserter(found));
    if (!own.leases.empty() && base_of(path) == "leases") {
        std::string above(parent_of(path));
        auto queue = contenders_below(above + "/locks");
        found.push_back(semaphore_of(std::move(above), "curator", own.leases, queue, std::nullopt));
    }
    const auto limit = limits.find(path);
    if (limit != limits.end() && kazoo_semaphore(path))
        found.push_back(
            semaphore_of(path, "kazoo", own.ids, contenders_below(path + std::string(kKazooLock)), limit->second));
    if (!own.members.empty() || (own.ready && !own.ids.empty())) {
        auto members = own.members;
        members.insert(members.end(), own.ids.begin(), own.ids.end());
        const bool kazoo = own.members.empty() && base_of(own.ids.front().path).size() == 32;
        found.push_back(barrier_of(path, kazoo ? "kazoo" : "curator", std::move(members), own.ready));
    }
    look_at_queues(path, own, found);
}

void LockFinder::Impl::look_at_queues(const std::string& path, const Family& own, std::vector<LockView>& found) const {
    const auto claims_at = [&](const std::string& claims_path) {
        const auto* family_of_claims = family(claims_path);
        return family_of_claims ? family_of_claims->claims : std::vector<LockNode>{};
    };
    if (!own.entries.empty()) {
        const auto entries = recipes::parse_entries(*own.form, names_of(own.entries));
        std::vector<std::string> names;
        for (const auto& entry : entries) names.push_back(entry.name);
        found.push_back(queue_of(path, "curator", names, own.entries, claims_at(path + std::string(kClaims))));
    }
    if (own.kazoo_entries.empty()) return;
    // A LockingQueue has its entries and its claims in two nodes below its own.
    const auto* above = family(std::string(parent_of(path)));
    const bool locking = base_of(path) == "entries" && above != nullptr && above->taken;
    const std::string top(locking ? parent_of(path) : std::string_view(path));
    const auto claims = locking ? claims_at(top + "/taken") : std::vector<LockNode>{};
    found.push_back(queue_of(top, "kazoo", names_of(own.kazoo_entries), own.kazoo_entries, claims));
}

std::vector<LockView> LockFinder::find(const std::map<std::string, std::size_t>& limits) const {
    std::vector<LockView> found;
    for (const auto& [path, family] : impl_->families) impl_->look_at(path, family, limits, found);
    std::ranges::stable_sort(found, {}, &LockView::path);
    return found;
}

}  // namespace zabd::server::admin
