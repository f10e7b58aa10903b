"""The ensemble as the HTTP endpoint of each member shows it, and a leader that is asked to step down."""

import contextlib
import socket
import threading
import time

import pytest

import harness
import wire
from admin import READER, admin_server
from admin_ensemble import AdminEnsemble
from wire import Err, Mode, Op

API = "/api/v1"


@pytest.fixture
def three(tmp_path):
    with AdminEnsemble(tmp_path / "ensemble", voters=3) as ensemble:
        yield ensemble


def rows(overview):
    return {row["id"]: row for row in overview["servers"]}


def roles(overview):
    return {row["id"]: row["role"] for row in overview["servers"]}


def write(ensemble, number, count, path="/w"):
    with wire.open_session(ensemble[number]) as link:
        link.call(Op.CREATE, wire.create(path))
        for _ in range(count):
            link.result(Op.SET_DATA, wire.set_data(path, b"x"))
        link.result(Op.CLOSE_SESSION)


def test_a_server_alone_is_its_own_ensemble(tmp_path):
    with admin_server(tmp_path / "server") as server:
        status, shown = server.get(f"{API}/ensemble")
        assert status == 200
        assert (shown["role"], shown["serving"], shown["leader"]) == ("standalone", True, None)
        assert shown["quorum"] == {"voters": 1, "needed": 1, "in_touch": 1, "has": True}
        assert [row["self"] for row in shown["servers"]] == [True]
        assert shown["elections"] == []
        answer = server.http("POST", f"{API}/step-down")
        assert (answer.status, answer.error) == (409, "NotLeader")
        assert server.http("GET", f"{API}/ensemble?x=1").status == 400


def test_every_member_shows_all_members(tmp_path):
    with AdminEnsemble(tmp_path / "ensemble", voters=3, observers=1) as ensemble:
        leader = ensemble.leader()
        write(ensemble, leader, 10)
        ensemble.await_converged()
        expected = {n: "leader" if n == leader else "follower" for n in (1, 2, 3)} | {4: "observer"}
        for number in (1, 2, 3, 4):
            shown = ensemble.await_overview(
                number, lambda o: roles(o) == expected and all(r["lag_txns"] == 0 for r in o["servers"]))
            assert shown["self"] == number and shown["role"] == expected[number]
            assert shown["leader"] == leader and shown["serving"] is True
            assert shown["quorum"]["voters"] == 3 and shown["quorum"]["needed"] == 2 and shown["quorum"]["has"]
            assert shown["quorum"]["in_touch"] == (3 if number == leader else None)
            for row in shown["servers"]:
                assert row["reachable"] is True and row["self"] is (row["id"] == number)
                assert row["client_port"] == ensemble[row["id"]].port and row["observer"] is (row["id"] == 4)
                assert row["zxid"] == shown["zxid"] and row["epoch"] == shown["epoch"]
                assert row["version"].startswith("3.") and row["checked_ms_ago"] < 10_000
            assert shown["elections"][0]["role"] == expected[number]
            assert shown["elections"][0]["leader"] == leader and shown["elections"][0]["epoch"] == shown["epoch"]


def test_a_zookeeper_member_is_shown_like_the_others(tmp_path):
    with AdminEnsemble(tmp_path / "ensemble", voters=3, kinds={2: "zookeeper"}) as ensemble:
        number = 1 if ensemble.leader() != 1 else 3
        expected = {n: ensemble.mode(n) for n in (1, 2, 3)}
        shown = ensemble.await_overview(number, lambda o: roles(o) == expected)
        assert rows(shown)[2]["version"].startswith("3.") and rows(shown)[2]["zxid"].startswith("0x")


def test_a_member_that_hangs_lags_on_the_leader_and_is_not_reached(three):
    leader = three.leader()
    follower, other = [n for n in (1, 2, 3) if n != leader]
    three.await_overview(leader, lambda o: rows(o)[follower]["lag_txns"] == 0)
    three.pause(follower)
    try:
        write(three, other, 25)
        shown = three.await_overview(leader, lambda o: (rows(o)[follower]["lag_txns"] or 0) >= 26 and
                                     not rows(o)[follower]["reachable"], seconds=5)
        assert rows(shown)[follower]["lag_ms"] > 0 and rows(shown)[follower]["role"] is None
        assert rows(shown)[other]["lag_txns"] == 0 and rows(shown)[leader]["lag_ms"] == 0
        began = time.monotonic()
        three.overview(leader)
        assert time.monotonic() - began < 5
    finally:
        three.resume(follower)
    three.await_overview(leader, lambda o: rows(o)[follower]["reachable"] and rows(o)[follower]["lag_txns"] == 0 and
                         rows(o)[follower]["lag_ms"] == 0)


def test_a_killed_leader_shows_in_the_elections(three):
    old = three.leader()
    three.kill(old)
    new = three.await_leader(other_than=old)
    shown = three.await_overview(new, lambda o: o["role"] == "leader" and not rows(o)[old]["reachable"])
    newest, looking = shown["elections"][:2]
    assert (newest["role"], newest["leader"], newest["epoch"]) == ("leader", new, shown["epoch"])
    assert looking["role"] == "looking" and looking["at_ms"] <= newest["at_ms"]
    assert shown["quorum"]["in_touch"] == 2 and shown["quorum"]["has"] is True
    other = next(n for n in (1, 2, 3) if n not in (old, new))
    three.kill(other)
    lost = three.await_overview(new, lambda o: not o["serving"])
    assert lost["leader"] is None and lost["quorum"]["has"] is False


class Babbler:
    """In a member's place at its client port: sends `text` again and again, or, without any, says nothing."""

    def __init__(self, port, text):
        self.text = text
        self.listener = socket.create_server((harness.HOST, port), reuse_port=False)
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        kept = []
        with contextlib.suppress(OSError):
            while True:
                link, _ = self.listener.accept()
                kept.append(link)
                with contextlib.suppress(OSError):
                    while self.text:
                        link.sendall(self.text)


BABBLE = {"silent": b"", "zeros": b"\0" * 65536,
          "pretender": b"Mode: leader\nZxid: 0xffffffffffffffff\n<script>" * 1000}


@pytest.mark.parametrize("what", BABBLE)
def test_what_answers_in_a_members_place_does_no_harm(three, what):
    leader = three.leader()
    gone = next(n for n in (1, 2, 3) if n != leader)
    three.kill(gone)
    babbler = Babbler(three[gone].port, BABBLE[what])
    try:
        for _ in range(5):
            began = time.monotonic()
            shown = rows(three.overview(leader))
            assert time.monotonic() - began < 5
            assert shown[leader]["role"] == "leader" and shown[gone]["version"] is None
            time.sleep(0.3)
        three.await_overview(leader, lambda o: rows(o)[gone]["checked_ms_ago"] is not None and
                             rows(o)[gone]["role"] == ("leader" if what == "pretender" else None))
    finally:
        babbler.listener.close()


# --- stepping down ---


class Writer(threading.Thread):
    """Counts a node's version up by sequential creates through one session, and keeps what was acknowledged."""

    def __init__(self, member):
        super().__init__(daemon=True)
        self.link = wire.open_session(member, timeout_ms=20000)
        self.link.result(Op.CREATE, wire.create("/log"))
        self.link.result(Op.CREATE, wire.create("/alive", flags=Mode.EPHEMERAL))
        self.acknowledged, self.failure, self.ends = [], None, threading.Event()
        self.start()

    def run(self):
        try:
            while not self.ends.is_set():
                reply = self.link.call(Op.CREATE, wire.create("/log/n-", flags=Mode.SEQUENTIAL))
                assert reply.err == Err.OK, reply.err
                self.acknowledged.append(wire.decode_reply(Op.CREATE, reply.body))
        except Exception as failure:  # noqa: BLE001 - told by check()
            self.failure = failure

    def finish(self):
        self.ends.set()
        self.join(30)
        assert not self.is_alive()
        return self.acknowledged


def test_a_leader_steps_down_and_no_client_notices(three):
    for _ in range(3):
        old = three.leader()
        epoch = three.overview(old)["epoch"]
        writer = Writer(three[old])
        deadline = time.monotonic() + 20
        while len(writer.acknowledged) < 50:
            assert time.monotonic() < deadline and writer.failure is None, writer.failure
            time.sleep(0.01)
        before = len(writer.acknowledged)
        began = time.monotonic()
        answer = three.admin(old).http("POST", f"{API}/step-down")
        assert (answer.status, answer.json()) == (202, {"role": "leader"})
        new = three.await_leader(other_than=old, timeout=10)
        took = time.monotonic() - began
        assert three.overview(new)["epoch"] == epoch + 1
        three.await_mode(old, "follower", timeout=10)
        while len(writer.acknowledged) < before + 50:
            assert time.monotonic() < deadline + 20 and writer.failure is None, writer.failure
            time.sleep(0.01)
        acknowledged = writer.finish()
        assert writer.failure is None
        assert took < 5, f"it took {took:.1f} s"
        with wire.open_session(three[new]) as link:
            link.result(Op.SYNC, wire.sync("/"))
            there = {f"/log/{name}" for name in link.result(Op.GET_CHILDREN, wire.get_children("/log"))}
            assert set(acknowledged) <= there
            assert link.call(Op.EXISTS, wire.exists("/alive")).err == Err.OK
            for path in there:
                link.result(Op.DELETE, wire.delete(path))
            link.result(Op.DELETE, wire.delete("/log"))
            link.result(Op.CLOSE_SESSION)
        writer.link.result(Op.CLOSE_SESSION)
        writer.link.close()
        shown = three.await_overview(old, lambda o: o["role"] == "follower")
        assert any("steps down" in change["detail"] for change in shown["elections"])


def test_only_an_operator_and_only_a_leader_steps_down(three):
    leader = three.leader()
    follower = next(n for n in (1, 2, 3) if n != leader)
    answer = three.admin(follower).http("POST", f"{API}/step-down")
    assert (answer.status, answer.error) == (409, "NotLeader")
    assert three.admin(leader).http("POST", f"{API}/step-down", token=READER).status == 403
    assert three.admin(leader).http("POST", f"{API}/step-down", headers={"X-Zabd-Request": None}).status == 403
    assert three.admin(leader).http("GET", f"{API}/step-down").status == 405
    assert three.leader() == leader
