"""Waiting for what other threads and processes do, with a deadline and without fixed sleeps."""

import queue
import time

SECONDS = 20.0


def eventually(condition, timeout=SECONDS):
    """Returns the first true value of condition(); fails when there is none within `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"still not so after {timeout} s"
        time.sleep(0.01)


class Events:
    """A callback that keeps what it is called with, for a test to take out in order."""

    def __init__(self):
        self._queue = queue.Queue()

    def __call__(self, event):
        self._queue.put(event)

    def next(self, timeout=SECONDS):
        try:
            return self._queue.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError(f"no event within {timeout} s") from None

    def none_pending(self):
        """True if nothing came that was not taken out. Ask after a round trip to the server: events go before replies,
        so that only the client's own threads need a moment."""
        time.sleep(0.05)
        return self._queue.empty()
