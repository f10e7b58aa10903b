"""Ensembles whose members' network a test takes apart.

    with SplitEnsemble(directory, voters=5) as ensemble:
        ensemble.partition([1, 2], [3, 4, 5])
        ensemble.heal()

SplitEnsemble has proxies between its members (proxy.py): each has server lines of its own, in which the others' ports
are those of proxies. Clients reach every member all the time.
"""

import itertools

from ensemble import Ensemble
from proxy import Mesh


class Partitions:
    """In terms of hold(source, target), which is one-way, and heal()."""

    def separate(self, one, other):
        self.hold(one, other)
        self.hold(other, one)

    def partition(self, *groups):
        """No member of one group reaches any of another."""
        for these, those in itertools.combinations(groups, 2):
            for pair in itertools.product(these, those):
                self.separate(*pair)

    def isolate(self, number):
        self.partition([number], self.others(number))

    def others(self, *numbers):
        return [n for n in self.members if n not in numbers]


class SplitEnsemble(Partitions, Ensemble):
    def hold(self, source, target):
        self._mesh.hold(source, target)

    def cut(self, one, other):
        self._mesh.cut(one, other)

    def delay(self, source, target, seconds):
        self._mesh.delay(source, target, seconds)

    def heal(self):
        self._mesh.heal()

    def close(self):
        self.kill_all()
        self._mesh.close()

    def __exit__(self, *_):
        self.close()

    def _configure(self):
        if hasattr(self, "_mesh"):
            self._mesh.close()
        self._mesh = Mesh()
        super()._configure()

    def _server_lines(self, seen_by, ports):
        lines = {}
        for number, (quorum, election, client) in ports.items():
            if number != seen_by:
                quorum, election = (self._mesh.add(seen_by, number, port) for port in (quorum, election))
            lines[f"server.{number}"] = self._server_line(number, quorum, election, client)
        return lines
