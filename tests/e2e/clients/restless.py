"""An ensemble of three as the server under test, whose leader is killed every ten seconds.

What a client's contract allows to differ from one server: a call that is in flight when the client's server dies fails
with a lost connection, and so may others until the client has found the next server. So a test that was disturbed by a
kill may fail, and then is run again; one that was left in peace may not. Reads are linearizable
(zabd.linearizableReads), as tests look from one client for what another one wrote.
"""

import threading
import time

import pytest
import wire
from ensemble import Ensemble

AWAY = 1        # seconds before the killed one comes back
SETTLING = 2    # seconds that clients have, once all members are in, to find one


class RestlessEnsemble:
    """As much of harness.Server's face as tests with clients use; what asks one server by name is skipped."""

    def __init__(self, directory, config, kill_every):
        settings = {**config, "zabd.linearizableReads": "true", "maxSessionTimeout": 40000}
        self._ensemble = Ensemble(directory, "zabd", voters=3, config=settings)
        self._kill_every = kill_every
        self._peace = threading.RLock()     # held: nobody is killed
        self._end = threading.Event()
        self._killer = threading.Thread(target=self._kill_now_and_then, daemon=True)
        self._failure = None
        self._down = False
        self.kills = 0
        self.unrest = 0     # grows when a kill begins and when it is got over: odd meanwhile

    @property
    def address(self):
        return self._ensemble.hosts()

    @property
    def config_lines(self):
        """What the members have in common, as a client reads it."""
        with wire.open_session(self._ensemble[self._ensemble.await_leader()]) as connection:
            return connection.result(wire.Op.GET_DATA, wire.get_data("/zookeeper/config"))[0].decode().splitlines()

    def word(self, *_):
        pytest.skip("asks one server")

    @property
    def host(self):
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
        self._hold_peace()
        for number in self._ensemble.members:
            self._ensemble.stop(number)

    def kill(self):
        self._hold_peace()
        self._ensemble.kill_all()

    def start(self):
        self._ensemble.start()
        self._down = False
        self._peace.release()
        return self

    def _hold_peace(self):
        self._peace.acquire()
        self._down = True

    def await_rest(self):
        """Waits until a kill that is under way is got over, after a test that may have failed while all was down."""
        if self._down:
            self.start()
        while self.unrest % 2 and not self._failure:
            time.sleep(0.05)

    def __enter__(self):
        self._ensemble.start()
        self._killer.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._killer.join()
        self._ensemble.kill_all()
        if self._failure:
            raise self._failure

    def _kill_now_and_then(self):
        while not self._end.wait(self._kill_every):
            with self._peace:
                self.unrest += 1
                try:
                    self._kill_the_leader()
                except Exception as failure:
                    self._failure = failure
                    return
                self.unrest += 1

    def _kill_the_leader(self):
        leader = self._ensemble.await_leader()
        self.kills += 1
        self._ensemble.kill(leader)
        self._ensemble.await_leader()
        self._end.wait(AWAY)
        self._ensemble.launch(leader)
        self._ensemble.await_all_in()
        self._end.wait(SETTLING)
