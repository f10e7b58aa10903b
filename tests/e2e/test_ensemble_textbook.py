"""What every textbook plays with an ensemble, under clients whose histories are judged: dead leaders, partitions, lost
centres, full disks.

Each member has a client of its own that asks it alone, and two clients go about. Whatever is done, what all of them saw
must be what one server could have answered (histories.py), and in the end all members hold the same.
"""

import functools
import time

import pytest

import wire
from histories import finish, playing
from small_disk import SmallDisk
from split import SplitEnsemble
from wire import Op

TICK_MS = 200


@pytest.fixture
def play(only_zabd, tmp_path, seed):
    """Starts an ensemble of so many voters and its clients: (ensemble, load)."""
    with playing(functools.partial(SplitEnsemble, tmp_path / "ensemble"), seed, rovers=True) as start:
        yield start


def await_without_leader(ensemble, *numbers):
    ensemble.eventually(lambda: all(ensemble.mode(n) is None for n in numbers), f"{numbers} still serve")


def await_leader_among(ensemble, numbers):
    """One of them, followed by a majority of all voters."""
    def leads():
        modes = [ensemble.mode(n) for n in numbers]
        in_office = modes.count("leader") == 1 and 2 * (1 + modes.count("follower")) > len(ensemble.voters)
        return in_office and numbers[modes.index("leader")]
    return ensemble.eventually(leads, f"none of {numbers} leads")


def session_at(ensemble, number):
    """For writes later, when opening one is a write too many."""
    return wire.open_session(ensemble[number], timeout_ms=20000)


def write_hopelessly(connection, path, count=20):
    """Creates that are sent to a member that can commit none of them: it must close the connection."""
    with connection:
        for i in range(count):
            connection.send(Op.CREATE, wire.create(f"{path}{i}"))
        assert connection.closed_by_server(), "answered without a quorum"


def assert_nobody_has(ensemble, name):
    """A node below the root whose name begins so."""
    for number in ensemble.awake():
        with wire.open_session(ensemble[number]) as connection:
            found = [n for n in connection.result(Op.GET_CHILDREN, wire.get_children("/")) if n.startswith(name)]
        assert found == [], f"{number} has what was never committed"


# --- crashes ---


@pytest.mark.parametrize("voters", [3, 5])
def test_the_leader_dies(play, voters):
    ensemble, load = play(voters)
    leader = ensemble.leader()
    ensemble.kill(leader)
    ensemble.await_leader(other_than=leader)
    load.await_answers(*ensemble.others(leader))
    ensemble.launch(leader)
    finish(ensemble, load)


@pytest.mark.parametrize("voters", [3, 5])
def test_clients_of_the_others_keep_their_connections_when_the_leader_dies(play, voters):
    """What they had asked is put again to the next leader, and happens once: the judge would object to twice."""
    ensemble, load = play(voters, config={"zabd.holdMs": 30000})
    for _ in range(2):
        leader = ensemble.await_leader()
        closed = {n: len(load[n].closed) for n in ensemble.others(leader)}
        ensemble.kill(leader)
        await_leader_among(ensemble, ensemble.others(leader))
        load.await_answers(*closed)
        assert closed == {n: len(load[n].closed) for n in closed}
        ensemble.launch(leader)
        ensemble.await_all_in()
    finish(ensemble, load)


def test_two_of_five_die_the_leader_among_them(play):
    ensemble, load = play(5)
    leader, follower = ensemble.leader(), ensemble.followers()[0]
    ensemble.kill(leader, follower)
    rest = ensemble.others(leader, follower)
    third = await_leader_among(ensemble, rest)
    load.await_answers(*rest, "rover1", "rover2")
    ensemble.kill(third)
    await_without_leader(ensemble, *ensemble.awake())
    since = time.monotonic()
    ensemble.launch(follower)
    ensemble.await_leader()
    ensemble.launch(leader, third)
    finish(ensemble, load)
    assert load["rover1"].answered(since)


@pytest.mark.parametrize("voters", [3, 5])
def test_all_are_killed_at_once_and_once_more_while_they_rise(play, voters):
    ensemble, load = play(voters)
    for _ in range(2):
        ensemble.kill_all()
        ensemble.launch(*ensemble.members)
    ensemble.await_all_in()
    load.await_answers()
    ensemble.kill_all()
    ensemble.launch(*ensemble.members)
    finish(ensemble, load)


@pytest.mark.parametrize("voters", [3, 5])
def test_the_leader_is_stopped_and_goes_on_after_its_time(play, voters):
    ensemble, load = play(voters)
    leader = ensemble.leader()
    ensemble.pause(leader)
    ensemble.await_leader(other_than=leader)
    load.await_answers(*ensemble.others(leader))
    ensemble.resume(leader)
    ensemble.await_mode(leader, "follower")
    finish(ensemble, load)


# --- partitions ---


def test_an_old_leader_on_the_small_side_of_a_partition_acknowledges_nothing(play):
    ensemble, load = play(5)
    leader, companion = ensemble.leader(), ensemble.followers()[0]
    small, large = [leader, companion], ensemble.others(leader, companion)
    hopeless = [session_at(ensemble, n) for n in small]
    ensemble.partition(small, large)
    parted = time.monotonic()
    for number, connection in zip(small, hopeless):
        write_hopelessly(connection, f"/lost-{number}-")
    await_without_leader(ensemble, *small)
    await_leader_among(ensemble, large)
    load.await_answers(*large, "rover1", "rover2")
    for number in small:
        assert load[number].closed and load[number].closed[-1] > parted
        assert load[number].answered(parted) == [], "a minority has answered"
    ensemble.heal()
    finish(ensemble, load)
    assert_nobody_has(ensemble, "lost-")


def test_a_healed_minority_drops_what_was_never_committed(play):
    """The isolated leader has it in its log, and its disk has kept it over a crash."""
    ensemble, load = play(3)
    leader = ensemble.leader()
    others = ensemble.others(leader)
    hopeless = session_at(ensemble, leader)
    ensemble.isolate(leader)
    write_hopelessly(hopeless, "/lost-")
    logs = b"".join(file.read_bytes() for file in (ensemble[leader].data_dir / "zabd" / "log").iterdir())
    assert b"/lost-19" in logs, "nothing to be dropped"
    await_leader_among(ensemble, others)
    load.await_answers(*others)
    ensemble.kill(leader)
    ensemble.launch(leader)
    await_without_leader(ensemble, leader)
    ensemble.heal()
    ensemble.await_mode(leader, "follower")
    assert any("TRUNC" in ensemble[n].log_text() for n in others)
    assert_nobody_has(ensemble, "lost-")
    finish(ensemble, load)
    assert_nobody_has(ensemble, "lost-")


def test_one_that_sees_both_sides_keeps_the_ensemble_going(play):
    ensemble, load = play(5)
    bridge = ensemble.followers()[0]
    a, b, c, d = ensemble.others(bridge)
    ensemble.partition([a, b], [c, d])
    ensemble.await_leader()
    load.await_answers(bridge, "rover1", "rover2")
    ensemble.heal()
    finish(ensemble, load)


def test_a_leader_that_sees_only_one_who_sees_the_others(play):
    """A chain: leader, bridge, the rest. It has no quorum, and must not prevent one."""
    ensemble, load = play(5)
    leader, bridge = ensemble.leader(), ensemble.followers()[0]
    rest = ensemble.others(leader, bridge)
    ensemble.partition([leader], rest)
    await_leader_among(ensemble, [bridge, *rest])
    load.await_answers(*rest, "rover1", "rover2")
    ensemble.heal()
    finish(ensemble, load)


@pytest.mark.parametrize("deaf", [True, False])
def test_a_leader_that_only_speaks_or_only_hears_gives_way(play, deaf):
    ensemble, load = play(3, initLimit=15)
    leader = ensemble.leader()
    others = ensemble.others(leader)
    for other in others:
        ensemble.hold(*((other, leader) if deaf else (leader, other)))
    await_leader_among(ensemble, others)
    load.await_answers(*others)
    ensemble.heal()
    finish(ensemble, load)


def test_a_client_of_an_isolated_follower_writes_nothing_that_counts(play):
    ensemble, load = play(3)
    follower = ensemble.followers()[0]
    hopeless = session_at(ensemble, follower)
    ensemble.isolate(follower)
    isolated = time.monotonic()
    write_hopelessly(hopeless, "/lost-")
    await_without_leader(ensemble, follower)
    load.await_answers(*ensemble.others(follower))
    assert load[follower].answered(isolated) == []
    ensemble.heal()
    finish(ensemble, load)
    assert_nobody_has(ensemble, "lost-")


def test_links_that_are_cut_and_come_back_lose_nothing(play):
    ensemble, load = play(3)
    for _ in range(3):
        leader = ensemble.await_leader()
        for other in ensemble.others(leader):
            ensemble.cut(leader, other)
        await_leader_among(ensemble, ensemble.others(leader))
        ensemble.heal()
        ensemble.await_all_in()
    finish(ensemble, load)


def test_a_slow_link_to_one_member_holds_up_nobody_else(play):
    ensemble, load = play(3)
    slow = ensemble.followers()[0]
    for other in ensemble.others(slow):
        ensemble.delay(slow, other, TICK_MS / 1000)
        ensemble.delay(other, slow, TICK_MS / 1000)
    load.await_answers(*ensemble.others(slow), count=50)
    load.await_answers(slow, count=2)
    ensemble.heal()
    finish(ensemble, load)


def test_the_judge_objects_to_reads_without_a_sync(play):
    """That is what a judge is for: the slow member's clients read what others have overwritten."""
    ensemble, load = play(3, synced=False)
    slow, leader = ensemble.followers()[0], ensemble.leader()
    ensemble.delay(leader, slow, TICK_MS / 1000)
    load.await_answers(slow, count=15)
    load.close()
    with pytest.raises(AssertionError, match="not linearizable"):
        load.judge()


# --- data centres of three, two and two members ---

CENTRES = [1, 2, 3], [4, 5], [6, 7]
GROUPS = {f"group.{i}": ":".join(map(str, centre)) for i, centre in enumerate(CENTRES, 1)}


@pytest.mark.parametrize("config", [None, GROUPS], ids=["majority", "groups"])
def test_one_of_three_centres_is_lost(play, config):
    ensemble, load = play(7, config=config)
    leader = ensemble.leader()
    lost = next(centre for centre in CENTRES if leader in centre)
    rest = ensemble.others(*lost)
    ensemble.partition(lost, rest)
    since = time.monotonic()
    await_leader_among(ensemble, rest)
    await_without_leader(ensemble, *lost)
    load.await_answers(*rest, count=5)
    assert [call for n in lost for call in load[n].answered(since)] == []
    ensemble.kill(*lost)
    ensemble.heal()
    ensemble.launch(*lost)
    finish(ensemble, load)


# --- a full disk ---


@pytest.mark.parametrize("part", ["leader", "follower"])
def test_the_disk_of_one_member_is_full(play, tmp_path, part):
    if not SmallDisk.available(tmp_path / "probe"):
        pytest.skip("may not mount a tmpfs: needs root")
    ensemble, load = play(3, preAllocSize=1024)
    number = ensemble.leader() if part == "leader" else ensemble.followers()[0]
    assert ensemble.stop(number) == 0
    ensemble.wipe(number)
    with SmallDisk(ensemble[number].data_dir, mebibytes=16) as disk:
        (ensemble[number].data_dir / "myid").write_text(f"{number}\n")
        ensemble.launch(number)
        ensemble.await_mode(number, "follower")
        others = ensemble.others(number)
        if part == "leader":
            lead_with(ensemble, number)
        disk.fill()
        load.await_answers("rover1", "rover2")
        load.await_answers(*others)
        disk.empty()
        finish(ensemble, load)
        ensemble.kill(number)


def lead_with(ensemble, number):
    """The others are told to make way until it leads."""
    for _ in range(20):
        if (leader := ensemble.await_leader()) == number:
            return
        ensemble.isolate(leader)
        ensemble.await_leader(other_than=leader)
        ensemble.heal()
        ensemble.await_all_in()
    pytest.fail(f"{number} never leads")
