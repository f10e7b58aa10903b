"""Partitions in which the kernel drops the packets: connections stay and are silent, new ones are never answered.

The same ensembles and judges as in test_ensemble_textbook.py, which has no kernel's help and plays more.
"""

import functools
import time

import pytest

import namespaces
import wire
from histories import finish, playing
from namespaces import NamespaceEnsemble
from wire import Op


@pytest.fixture
def play(only_zabd, tmp_path, seed):
    """Starts an ensemble of so many voters and its clients, one for each member: (ensemble, load)."""
    if not namespaces.available():
        pytest.skip("no network namespaces here: needs root and ip")
    make_ensemble = functools.partial(NamespaceEnsemble, tmp_path / "ensemble")
    with namespaces.namespace(), playing(make_ensemble, seed) as start:
        yield start


def test_an_old_leader_on_the_small_side_of_a_partition_acknowledges_nothing(play):
    ensemble, load = play(5)
    leader, companion = ensemble.leader(), ensemble.followers()[0]
    small, large = [leader, companion], ensemble.others(leader, companion)
    with wire.open_session(ensemble[leader], timeout_ms=20000) as connection:
        ensemble.partition(small, large)
        parted = time.monotonic()
        connection.send(Op.CREATE, wire.create("/lost"))
        assert connection.closed_by_server(), "answered by a leader without a quorum"
    load.await_answers(*large)
    assert [call for n in small for call in load[n].answered(parted)] == []
    ensemble.heal()
    finish(ensemble, load)
    assert "/lost" not in ensemble.tree(leader)


def test_a_follower_is_cut_off_and_comes_back(play):
    ensemble, load = play(3)
    follower = ensemble.followers()[0]
    ensemble.isolate(follower)
    cut_off = time.monotonic()
    load.await_answers(*ensemble.others(follower))
    ensemble.eventually(lambda: ensemble.mode(follower) is None, "still serves")
    assert load[follower].answered(cut_off) == []
    ensemble.heal()
    finish(ensemble, load)


def test_one_that_sees_both_sides_keeps_the_ensemble_going(play):
    ensemble, load = play(5)
    bridge = ensemble.followers()[0]
    a, b, c, d = ensemble.others(bridge)
    ensemble.partition([a, b], [c, d])
    ensemble.await_leader()
    load.await_answers(bridge)
    ensemble.heal()
    finish(ensemble, load)
