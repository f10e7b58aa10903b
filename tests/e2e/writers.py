"""Clients that write steadily, each in a thread of its own, and remember what was acknowledged and when."""

import itertools
import threading
import time

import wire
from wire import Err, Op

RETRY_SECONDS = 0.01
ANSWER_SECONDS = 20


class Writer(threading.Thread):
    """Creates /NAME/1, /NAME/2, ... one after the other, and asks again for one whose answer it did not get.

    servers    those it may use (harness.Server), the first one first; it changes when a connection breaks
    acked      when each was acknowledged, in their order
    sessions   ids of the sessions it had; more than one: a session was lost
    """

    def __init__(self, name, servers, timeout_ms=10000):
        super().__init__(name=name, daemon=True)
        self.home = f"/{name}"
        self.acked = []
        self.sessions = []
        self.failure = None
        self._servers = itertools.cycle(servers)
        self._timeout_ms = timeout_ms
        self._session = None
        self._zxid = 0
        self._stopping = threading.Event()
        self.start()

    def abandon(self):
        self._stopping.set()

    def stop(self):
        self.abandon()
        self.join(3 * ANSWER_SECONDS)
        assert not self.is_alive(), f"{self.name} still waits for an answer"
        if self.failure:
            raise self.failure

    def last(self):
        return len(self.acked)

    def wait_for_progress(self, count=20, timeout=60):
        """Waits until so many more writes have been acknowledged."""
        wanted, deadline = self.last() + count, time.monotonic() + timeout
        while self.last() < wanted:
            assert self.failure is None, f"{self.name}: {self.failure!r}"
            assert time.monotonic() < deadline, f"{self.name} stands at {self.last()}, not at {wanted}, after {timeout} s"
            time.sleep(0.01)

    def gap(self, since, until):
        """The longest time without an acknowledgement in [since, until], and beyond its ends to the next ones."""
        times = list(self.acked)
        first = max((i for i, t in enumerate(times) if t <= since), default=0)
        last = min((i for i, t in enumerate(times) if t >= until), default=len(times) - 1)
        seen = times[first:last + 1]
        return max((b - a for a, b in zip(seen, seen[1:])), default=0)

    def run(self):
        try:
            while not self._stopping.is_set():
                self._use_a_server()
        except Exception as failure:
            self.failure = failure

    def _use_a_server(self):
        try:
            connection = self._connect(next(self._servers))
        except (OSError, wire.ConnectionClosed):
            time.sleep(RETRY_SECONDS)
            return
        with connection:
            try:
                self._create(connection, self.home)
                while not self._stopping.is_set():
                    self._create(connection, f"{self.home}/{self.last() + 1}")
                    self.acked.append(time.monotonic())
            except (OSError, wire.ConnectionClosed):
                pass

    def _connect(self, server):
        resumed = {"session_id": self._session.session_id, "password": self._session.password} if self._session else {}
        connection = wire.RawConnection(server.host, server.port, ANSWER_SECONDS)
        try:
            session = connection.connect(timeout_ms=self._timeout_ms, last_zxid=self._zxid, **resumed)
        except Exception:
            connection.close()
            raise
        if session.timeout_ms <= 0:
            self._session = None
            connection.close()
            raise wire.ConnectionClosed("session expired")
        self._session = session
        if session.session_id not in self.sessions:
            self.sessions.append(session.session_id)
        return connection

    def _create(self, connection, path):
        reply = connection.call(Op.CREATE, wire.create(path))
        assert reply.zxid >= self._zxid, f"{self.name}: zxid {reply.zxid:#x} after {self._zxid:#x}"
        self._zxid = reply.zxid
        assert reply.err in (Err.OK, Err.NODE_EXISTS), f"create {path}: {reply.err}"


def lost(writers, server):
    """Paths that were acknowledged and that the server (a harness.Server) does not have after a sync."""
    missing = []
    with wire.open_session(server) as connection:
        for writer in writers:
            connection.result(Op.SYNC, wire.sync(writer.home))
            there = set(connection.result(Op.GET_CHILDREN, wire.get_children(writer.home)))
            missing += [f"{writer.home}/{n}" for n in range(1, writer.last() + 1) if str(n) not in there]
        connection.result(Op.CLOSE_SESSION)
    return missing
