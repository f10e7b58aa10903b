"""Who holds and who waits, as the HTTP endpoint shows it: of kazoo's recipes, of ours, and of Curator's names."""

import itertools
import json
import threading
import time
import urllib.parse
import uuid

import pytest
from kazoo.client import KazooClient
from kazoo.security import make_digest_acl

import recipe_servers
from admin import READER, admin_server

API = "/api/v1/locks"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with admin_server(tmp_path_factory.mktemp("server"), config=recipe_servers.CONFIG) as running:
        yield running


@pytest.fixture(scope="module")
def contender():
    return recipe_servers.program("ZABD_RECIPES_CONTENDER", "tests/recipes/zabd-recipes-contender")


@pytest.fixture
def connect(server):
    clients = []

    def start(**options):
        clients.append(KazooClient(hosts=server.address, **options))
        clients[-1].start(timeout=20)
        return clients[-1]

    yield start
    for client in clients:
        client.stop()
        client.close()


@pytest.fixture
def base(connect):
    path = f"/locks{next(_numbers)}"
    connect().ensure_path(path)
    return path


def session_of(client):
    return f"{client.client_id[0] & 0xffffffffffffffff:#x}"


def locks_below(server, path):
    status, body = server.get(f"{API}?below={urllib.parse.quote(path)}")
    assert status == 200 and body["complete"] is True
    return body["locks"]


def sessions(entries):
    return [entry["session"] for entry in entries]


def await_lock(server, below, path, holders, waiting, seconds=20):
    """Waits until the lock is there with these sessions, in this order."""
    deadline = time.monotonic() + seconds
    while True:
        found = [lock for lock in locks_below(server, below) if lock["path"] == path]
        if len(found) == 1 and (sessions(found[0]["holders"]), sessions(found[0]["waiting"])) == (holders, waiting):
            return found[0]
        assert time.monotonic() < deadline, f"not {holders} and {waiting}: {json.dumps(found, indent=1)}"
        time.sleep(0.1)


class Background:
    """Acquires in a thread of its own, as it may wait; fails no test when it is cancelled."""

    def __init__(self, lock):
        self.lock = lock
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            self.lock.acquire()
        except Exception:  # noqa: BLE001 - its client is stopped under it
            pass


def test_a_lock_of_kazoos_moves_from_one_to_the_next(server, connect, base):
    clients = [connect() for _ in range(3)]
    locks = [client.Lock(f"{base}/lock", f"contender <{n}>") for n, client in enumerate(clients)]
    ids = [session_of(client) for client in clients]
    locks[0].acquire()
    for n in (1, 2):
        Background(locks[n])
        found = await_lock(server, base, f"{base}/lock", ids[:1], ids[1:n + 1])
    assert (found["kind"], found["layout"]) == ("lock", "kazoo")
    assert [entry["data"] for entry in found["holders"] + found["waiting"]] == [f"contender <{n}>" for n in range(3)]
    first = found["holders"][0]
    assert first["path"] == f"{base}/lock/{first['name']}" and first["mode"] is None
    assert abs(first["since_ms"] / 1000 - time.time()) < 60
    locks[0].release()
    await_lock(server, base, f"{base}/lock", [ids[1]], [ids[2]])
    clients[1].stop()  # its session ends with it
    await_lock(server, base, f"{base}/lock", [ids[2]], [])
    locks[2].release()
    deadline = time.monotonic() + 20
    while locks_below(server, base):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_readers_share_and_a_writer_waits(server, connect, base):
    clients = [connect() for _ in range(3)]
    ids = [session_of(client) for client in clients]
    clients[0].ReadLock(f"{base}/rw").acquire()
    clients[1].ReadLock(f"{base}/rw").acquire()
    Background(clients[2].WriteLock(f"{base}/rw"))
    found = await_lock(server, base, f"{base}/rw", ids[:2], ids[2:])
    assert (found["kind"], found["layout"]) == ("read_write_lock", "kazoo")
    assert [entry["mode"] for entry in found["holders"] + found["waiting"]] == ["read", "read", "write"]


def test_a_semaphore_of_kazoos_has_as_many_holders_as_leases(server, connect, base):
    clients = [connect() for _ in range(4)]
    ids = [session_of(client) for client in clients]
    for client in clients[:2]:
        client.Semaphore(f"{base}/sem", max_leases=2).acquire()
    Background(clients[2].Semaphore(f"{base}/sem", max_leases=2))
    await_lock(server, base, f"{base}/sem", ids[:2], ids[2:3])
    Background(clients[3].Semaphore(f"{base}/sem", max_leases=2))
    found = await_lock(server, base, f"{base}/sem", ids[:2], ids[2:])
    assert (found["kind"], found["layout"]) == ("semaphore", "kazoo")
    assert [lock["path"] for lock in locks_below(server, base)] == [f"{base}/sem"]  # its queue is part of it


def test_queues_and_barriers_of_kazoos(server, connect, base):
    one, two = connect(), connect()
    queue = one.LockingQueue(f"{base}/work")
    queue.put(b"later", priority=200)
    queue.put(b"soon", priority=5)
    plain = one.Queue(f"{base}/plain")
    plain.put(b"job")
    assert two.LockingQueue(f"{base}/work").get(timeout=20) == b"soon"
    found = await_lock(server, base, f"{base}/work", [session_of(two)], [None])
    assert (found["kind"], found["layout"], found["waiting"][0]["data"]) == ("queue", "kazoo", "later")
    assert await_lock(server, base, f"{base}/plain", [], [None])["waiting"][0]["data"] == "job"
    for client in (one, two):
        threading.Thread(target=client.DoubleBarrier(f"{base}/gate", 2).enter, daemon=True).start()
    deadline = time.monotonic() + 20
    while not (gate := [lock for lock in locks_below(server, base) if lock["path"] == f"{base}/gate"]):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert gate[0]["kind"] == "barrier"
    assert sorted(sessions(gate[0]["holders"])) == sorted(map(session_of, (one, two)))


class Curator:
    """Enters queues under Curator's names."""

    def __init__(self, client):
        self.client = client
        self.id = session_of(client)

    def enter(self, path, base, data=b"10.0.0.1"):
        name = f"{path}/_c_{uuid.uuid4()}-{base}"
        return self.client.create(name, data, ephemeral=True, sequence=True, makepath=True)


@pytest.mark.parametrize("base_name, kind", [("lock-", "lock"), ("latch-", "election")])
def test_contenders_under_curators_names(server, connect, base, base_name, kind):
    one, two = Curator(connect()), Curator(connect())
    held = one.enter(f"{base}/c", base_name)
    two.enter(f"{base}/c", base_name)
    found = await_lock(server, base, f"{base}/c", [one.id], [two.id])
    assert (found["kind"], found["layout"], found["holders"][0]["data"]) == (kind, "curator", "10.0.0.1")
    one.client.delete(held)
    await_lock(server, base, f"{base}/c", [two.id], [])


OURS = [("curator", "lock", "lock"), ("kazoo", "lock", "lock"), ("curator", "latch", "election"),
        ("curator", "semaphore", "semaphore"), ("curator", "write", "read_write_lock")]


@pytest.mark.parametrize("flavor, kind, shown", OURS)
def test_our_recipes_wait_behind_who_was_first(server, contender, connect, base, flavor, kind, shown):
    first = Curator(connect())
    first.client.ensure_path(f"{base}/inside")
    path = f"{base}/recipe"
    if flavor == "kazoo":
        first.client.Lock(path).acquire()
    elif kind == "semaphore":
        first.enter(f"{path}/leases", "lease-")
    else:
        first.enter(path, {"lock": "lock-", "latch": "latch-", "write": "__WRIT__"}[kind])
    process = recipe_servers.start([contender, server.address, base, flavor, kind, 1, 100000])
    try:
        deadline = time.monotonic() + 20
        while True:
            found = [lock for lock in locks_below(server, base) if lock["path"] == path]
            if found and found[0]["waiting"]:
                break
            assert time.monotonic() < deadline, found
            time.sleep(0.1)
        assert (found[0]["kind"], found[0]["layout"]) == (shown, flavor)
        assert sessions(found[0]["holders"]) == [first.id]
        ours = sessions(found[0]["waiting"])
        assert len(ours) == 1 and ours[0] != first.id
        first.client.stop()
        # It has its turns now, one after the other.
        while True:
            found = [lock for lock in locks_below(server, base) if lock["path"] == path]
            if found and sessions(found[0]["holders"]) == ours:
                break
            assert time.monotonic() < deadline + 20, found
            time.sleep(0.1)
    finally:
        process.kill()
        process.wait()


def test_what_the_caller_may_not_read_is_not_shown(server, connect, base):
    client = connect(auth_data=[("digest", "ben:secret")])
    only_ben = [make_digest_acl("ben", "secret", all=True)]
    client.create(f"{base}/hidden", b"", acl=only_ben)
    client.create(f"{base}/hidden/_c_{uuid.uuid4()}-lock-", b"x", ephemeral=True, sequence=True)
    client.create(f"{base}/shown")
    client.create(f"{base}/shown/_c_{uuid.uuid4()}-lock-", b"secret", acl=only_ben, ephemeral=True, sequence=True)
    locks = locks_below(server, base)
    assert [lock["path"] for lock in locks] == [f"{base}/shown"]
    assert [entry["data"] for entry in locks[0]["holders"]] == [None]


def test_wrong_questions(server, base):
    for query, status in (("below=x", 400), ("below=/nobody", 404), ("limit=0", 400), ("other=1", 400)):
        assert server.http("GET", f"{API}?{query}").status == status
    assert server.http("GET", API, token=None).status == 401
    assert server.http("GET", API, token=READER).status == 200


def test_the_list_of_locks_is_cut_at_its_limit(server, connect, base):
    one = Curator(connect())
    for n in range(3):
        one.enter(f"{base}/{n}", "lock-")
    _, body = server.get(f"{API}?below={base}&limit=2")
    assert [lock["path"] for lock in body["locks"]] == [f"{base}/0", f"{base}/1"] and body["complete"] is False
