"""A disk whose syncs take seconds: the log names it with its figures, writes wait, and nothing else does."""

import os
import re
import time

import pytest

import harness
import wire
from wire import Err, Op

SYNC_MS = 2000
TIMEOUT_MS = 1000


@pytest.fixture
def server(only_zabd, tmp_path):
    delay = tmp_path / "delay"
    delay.write_text("20")  # a disk that is fast is waited for when there is nothing else to do; this one never is
    shim = {"LD_PRELOAD": os.environ["ZABD_SLOW_DISK_SHIM"], "ZABD_SYNC_DELAY_FILE": str(delay)}
    settings = {"tickTime": 200, "minSessionTimeout": TIMEOUT_MS, "globalOutstandingLimit": 10,
                "fsync.warningthresholdms": 500}
    with harness.zabd(tmp_path / "server", environment=shim, config=settings) as server:
        server.slow_down = lambda ms: delay.write_text(str(ms))
        yield server


def test_s29_sessions_live_and_reads_are_answered_while_a_sync_hangs(server):
    writer, reader = (wire.open_session(server, timeout_ms=TIMEOUT_MS) for _ in range(2))
    assert writer.call(Op.CREATE, wire.create("/a", b"0")).err == Err.OK
    server.slow_down(SYNC_MS)
    started = time.monotonic()
    writer.send(Op.SET_DATA, wire.set_data("/a", b"1"), xid=1)
    while time.monotonic() - started < 0.8 * SYNC_MS / 1000:
        asked = time.monotonic()
        reply = reader.call(Op.GET_DATA, wire.path_and_watch("/a"))
        assert wire.decode_reply(Op.GET_DATA, reply.body)[0] == b"0"
        writer.send(Op.PING, xid=-2)
        assert writer.receive_reply().xid == -2
        assert time.monotonic() - asked < SYNC_MS / 4000
        time.sleep(0.1)
    assert writer.receive_reply().err == Err.OK
    assert time.monotonic() - started >= SYNC_MS / 1000

    server.await_in_log(r"slow disk: a sync of the log has not returned running_ms=[5-9]\d\d")
    server.await_in_log(r"slow disk: a sync of the log took_ms=2\d\d\d average_ms=\d+ syncs=\d+")


def test_requests_in_flight_are_bounded(server):
    """Beyond globalOutstandingLimit the server stops reading, and what it has not read it does not hold."""
    writer = wire.open_session(server, timeout_ms=10 * SYNC_MS)
    assert writer.call(Op.CREATE, wire.create("/a", b"0")).err == Err.OK
    server.slow_down(SYNC_MS)
    for xid in range(1, 101):
        writer.send(Op.SET_DATA, wire.set_data("/a", b"1"), xid=xid)
    time.sleep(0.3)
    outstanding = int(re.search(r"Outstanding: (\d+)", server.word("srvr")).group(1))
    assert 10 < outstanding < 30  # the limit, and what one turn of reading had taken in when it was passed
    server.slow_down(0)
    for xid in range(1, 101):
        assert writer.receive_reply().xid == xid
