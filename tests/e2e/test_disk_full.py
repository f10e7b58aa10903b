"""A disk that fills while the server serves, and empties again: writes are refused before anything of them is logged,
reads and sessions live on, nothing acknowledged is lost, and the server goes on by itself."""

import time

import pytest

import harness
import wire
from small_disk import SmallDisk
from wire import Err, Mode, Op

DISK_MEBIBYTES = 32
SEGMENT_KIB = 1024
DATA = b"x" * 1000
RECOVERS_SECONDS = 15


@pytest.fixture
def disk(only_zabd, tmp_path):
    directory = tmp_path / "disk"
    if not SmallDisk.available(directory):
        pytest.skip("mounting a tmpfs is not allowed here")
    with SmallDisk(directory, DISK_MEBIBYTES) as disk:
        yield disk


@pytest.fixture
def server(disk, tmp_path):
    with harness.zabd(tmp_path / "server", dataDir=disk.path / "data", preAllocSize=SEGMENT_KIB, tickTime=200,
                      snapCount=200) as server:
        yield server


class Writer:
    """Sets one node again and again, and knows what was acknowledged."""

    def __init__(self, server, path):
        self.link = wire.open_session(server, timeout_ms=4000)
        self.path = path
        self.acknowledged = 0
        assert self.link.call(Op.CREATE, wire.create(path, self.data(0))).err == Err.OK

    def data(self, number):
        return DATA + str(number).encode()

    def write(self):
        reply = self.link.call(Op.SET_DATA, wire.set_data(self.path, self.data(self.acknowledged + 1)))
        if reply.err == Err.OK:
            self.acknowledged += 1
        return reply.err

    def write_until(self, wanted, seconds=60):
        deadline = time.monotonic() + seconds
        while (err := self.write()) != wanted:
            assert err in (Err.OK, Err.SYSTEM_ERROR)
            assert time.monotonic() < deadline, f"no {wanted!r} after {seconds} s"

    def read(self):
        reply = self.link.call(Op.GET_DATA, wire.path_and_watch(self.path))
        assert reply.err == Err.OK
        return wire.decode_reply(Op.GET_DATA, reply.body)[0]

    def check(self):
        assert self.read() == self.data(self.acknowledged)


def test_a_full_disk_refuses_writes_and_the_rest_lives_on(disk, server):
    writer = Writer(server, "/w")
    leaver, silent = (wire.open_session(server, timeout_ms=4000) for _ in range(2))
    for link, path in ((leaver, "/leaves"), (silent, "/expires")):
        assert link.call(Op.CREATE, wire.create(path, flags=Mode.EPHEMERAL)).err == Err.OK
    disk.fill()
    writer.write_until(Err.SYSTEM_ERROR)
    server.await_in_log("disk full")

    writer.check()
    assert leaver.call(Op.CLOSE_SESSION).err == Err.OK
    deadline = time.monotonic() + 6  # beyond the session's timeout: it lives by its pings
    while time.monotonic() < deadline:
        assert writer.link.call(Op.PING, xid=-2).err == Err.OK
        assert writer.write() == Err.SYSTEM_ERROR
        time.sleep(0.2)
    for path in ("/leaves", "/expires"):
        assert writer.link.call(Op.EXISTS, wire.path_and_watch(path)).err == Err.NO_NODE
    with wire.open_session(server) as newcomer:
        assert newcomer.call(Op.GET_DATA, wire.path_and_watch("/w")).err == Err.OK

    disk.empty()
    writer.write_until(Err.OK, RECOVERS_SECONDS)
    writer.check()
    server.await_in_log("disk has space again")


def test_what_was_acknowledged_survives_kills_on_a_full_disk(disk, server):
    writer = Writer(server, "/w")
    for _ in range(5):
        disk.fill()
        writer.write_until(Err.SYSTEM_ERROR)
        server.kill()
        server.start()  # on the full disk: it serves what it has
        writer.link = wire.open_session(server, timeout_ms=4000)
        writer.check()
        disk.empty()
        writer.write_until(Err.OK, RECOVERS_SECONDS)
        writer.check()


def test_a_clean_stop_on_a_full_disk_loses_nothing(disk, server):
    writer = Writer(server, "/w")
    disk.fill()
    writer.write_until(Err.SYSTEM_ERROR)
    assert server.stop() == 0
    disk.empty()
    server.start()
    writer.link = wire.open_session(server, timeout_ms=4000)
    writer.check()


def test_s30_memory_is_no_disk(server):
    assert "too fast for a disk" in server.log_text()


def test_a_disk_full_from_the_start_is_told(disk, tmp_path):
    disk.fill()
    server = harness.zabd(tmp_path / "server", dataDir=disk.path / "data")
    with pytest.raises(harness.ServerFailed, match="No space left"):
        server.start()
