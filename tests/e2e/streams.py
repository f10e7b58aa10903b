"""Clients that must notice nothing: each keeps writes in flight on one connection, which must not end."""

import collections
import threading
import time

import wire
from wire import Err, Op

ANSWER_SECONDS = 20


class Stream(threading.Thread):
    """Creates /NAME/1, /NAME/2, ... in one session on one server (a harness.Server), `window` of them in flight. It fails if
    one is refused, is answered out of turn or with a zxid that goes back, or if the connection ends before stop().

    acked    (when, zxid) of each that was acknowledged, in their order
    """

    def __init__(self, name, server, window=16, timeout_ms=20000):
        super().__init__(name=name, daemon=True)
        self.home = f"/{name}"
        self.acked = []
        self._window = window
        self._failure = None
        self._stopping = threading.Event()
        self._connection = wire.open_session(server, ANSWER_SECONDS, timeout_ms=timeout_ms)
        self._connection.result(Op.CREATE, wire.create(self.home))
        self.start()

    def stop(self):
        """Waits for the answers that are due, ends the session, and tells how it went."""
        self.abandon()
        self.join(3 * ANSWER_SECONDS)
        assert not self.is_alive(), f"{self.name} still waits for an answer"
        self.check()

    def abandon(self):
        self._stopping.set()

    def check(self):
        if self._failure:
            raise AssertionError(f"{self.name}, after {self.last()} writes: {self._failure!r}") from self._failure

    def last(self):
        return len(self.acked)

    def wait_for_progress(self, count=20, timeout=60):
        """Waits until so many more writes have been acknowledged."""
        wanted, deadline = self.last() + count, time.monotonic() + timeout
        while self.last() < wanted:
            self.check()
            assert time.monotonic() < deadline, f"{self.name} stands at {self.last()}, not at {wanted}, after {timeout} s"
            time.sleep(0.01)

    def gap_max(self):
        """The longest time between two acknowledgements."""
        return max((gap for gap, _ in self._gaps()), default=0)

    def gaps_between_epochs(self):
        """The time from the last acknowledgement of each epoch to the first of the next."""
        return [gap for gap, same_epoch in self._gaps() if not same_epoch]

    def gaps_within_epochs(self):
        return [gap for gap, same_epoch in self._gaps() if same_epoch]

    def run(self):
        try:
            with self._connection:
                self._write()
                self._connection.result(Op.CLOSE_SESSION)
        except Exception as failure:
            self._failure = failure

    def _gaps(self):
        acked = list(self.acked)
        return [(after - before, old >> 32 == new >> 32) for (before, old), (after, new) in zip(acked, acked[1:])]

    def _write(self):
        waiting = collections.deque()
        asked = zxid = 0
        while True:
            while len(waiting) < self._window and not self._stopping.is_set():
                asked += 1
                waiting.append(self._connection.send(Op.CREATE, wire.create(f"{self.home}/{asked}")))
            if not waiting:
                return
            reply = self._connection.receive_reply()
            now, due = time.monotonic(), waiting.popleft()
            assert reply.xid == due, f"the answer to {reply.xid} came before that to {due}"
            assert reply.err == Err.OK, f"write {self.last() + 1}: {reply.err}"
            assert reply.zxid > zxid, f"zxid {reply.zxid:#x} after {zxid:#x}"
            zxid = reply.zxid
            self.acked.append((now, zxid))
