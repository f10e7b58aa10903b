"""zabd and Apache ZooKeeper servers in one ensemble whose members die, stand still, lose their disks and are replaced.

Of three voters the one that leads at first is the only one of its kind. What clients saw is judged (histories.py), and
in the end all members hold the same.
"""

import pathlib

import pytest

import mixed
import wire
from histories import Load, finish
from mixed import KINDS, ZABD, ZOOKEEPER, MixedEnsemble
from test_ensemble_sessions import exists_on
from wire import Op

pytestmark = mixed.needs_java

# What no server keeps for learners then: ZooKeeper 500 transactions and a log shorter than its snapshot, zabd 48 MiB.
BEYOND_THE_LOG = {"snapCount": 100, "zabd.log.retainMiB": 0}
MANY, LARGE = (700, 100), (80, 900000)


@pytest.fixture
def make(server_kind, tmp_path):
    """A function of the kinds of all members and settings that starts an ensemble; 3 leads it."""
    if server_kind != ZABD:
        pytest.skip("one of the servers is always zabd")
    made = []

    def start(kinds, **settings):
        made.append(MixedEnsemble(tmp_path / "ensemble", kinds, **settings))
        made[-1].start()
        made[-1].make_lead(3)
        return made[-1]

    yield start
    for ensemble in made:
        ensemble.kill_all()


@pytest.fixture
def load_on(seed):
    """Starts a client for each of the given members, and two that go about among them."""
    loads = []

    def start(ensemble, *numbers):
        servers = [ensemble[n] for n in numbers]
        loads.append(Load({**{n: [ensemble[n]] for n in numbers}, "rover1": servers, "rover2": servers[::-1]}, seed))
        loads[-1].start()
        loads[-1].await_answers()
        return loads[-1]

    yield start
    for load in loads:
        load.close()


leaders = pytest.mark.parametrize("leads", KINDS, ids=[f"{kind}-leads" for kind in KINDS])


def write_many(ensemble, number, path, count, size):
    """Changes of one node, so that the log grows and the snapshot does not."""
    with wire.open_session(ensemble[number]) as link:
        link.result(Op.CREATE, wire.create(path))
        for i in range(count):
            link.result(Op.SET_DATA, wire.set_data(path, b"x" * size))
        link.result(Op.CLOSE_SESSION)


# --- leaders ---


@leaders
def test_the_leader_dies_and_one_of_the_other_kind_takes_over(make, load_on, leads):
    ensemble = make(mixed.led_by(leads))
    load = load_on(ensemble, 1, 2)
    ensemble.kill(3)
    assert ensemble.await_leader() in (1, 2)
    load.await_answers()
    ensemble.launch(3)
    ensemble.await_mode(3, "follower")
    finish(ensemble, load)
    assert [len(load[n].sessions) for n in (1, 2)] == [1, 1], "clients of those that lived lost their sessions"


@leaders
def test_the_leader_stands_still_and_goes_on_after_its_time(make, load_on, leads):
    """With clients on a leader of zabd's; one of ZooKeeper's answers a sync from the past when it goes on."""
    ensemble = make(mixed.led_by(leads))
    load = load_on(ensemble, 1, 2, *([3] if leads == ZABD else []))
    ensemble.pause(3)
    assert ensemble.await_leader(other_than=3) in (1, 2)
    load.await_answers(1, 2)
    ensemble.resume(3)
    ensemble.await_mode(3, "follower")
    finish(ensemble, load)


@leaders
def test_all_are_killed_at_once(make, load_on, leads):
    ensemble = make(mixed.led_by(leads))
    load = load_on(ensemble, 1, 2, 3)
    ensemble.kill_all()
    ensemble.launch(*ensemble.members)
    finish(ensemble, load)


@leaders
def test_leaders_die_again_and_again_until_both_kinds_have_led(make, load_on, leads):
    ensemble = make(mixed.led_by(leads))
    load = load_on(ensemble, 1, 2, 3)
    have_led = []
    while len(have_led) < 3 or set(have_led) != set(KINDS):
        leader = ensemble.await_leader()
        have_led.append(ensemble.kind_of(leader))
        ensemble.kill(leader)
        ensemble.await_leader(other_than=leader)
        ensemble.launch(leader)
        ensemble.await_all_in()
    finish(ensemble, load)


# --- those who were away ---


@leaders
def test_a_follower_that_was_away_for_a_while_gets_a_diff(make, load_on, leads):
    ensemble = make(mixed.led_by(leads))
    load = load_on(ensemble, 2, 3)
    ensemble.kill(1)
    load.await_answers(count=50)
    ensemble.launch(1)
    ensemble.await_mode(1, "follower")
    assert ensemble.latest_sync() == "DIFF"
    finish(ensemble, load)


@leaders
def test_a_follower_that_lost_everything_is_given_all(make, load_on, leads):
    ensemble = make(mixed.led_by(leads))
    load = load_on(ensemble, 2, 3)
    ensemble.kill(1)
    ensemble.wipe(1)
    load.await_answers(count=50)
    ensemble.launch(1)
    ensemble.await_mode(1, "follower")
    finish(ensemble, load)


@leaders
@pytest.mark.parametrize("empty", [False, True], ids=["with-its-old-disk", "with-an-empty-disk"])
def test_a_follower_that_was_away_too_long_for_the_log_gets_a_snapshot(make, load_on, leads, empty):
    ensemble = make(mixed.led_by(leads), config=BEYOND_THE_LOG)
    load = load_on(ensemble, 2, 3)
    ensemble.kill(1)
    if empty:
        ensemble.wipe(1)
    write_many(ensemble, 3, "/large", *LARGE)
    write_many(ensemble, 3, "/many", *MANY)
    ensemble.launch(1)
    ensemble.await_mode(1, "follower")
    assert ensemble.latest_sync() == "SNAP"
    finish(ensemble, load)


@leaders
def test_observers_of_both_kinds_catch_up(make, load_on, leads):
    ensemble = make({**mixed.led_by(leads), 4: ZABD, 5: ZOOKEEPER}, observers=2)
    load = load_on(ensemble, 1, 2, 3)
    ensemble.kill(4, 5)
    load.await_answers()
    ensemble.launch(4, 5)
    ensemble.await_all_in()
    ensemble.kill(4, 5)
    ensemble.wipe(4)
    ensemble.wipe(5)
    load.await_answers()
    ensemble.launch(4, 5)
    finish(ensemble, load)


# --- what only the leader had ---


def leader_with_a_tail(ensemble):
    """3 has logged what nobody else has read; then all are dead."""
    with wire.open_session(ensemble[3]) as link:
        link.result(Op.CREATE, wire.create("/kept"))
        ensemble.await_converged()
        ensemble.pause(1)
        ensemble.pause(2)
        for i in range(5):
            link.send(Op.CREATE, wire.create(f"/tail{i}"))
        ensemble.eventually(lambda: on_disk(ensemble[3], b"/tail4"), "the tail is not logged")
        ensemble.kill_all()


def on_disk(server, text):
    return any(text in path.read_bytes() for path in pathlib.Path(server.data_dir).rglob("*") if path.is_file())


@leaders
@pytest.mark.parametrize("moved_on", [False, True], ids=["nothing-happened-since", "others-moved-on"])
def test_what_a_dead_leader_told_nobody_is_cut_off(make, leads, moved_on):
    ensemble = make(mixed.led_by(leads))
    leader_with_a_tail(ensemble)
    ensemble.launch(1, 2)
    assert ensemble.await_leader() in (1, 2)
    if moved_on:
        write_many(ensemble, 1, "/since", 10, 1)
    ensemble.launch(3)
    ensemble.await_mode(3, "follower")
    # ZooKeeper cuts nothing across epochs.
    assert ensemble.latest_sync() == ("SNAP" if moved_on and leads == ZABD else "TRUNC")
    ensemble.await_converged()
    assert not any(exists_on(ensemble, n, "/tail0") for n in ensemble.members)
    assert all(exists_on(ensemble, n, "/kept") for n in ensemble.members)


@leaders
def test_what_a_leader_told_nobody_counts_if_it_leads_again(make, leads):
    ensemble = make(mixed.led_by(leads))
    leader_with_a_tail(ensemble)
    ensemble.launch(1, 3)
    assert ensemble.await_leader() == 3
    ensemble.launch(2)
    ensemble.await_mode(2, "follower")
    assert all(exists_on(ensemble, n, f"/tail{i}") for n in ensemble.members for i in range(5))
    ensemble.await_converged()


# --- replaced ---


@leaders
def test_an_ensemble_is_moved_to_the_other_kind_member_by_member(make, load_on, leads):
    """The leader last; and a client of each member stays with it."""
    ensemble = make({n: leads for n in (1, 2, 3)})
    load = load_on(ensemble, 1, 2, 3)
    for number in (1, 2, 3):
        ensemble.become(number, mixed.other_than(leads))
        ensemble.launch(number)
        ensemble.await_all_in()
        load.await_answers()
    assert ensemble.of_kind(leads) == []
    finish(ensemble, load)
