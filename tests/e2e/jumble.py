"""Clients that do anything at all, for trees that have everything in them.

    with Jumble([server1, server2], seed) as jumble:
        ...
    # no session of theirs is left

Each sends requests of every kind that writes, at random, on few names; what comes of them is the servers' affair. They
go from server to server, mostly with their session and its ephemerals, and at times they leave it to expire.
"""

import random
import threading

import wire
from wire import Err, Mode, Op

NAMES = "abcd"
TTL_MS = 3600000
PAUSE_SECONDS = 0.02
RETRY_SECONDS = 0.05
ANSWER_SECONDS = 30
JOIN_SECONDS = 90
ACCESS = ([(31, "world", "anyone")], [(31, "world", "anyone"), (1, "digest", "a:b")], [(31, "ip", "127.0.0.0/8")],
          [(31, "auth", "")], [(0, "none", "")])
REFUSED = (Err.SYSTEM_ERROR, Err.RUNTIME_INCONSISTENCY, Err.MARSHALLING)


class Jumbler(threading.Thread):
    def __init__(self, home, servers, rng, timeout_ms=5000):
        super().__init__(daemon=True)
        self.home = home
        self.failure = None
        self._servers = servers
        self._rng = rng
        self._timeout_ms = timeout_ms
        self._session = None
        self._zxid = 0
        self._stopping = threading.Event()

    def stop(self):
        self._stopping.set()

    def run(self):
        try:
            while not (self._stopping.is_set() and self._session is None):
                self._use(self._rng.choice(self._servers))
        except Exception as failure:
            self.failure = failure

    def _use(self, server):
        try:
            with wire.RawConnection(server.host, server.port, ANSWER_SECONDS) as link:
                if self._enter(link):
                    self._write(link)
        except (OSError, wire.ConnectionClosed):
            self._stopping.wait(RETRY_SECONDS)

    def _enter(self, link):
        """Whether there is a session: the old one, or another."""
        old = {"session_id": self._session.session_id, "password": self._session.password} if self._session else {}
        answer = link.connect(timeout_ms=self._timeout_ms, last_zxid=self._zxid, **old)
        self._session = answer if answer.timeout_ms > 0 else None
        return self._session is not None

    def _write(self, link):
        link.call(Op.AUTH, wire.auth("digest", b"bob:pw"), wire.XID_AUTH)
        self._ask(link, Op.CREATE, wire.create(self.home))
        for _ in range(self._rng.randint(1, 200)):
            if self._stopping.is_set():
                break
            self._ask(link, *self._request())
            self._stopping.wait(PAUSE_SECONDS * self._rng.random())
        if self._stopping.is_set() or self._rng.random() < 0.3:
            link.result(Op.CLOSE_SESSION)
            self._session = None
        elif self._rng.random() < 0.2:
            self._session = None        # it will expire

    def _ask(self, link, op, body):
        reply = link.call(op, body)
        assert reply.zxid >= self._zxid, f"zxid {reply.zxid:#x} after {self._zxid:#x}"
        assert reply.err not in REFUSED, f"{op.name}: {reply.err}"
        self._zxid = reply.zxid

    def _request(self):
        kinds = self._create, self._set, self._set_acl, self._delete, self._multi
        return self._rng.choices(kinds, (6, 3, 1, 3, 2))[0]()

    def _path(self):
        return "/".join([self.home, *self._rng.choices(NAMES, k=self._rng.randint(1, 3))])

    def _version(self):
        return self._rng.choice((-1, -1, 0, 1))

    def _create(self):
        path, data = self._path(), self._rng.choice((None, b"", b"x", b"y" * 1000))
        acl = self._rng.choice(ACCESS) if self._rng.random() < 0.2 else wire.OPEN_ACL
        op = self._rng.choice((Op.CREATE, Op.CREATE2, Op.CREATE_CONTAINER, Op.CREATE_TTL))
        if op == Op.CREATE_CONTAINER:
            return op, wire.create(path, data, acl, Mode.CONTAINER)
        if op == Op.CREATE_TTL:
            return op, wire.create_ttl(path, data, acl, self._rng.choice((Mode.TTL, Mode.SEQUENTIAL_TTL)), TTL_MS)
        return op, wire.create(path, data, acl, self._rng.choice((Mode.PERSISTENT, Mode.PERSISTENT, Mode.EPHEMERAL,
                                                                  Mode.SEQUENTIAL, Mode.EPHEMERAL_SEQUENTIAL)))

    def _set(self):
        return Op.SET_DATA, wire.set_data(self._path(), self._rng.choice((None, b"", b"z" * 100)), self._version())

    def _set_acl(self):
        return Op.SET_ACL, wire.set_acl(self._path(), self._rng.choice(ACCESS), self._version())

    def _delete(self):
        return Op.DELETE, wire.delete(self._path(), self._version())

    def _multi(self):
        steps = self._rng.choices((self._create, self._set, self._delete, self._check), k=self._rng.randint(0, 5))
        return Op.MULTI, wire.multi([step() for step in steps])

    def _check(self):
        return Op.CHECK, wire.check(self._path(), self._version())


class Jumble:
    def __init__(self, servers, seed, count=3):
        rng = random.Random(seed)
        self._clients = [Jumbler(f"/jumble{i}", servers, random.Random(rng.random())) for i in range(count)]

    def __enter__(self):
        for client in self._clients:
            client.start()
        return self

    def __exit__(self, *_):
        """Waits until each has closed its session: somebody has to serve them."""
        for client in self._clients:
            client.stop()
        for client in self._clients:
            client.join(JOIN_SECONDS)

    def check(self):
        """After the end: nothing was answered that no server may answer."""
        for client in self._clients:
            assert not client.is_alive(), f"{client.home}: still waits for an answer"
            assert client.failure is None, f"{client.home}: {client.failure!r}"
