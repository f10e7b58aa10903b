"""Ensembles in which zabd and Apache ZooKeeper servers are members of each other's.

    with MixedEnsemble(directory, {1: ZABD, 2: ZABD, 3: ZOOKEEPER}) as ensemble:
        ensemble.make_lead(3)
        ensemble.become(1, ZOOKEEPER)
        ensemble.launch(1)
        ensemble.await_converged()

Both kinds get the same zoo.cfg. Whoever is to lead has the highest number: between equal histories it wins.
"""

import pathlib
import re
import shutil

import pytest

import wire
from ensemble import Ensemble
from wire import Op

ZABD = "zabd"
ZOOKEEPER = "zookeeper"
KINDS = (ZABD, ZOOKEEPER)

SUPER_AUTH = b"super:secret"
SETTINGS = {
    "extendedTypesEnabled": "true",
    "DigestAuthenticationProvider.superDigest": "super:lK75jTNcA+U9vtVEw5vB51mj/w4=",
    "znode.container.checkIntervalMs": 3600000,     # reaping is a matter of wall time
}

# Its text is the same on all, but each server wrote it down itself, and at another time.
OWN_NODES = ("/zookeeper/config",)
READ_AT_ONCE = 50
JAR = pathlib.Path("/usr/share/java/zookeeper.jar")
SYNC_NOTE = {ZABD: re.compile(r"server \d+ at \S+ is .*\b(DIFF|TRUNC|SNAP)\b"),
             ZOOKEEPER: re.compile(r"Sending (DIFF|TRUNC|snapshot)\b")}

needs_java = pytest.mark.skipif(not (JAR.exists() and shutil.which("java")),
                                reason="needs Debian's packages zookeeper and default-jdk-headless")


def other_than(kind):
    return ZOOKEEPER if kind == ZABD else ZABD


def led_by(kind):
    """Three voters of which the last, that comes to lead, is the only one of its kind."""
    return {1: other_than(kind), 2: other_than(kind), 3: kind}


class MixedEnsemble(Ensemble):
    """`kinds` has every member's, observers last."""

    def __init__(self, directory, kinds, observers=0, config=None, **cfg):
        super().__init__(directory, voters=len(kinds) - observers, observers=observers, kinds=kinds,
                         config={**SETTINGS, **(config or {})}, **cfg)

    def of_kind(self, kind):
        return [n for n in self.members if self.kind_of(n) == kind]

    def make_lead(self, number):
        """All are ended and started again, unless it leads already: first just as many as elect it."""
        if self.await_all_in() == number:
            return
        self.await_converged(node_by_node=False)
        self.kill_all()
        self.launch(number, *[n for n in self.voters if n < number][:len(self.voters) // 2])
        assert self.await_leader() == number
        self.launch(*(n for n in self.members if n not in self.awake()))
        self.await_all_in()

    def tree(self, number):
        """path -> (data, stat, ACL) of every node but OWN_NODES, whoever may read it."""
        with wire.open_session(self[number], timeout_ms=20000) as connection:
            assert connection.call(Op.AUTH, wire.auth("digest", SUPER_AUTH), wire.XID_AUTH).err == wire.Err.OK
            nodes, paths = {}, ["/"]
            while paths:
                paths, some = paths[READ_AT_ONCE:], paths[:READ_AT_ONCE]
                for path in some:
                    for op in (Op.GET_DATA, Op.GET_ACL, Op.GET_CHILDREN):
                        connection.send(op, wire.get_acl(path) if op == Op.GET_ACL else wire.get_data(path))
                for path in some:
                    (data, stat), (acl, _), children = (
                        wire.decode_reply(op, connection.receive_reply().body)
                        for op in (Op.GET_DATA, Op.GET_ACL, Op.GET_CHILDREN))
                    nodes[path] = data, stat, acl
                    below = (f"{path.rstrip('/')}/{name}" for name in children)
                    paths += [child for child in below if child not in OWN_NODES]
            connection.result(Op.CLOSE_SESSION)
            return nodes

    def await_no_ephemerals(self):
        """Waits until sessions that nobody uses any more have expired, on all members."""
        def none():
            return all(self.figures(n).get("zk_ephemerals_count") == "0" for n in self.awake())
        self.eventually(none, "ephemerals stay")

    def await_converged(self, timeout=60, node_by_node=True):
        """As in Ensemble, with ACLs."""
        self.await_all_in(timeout)
        self._write_something()     # where an epoch begins without a transaction, ZooKeeper's leaders name a zxid of it
        super().await_converged(timeout, node_by_node=False)
        if node_by_node:
            first, *others = self.awake()
            trees = {n: self.tree(n) for n in self.awake()}
            for other in others:
                found = differences(trees[first], trees[other])
                assert found == [], "\n".join([f"{first} and {other} differ; {self._kinds}:", *found])

    def _write_something(self):
        with wire.open_session(self[self.leader()]) as connection:
            connection.result(Op.CLOSE_SESSION)

    def digests(self, number):
        """The digests of the tree that the word `hash` tells: zxid -> digest, of some zxids."""
        lines = (line.split(": ") for line in self[number].word("hash").splitlines())
        return {int(zxid, 16): digest for zxid, digest in lines}

    def digest_mismatches(self):
        """How often members found another digest than their ZooKeeper leader's behind a transaction, by member.
        After a snapshot that was made while transactions went on ZooKeeper's count some where trees are equal."""
        return {n: int(self.figures(n)["zk_digest_mismatches_count"]) for n in self.awake()}

    def latest_sync(self):
        """DIFF, TRUNC or SNAP: with what the one that leads met the learner that came last, as its log tells."""
        leader = self.await_leader()
        return SYNC_NOTE[self.kind_of(leader)].findall(self[leader].log_text())[-1].replace("snapshot", "SNAP")


def differences(one, other):
    """What two trees differ in, a line for each."""
    lines = []
    for path in sorted({*one, *other}):
        if path not in one or path not in other:
            lines.append(f"{path}: only the {'first' if path in one else 'second'} has it")
        else:
            for name, a, b in zip(("data", "stat", "ACL"), one[path], other[path]):
                lines += [f"{path}: {name} {a} | {b}"] if a != b else []
    return lines
