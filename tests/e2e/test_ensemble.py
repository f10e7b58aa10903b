"""An ensemble: it forms, its members agree, and it goes on without those that fail.

Nothing that was acknowledged is ever lost, whoever dies; and who comes back has what the others have.
"""

import concurrent.futures
import random

import pytest

import harness
import wire
from ensemble import Ensemble
from wire import Err, Mode, Op
from writers import Writer, lost


@pytest.fixture
def make_ensemble(server_kind, tmp_path):
    made = []

    def make(**settings):
        made.append(Ensemble(tmp_path / "ensemble", server_kind, **settings).start())
        return made[-1]

    yield make
    for ensemble in made:
        ensemble.kill_all()


@pytest.fixture
def three(make_ensemble):
    return make_ensemble(voters=3)


def others(ensemble, *numbers):
    return [n for n in ensemble.members if n not in numbers]


def write_through(ensemble, number, path, data=b""):
    with wire.open_session(ensemble[number]) as connection:
        connection.result(Op.CREATE, wire.create(path, data))
        connection.result(Op.CLOSE_SESSION)


def read_after_sync(ensemble, number, path):
    with wire.open_session(ensemble[number]) as connection:
        connection.result(Op.SYNC, wire.sync(path))
        data, _ = connection.result(Op.GET_DATA, wire.get_data(path))
        connection.result(Op.CLOSE_SESSION)
        return data


@pytest.fixture
def write_under(request):
    """Starts a Writer for each of the given members that uses these members, that one first."""
    started = []

    def start(ensemble, *numbers):
        for n in numbers:
            servers = [ensemble[m] for m in (n, *(m for m in numbers if m != n))]
            started.append(Writer(f"writer{n}", servers))
        for writer in started:
            writer.wait_for_progress(5)
        return started

    yield start
    for writer in started:
        writer._stopping.set()


def finish(ensemble, writers):
    """Ends the writers; then all members hold the same, and everything that was acknowledged."""
    for writer in writers:
        writer.wait_for_progress()
    for writer in writers:
        writer.stop()
    ensemble.await_converged()
    for number in ensemble.awake():
        assert lost(writers, ensemble[number]) == [], f"lost on {number}"


# --- without failures ---


@pytest.mark.parametrize("voters, observers", [(3, 0), (5, 0), (3, 2)])
def test_an_ensemble_forms_from_empty_directories(make_ensemble, voters, observers):
    ensemble = make_ensemble(voters=voters, observers=observers)
    modes = list(ensemble.modes().values())
    assert modes.count("leader") == 1
    assert modes.count("follower") == voters - 1
    assert modes.count("observer") == observers
    write_through(ensemble, 1, "/a")
    ensemble.await_converged()


def test_what_one_member_wrote_all_have_after_a_sync(make_ensemble):
    ensemble = make_ensemble(voters=3, observers=1)
    for writer in ensemble.members:
        write_through(ensemble, writer, f"/from{writer}", b"%d" % writer)
        for reader in ensemble.members:
            assert read_after_sync(ensemble, reader, f"/from{writer}") == b"%d" % writer
    ensemble.await_converged()


def test_errors_are_the_same_wherever_one_asks(three):
    write_through(three, 1, "/a")
    for number in three.members:
        with wire.open_session(three[number]) as connection:
            assert connection.call(Op.CREATE, wire.create("/a")).err == Err.NODE_EXISTS
            assert connection.call(Op.SET_DATA, wire.set_data("/a", b"", 7)).err == Err.BAD_VERSION
            assert connection.call(Op.DELETE, wire.delete("/none")).err == Err.NO_NODE
            steps = [(Op.CREATE, wire.create("/b")), (Op.CHECK, wire.check("/a", 7))]
            assert connection.result(Op.MULTI, wire.multi(steps))[1][-1] == Err.BAD_VERSION
    three.await_converged()


def test_answers_keep_the_order_of_requests(three):
    with wire.open_session(three[three.followers()[0]]) as connection:
        sent = []
        for i in range(200):
            sent.append(connection.send(Op.CREATE, wire.create(f"/n{i}")))
            sent.append(connection.send(Op.EXISTS, wire.exists(f"/n{i}")))
        replies = [connection.receive_reply() for _ in sent]
    assert [r.xid for r in replies] == sent
    assert all(r.err == Err.OK for r in replies), "a read saw less than the write before it"
    zxids = [r.zxid for r in replies]
    assert zxids == sorted(zxids)


def test_sequence_numbers_are_unique_across_members(three):
    write_through(three, 1, "/q")

    def create_many(number):
        with wire.open_session(three[number]) as connection:
            body = wire.create("/q/n-", flags=Mode.SEQUENTIAL)
            return [connection.result(Op.CREATE, body) for _ in range(50)]

    with concurrent.futures.ThreadPoolExecutor() as pool:
        names = [name for made in pool.map(create_many, three.members) for name in made]
    assert sorted(names) == [f"/q/n-{i:010}" for i in range(150)]
    three.await_converged()


def test_the_configuration_can_be_read(three):
    with wire.open_session(three[2]) as connection:
        text, _ = connection.result(Op.GET_DATA, wire.get_data("/zookeeper/config"))
    lines = text.decode().splitlines()
    assert [line.split("=")[0] for line in lines] == ["server.1", "server.2", "server.3", "version"]
    assert lines[2].endswith(f":participant;{three[3].address}")


# --- members die and come back ---


def test_the_leader_dies_under_load(three, write_under):
    leader = three.leader()
    writers = write_under(three, *others(three, leader))
    three.kill(leader)
    assert three.await_leader() != leader
    for writer in writers:
        writer.wait_for_progress()
    three.launch(leader)
    three.await_mode(leader, "follower")
    finish(three, writers)


def test_the_leader_dies_again_and_again(three, write_under):
    writers = write_under(three, *three.members)
    for _ in range(4):
        leader = three.await_leader()
        three.kill(leader)
        three.await_leader()
        three.launch(leader)
        three.await_all_in()
    finish(three, writers)


def test_a_follower_that_was_away_catches_up(three, write_under):
    follower = three.followers()[0]
    writers = write_under(three, *others(three, follower))
    three.kill(follower)
    for writer in writers:
        writer.wait_for_progress(100)
    three.launch(follower)
    three.await_mode(follower, "follower")
    finish(three, writers)


def test_a_follower_that_lost_everything_is_given_all(three, write_under):
    follower = three.followers()[0]
    writers = write_under(three, *others(three, follower))
    three.kill(follower)
    three.wipe(follower)
    for writer in writers:
        writer.wait_for_progress(100)
    three.launch(follower)
    three.await_mode(follower, "follower")
    finish(three, writers)


def test_the_leader_of_five_dies_and_then_another(make_ensemble, write_under):
    five = make_ensemble(voters=5)
    first = five.leader()
    second = five.followers()[0]
    writers = write_under(five, *others(five, first, second))
    five.kill(first, second)
    third = five.await_leader()
    assert third not in (first, second)
    for writer in writers:
        writer.wait_for_progress()
    five.launch(first, second)
    five.await_all_in()
    finish(five, writers)


def test_all_die_at_once(three, write_under):
    writers = write_under(three, *three.members)
    three.kill_all()
    three.launch(*three.members)
    three.await_all_in()
    finish(three, writers)


def test_a_minority_serves_nobody(three):
    leader = three.leader()
    session = wire.open_session(three[leader])
    three.kill(*others(three, leader))
    assert session.closed_by_server()
    three.eventually(lambda: three.mode(leader) is None, "still serves")
    assert three[leader].word("ruok") == "imok"
    assert three[leader].word("srvr") == "This ZooKeeper instance is not currently serving requests\n"
    three.launch(*others(three, leader))
    three.await_all_in()
    write_through(three, 1, "/again")
    three.await_converged()


def test_an_observer_is_no_part_of_a_quorum(make_ensemble, write_under):
    ensemble = make_ensemble(voters=3, observers=1)
    observer = ensemble.observers[0]
    writers = write_under(ensemble, *ensemble.members)
    ensemble.kill(observer)
    for writer in writers:
        writer.wait_for_progress()
    ensemble.launch(observer)
    ensemble.await_mode(observer, "observer")
    leader = ensemble.leader()
    ensemble.kill(leader)
    ensemble.await_leader()
    ensemble.launch(leader)
    finish(ensemble, writers)


def test_a_leader_that_was_paused_steps_down(three, write_under):
    leader = three.leader()
    behind = wire.open_session(three[leader])
    three.pause(leader)
    # It waits in the leader's socket. When the others have gone on, it counts for all of them or for nobody.
    behind.send(Op.CREATE, wire.create("/late"))
    assert three.await_leader(other_than=leader) != leader
    writers = write_under(three, *others(three, leader))
    three.resume(leader)
    three.await_mode(leader, "follower")
    reply = None
    try:
        reply = behind.receive_reply()
    except (OSError, wire.ConnectionClosed):
        pass
    if reply is not None and reply.err == Err.OK:
        assert "/late" in three.tree(others(three, leader)[0]), "acknowledged by a leader that had lost its followers"
    finish(three, writers)


def test_a_follower_that_was_paused_catches_up(three, write_under):
    follower = three.followers()[0]
    writers = write_under(three, *others(three, follower))
    three.pause(follower)
    three.eventually(lambda: len(three.followers()) == 1, "the paused one is still counted")
    for writer in writers:
        writer.wait_for_progress(100)
    three.resume(follower)
    three.await_mode(follower, "follower")
    finish(three, writers)


def test_members_are_restarted_one_after_the_other(three, write_under):
    writers = write_under(three, *three.members)
    for number in three.members:
        assert three.stop(number) in (0, 143)
        three.await_leader()
        three.launch(number)
        three.await_all_in()
    finish(three, writers)


def test_kills_at_random(make_ensemble, write_under, seed):
    rng = random.Random(seed)
    five = make_ensemble(voters=5)
    writers = write_under(five, *five.members)
    for _ in range(6):
        victims = rng.sample(five.voters, rng.randint(1, 2))
        five.kill(*victims)
        if rng.random() < 0.7:
            five.await_leader()
        five.launch(*victims)
        five.await_all_in()
    finish(five, writers)
