"""What the textbooks teach, written as users write it: a lock with a timeout, and an election by hand."""

import threading

import pytest
from kazoo.client import KazooClient
from kazoo.exceptions import LockTimeout
from kazoo.protocol.states import EventType
from waiting import Events, eventually

pytestmark = pytest.mark.filterwarnings("ignore:isSet")  # kazoo 2.8 spells is_set in the old way


class OrderLock:
    """Only one worker charges an order."""

    def __init__(self, hosts, order_id):
        self.client = KazooClient(hosts=hosts)
        self.client.start()
        self.lock = self.client.Lock(f"/locks/payment/{order_id}", identifier="payment-worker")

    def acquire(self, timeout):
        try:
            self.lock.acquire(timeout=timeout)
        except LockTimeout:
            raise TimeoutError("the order is being processed by another worker") from None

    def release(self):
        self.lock.release()

    def close(self):
        self.client.stop()
        self.client.close()


@pytest.fixture
def order_lock(server):
    locks = []

    def make():
        locks.append(OrderLock(server.address, "order-12345"))
        return locks[-1]

    yield make
    for lock in locks:
        lock.close()


def test_the_second_worker_times_out_and_gets_the_lock_later(order_lock, zk):
    first, second = order_lock(), order_lock()
    charged = []

    first.acquire(timeout=5)
    try:
        with pytest.raises(TimeoutError, match="another worker"):
            second.acquire(timeout=0.3)
        charged.append("first")
    finally:
        first.release()

    second.acquire(timeout=5)
    try:
        charged.append("second")
    finally:
        second.release()

    assert charged == ["first", "second"]
    assert zk.get_children("/locks/payment/order-12345") == []


def test_a_worker_that_waits_is_served_when_the_first_releases(order_lock):
    first, second = order_lock(), order_lock()
    done = Events()

    def wait_in_line():
        second.acquire(timeout=10)
        try:
            done("second")
        finally:
            second.release()

    first.acquire(timeout=5)
    worker = threading.Thread(target=wait_in_line)
    worker.start()
    eventually(lambda: len(first.lock.contenders()) == 2)
    assert done.none_pending()
    first.release()
    assert done.next() == "second"
    worker.join(10)


def test_a_worker_that_fails_inside_still_releases(order_lock):
    first, second = order_lock(), order_lock()
    with pytest.raises(ZeroDivisionError):
        first.acquire(timeout=5)
        try:
            1 / 0
        finally:
            first.release()
    second.acquire(timeout=5)


def test_a_worker_that_dies_gives_the_lock_back(order_lock):
    first, second = order_lock(), order_lock()
    first.acquire(timeout=5)
    first.client.stop()
    second.acquire(timeout=5)


class Candidate:
    """Leads if its number is the lowest; else watches the one before it, and nobody else."""

    def __init__(self, client, elected):
        self.client = client
        self.elected = elected
        self.notified = 0
        self.leader = False
        path = client.create("/election/node_", ephemeral=True, sequence=True)
        self.name = path.rsplit("/", 1)[1]
        self.check()

    def check(self):
        nodes = sorted(self.client.get_children("/election"))
        position = nodes.index(self.name)
        if position == 0:
            self.leader = True
            self.elected(self)
        elif not self.client.exists("/election/" + nodes[position - 1], watch=self.on_predecessor):
            self.check()

    def on_predecessor(self, event):
        self.notified += 1
        if event.type == EventType.DELETED:
            self.check()


@pytest.fixture
def election(zk):
    zk.ensure_path("/election")
    yield
    zk.delete("/election", recursive=True)


def leaders_of(candidates):
    return [candidate for candidate in candidates if candidate.leader]


def test_leadership_moves_in_order_and_wakes_one(connect, election):
    elected = Events()
    waiting = [Candidate(connect(), elected) for _ in range(10)]
    assert [candidate.name for candidate in waiting] == [f"node_{i:010d}" for i in range(10)]
    assert elected.next() is waiting[0]
    assert leaders_of(waiting) == waiting[:1]

    while len(waiting) > 1:
        waiting.pop(0).client.stop()
        assert elected.next() is waiting[0]
        assert leaders_of(waiting) == waiting[:1]
        assert [candidate.notified for candidate in waiting] == [1] + [0] * (len(waiting) - 1)


def test_a_candidate_that_gives_up_in_the_middle_elects_nobody(connect, election):
    elected = Events()
    first, middle, last = (Candidate(connect(), elected) for _ in range(3))
    assert elected.next() is first
    middle.client.stop()
    eventually(lambda: last.notified == 1)
    assert elected.none_pending()
    first.client.stop()
    assert elected.next() is last
    assert last.notified == 2


def test_each_candidate_leaves_one_watch(server, connect, election):
    elected = Events()
    candidates = [Candidate(connect(), elected) for _ in range(4)]
    watched = server.word("wchp").split()
    for before, after in zip(candidates, candidates[1:]):
        assert watched.count(f"/election/{before.name}") == 1
        assert watched[watched.index(f"/election/{before.name}") + 1] == f"{after.client.client_id[0]:#x}"
    assert f"/election/{candidates[-1].name}" not in watched
