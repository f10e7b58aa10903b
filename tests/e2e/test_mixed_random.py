"""Ensembles of zabd and Apache ZooKeeper servers in which anyone dies, stands still or is replaced at random.

    --rounds N --seed S; with --rounds, ensembles of five and observers are played too
"""

import random

import pytest

import mixed
from histories import Load, finish
from jumble import Jumble
from mixed import KINDS, ZABD, MixedEnsemble

pytestmark = mixed.needs_java

ROUNDS = 5


class Fate:
    """Does one thing, lets the clients feel it, and takes it back."""

    def __init__(self, ensemble, rng):
        self._ensemble = ensemble
        self._rng = rng
        self._deeds = [self.kill_some, self.kill_the_leader, self.kill_the_leader, self.kill_all, self.pause_one,
                       self.pause_the_leader, self.replace_one, self.replace_one, self.empty_one]

    def play(self, load):
        deed = self._rng.choice(self._deeds)
        print(deed.__name__, {n: (self._ensemble.kind_of(n), mode) for n, mode in self._ensemble.modes().items()})
        deed()
        if self._rng.random() < 0.5:
            self._wait_for_some(load)
        self._take_back()
        load.await_answers(count=5)

    def _wait_for_some(self, load):
        """Not for long: there may be no quorum."""
        before = sum(len(client.answered()) for client in load.clients.values())
        try:
            self._ensemble.eventually(
                lambda: sum(len(client.answered()) for client in load.clients.values()) > before + 50, "", timeout=3)
        except AssertionError:
            pass

    def _take_back(self):
        for number in self._ensemble.paused():
            self._ensemble.resume(number)
        self._ensemble.launch(*(n for n in self._ensemble.members if n not in self._ensemble.awake()))
        self._ensemble.await_all_in()

    def _one(self):
        return self._rng.choice(list(self._ensemble.members))

    def kill_some(self):
        minority = (len(self._ensemble.voters) - 1) // 2
        self._ensemble.kill(*self._rng.sample(list(self._ensemble.members), self._rng.randint(1, minority)))

    def kill_the_leader(self):
        self._ensemble.kill(self._ensemble.await_leader())

    def kill_all(self):
        self._ensemble.kill_all()

    def pause_one(self):
        self._pause(self._one())

    def pause_the_leader(self):
        self._pause(self._ensemble.await_leader())

    def _pause(self, number):
        """But for a leader of ZooKeeper's, which answers a sync from the past when it goes on."""
        if number != self._ensemble.await_leader() or self._ensemble.kind_of(number) == ZABD:
            self._ensemble.pause(number)

    def replace_one(self):
        number = self._one()
        self._ensemble.become(number, mixed.other_than(self._ensemble.kind_of(number)))
        self._without(number)

    def empty_one(self):
        number = self._one()
        self._ensemble.kill(number)
        self._ensemble.wipe(number)
        self._without(number)

    def _without(self, number):
        """Others must have what it had: a server of ZooKeeper's that has forgotten all votes like any other."""
        self._ensemble.await_leader(other_than=number)


def some_kinds(rng, count):
    """Of each at least one."""
    while len(set(kinds := [rng.choice(KINDS) for _ in range(count)])) < 2:
        pass
    return dict(enumerate(kinds, 1))


def play_some_rounds(directory, rounds, rng, voters, observers):
    with MixedEnsemble(directory, some_kinds(rng, voters + observers), observers) as ensemble:
        members = list(ensemble.members.values())
        of_one = {number: [member] for number, member in ensemble.members.items()}
        clients = {**of_one, "rover1": members, "rover2": members[::-1]}
        with Load(clients, rng.random()) as load:
            load.await_answers()
            fate = Fate(ensemble, rng)
            with Jumble(members, rng.random()) as jumble:
                for _ in range(rounds):
                    fate.play(load)
            jumble.check()
            ensemble.await_no_ephemerals()
            finish(ensemble, load)


@pytest.mark.parametrize("voters, observers", [(3, 0), (5, 0), (3, 2)])
def test_what_clients_of_mixed_ensembles_saw_is_linearizable(server_kind, request, tmp_path, seed, voters, observers):
    if server_kind != ZABD:
        pytest.skip("one of the servers is always zabd")
    asked = request.config.getoption("--rounds")
    if voters + observers > 3 and not asked:
        pytest.skip("played with --rounds")
    rng = random.Random(seed)
    left = asked or ROUNDS
    while left > 0:
        play_some_rounds(tmp_path / f"with{left}left", min(ROUNDS, left), rng, voters, observers)
        left -= ROUNDS
