"""kazoo's recipes: locks, semaphore, election, membership, barriers, queues, counter, caches, partitioner."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from kazoo.exceptions import CancelledError, LockTimeout
from kazoo.recipe.cache import TreeCache, TreeEvent
from kazoo.recipe.party import ShallowParty
from waiting import SECONDS, Events, eventually

pytestmark = pytest.mark.filterwarnings("ignore:isSet")  # kazoo 2.8 spells is_set in the old way


@pytest.fixture
def background():
    """Runs a function in a thread; its result() comes, or its exception is raised, within a deadline."""
    with ThreadPoolExecutor(max_workers=20) as pool:
        def run(function, *args, **kwargs):
            future = pool.submit(function, *args, **kwargs)
            unbounded = future.result
            future.result = lambda timeout=SECONDS: unbounded(timeout)
            return future

        yield run


# Locks


def test_a_lock_has_one_holder_at_a_time(base, connect, background):
    inside, holders_max, counted = [], [], []

    def work(name):
        lock = connect().Lock(base, name)
        for _ in range(5):
            with lock:
                inside.append(name)
                holders_max.append(len(inside))
                counted.append(name)
                inside.remove(name)

    workers = [background(work, f"worker-{i}") for i in range(8)]
    for worker in workers:
        worker.result(30)
    assert max(holders_max) == 1
    assert len(counted) == 40


def test_a_lock_is_granted_in_the_order_of_asking(zk, base, connect, background):
    holder = zk.Lock(base, "first")
    assert holder.acquire()
    granted, waiting = Events(), []
    for name in ("second", "third", "fourth"):
        lock = connect().Lock(base, name)
        waiting.append(background(lambda lock=lock, name=name: (lock.acquire(), granted(name), lock.release())))
        eventually(lambda: name in holder.contenders())
    assert holder.contenders() == ["first", "second", "third", "fourth"]
    holder.release()
    assert [granted.next() for _ in range(3)] == ["second", "third", "fourth"]
    for worker in waiting:
        worker.result()
    assert zk.get_children(base) == []


def test_a_lock_that_is_held_is_refused_at_once_or_after_the_timeout(base, connect):
    holder, other = connect().Lock(base, "holder"), connect().Lock(base, "other")
    assert holder.acquire(blocking=False)
    assert other.acquire(blocking=False) is False
    with pytest.raises(LockTimeout):
        other.acquire(timeout=0.2)
    assert holder.contenders() == ["holder"]
    assert holder.release()
    assert other.acquire(timeout=SECONDS)


def test_waiting_for_a_lock_can_be_cancelled(zk, base, connect, background):
    holder, other = zk.Lock(base, "holder"), connect().Lock(base, "other")
    holder.acquire()
    waiting = background(other.acquire)
    eventually(lambda: holder.contenders() == ["holder", "other"])
    other.cancel()
    with pytest.raises(CancelledError):
        waiting.result()
    assert holder.contenders() == ["holder"]


def test_a_lock_passes_on_when_its_holders_session_ends(base, connect, background):
    dying, heir = connect(), connect().Lock(base, "heir")
    dying.Lock(base, "dying").acquire()
    waiting = background(heir.acquire)
    eventually(lambda: heir.contenders() == ["dying", "heir"])
    dying.stop()
    assert waiting.result() is True


def test_readers_share_and_writers_exclude(base, connect, background):
    reader, second_reader = connect().ReadLock(base, "r1"), connect().ReadLock(base, "r2")
    writer, late_reader = connect().WriteLock(base, "w"), connect().ReadLock(base, "r3")
    assert reader.acquire(timeout=SECONDS) and second_reader.acquire(timeout=SECONDS)
    writing = background(writer.acquire, timeout=SECONDS)
    eventually(lambda: "w" in writer.contenders())
    assert late_reader.acquire(blocking=False) is False
    reader.release()
    assert not writing.done()
    second_reader.release()
    assert writing.result() is True
    assert late_reader.acquire(blocking=False) is False
    writer.release()
    assert late_reader.acquire(timeout=SECONDS)


def test_a_semaphore_has_so_many_leases(zk, base, connect, background):
    first, second, third = (connect().Semaphore(base + "/s", name, max_leases=2) for name in ("1", "2", "3"))
    assert first.acquire(timeout=SECONDS) and second.acquire(timeout=SECONDS)
    assert third.acquire(blocking=False) is False
    with pytest.raises(LockTimeout):
        third.acquire(timeout=0.2)
    waiting = background(third.acquire, timeout=SECONDS)
    eventually(lambda: zk.get_children(base + "/s-__lock__"))
    second.release()
    assert waiting.result() is True
    assert sorted(first.lease_holders()) == ["1", "3"]
    with pytest.raises(ValueError):
        connect().Semaphore(base + "/s", max_leases=5).acquire()


# Election and membership


def test_an_election_has_one_leader_after_the_other(base, connect, background):
    led, step_down = Events(), {name: threading.Event() for name in ("a", "b", "c")}
    elections, runs = {}, []
    for name in ("a", "b", "c"):
        elections[name] = connect().Election(base, name)
        runs.append(background(elections[name].run, lambda name=name: (led(name), step_down[name].wait(SECONDS))))
        eventually(lambda: name in elections[name].contenders())
    assert elections["a"].contenders() == ["a", "b", "c"]
    assert led.next() == "a"
    elections["b"].cancel()
    runs[1].result()
    assert led.none_pending()
    step_down["a"].set()
    assert led.next() == "c"
    step_down["c"].set()
    for run in runs:
        run.result()
    assert elections["a"].contenders() == []


def test_a_party_lists_who_is_there(base, connect):
    alice, bob = connect(), connect()
    parties = [alice.Party(base + "/p", "alice"), bob.Party(base + "/p", "bob")]
    for party in parties:
        party.join()
    assert sorted(parties[0]) == ["alice", "bob"]
    assert len(parties[1]) == 2
    bob.stop()
    assert list(parties[0]) == ["alice"]
    parties[0].leave()
    assert len(parties[0]) == 0

    shallow = ShallowParty(alice, base + "/shallow", "by-name")
    shallow.join()
    assert list(shallow) == ["by-name"]


def test_a_set_is_divided_among_its_partitioners(base, connect, background):
    def acquire(name):
        partitioner = connect().SetPartitioner(base, set=("x", "y", "z"), identifier=name, time_boundary=0.2)

        def acquired_with_the_other():
            if partitioner.release:
                partitioner.release_set()
            return partitioner.acquired and len(list(partitioner)) < 3

        eventually(acquired_with_the_other)
        return partitioner

    partitioners = [run.result(30) for run in [background(acquire, "p1"), background(acquire, "p2")]]
    shares = [list(partitioner) for partitioner in partitioners]
    assert sorted(sum(shares, [])) == ["x", "y", "z"]
    assert sorted(map(len, shares)) == [1, 2]
    for run in [background(partitioner.finish) for partitioner in partitioners]:
        run.result()


# Barriers


def test_a_barrier_holds_until_it_is_removed(base, connect, background):
    gate = connect().Barrier(base + "/gate")
    gate.create()
    assert connect().Barrier(base + "/gate").wait(timeout=0.2) is False
    waiting = [background(connect().Barrier(base + "/gate").wait, SECONDS) for _ in range(3)]
    assert gate.remove() is True
    assert [each.result() for each in waiting] == [True] * 3
    assert gate.remove() is False
    assert gate.wait(timeout=0) is True


def test_a_double_barrier_is_entered_and_left_together(zk, base, connect, background):
    barriers = [connect().DoubleBarrier(base + "/b", 3) for _ in range(3)]
    entering = [background(barrier.enter) for barrier in barriers[:2]]
    eventually(lambda: zk.exists(base + "/b") and len(zk.get_children(base + "/b")) == 2)
    assert not any(each.done() for each in entering)
    entering.append(background(barriers[2].enter))
    for each in entering:
        each.result()
    assert all(barrier.participating for barrier in barriers)

    leaving = [background(barrier.leave) for barrier in barriers[:2]]
    eventually(lambda: len(zk.get_children(base + "/b")) <= 2)
    assert not any(each.done() for each in leaving)
    leaving.append(background(barriers[2].leave))
    for each in leaving:
        each.result()
    assert zk.get_children(base + "/b") == []


# Queues and counters


def test_a_queue_gives_by_priority_then_in_order(zk, base):
    queue = zk.Queue(base + "/q")
    for value, priority in ((b"late", 200), (b"one", 100), (b"two", 100), (b"urgent", 5)):
        queue.put(value, priority)
    assert len(queue) == 4
    assert [queue.get() for _ in range(5)] == [b"urgent", b"one", b"two", b"late", None]


def test_queue_entries_reach_exactly_one_consumer(zk, base, connect, background):
    producer = zk.Queue(base + "/q")
    expected = [f"{i:03d}".encode() for i in range(60)]
    for value in expected:
        producer.put(value)

    def drain(client):
        queue = client.Queue(base + "/q")
        return list(iter(queue.get, None))

    shares = [run.result(30) for run in [background(drain, connect()) for _ in range(4)]]
    assert sorted(sum(shares, [])) == expected


def test_a_locking_queue_keeps_an_entry_until_it_is_consumed(base, connect, background):
    first, second = connect(), connect().LockingQueue(base + "/q")
    queue = first.LockingQueue(base + "/q")
    queue.put_all([b"a", b"b"])
    queue.put(b"first of all", priority=1)
    assert queue.get() == b"first of all"
    assert queue.holds_lock()
    assert second.get() == b"a"
    assert queue.consume() and len(queue) == 2
    assert queue.get() == b"b"
    first.stop()
    assert second.consume()
    assert second.get(timeout=SECONDS) == b"b"
    assert second.consume()
    assert second.get(timeout=0.1) is None
    waiting = background(second.get, SECONDS)
    connect().LockingQueue(base + "/q").put(b"fresh")
    assert waiting.result() == b"fresh"
    assert second.release() and second.get() == b"fresh"


def test_a_counter_loses_no_increment(base, connect, background):
    def count():
        counter = connect().Counter(base + "/c")
        for _ in range(20):
            counter += 1
        counter -= 5

    for run in [background(count) for _ in range(5)]:
        run.result(30)
    counter = connect().Counter(base + "/c")
    assert counter.value == 75
    counter += 2
    assert (counter.pre_value, counter.post_value) == (75, 77)


def test_a_curator_counter_holds_four_bytes(zk, base):
    counter = zk.Counter(base + "/c", support_curator=True)
    counter += 258
    assert zk.get(base + "/c")[0] == b"\x00\x00\x01\x02"
    assert zk.Counter(base + "/f", default=1.5).value == 1.5


# Leases and caches


def test_a_lease_is_one_clients_for_its_time(base, connect):
    path = base + "/lease"
    assert connect().NonBlockingLease(path, timedelta(seconds=60), identifier="a")
    assert not connect().NonBlockingLease(path, timedelta(seconds=60), identifier="b")
    assert connect().NonBlockingLease(path, timedelta(seconds=60), identifier="a")


def test_a_tree_cache_mirrors_a_subtree(zk, base, connect):
    zk.create(base + "/top/old", b"1", makepath=True)
    events = Events()
    cache = TreeCache(connect(), base + "/top")
    cache.listen(lambda event: events((event.event_type, event.event_data and event.event_data.path)))
    cache.start()
    assert sorted(events.next() for _ in range(2)) == [(TreeEvent.NODE_ADDED, base + "/top"),
                                                       (TreeEvent.NODE_ADDED, base + "/top/old")]
    assert events.next() == (TreeEvent.INITIALIZED, None)
    zk.create(base + "/top/new", b"2")
    assert events.next() == (TreeEvent.NODE_ADDED, base + "/top/new")
    zk.set(base + "/top/new", b"3")
    assert events.next() == (TreeEvent.NODE_UPDATED, base + "/top/new")
    assert cache.get_data(base + "/top/new").data == b"3"
    assert cache.get_children(base + "/top") == {"old", "new"}
    zk.delete(base + "/top/old")
    assert events.next() == (TreeEvent.NODE_REMOVED, base + "/top/old")
    cache.close()
