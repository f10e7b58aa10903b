"""An ensemble of three as the server under test, whose leader is killed every ten seconds.

What a client's contract allows to differ from one server: a call that is in flight when the client's server dies fails
with a lost connection. So a test during which a leader was killed may fail, and then is run again; one that was left in
peace may not. Reads are linearizable (zabd.linearizableReads), as tests look from one client for what another one wrote.
"""

import contextlib
import threading

import harness
import pytest
from ensemble import Ensemble

KILL_EVERY = 10
AWAY = 1  # seconds before the killed one comes back


class RestlessEnsemble:
    """As much of harness.Server's face as tests with clients use; what asks one server by name is skipped."""

    def __init__(self, directory, config):
        settings = {**config, "zabd.linearizableReads": "true", "maxSessionTimeout": 40000}
        self._ensemble = Ensemble(directory, "zabd", voters=3, config=settings)
        self._peace = threading.RLock()     # held: nobody is killed
        self._end = threading.Event()
        self._killer = threading.Thread(target=self._kill_now_and_then, daemon=True)
        self.kills = 0

    @property
    def address(self):
        return self._ensemble.hosts()

    def word(self, *_):
        pytest.skip("asks one server")

    @property
    def port(self):
        pytest.skip("asks one server")

    def running(self):
        return True

    def restart(self):
        with self._peace:
            self.kill()
            self.start()

    def stop(self, *_):
        self._peace.acquire()
        for number in self._ensemble.members:
            self._ensemble.stop(number)

    def kill(self):
        self._peace.acquire()
        self._ensemble.kill_all()

    def start(self):
        self._ensemble.start()
        self._peace.release()
        return self

    def __enter__(self):
        self._ensemble.start()
        self._killer.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._killer.join()
        self._ensemble.kill_all()

    def _kill_now_and_then(self):
        while not self._end.wait(KILL_EVERY):
            with self._peace:
                leader = self._ensemble.await_leader()
                self.kills += 1
                self._ensemble.kill(leader)
                self._end.wait(AWAY)
                self._ensemble.launch(leader)
                with contextlib.suppress(AssertionError, harness.ServerFailed):
                    self._ensemble.await_all_in(timeout=20)
