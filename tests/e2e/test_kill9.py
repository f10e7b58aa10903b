"""kill -9 at random moments under load: what was acknowledged is there, the rest wholly or not at all.

Each round loads the server from several connections, kills it, restarts it on the same data and
asks it about everything. Each Owner alone writes below its node, pipelined, so that the state it
finds must be its acknowledged writes plus the first few, in order, of those in flight.
"""

import concurrent.futures
import copy
import random
import time

import pytest

import wire
from wire import Err, EventType, Mode, Op, WatchMode

OWNERS = 3
PIPELINED = 6
NODES_MAX = 25
LIVES_MS = 20000
DIES_MS = 400
SETTINGS = {"tickTime": 200, "maxSessionTimeout": LIVES_MS, "snapCount": 300}


class Subtree:
    """What an Owner's part of the tree should hold; operations as (kind, ...) tuples."""

    def __init__(self):
        self.nodes = {}  # name -> [data, version]
        self.child_changes = 0

    def apply(self, operation):
        kind, *details = operation
        if kind == "create":
            self.nodes[details[0]] = [details[1], 0]
            self.child_changes += 1
        elif kind == "set":
            node = self.nodes[details[0]]
            node[:] = details[1], node[1] + 1
        elif kind == "delete":
            del self.nodes[details[0]]
            self.child_changes += 1
        else:
            for part in details[0]:
                self.apply(part)

    def __eq__(self, other):
        return (self.nodes, self.child_changes) == (other.nodes, other.child_changes)


class Client:
    """A session that survives: it comes back with its id and password, and sees no zxid go back."""

    def __init__(self, server, timeout_ms=LIVES_MS):
        self.server = server
        self.zxid = 0
        self.link = wire.open_session(server, timeout_ms=timeout_ms)
        self._session = self.link.session

    def call(self, op, body=b""):
        reply = self.link.call(op, body)
        assert reply.zxid >= self.zxid, f"zxid {reply.zxid:#x} after {self.zxid:#x}"
        self.zxid = reply.zxid
        assert reply.err == Err.OK, f"{op.name}: {reply.err}"
        return wire.decode_reply(op, reply.body)

    def come_back(self):
        self.link.close()
        self.link = wire.open_session(self.server, timeout_ms=self._session.timeout_ms, last_zxid=self.zxid,
                                      session_id=self._session.session_id, password=self._session.password)
        assert self.link.session.session_id == self._session.session_id

    @property
    def session_id(self):
        return self._session.session_id


class Owner(Client):
    """Writes below a node of its own as fast as answers come, until the connection breaks."""

    def __init__(self, server, name, seed):
        super().__init__(server)
        self.home = f"/{name}"
        self.ephemeral = f"/{name}-lives"
        self.acked = 0
        self._random = random.Random(seed)
        self._sure = Subtree()  # acknowledged
        self._hoped = Subtree()  # with those in flight
        self._in_flight = []
        self._serial = 0
        self.call(Op.CREATE, wire.create(self.home))
        self.call(Op.CREATE, wire.create(self.ephemeral, flags=Mode.EPHEMERAL))

    def load(self):
        try:
            while True:
                while len(self._in_flight) < PIPELINED:
                    self._send(self._some_operation())
                self._receive()
        except wire.ConnectionClosed:
            pass

    def verify(self):
        """Finds the writes in flight applied up to one of them and no further; goes on from there."""
        found = self._read_back()
        candidates = [copy.deepcopy(self._sure)]
        for operation in self._in_flight:
            candidates.append(copy.deepcopy(candidates[-1]))
            candidates[-1].apply(operation)
        assert found in candidates, \
            f"{self.home} has {found.nodes}, acknowledged {self._sure.nodes}, in flight {self._in_flight}"
        self._in_flight.clear()
        self._sure, self._hoped = found, copy.deepcopy(found)
        assert self.call(Op.EXISTS, wire.exists(self.ephemeral)).ephemeral_owner == self.session_id

    def _read_back(self):
        found = Subtree()
        names, stat = self.call(Op.GET_CHILDREN2, wire.get_children2(self.home))
        found.child_changes = stat.cversion
        for name in names:
            data, stat = self.call(Op.GET_DATA, wire.get_data(f"{self.home}/{name}"))
            found.nodes[name] = [data, stat.version]
        return found

    def _some_operation(self):
        names = list(self._hoped.nodes)
        kinds = ("create", "create", "set", "multi") if len(names) < NODES_MAX else ("delete", "delete", "set", "multi")
        kind = self._random.choice(kinds if names else ("create",))
        if kind == "multi":
            return "multi", (self._simple("create", names), self._simple("set", names), self._simple("delete", names))
        return self._simple(kind, names)

    def _simple(self, kind, names):
        self._serial += 1
        data = b"%d" % self._serial
        if kind == "create":
            return kind, f"n{self._serial}", data
        return (kind, self._random.choice(names), data)[:3 if kind == "set" else 2]

    def _send(self, operation):
        self._in_flight.append(operation)
        self._hoped.apply(operation)
        self.link.send(*self._encoded(operation))

    def _encoded(self, operation):
        kind, *details = operation
        if kind == "multi":
            return Op.MULTI, wire.multi([self._encoded(part) for part in details[0]])
        path = f"{self.home}/{details[0]}"
        if kind == "create":
            return Op.CREATE, wire.create(path, details[1])
        return (Op.SET_DATA, wire.set_data(path, details[1])) if kind == "set" else (Op.DELETE, wire.delete(path))

    def _receive(self):
        reply = self.link.receive_reply()
        operation = self._in_flight[0]
        assert reply.err == Err.OK and reply.zxid > self.zxid, f"{operation}: {reply} after {self.zxid:#x}"
        del self._in_flight[0]
        self.zxid = reply.zxid
        self.acked += 1
        self._sure.apply(operation)
        if operation[0] == "set":
            assert wire.decode_reply(Op.SET_DATA, reply.body).version == self._sure.nodes[operation[1]][1]


class Churn:
    """Short sessions, each with an ephemeral node, opened and closed all the time."""

    HOME = "/churn"

    def __init__(self, server, keeper):
        self._server = server
        self._keeper = keeper
        self._serial = 0
        self._maybe_there = set()
        keeper.call(Op.CREATE, wire.create(self.HOME))

    def load(self):
        try:
            while True:
                self._one_session()
        except (wire.ConnectionClosed, ConnectionError):
            pass

    def _one_session(self):
        with wire.open_session(self._server, timeout_ms=DIES_MS) as link:
            self._serial += 1
            name = f"e{self._serial}"
            self._maybe_there.add(name)
            link.result(Op.CREATE, wire.create(f"{self.HOME}/{name}", flags=Mode.EPHEMERAL))
            link.result(Op.CLOSE_SESSION)
            self._maybe_there.discard(name)

    def verify(self):
        """No node of a session whose close was acknowledged; the others go when their session expires."""
        self._keeper.call(Op.ADD_WATCH, wire.add_watch(self.HOME, WatchMode.RECURSIVE))
        there = set(self._keeper.call(Op.GET_CHILDREN, wire.get_children(self.HOME)))
        assert there <= self._maybe_there, f"{there - self._maybe_there} of closed sessions"
        while there:
            event = self._keeper.link.receive()
            assert event.type == EventType.DELETED
            there.discard(event.path.removeprefix(self.HOME + "/"))
        self._maybe_there.clear()
        self._keeper.call(Op.REMOVE_WATCHES, wire.remove_watches(self.HOME, wire.WatcherType.ANY))


class Observer(Client):
    """Has one watch of each kind on nodes that change only while it is away, or after it is back."""

    def __init__(self, server, keeper):
        super().__init__(server)
        self._keeper = keeper
        self._round = 0
        self._missing = ""
        for path in ("/watched", "/watched-parent"):
            keeper.call(Op.CREATE, wire.create(path))
        self.watch_anew()

    def watch_anew(self):
        self._round += 1
        self._missing = f"/missing{self._round}"
        self.call(Op.GET_DATA, wire.get_data("/watched", True))
        self.call(Op.GET_CHILDREN, wire.get_children("/watched-parent", True))
        assert self.link.call(Op.EXISTS, wire.exists(self._missing, True)).err == Err.NO_NODE

    def verify(self, missed):
        """After the restart: `missed` changes happen before the watches are set again, the rest after."""
        changes = [self._change_data, self._add_child, self._create_missing]
        for change in changes[:missed]:
            change()
        self.link.send(Op.SET_WATCHES, wire.set_watches(self.zxid, ["/watched"], [self._missing], ["/watched-parent"]),
                       xid=wire.XID_SET_WATCHES)
        assert self.link.receive_reply().err == Err.OK
        caught_up = {(event.type, event.path) for event in self.link.events}
        self.link.events.clear()
        expected = [(EventType.DATA_CHANGED, "/watched"), (EventType.CHILDREN_CHANGED, "/watched-parent"),
                    (EventType.CREATED, self._missing)]
        assert caught_up == set(expected[:missed])
        for change, live in list(zip(changes, expected))[missed:]:
            change()
            event = self.link.receive()
            assert (event.type, event.path) == live
        self.call(Op.SYNC, wire.sync("/"))
        self.watch_anew()

    def _change_data(self):
        self._keeper.call(Op.SET_DATA, wire.set_data("/watched", b"%d" % self._round))

    def _add_child(self):
        self._keeper.call(Op.CREATE, wire.create(f"/watched-parent/c{self._round}"))

    def _create_missing(self):
        self._keeper.call(Op.CREATE, wire.create(self._missing))


def kill_under_load(server, loads, rng):
    with concurrent.futures.ThreadPoolExecutor(len(loads)) as pool:
        running = [pool.submit(load) for load in loads]
        time.sleep(rng.uniform(0.02, 0.4))
        server.kill()
    for load in running:
        load.result()  # raises what the load found wrong


def restart(server, rng):
    """Starts the server, sometimes after a kill while it recovers."""
    if rng.random() < 0.2:
        server.launch()
        time.sleep(rng.uniform(0, 0.1))
        server.kill()
    server.start()


def rounds_wanted(request, server_kind):
    return request.config.getoption("--rounds") or (50 if server_kind == "zabd" else 4)


def test_acknowledged_writes_survive_kill_9(make_server, server_kind, seed, request):
    rng = random.Random(seed)
    server = make_server(config=SETTINGS).start()
    keeper = Client(server)
    churn, observer = Churn(server, keeper), Observer(server, keeper)
    owners = [Owner(server, f"owner{n}", seed + n) for n in range(OWNERS)]
    clients = [keeper, observer, *owners]
    for _ in range(rounds_wanted(request, server_kind)):
        kill_under_load(server, [churn.load, *(owner.load for owner in owners)], rng)
        restart(server, rng)
        for client in clients:
            client.come_back()
        for owner in owners:
            owner.verify()
        churn.verify()
        observer.verify(missed=rng.randrange(4))
    print(f"{sum(owner.acked for owner in owners)} acknowledged writes, zxid {keeper.zxid:#x}")
    assert all(owner.acked for owner in owners)


@pytest.mark.parametrize("end", ("kill", "stop"))
def test_everything_is_there_after_the_end(make_server, end):
    """One node of each kind, its ACL, its stat and its session come back the same."""
    server = make_server(config={"extendedTypesEnabled": "true"}).start()
    client = Client(server)
    requests = [
        (Op.CREATE2, wire.create("/plain", b"data")), (Op.CREATE2, wire.create("/null", None)),
        (Op.CREATE2, wire.create("/seq-", b"", flags=Mode.SEQUENTIAL)),
        (Op.CREATE2, wire.create("/mine", b"", flags=Mode.EPHEMERAL)),
        (Op.CREATE2, wire.create("/readable", b"", [(1, "world", "anyone"), (31, "ip", "127.0.0.1")])),
        (Op.CREATE_CONTAINER, wire.create("/container", b"", flags=Mode.CONTAINER)),
        (Op.CREATE_TTL, wire.create_ttl("/ttl", b"", ttl_ms=1 << 39)),
        (Op.CREATE2, wire.create("/plain/child", b"x" * 1000000)),
    ]
    paths = [client.call(op, body)[0] for op, body in requests]
    client.call(Op.SET_ACL, wire.set_acl("/plain", [(31, "world", "anyone"), (1, "digest", "a:b")]))
    client.call(Op.SET_DATA, wire.set_data("/plain", b"new"))

    def everything():
        return [client.call(op, body(path)) for path in ["/", *paths] for op, body in
                ((Op.GET_DATA, wire.get_data), (Op.GET_ACL, wire.get_acl), (Op.GET_CHILDREN2, wire.get_children2))]

    before = everything()
    getattr(server, end)()
    server.start()
    client.come_back()
    assert _children_sorted(everything()) == _children_sorted(before)


def _children_sorted(replies):
    return [(sorted(first) if isinstance(first, list) else first, stat) for first, stat in replies]
