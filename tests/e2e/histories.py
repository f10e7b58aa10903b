"""Clients that read, write, create and delete a few nodes at random, and remember all of it for a judge.

    with Load({"a": [server1], "b": [server2, server3]}, seed) as load:
        load.await_answers()
        ...                             # what is to go wrong
        load.await_answers()
    load.judge()

Each Client is a thread with one session at a time on the servers it was given; when a connection breaks it goes to the
next, with the same session as long as there is one. judge() holds what all of them saw against one server that does one
thing after the other (linear.py); on its way each client sees to what a session is promised: answers in the order of
the requests, no zxid that goes back.

Calls on a node are writes, writes and deletes of a version (compare and set), creates, and reads behind a sync; a few
are sent together, before the first is answered.
"""

import contextlib
import itertools
import random
import threading
import time

import linear
import wire
from linear import BAD_VERSION, EXISTS, NO_NODE, UNKNOWN, Call
from wire import Err, Op

KEYS = [f"/k{i}" for i in range(6)]
PAUSE_SECONDS = 0.01        # between calls: the order of calls that overlap is what makes a judge's work long
RETRY_SECONDS = 0.02
ANSWER_SECONDS = 30
JOIN_SECONDS = 60

ANSWERS = {Err.NODE_EXISTS: EXISTS, Err.NO_NODE: NO_NODE, Err.BAD_VERSION: BAD_VERSION}


class Client(threading.Thread):
    """calls    what was asked and answered (linear.Call), in the order of the answers; those without an answer too
    closed   when connections that had a session ended by themselves
    """

    def __init__(self, name, servers, rng, synced=True, timeout_ms=10000):
        super().__init__(name=name, daemon=True)
        self.calls = []
        self.closed = []
        self.sessions = set()
        self.failure = None
        self._servers = itertools.cycle(servers)
        self._rng = rng
        self._synced = synced
        self._timeout_ms = timeout_ms
        self._session = None
        self._zxid = 0
        self._versions = {}
        self._values = (f"{name}.{i}" for i in itertools.count())
        self._stopping = threading.Event()

    def answered(self, since=0):
        """Calls that were asked later than `since` and answered."""
        return [c for c in list(self.calls) if c.invoked > since and c.result != UNKNOWN]

    def stop(self):
        self._stopping.set()

    def run(self):
        try:
            while not self._stopping.is_set():
                self._use(next(self._servers))
        except Exception as failure:
            self.failure = failure

    def _use(self, server):
        try:
            connection = self._connect(server)
        except (OSError, wire.ConnectionClosed):
            self._stopping.wait(RETRY_SECONDS)
            return
        with connection:
            try:
                while not self._stopping.is_set():
                    self._ask_some(connection)
                    self._stopping.wait(PAUSE_SECONDS * self._rng.random() * 2)
            except (OSError, wire.ConnectionClosed):
                self.closed.append(time.monotonic())

    def _connect(self, server):
        resumed = {"session_id": self._session.session_id, "password": self._session.password} if self._session else {}
        connection = wire.RawConnection(server.host, server.port, ANSWER_SECONDS)
        try:
            session = connection.connect(timeout_ms=self._timeout_ms, last_zxid=self._zxid, **resumed)
            if session.timeout_ms <= 0:
                self._session = None
                raise wire.ConnectionClosed("session expired")
        except Exception:
            connection.close()
            raise
        self._session = session
        self.sessions.add(session.session_id)
        return connection

    # --- calls ---

    def _ask_some(self, connection):
        """One call, or a few together; all of them are in `calls` afterwards, whatever happens."""
        waiting = []
        try:
            for _ in range(self._rng.choice((1, 1, 1, 3))):
                key, op, args = self._rng.choice(KEYS), *self._choose()
                if op in ("set", "delete"):
                    args = (*args, self._rng.choice((-1, self._versions.get(key, 0), self._versions.get(key, 0))))
                waiting.append((Call(self.name, key, op, args, time.monotonic(), None, UNKNOWN), []))
                for code, body in requests(key, op, args, self._synced):
                    waiting[-1][1].append(connection.send(code, body))
            while waiting:
                call, xids = waiting[0]
                replies = [self._receive(connection, xid) for xid in xids]
                waiting.pop(0)
                self._keep(call, replies[-1])
        finally:
            now = time.monotonic()
            self.calls += [call._replace(returned=now) for call, _ in waiting]

    def _choose(self):
        op = self._rng.choices(("read", "set", "create", "delete"), (4, 4, 1, 1))[0]
        return op, (next(self._values),) if op in ("set", "create") else ()

    def _receive(self, connection, xid):
        reply = connection.receive_reply()
        assert reply.xid == xid, f"{self.name}: the answer to {reply.xid} came before that to {xid}"
        assert reply.zxid >= self._zxid, f"{self.name}: zxid {reply.zxid:#x} after {self._zxid:#x}"
        self._zxid = reply.zxid
        return reply

    def _keep(self, call, reply):
        if reply.err == Err.SYSTEM_ERROR:
            return              # refused, and nothing of it has happened
        result = result_of(call.op, reply)
        if isinstance(result, tuple):
            self._versions[call.key] = result[1]
        elif call.op == "set" and isinstance(result, int):
            self._versions[call.key] = result
        self.calls.append(call._replace(returned=time.monotonic(), result=result))


def requests(key, op, args, synced=True):
    """What is sent for a call: opcodes and bodies. A read without its sync is what a judge ought to object to."""
    if op == "create":
        return [(Op.CREATE, wire.create(key, args[0].encode()))]
    if op == "set":
        return [(Op.SET_DATA, wire.set_data(key, args[0].encode(), args[1]))]
    if op == "delete":
        return [(Op.DELETE, wire.delete(key, args[0]))]
    read = [(Op.GET_DATA, wire.get_data(key))]
    return [(Op.SYNC, wire.sync(key)), *read] if synced else read


def result_of(op, reply):
    """As linear.py has it."""
    if reply.err != Err.OK:
        assert reply.err in ANSWERS, f"{op}: {reply.err}"
        return ANSWERS[reply.err]
    if op == "set":
        return wire.decode_reply(Op.SET_DATA, reply.body).version
    if op == "read":
        data, stat = wire.decode_reply(Op.GET_DATA, reply.body)
        return data.decode(), stat.version
    return linear.OK


class Load:
    """Clients by name, each with the servers (harness.Server) that it may use."""

    def __init__(self, clients, seed, synced=True):
        rng = random.Random(seed)
        self.clients = {name: Client(name, servers, random.Random(rng.random()), synced)
                        for name, servers in clients.items()}
        self._ended = False

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    def start(self):
        for client in self.clients.values():
            client.start()
        return self

    def close(self):
        for client in self.clients.values():
            client.stop()
        for client in self.clients.values():
            client.join(JOIN_SECONDS)
        self._ended = True

    def __getitem__(self, name):
        return self.clients[name]

    def await_answers(self, *names, count=20, timeout=60):
        """Waits until each of them (default: all) has so many more answers to what it asks from now on."""
        since, deadline = time.monotonic(), time.monotonic() + timeout
        for client in [self.clients[name] for name in names] or self.clients.values():
            while len(client.answered(since)) < count:
                assert client.failure is None, f"{client.name}: {client.failure!r}"
                assert time.monotonic() < deadline, f"{client.name} is not answered for {timeout} s"
                time.sleep(0.01)

    def judge(self, *more):
        """Fails with what no order explains; `more` are further calls, such as those of read_all()."""
        assert self._ended
        for client in self.clients.values():
            assert not client.is_alive(), f"{client.name} still waits for an answer"
            assert client.failure is None, f"{client.name}: {client.failure!r}"
        calls = [call for client in self.clients.values() for call in client.calls] + list(more)
        if problem := linear.check(calls):
            for call in sorted((c for c in calls if c.key == problem.key), key=lambda c: c.invoked):
                print(*call)
            raise AssertionError(f"not linearizable: {problem}")


@contextlib.contextmanager
def playing(make_ensemble, seed, rovers=False):
    """A function of voters and settings that starts an ensemble and its clients, (ensemble, load): a client for each
    member, and with `rovers` two that go about. All of them are closed in the end."""
    played = []

    def start(voters, synced=True, **settings):
        ensemble = make_ensemble(voters=voters, **settings)
        played.append(ensemble)
        ensemble.start()
        members = list(ensemble.members.values())
        clients = {n: [member] for n, member in ensemble.members.items()}
        if rovers:
            clients.update(rover1=members, rover2=members[::-1])
        load = Load(clients, seed, synced)
        played.append(load)
        load.start()
        load.await_answers()
        return ensemble, load

    try:
        yield start
    finally:
        for one in reversed(played):
            one.close()


def finish(ensemble, load):
    """Nothing is wrong any more with the ensemble: everybody is answered, all members hold the same; and the judge."""
    ensemble.await_all_in()
    load.await_answers()
    load.close()
    ensemble.await_converged()
    load.judge(*(call for n in ensemble.awake() for call in read_all(f"in the end, {n}", ensemble[n])))


def read_all(name, server):
    """Reads of all nodes behind a sync, as calls to judge."""
    calls = []
    with wire.open_session(server) as connection:
        for key in KEYS:
            invoked = time.monotonic()
            connection.result(Op.SYNC, wire.sync(key))
            reply = connection.call(Op.GET_DATA, wire.get_data(key))
            calls.append(Call(name, key, "read", (), invoked, time.monotonic(), result_of("read", reply)))
        connection.result(Op.CLOSE_SESSION)
    return calls
