"""Sessions belong to the ensemble, not to a server: they outlive members, move between them, and end on all of them."""

import time

import pytest

import wire
from ensemble import Ensemble
from wire import Err, EventType, Mode, Op, WatchMode

LIVES_MS = 10000
DIES_MS = 1000


@pytest.fixture
def three(server_kind, tmp_path):
    with Ensemble(tmp_path / "ensemble", server_kind, voters=3) as ensemble:
        yield ensemble


class Session:
    """A client that comes back, to whichever member it is told."""

    def __init__(self, member, timeout_ms=LIVES_MS):
        self.zxid = 0
        self.link = wire.open_session(member, timeout_ms=timeout_ms)
        self.id = self.link.session.session_id
        self._password = self.link.session.password
        self._timeout_ms = self.link.session.timeout_ms

    def call(self, op, body=b""):
        reply = self.link.call(op, body)
        self.zxid = max(self.zxid, reply.zxid)
        assert reply.err == Err.OK, f"{op.name}: {reply.err}"
        return wire.decode_reply(op, reply.body)

    def come_back(self, member, ensemble):
        """As soon as the member takes it."""
        def taken():
            try:
                return wire.open_session(member, timeout_ms=self._timeout_ms, session_id=self.id,
                                         password=self._password, last_zxid=self.zxid)
            except (OSError, wire.ConnectionClosed):
                return None
        self.link.close()
        self.link = ensemble.eventually(taken, f"session {self.id:#x} does not come back")
        assert self.link.session.session_id == self.id

    def refused_by(self, member):
        """Whether the member says that there is no such session."""
        with wire.RawConnection(member.host, member.port) as link:
            return link.connect(timeout_ms=self._timeout_ms, session_id=self.id, password=self._password).timeout_ms <= 0

    def event(self):
        """The next event: one that came before a reply, or the next message."""
        return self.link.events.pop(0) if self.link.events else self.link.receive()

    def owns(self, path):
        return self.call(Op.EXISTS, wire.exists(path)).ephemeral_owner == self.id


def exists_on(ensemble, number, path):
    with wire.open_session(ensemble[number]) as link:
        link.result(Op.SYNC, wire.sync(path))
        reply = link.call(Op.EXISTS, wire.exists(path))
        link.result(Op.CLOSE_SESSION)
        return reply.err == Err.OK


def wait_until_gone(ensemble, path, numbers):
    for number in numbers:
        ensemble.eventually(lambda n=number: not exists_on(ensemble, n, path), f"{path} is still on {number}")


# --- without failures ---


def test_a_watch_fires_on_one_member_for_a_change_on_another(three):
    first, second = Session(three[1]), Session(three[2])
    first.call(Op.CREATE, wire.create("/a"))
    second.call(Op.SYNC, wire.sync("/a"))
    second.call(Op.GET_DATA, wire.get_data("/a", True))
    first.call(Op.SET_DATA, wire.set_data("/a", b"new"))
    event = second.event()
    assert (event.type, event.path) == (EventType.DATA_CHANGED, "/a")
    assert second.call(Op.GET_DATA, wire.get_data("/a"))[0] == b"new"


def test_an_ephemeral_is_gone_everywhere_when_its_session_closes(three):
    session = Session(three[three.followers()[0]])
    session.call(Op.CREATE, wire.create("/e", flags=Mode.EPHEMERAL))
    assert all(exists_on(three, n, "/e") for n in three.members)
    session.call(Op.CLOSE_SESSION)
    assert not any(exists_on(three, n, "/e") for n in three.members)
    three.await_converged()


@pytest.mark.parametrize("where", ["leader", "follower"])
def test_a_silent_session_ends_everywhere(three, where):
    number = three.leader() if where == "leader" else three.followers()[0]
    session = Session(three[number], DIES_MS)
    session.call(Op.CREATE, wire.create("/e", flags=Mode.EPHEMERAL))
    since = time.monotonic()
    wait_until_gone(three, "/e", three.members)
    assert time.monotonic() - since >= DIES_MS / 1000 * 0.8, "it ended before its time"
    for member in three.members.values():
        assert session.refused_by(member)
    three.await_converged()


def test_a_session_that_only_pings_a_follower_stays(three):
    session = Session(three[three.followers()[0]], DIES_MS)
    session.call(Op.CREATE, wire.create("/e", flags=Mode.EPHEMERAL))
    until = time.monotonic() + 3 * DIES_MS / 1000
    while time.monotonic() < until:
        session.link.call(Op.PING, xid=wire.XID_PING)
        time.sleep(DIES_MS / 1000 / 4)
    assert session.owns("/e")


def test_a_session_moves_from_member_to_member(three):
    session = Session(three[1])
    session.call(Op.CREATE, wire.create("/e", flags=Mode.EPHEMERAL))
    for number in (2, 3, 1, 3):
        session.come_back(three[number], three)
        assert session.owns("/e")
        session.call(Op.SET_DATA, wire.set_data("/e", b"%d" % number))
    three.await_converged()


def test_the_member_that_a_session_left_lets_go_of_it(three):
    session = Session(three[1])
    left_behind = session.link
    session.link = wire.open_session(three[2], timeout_ms=LIVES_MS, session_id=session.id, password=session._password)
    session.call(Op.CREATE, wire.create("/mine"))
    try:
        reply = left_behind.call(Op.CREATE, wire.create("/not-mine"), xid=99)   # clients go on counting where they were
        assert reply.err not in (Err.OK, Err.NODE_EXISTS), "a session that had moved away wrote where it was before"
    except wire.ConnectionClosed:
        pass
    assert not exists_on(three, 2, "/not-mine")


def test_a_wrong_password_is_refused_by_every_member(three, server_kind):
    session = Session(three[1])
    for member in three.members.values():
        with wire.RawConnection(member.host, member.port) as link:
            assert link.connect(timeout_ms=LIVES_MS, session_id=session.id, password=b"x" * 16).timeout_ms <= 0
    if server_kind == "zookeeper":
        session.come_back(three[1], three)  # which lets the rightful client go, too
    session.call(Op.CREATE, wire.create("/still-there"))


# --- members die ---


def test_a_session_of_a_follower_outlives_the_leader(three):
    leader, followers = three.leader(), three.followers()
    session, other = Session(three[followers[0]]), Session(three[followers[1]])
    session.call(Op.CREATE, wire.create("/e", flags=Mode.EPHEMERAL))
    session.call(Op.CREATE, wire.create("/watched"))
    session.call(Op.EXISTS, wire.exists("/watched", True))
    three.kill(leader)
    three.await_leader()
    other.come_back(three[followers[1]], three)
    session.come_back(three[followers[0]], three)
    session.call(Op.SET_WATCHES, wire.set_watches(session.zxid, data=["/watched"]))
    assert session.owns("/e")
    other.call(Op.SET_DATA, wire.set_data("/watched", b"new"))
    event = session.event()
    assert (event.type, event.path) == (EventType.DATA_CHANGED, "/watched")


def test_a_change_that_was_missed_on_the_way_fires_on_arrival(three):
    away, stays = Session(three[1]), Session(three[2])
    stays.call(Op.CREATE, wire.create("/watched"))
    away.call(Op.SYNC, wire.sync("/"))
    away.call(Op.EXISTS, wire.exists("/watched", True))
    seen = away.zxid
    stays.call(Op.SET_DATA, wire.set_data("/watched", b"meanwhile"))
    away.come_back(three[3], three)
    away.call(Op.SYNC, wire.sync("/"))
    away.call(Op.SET_WATCHES, wire.set_watches(seen, data=["/watched"]))
    event = away.event()
    assert (event.type, event.path) == (EventType.DATA_CHANGED, "/watched")


def test_a_session_of_the_leader_finds_another_member(three):
    leader = three.leader()
    session = Session(three[leader])
    session.call(Op.CREATE, wire.create("/e", flags=Mode.EPHEMERAL))
    three.kill(leader)
    session.come_back(three[three.await_leader()], three)
    assert session.owns("/e")


def test_sessions_get_their_full_time_from_a_new_leader(three):
    leader = three.leader()
    session = Session(three[leader], 2 * DIES_MS)
    session.call(Op.CREATE, wire.create("/e", flags=Mode.EPHEMERAL))
    three.kill(leader)
    new = three.await_leader()
    assert exists_on(three, new, "/e"), "the session ended though nobody could have heard it"
    wait_until_gone(three, "/e", three.awake())
    three.launch(leader)
    three.await_converged()


def test_sessions_outlive_a_restart_of_all(three):
    session = Session(three[1])
    session.call(Op.CREATE, wire.create("/e", flags=Mode.EPHEMERAL))
    three.kill_all()
    three.launch(*three.members)
    three.await_all_in()
    session.come_back(three[2], three)
    assert session.owns("/e")


def test_a_closed_session_stays_closed_when_its_leader_dies(three):
    leader = three.leader()
    session = Session(three[leader])
    session.call(Op.CREATE, wire.create("/e", flags=Mode.EPHEMERAL))
    session.call(Op.CLOSE_SESSION)
    three.kill(leader)
    three.await_leader()
    for number in three.awake():
        assert not exists_on(three, number, "/e")
        assert session.refused_by(three[number])
    three.launch(leader)
    three.await_converged()


def test_recursive_watches_hold_on_a_follower(three):
    watcher, writer = Session(three[three.followers()[0]]), Session(three[three.leader()])
    writer.call(Op.CREATE, wire.create("/tree"))
    watcher.call(Op.SYNC, wire.sync("/"))
    watcher.call(Op.ADD_WATCH, wire.add_watch("/tree", WatchMode.RECURSIVE))
    for name in "abc":
        writer.call(Op.CREATE, wire.create(f"/tree/{name}"))
    events = [watcher.event() for _ in "abc"]
    assert [(e.type, e.path) for e in events] == [(EventType.CREATED, f"/tree/{name}") for name in "abc"]
