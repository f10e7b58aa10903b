"""Epochs that are used up: a zxid has room for so many transactions of an epoch, then the next epoch must begin.

With zabd.epochCounterMax an epoch is used up in a moment rather than in weeks. Clients must not notice: nothing is
refused, no connection ends, no zxid goes back. --rounds N hand-overs of each test, 300 in the long mode.
"""

import collections
import contextlib
import functools
import random
import re
import time

import pytest

import wire
from ensemble import Ensemble
from histories import finish, playing
from split import SplitEnsemble
from streams import Stream
from wire import Err, Mode, Op
from writers import Writer, lost

LIMIT = 2000                        # transactions of an epoch: long enough for members to come in again before it ends
HAND_OVERS = 20
SECONDS = 60
GAP_SECONDS = 1                     # promised: no client waits longer for an answer when an epoch is handed over
PATIENT = {"zabd.holdMs": 30000}    # nobody is let go because this machine is slow


@pytest.fixture
def hand_overs(request, only_zabd):
    return request.config.getoption("--rounds") or HAND_OVERS


@pytest.fixture
def make_ensemble(tmp_path):
    """A function of voters, the limit, and settings."""
    with contextlib.ExitStack() as stack:
        yield lambda voters=3, limit=LIMIT, **settings: stack.enter_context(
            Ensemble(tmp_path / "ensemble", voters=voters,
                     config={**PATIENT, "zabd.epochCounterMax": limit}, **settings))


@contextlib.contextmanager
def streaming(servers, name="stream"):
    """A Stream on each of the servers, while the block runs; afterwards they are stopped and must be content."""
    streams = [Stream(f"{name}{i}", server) for i, server in enumerate(servers)]
    try:
        for stream in streams:
            stream.wait_for_progress()
        yield streams
        for stream in streams:
            stream.wait_for_progress()
            stream.stop()
    finally:
        for stream in streams:
            stream.abandon()


def zxid_of(server):
    """Epoch and counter of what the server has applied; waits until it serves."""
    deadline = time.monotonic() + SECONDS
    while not (found := re.search(r"^Zxid: (\S+)$", server.word("srvr"), re.MULTILINE)):
        assert time.monotonic() < deadline, f"does not serve:\n{server.log_text()[-2000:]}"
        time.sleep(0.001)
    return int(found[1], 16) >> 32, int(found[1], 16) & 0xffffffff


def epoch_of(server):
    return zxid_of(server)[0]


def await_hand_overs(server, count, streams=()):
    """Waits for so many, while the streams are content."""
    wanted, deadline = epoch_of(server) + count, time.monotonic() + count * SECONDS
    while (epoch := epoch_of(server)) < wanted:
        for stream in streams:
            stream.check()
        assert time.monotonic() < deadline, f"epoch {epoch}, not {wanted}:\n{server.log_text()[-2000:]}"
        time.sleep(0.02)


def logged(ensemble, pattern):
    """What the pattern, or its group, matched in all members' logs."""
    return [found for member in ensemble.members.values() for found in re.findall(pattern, member.log_text())]


def epochs_led(ensemble):
    """Those in which a leader has served."""
    return sorted(map(int, logged(ensemble, r"leading epoch=(\d+)")))


def assert_all_used_up(streams, limit):
    """Of each epoch that all of them saw begin and end, every transaction was one of theirs, and none two of them."""
    counters = collections.defaultdict(list)
    for stream in streams:
        for _, zxid in stream.acked:
            counters[zxid >> 32].append(zxid & 0xffffffff)
    first = max(stream.acked[0][1] for stream in streams) >> 32
    last = min(stream.acked[-1][1] for stream in streams) >> 32
    assert last - first > 1
    for epoch in range(first + 1, last):
        assert sorted(counters[epoch]) == list(range(1, limit + 1)), f"epoch {epoch}"


def assert_nothing_lost(ensemble, writers):
    ensemble.await_converged(node_by_node=False)
    for number in ensemble.awake():
        assert lost(writers, ensemble[number]) == [], f"lost on {number}"


def tell_gaps(streams):
    gaps = sorted(gap for stream in streams for gap in stream.gaps_between_epochs())
    print(f"{sum(s.last() for s in streams)} writes; between epochs {gaps[len(gaps) // 2] * 1000:.0f} ms (median), "
          f"{gaps[-1] * 1000:.0f} ms (longest); longest gap of all {max(s.gap_max() for s in streams) * 1000:.0f} ms")


# --- nothing else goes wrong ---


@pytest.mark.parametrize("voters, observers", [(3, 0), (3, 1), (5, 0)])
def test_no_client_notices_that_epochs_are_handed_over(hand_overs, make_ensemble, voters, observers):
    ensemble = make_ensemble(voters, observers=observers)
    with streaming(ensemble.members.values()) as streams:
        await_hand_overs(ensemble[1], hand_overs, streams)
    tell_gaps(streams)
    assert_all_used_up(streams, LIMIT)
    assert_nothing_lost(ensemble, streams)
    assert max(stream.gap_max() for stream in streams) < GAP_SECONDS
    assert logged(ensemble, "session expired") == []


def test_each_hand_over_is_one_new_epoch_with_one_leader(hand_overs, make_ensemble):
    ensemble = make_ensemble()
    with streaming(ensemble.members.values()) as streams:
        await_hand_overs(ensemble[1], hand_overs, streams)
    ensemble.eventually(lambda: len(logged(ensemble, "looking: the epoch is used up")) == len(epochs_led(ensemble)) - 1,
                        "epochs that nobody ended, or nobody began")
    led = epochs_led(ensemble)
    assert led == list(range(led[0], led[-1] + 1))
    assert len(led) > hand_overs


def test_sessions_ephemerals_and_watches_outlive_epochs(hand_overs, make_ensemble):
    ensemble = make_ensemble()
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(wire.open_session(member, timeout_ms=20000)) for member in ensemble.members.values()]
        for i, connection in enumerate(idle):
            connection.result(Op.CREATE, wire.create(f"/ephemeral{i}", flags=Mode.EPHEMERAL))
            assert connection.call(Op.EXISTS, wire.exists("/late", True)).err == Err.NO_NODE
        streams = stack.enter_context(streaming(ensemble.members.values()))
        await_hand_overs(ensemble[1], hand_overs, streams)
        for i, connection in enumerate(idle):
            stat = connection.result(Op.EXISTS, wire.exists(f"/ephemeral{i}"))
            assert stat.ephemeral_owner == connection.session.session_id
            assert connection.events == []
        idle[0].result(Op.CREATE, wire.create("/late"))
        for connection in idle:
            connection.result(Op.SYNC, wire.sync("/"))
            assert [event.path for event in connection.events] == ["/late"]
            connection.result(Op.CLOSE_SESSION)


@pytest.mark.parametrize("limit, writer", [(1, 1), (7, 3)])     # equal histories elect the highest number: 3, mostly
def test_epochs_of_hardly_any_transactions(hand_overs, make_ensemble, limit, writer):
    """More is in flight than an epoch takes."""
    ensemble = make_ensemble(limit=limit)
    with streaming([ensemble[writer]]) as streams:
        await_hand_overs(ensemble[writer], hand_overs, streams)
    assert_all_used_up(streams, limit)
    assert_nothing_lost(ensemble, streams)


@pytest.mark.parametrize("limit", [3, 50])
def test_a_judge_cannot_tell_that_epochs_are_handed_over(hand_overs, tmp_path, seed, limit):
    make = functools.partial(SplitEnsemble, tmp_path / "ensemble")
    with playing(make, seed, rovers=True) as start:
        ensemble, load = start(3, config={**PATIENT, "zabd.epochCounterMax": limit})
        await_hand_overs(ensemble[1], hand_overs)
        finish(ensemble, load)
    for client in load.clients.values():
        assert client.closed == [], f"{client.name} lost its connection"
        assert len(client.sessions) == 1


def test_a_server_alone_moves_on_and_goes_on_after_a_crash(hand_overs, make_server):
    server = make_server(config={"zabd.epochCounterMax": LIMIT}).start()
    written = []
    for life in ("first", "second"):
        with streaming([server, server], name=life) as streams:
            await_hand_overs(server, hand_overs // 2, streams)
        assert_all_used_up(streams, LIMIT)
        written += streams
        server.kill()
        server.start()
    assert lost(written, server) == []
    assert max(stream.gap_max() for stream in written) < GAP_SECONDS


# --- members die about a hand-over ---


def catch(condition, what):
    """Waits for what lasts a few milliseconds."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{what} after {SECONDS} s"


def await_last_of_epoch(server, rng):
    """Some of its last transactions, or the next epoch."""
    last = epoch_of(server), LIMIT - rng.randrange(LIMIT // 10)
    catch(lambda: zxid_of(server) >= last, "the epoch is not used up")


def await_end_of_epoch(server, _):
    """The server has just lost its leader, or stopped being it."""
    ended = server.log_text().count("looking: ")
    catch(lambda: server.log_text().count("looking: ") > ended, "the epoch does not end")


@contextlib.contextmanager
def writing(**writers):
    """A Writer on the servers for each name, while the block runs. They look for another server when theirs dies."""
    started = [Writer(name, servers) for name, servers in writers.items()]
    try:
        yield started
        for writer in started:
            writer.wait_for_progress()
            writer.stop()
    finally:
        for writer in started:
            writer.abandon()


MOMENTS = {"in its last transactions": await_last_of_epoch, "when it is over": await_end_of_epoch}


@pytest.mark.parametrize("victim", [1, 3])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_member_dies_about_a_hand_over(hand_overs, make_ensemble, seed, moment, victim):
    """Clients of the others notice nothing."""
    rng = random.Random(seed)
    ensemble = make_ensemble()
    others = [member for n, member in ensemble.members.items() if n != victim]
    with streaming(others) as streams, writing(rover=[ensemble[victim], *others]) as rovers:
        for _ in range(max(hand_overs // 5, 1)):
            MOMENTS[moment](ensemble[victim], rng)
            ensemble.kill(victim)
            await_hand_overs(others[0], 1, streams)
            ensemble.launch(victim)
            ensemble.eventually(lambda: ensemble.mode(victim), "it does not come back")
    tell_gaps(streams)
    assert_nothing_lost(ensemble, streams + rovers)


@pytest.mark.parametrize("moment", MOMENTS)
def test_all_members_die_about_a_hand_over(hand_overs, make_ensemble, seed, moment):
    rng = random.Random(seed)
    ensemble = make_ensemble()
    with writing(**{f"writer{n}": [member] for n, member in ensemble.members.items()}) as writers:
        for _ in range(max(hand_overs // 10, 1)):
            MOMENTS[moment](ensemble[rng.choice(ensemble.voters)], rng)
            ensemble.kill_all()
            ensemble.launch(*ensemble.members)
            ensemble.await_all_in()
    assert_nothing_lost(ensemble, writers)
