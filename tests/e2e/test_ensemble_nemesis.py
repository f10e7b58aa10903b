"""Ensembles to which anything is done at random, while clients' histories are recorded: --rounds N --seed S."""

import random

import pytest

from histories import Load, finish
from split import SplitEnsemble

ROUNDS = 4


class Nemesis:
    """Does one thing, lets the clients feel it, and takes it back; some things are done on top of others."""

    def __init__(self, ensemble, rng):
        self._ensemble = ensemble
        self._rng = rng
        self._members = list(ensemble.members)
        self._deeds = [self.kill_some, self.kill_all, self.kill_the_leader, self.wipe_one, self.pause_some,
                       self.pause_the_leader, self.partition, self.isolate_the_leader, self.bridge, self.one_way,
                       self.cut_some, self.slow_down]

    def play(self, load):
        for deed in self._rng.sample(self._deeds, self._rng.choice((1, 1, 2))):
            print(deed.__name__)
            deed()
        if self._rng.random() < 0.7:
            self._wait_for_some(load)
        self.take_back()

    def take_back(self):
        ensemble = self._ensemble
        ensemble.heal()
        for number in ensemble.paused():
            ensemble.resume(number)
        ensemble.launch(*(n for n in ensemble.members if n not in ensemble.awake()))
        if self._rng.random() < 0.7:
            ensemble.await_all_in()

    def _wait_for_some(self, load):
        """Not for all: there may be no quorum."""
        before = sum(len(client.answered()) for client in load.clients.values())
        try:
            self._ensemble.eventually(
                lambda: sum(len(client.answered()) for client in load.clients.values()) > before + 100, "", timeout=3)
        except AssertionError:
            pass

    def _some(self):
        """A minority, most of the time."""
        count = len(self._members)
        most = self._rng.choice(((count - 1) // 2, (count - 1) // 2, count))
        return self._rng.sample(self._members, self._rng.randint(1, most))

    def _leader(self):
        return self._ensemble.leader() or self._rng.choice(self._members)

    def kill_some(self):
        self._ensemble.kill(*self._some())

    def kill_all(self):
        self._ensemble.kill_all()

    def kill_the_leader(self):
        self._ensemble.kill(self._leader())

    def wipe_one(self):
        """What it had, all others must have: else it might be the last that knew of something."""
        if None in self._ensemble.modes().values() or self._ensemble.awake() != self._members:
            return
        number = self._rng.choice(self._members)
        self._ensemble.kill(number)
        self._ensemble.wipe(number)

    def pause_some(self):
        self._pause(*self._some())

    def pause_the_leader(self):
        self._pause(self._leader())

    def _pause(self, *numbers):
        for number in set(numbers) & set(self._ensemble.awake()):
            self._ensemble.pause(number)

    def partition(self):
        some = self._some()
        self._ensemble.partition(some, self._ensemble.others(*some))

    def isolate_the_leader(self):
        self._ensemble.isolate(self._leader())

    def bridge(self):
        bridge, *rest = self._rng.sample(self._members, len(self._members))
        self._ensemble.partition(rest[:len(rest) // 2], rest[len(rest) // 2:])

    def one_way(self):
        self._ensemble.hold(*self._rng.sample(self._members, 2))

    def cut_some(self):
        one, other = self._rng.sample(self._members, 2)
        self._ensemble.cut(one, other)

    def slow_down(self):
        for _ in self._members:
            self._ensemble.delay(*self._rng.sample(self._members, 2), self._rng.random() / 10)


def play_some_rounds(directory, rounds, rng, **members):
    """Short histories: the judge's work grows faster than they do."""
    with SplitEnsemble(directory, **members) as ensemble:
        servers = list(ensemble.members.values())
        clients = {n: [server] for n, server in ensemble.members.items()}
        with Load({**clients, "rover1": servers, "rover2": servers[::-1]}, rng.random()) as load:
            load.await_answers()
            nemesis = Nemesis(ensemble, rng)
            for _ in range(rounds):
                nemesis.play(load)
            finish(ensemble, load)


@pytest.mark.parametrize("voters, observers", [(3, 0), (5, 0), (3, 2)])
def test_what_clients_saw_is_linearizable_whatever_is_done(only_zabd, request, tmp_path, seed, voters, observers):
    rng = random.Random(seed)
    left = request.config.getoption("--rounds") or ROUNDS
    while left > 0:
        directory = tmp_path / f"with{left}left"
        play_some_rounds(directory, min(ROUNDS, left), rng, voters=voters, observers=observers)
        left -= ROUNDS
