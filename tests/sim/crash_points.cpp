#include "tests/sim/crash_points.hpp"

#include "tests/sim/power_cut.hpp"
#include "tests/sim/stage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace zabd::sim {

namespace {

using Kept = std::vector<bool>;

/// Which of `count` unsynced changes survive, in every state that is to be tried.
std::vector<Kept> states_of(std::size_t count, const CrashPointBounds& bounds, Random& random) {
    std::vector<Kept> states;
    if (count <= bounds.all_subsets_of) {
        for (std::size_t subset = 0; subset < (std::size_t{1} << count); ++subset) {
            Kept kept(count);
            for (std::size_t n = 0; n < count; ++n) kept[n] = (subset >> n & 1) != 0;
            states.push_back(std::move(kept));
        }
        return states;
    }
    const auto stride = count / bounds.prefixes_max + 1;
    for (std::size_t prefix = 0; prefix <= count; prefix += stride) {
        Kept kept(count);
        std::fill_n(kept.begin(), prefix, true);
        states.push_back(std::move(kept));
    }
    for (std::size_t n = 0; n < bounds.samples; ++n) {
        Kept kept(count);
        for (std::size_t i = 0; i < count; ++i) kept[i] = random.coin();
        states.push_back(std::move(kept));
    }
    return states;
}

/// What every start must give: all that was acknowledged, nothing that was not proposed, and the state at its zxid.
struct Promise {
    Zxid acknowledged;
    Zxid proposed;
    const std::map<Zxid, StateDigest>& states;

    void check(const Result<RecoveredState>& recovered, std::string_view when) const {
        if (!recovered) violated("I-DUR", fmt::format("{}: {}", when, recovered.error().where));
        const auto zxid = recovered->zxid;
        if (zxid < acknowledged || zxid > proposed)
            violated("I-DUR", fmt::format("{}: recovered up to {:#x}, acknowledged {:#x}, proposed {:#x}", when,
                                          zxid.value, acknowledged.value, proposed.value));
        const auto state = states.find(zxid);
        // What was on the disk and not yet acknowledged has no state to compare with; its replay the core has checked.
        if (state != states.end() && state->second != recovered->state)
            violated("I-DET", fmt::format("{}: another state at {:#x}", when, zxid.value));
    }
};

class CrashEverywhere {
public:
    explicit CrashEverywhere(const CrashPointBounds& bounds) : bounds_(bounds), run_(disk_, bounds.operations) {}

    CrashPointsTried run() {
        disk_.before_call = [this](DiskCall call, const Disk::Path&) -> std::optional<Errc> {
            if (changes(call)) crash_here();
            return std::nullopt;
        };
        if (auto done = run_.run(); !done) violated("I-STOP", done.error().where);
        crash_here();
        return tried_;
    }

private:
    void crash_here() {
        ++tried_.calls;
        std::vector<const Images*> checkpoints{&run_.checkpoint().stored()};
        if (const auto* committing = run_.checkpoint().committing()) checkpoints.push_back(committing);
        const auto states = states_of(disk_.unsynced().size(), bounds_, random_);
        for (const auto* checkpoint : checkpoints)
            for (const auto& kept : states) try_state(*checkpoint, kept);
    }

    void try_state(const Images& checkpoint, const Kept& kept) {
        const auto when = fmt::format("power cut at call {} state {}", tried_.calls, ++tried_.states);
        const Promise promise{run_.zxid_acknowledged(), run_.zxid_proposed(), run_.states()};
        auto disk = disk_.clone();
        disk.crash(kept);
        if (random_.below(bounds_.second_crashes) == 0) {
            ++tried_.second_crashes;
            disk.cut_after(random_.below(6));
            (void)recover_state(disk, checkpoint);
            FaultCounts ignored;
            cut_power(disk, random_, ignored);
        }
        promise.check(recover_state(disk, checkpoint), when);
        go_on_and_crash(disk, checkpoint, when);
    }

    /// What a crash left must not stand in the way of what comes after it.
    void go_on_and_crash(Disk& disk, const Images& checkpoint, const std::string& when) {
        const auto before = recover_and_go_on(disk, checkpoint, 1 + random_.below(3));
        FaultCounts ignored;
        cut_power(disk, random_, ignored);
        const auto after = recover_state(disk, checkpoint);
        if (!before || !after)
            violated("I-DUR", fmt::format("{}, then going on: {}", when, (before ? after : before).error().where));
        if (after->zxid != before->zxid || after->state != before->state)
            violated("I-DUR", fmt::format("{}, then going on: {:#x} and not {:#x} is there", when, after->zxid.value,
                                          before->zxid.value));
    }

    CrashPointBounds bounds_;
    Random random_{1};
    Disk disk_;
    ScriptedRun run_;
    CrashPointsTried tried_;
};

/// The call with this number fails, all others work.
void fail_one_call(std::uint64_t number, Errc error, const CrashPointBounds& bounds, CrashPointsTried& tried) {
    Random random(number);
    Disk disk;
    std::uint64_t calls = 0;
    disk.coin = [&] { return random.coin(); };
    disk.before_call = [&](DiskCall call, const Disk::Path&) -> std::optional<Errc> {
        const bool space = call == DiskCall::kAllocate || call == DiskCall::kCreate || call == DiskCall::kCommit ||
                           call == DiskCall::kWrite;
        if (!changes(call) || ++calls != number) return std::nullopt;
        return error == Errc::kNoSpace && !space ? Errc::kIo : error;
    };
    ScriptedRun run(disk, bounds.operations);
    ++tried.failures;
    if (!run.run()) ++tried.stopped;
    disk.before_call = nullptr;

    const auto when = fmt::format("call {} failed with error {}", number, static_cast<int>(error));
    const Promise promise{run.zxid_acknowledged(), run.zxid_proposed(), run.states()};
    auto without_power = disk.clone();
    promise.check(recover_state(disk, run.checkpoint().stored()), when + ", process restarted");
    FaultCounts ignored;
    cut_power(without_power, random, ignored);
    promise.check(recover_state(without_power, run.checkpoint().stored()), when + ", power cut");
}

}  // namespace

CrashPointsTried crash_at_every_call(const CrashPointBounds& bounds) { return CrashEverywhere(bounds).run(); }

CrashPointsTried fail_every_call(const CrashPointBounds& bounds) {
    Disk disk;
    ScriptedRun undisturbed(disk, bounds.operations);
    if (auto done = undisturbed.run(); !done) violated("I-STOP", done.error().where);
    CrashPointsTried tried{.calls = disk.calls()};
    for (std::uint64_t number = 1; number <= tried.calls; ++number)
        for (const auto error : {Errc::kIo, Errc::kNoSpace}) fail_one_call(number, error, bounds, tried);
    return tried;
}

}  // namespace zabd::sim
