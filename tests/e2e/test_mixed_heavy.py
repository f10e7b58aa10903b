"""zabd and Apache ZooKeeper servers in one ensemble, with much at once: snapshots of trees that change meanwhile, the end
of a session that is longer than what ZooKeeper's learners read, epochs that are used up.
"""

import contextlib
import random
import threading

import pytest

import mixed
import wire
from mixed import KINDS, ZABD, MixedEnsemble
from wire import Err, Mode, Op
from writers import Writer, lost

pytestmark = mixed.needs_java

leaders = pytest.mark.parametrize("leads", KINDS, ids=[f"{kind}-leads" for kind in KINDS])

NODES, NODE_SIZE = 20000, 3000      # more than zabd keeps of its log, and a second's work to send
ANSWER_SECONDS = 120
AT_ONCE = 500
SHORT_LOG = {"snapCount": 5000, "zabd.log.retainMiB": 0, "initLimit": 200}
EPHEMERALS = 25000                  # of more than 100 bytes each: 2 MiB is what a learner of ZooKeeper's reads at once
HOME = "/" + "h" * 100
EPOCH = 1000


@contextlib.contextmanager
def led_by(directory, server_kind, kind, **settings):
    if server_kind != ZABD:
        pytest.skip("one of the servers is always zabd")
    with MixedEnsemble(directory / "ensemble", mixed.led_by(kind), **settings) as ensemble:
        ensemble.make_lead(3)
        yield ensemble


def create_all(link, bodies):
    """Creates, all of which succeed, some at a time."""
    for start in range(0, len(bodies), AT_ONCE):
        some = bodies[start:start + AT_ONCE]
        for body in some:
            link.send(Op.CREATE, body)
        assert {link.receive_reply().err for _ in some} == {Err.OK}


class Churn(threading.Thread):
    """Creates, changes and deletes nodes all over /big, as fast as the server takes it."""

    def __init__(self, server, seed):
        super().__init__(daemon=True)
        self.failure = None
        self._server = server
        self._rng = random.Random(seed)
        self._stopping = threading.Event()
        self.start()

    def stop(self):
        self._stopping.set()
        self.join(ANSWER_SECONDS)
        assert not self.is_alive() and self.failure is None, self.failure

    def run(self):
        try:
            with wire.open_session(self._server, ANSWER_SECONDS, timeout_ms=20000) as link:
                while not self._stopping.is_set():
                    requests = [request for _ in range(30) for request in self._some()]
                    for op, body in requests:
                        link.send(op, body)
                    for _ in requests:
                        link.receive_reply()
                link.result(Op.CLOSE_SESSION)
        except Exception as failure:
            self.failure = failure

    def _some(self):
        path = node(self._rng.randrange(NODES))
        return self._rng.choice((
            [(Op.DELETE, wire.delete(path)), (Op.CREATE, wire.create(path, b"new"))],
            [(Op.CREATE, wire.create(f"{path}/x")), (Op.SET_DATA, wire.set_data(f"{path}/x", b"1"))],
            [(Op.DELETE, wire.delete(f"{path}/x")), (Op.DELETE, wire.delete(path))],
            [(Op.SET_ACL, wire.set_acl(path, self._new_acl())), (Op.CREATE, wire.create(f"{path}/x", b"", self._new_acl()))],
            [(Op.CREATE, wire.create(f"{path}/s-", flags=Mode.SEQUENTIAL)), (Op.SET_DATA, wire.set_data(path, b"2"))],
            [(Op.MULTI, wire.multi([(Op.CREATE, wire.create(f"{path}/m")), (Op.DELETE, wire.delete(f"{path}/m"))]))]))

    def _new_acl(self):
        """One that no server has in its table yet; it forbids nothing."""
        return wire.OPEN_ACL + [(31, "ip", f"10.{self._rng.randrange(256)}.{self._rng.randrange(256)}.1")]


def node(number):
    return f"/big/n{number}"


@leaders
def test_a_snapshot_is_taken_over_while_the_tree_changes(server_kind, tmp_path, seed, leads):
    with led_by(tmp_path, server_kind, leads, config=SHORT_LOG) as ensemble:
        with wire.open_session(ensemble[3], timeout_ms=20000) as link:
            link.result(Op.CREATE, wire.create("/big"))
            create_all(link, [wire.create(node(i), b"x" * NODE_SIZE) for i in range(NODES)])
            link.result(Op.CLOSE_SESSION)
        churns = [Churn(ensemble[n], seed + n) for n in (2, 3)]
        for _ in range(2):
            ensemble.kill(1)
            ensemble.wipe(1)
            ensemble.launch(1)
            ensemble.await_mode(1, "follower")
            assert ensemble.latest_sync() == "SNAP"
        for churn in churns:
            churn.stop()
        ensemble.await_converged()


@leaders
def test_a_session_ends_everywhere_however_many_ephemerals_it_has(server_kind, tmp_path, leads):
    with led_by(tmp_path, server_kind, leads) as ensemble:
        with wire.open_session(ensemble[3], timeout_ms=20000) as link:
            link.result(Op.CREATE, wire.create(HOME))
            create_all(link, [wire.create(f"{HOME}/e{i}", flags=Mode.EPHEMERAL) for i in range(EPHEMERALS)])
            link.result(Op.CLOSE_SESSION)
        ensemble.await_no_ephemerals()
        ensemble.await_converged()


def test_epochs_are_used_up_under_followers_of_the_other_kind(server_kind, tmp_path):
    """Clients of ZooKeeper's followers are disconnected by these; all keep their sessions."""
    with led_by(tmp_path, server_kind, ZABD, config={"zabd.epochCounterMax": EPOCH}) as ensemble:
        first = ensemble.zxid(3) >> 32
        writers = [Writer(f"writer{n}", [member]) for n, member in ensemble.members.items()]
        ensemble.eventually(lambda: ensemble.mode(3) and ensemble.zxid(3) >> 32 >= first + 4, "the epoch stays")
        for writer in writers:
            writer.wait_for_progress()
        for writer in writers:
            writer.stop()
        ensemble.await_converged()
        assert all(lost(writers, member) == [] for member in ensemble.members.values())
        assert [len(writer.sessions) for writer in writers] == [1, 1, 1]
