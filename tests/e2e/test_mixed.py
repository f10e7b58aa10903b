"""zabd and Apache ZooKeeper servers in one ensemble, nothing going wrong: all members say the same, whoever leads.

Three voters, of which the leader alone is of its kind, and an observer of each kind.
"""

import pytest

import mixed
import wire
from mixed import KINDS, ZABD, ZOOKEEPER, MixedEnsemble
from test_ensemble_sessions import Session, exists_on
from wire import Err, EventType, Mode, Op, WatchMode

pytestmark = mixed.needs_java

READABLE = [(wire.PERMS_ALL, "world", "anyone")]
TTL_MS = 3600000
BIG = b"x" * 1000000


@pytest.fixture(scope="module", params=KINDS, ids=[f"{kind}-leads" for kind in KINDS])
def ensemble(request, server_kind, tmp_path_factory):
    if server_kind != ZABD:
        pytest.skip("one of the servers is always zabd")
    kinds = {**mixed.led_by(request.param), 4: ZABD, 5: ZOOKEEPER}
    with MixedEnsemble(tmp_path_factory.mktemp("ensemble"), kinds, observers=2) as started:
        started.make_lead(3)
        yield started


@pytest.fixture
def home(ensemble, request):
    """A node of the test's own; in the end all members hold the same."""
    path = "/" + request.node.originalname
    with wire.open_session(ensemble[3]) as link:
        link.result(Op.CREATE, wire.create(path))
        link.result(Op.CLOSE_SESSION)
    for member in ensemble.members.values():
        with wire.open_session(member) as link:
            link.result(Op.SYNC, wire.sync(path))
            link.result(Op.CLOSE_SESSION)
    yield path
    assert ensemble.await_leader() == 3
    ensemble.await_converged()
    assert set(ensemble.digest_mismatches().values()) == {0}
    if ensemble.kind_of(3) == ZOOKEEPER:        # zabd sends no digests
        assert all(int(ensemble.figures(n)["zk_zabd_digests_compared"]) for n in ensemble.of_kind(ZABD))


def ask(link, op, body, err=Err.OK):
    reply = link.call(op, body)
    assert reply.err == err, f"{op.name}: {reply.err}"
    return reply.body


def write_every_kind(link, home):
    """Transactions of every type, with each of their flags."""
    ask(link, Op.CREATE, wire.create(home, b"one"))
    ask(link, Op.CREATE2, wire.create(f"{home}/two", b""))
    ask(link, Op.CREATE, wire.create(f"{home}/null", None))
    ask(link, Op.CREATE_CONTAINER, wire.create(f"{home}/container", b"c", flags=Mode.CONTAINER))
    ask(link, Op.CREATE, wire.create(f"{home}/container/child"))
    ask(link, Op.CREATE_TTL, wire.create_ttl(f"{home}/ttl", b"t", ttl_ms=TTL_MS))
    ask(link, Op.CREATE_TTL, wire.create_ttl(f"{home}/ttl-", b"t", flags=Mode.SEQUENTIAL_TTL, ttl_ms=TTL_MS))
    for flags in (Mode.SEQUENTIAL, Mode.EPHEMERAL, Mode.EPHEMERAL_SEQUENTIAL):
        for i in range(2):
            ask(link, Op.CREATE, wire.create(f"{home}/{flags.name}{i if flags == Mode.EPHEMERAL else ''}", flags=flags))
    for i in range(3):
        ask(link, Op.SET_DATA, wire.set_data(home, b"%d" % i, i))
    ask(link, Op.SET_DATA, wire.set_data(f"{home}/two", None))
    ask(link, Op.DELETE, wire.delete(f"{home}/SEQUENTIAL{8:010}"), Err.NO_NODE)
    ask(link, Op.DELETE, wire.delete(f"{home}/container/child", 0))
    write_access(link, home)
    write_multis(link, home)
    for i in range(3):
        ask(link, Op.CREATE, wire.create(f"{home}/gone"))
        ask(link, Op.DELETE, wire.delete(f"{home}/gone", 0))


def write_access(link, home):
    """The names behind `auth` are known to the server that the client talks to."""
    assert link.call(Op.AUTH, wire.auth("digest", b"bob:pw"), wire.XID_AUTH).err == Err.OK
    ask(link, Op.CREATE, wire.create(f"{home}/mine", b"", [(31, "auth", "")]))
    ask(link, Op.CREATE, wire.create(f"{home}/mine/too", b"", [(31, "auth", ""), (1, "world", "anyone")]))
    ask(link, Op.SET_ACL, wire.set_acl(f"{home}/mine", [(31, "auth", ""), (1, "ip", "127.0.0.1/8")], 0))
    ask(link, Op.SET_ACL, wire.set_acl(f"{home}/two", [(31, "world", "anyone"), (1, "digest", "a:b")]))
    ask(link, Op.SET_ACL, wire.set_acl(f"{home}/two", READABLE, 1))
    ask(link, Op.SET_ACL, wire.set_acl(f"{home}/two", READABLE, 1), Err.BAD_VERSION)
    ask(link, Op.CREATE, wire.create(f"{home}/bad", b"", [(31, "none", "x")]), Err.INVALID_ACL)


def write_multis(link, home):
    steps = [(Op.CREATE, wire.create(f"{home}/m", b"1")), (Op.CHECK, wire.check(f"{home}/m", 0)),
             (Op.CREATE2, wire.create(f"{home}/m/s-", flags=Mode.SEQUENTIAL)),
             (Op.CREATE, wire.create(f"{home}/m/e", flags=Mode.EPHEMERAL)),
             (Op.CREATE_CONTAINER, wire.create(f"{home}/m/c", flags=Mode.CONTAINER)),
             (Op.CREATE_TTL, wire.create_ttl(f"{home}/m/t", ttl_ms=TTL_MS)),
             (Op.SET_DATA, wire.set_data(f"{home}/m", b"2", 0)), (Op.DELETE, wire.delete(f"{home}/m/c"))]
    ask(link, Op.MULTI, wire.multi(steps))
    ask(link, Op.MULTI, wire.multi([]))
    ask(link, Op.MULTI, wire.multi([*steps[3:5], (Op.CHECK, wire.check(home, 77)), steps[6]]))      # fails as a whole
    ask(link, Op.MULTI, wire.multi([(Op.DELETE, wire.delete(f"{home}/none"))]))


# --- writes ---


def test_transactions_of_every_kind_through_every_member(ensemble, home):
    """Also while their sessions, with their ephemerals, live, and when they are gone."""
    links = {n: wire.open_session(member) for n, member in ensemble.members.items()}
    for number, link in links.items():
        write_every_kind(link, f"{home}/from{number}")
    ensemble.await_converged()
    for link in links.values():
        link.result(Op.CLOSE_SESSION)
    for number in ensemble.members:
        assert not exists_on(ensemble, number, f"{home}/from{number}/EPHEMERAL0")
        assert exists_on(ensemble, number, f"{home}/from{number}/ttl")


def test_what_one_member_wrote_all_have_after_a_sync(ensemble, home):
    for writer in ensemble.members:
        with wire.open_session(ensemble[writer]) as link:
            ask(link, Op.CREATE, wire.create(f"{home}/from{writer}"))
        assert all(exists_on(ensemble, reader, f"{home}/from{writer}") for reader in ensemble.members)


def test_errors_are_the_same_wherever_one_asks(ensemble, home):
    requests = [(Op.CREATE, wire.create(home)), (Op.CREATE, wire.create(f"{home}/none/none")),
                (Op.CREATE, wire.create("no-path")), (Op.CREATE, wire.create(f"{home}/a", acl=[])),
                (Op.CREATE_TTL, wire.create_ttl(f"{home}/t", ttl_ms=-1)), (Op.SET_DATA, wire.set_data(home, b"", 7)),
                (Op.SET_ACL, wire.set_acl(f"{home}/none", READABLE)), (Op.DELETE, wire.delete("/")),
                (Op.DELETE, wire.delete("/zookeeper")), (Op.DELETE, wire.delete(home, 9)),
                (Op.RECONFIG, wire.reconfig(members="")),
                (Op.MULTI, wire.multi([(Op.DELETE, wire.delete(home)), (Op.CHECK, wire.check(home, 1))]))]
    answers = {}
    for number, member in ensemble.members.items():
        with wire.open_session(member) as link:
            replies = [link.call(op, body) for op, body in requests]
            link.result(Op.CLOSE_SESSION)
        assert [r.zxid for r in replies] == sorted(r.zxid for r in replies)
        answers[number] = [(op.name, reply.err, reply.body) for (op, _), reply in zip(requests, replies)]
    assert all(given == answers[3] for given in answers.values())
    assert Err.OK not in (err for name, err, _ in answers[3] if name != "MULTI")


def test_answers_keep_the_order_of_requests(ensemble, home):
    for number, member in ensemble.members.items():
        with wire.open_session(member) as link:
            sent = []
            for i in range(200):
                sent.append(link.send(Op.CREATE, wire.create(f"{home}/{number}-{i}")))
                sent.append(link.send(Op.EXISTS, wire.exists(f"{home}/{number}-{i}")))
            replies = [link.receive_reply() for _ in sent]
        assert [r.xid for r in replies] == sent
        assert {r.err for r in replies} == {Err.OK}, "a read saw less than the write before it"
        assert [r.zxid for r in replies] == sorted(r.zxid for r in replies)


def test_sequence_numbers_are_unique_across_members(ensemble, home):
    links = [wire.open_session(member) for member in ensemble.members.values()]
    body = wire.create(f"{home}/n-", flags=Mode.SEQUENTIAL)
    for _ in range(20):
        for link in links:
            link.send(Op.CREATE, body)
    names = [wire.decode_reply(Op.CREATE, link.receive_reply().body) for link in links for _ in range(20)]
    assert sorted(names) == [f"{home}/n-{i:010}" for i in range(20 * len(links))]


def test_data_up_to_the_limit_pass_between_members(ensemble, home):
    for number, member in ensemble.members.items():
        with wire.open_session(member) as link:
            ask(link, Op.CREATE, wire.create(f"{home}/{number}", BIG))
    ensemble.await_converged()


# --- what they say ---


def test_a_member_of_each_kind_shows_the_other_its_place(ensemble):
    modes = ensemble.modes()
    assert modes == {1: "follower", 2: "follower", 3: "leader", 4: "observer", 5: "observer"}
    leader = ensemble.figures(3)
    assert [leader[f"zk_{name}"] for name in ("learners", "synced_followers", "synced_observers")] == ["4", "2", "2"]


def test_digests_of_the_tree_agree_by_zxid(ensemble, home):
    """zabd's own are in its log beside each transaction; ZooKeeper's servers object to those that are wrong."""
    with wire.open_session(ensemble[3]) as link:
        for i in range(3 * 128):
            link.send(Op.CREATE, wire.create(f"{home}/{i}", b"%d" % i))
        for _ in range(3 * 128):
            link.receive_reply()
    ensemble.await_converged()
    told = {n: ensemble.digests(n) for n in ensemble.members}
    common = set.intersection(*(set(digests) for digests in told.values()))
    assert len(common) >= 2
    for zxid in common:
        assert len({digests[zxid] for digests in told.values()}) == 1, f"at {zxid:#x}: {told}"


# --- sessions ---


def test_watches_fire_on_one_member_for_changes_on_another(ensemble, home):
    for number, member in ensemble.members.items():
        changes = ensemble[number % len(ensemble.members) + 1]
        path = f"{home}/{number}"
        with wire.open_session(member) as watcher, wire.open_session(changes) as link:
            watcher.call(Op.EXISTS, wire.exists(path, True))
            ask(watcher, Op.ADD_WATCH, wire.add_watch(home, WatchMode.RECURSIVE))
            ask(link, Op.CREATE, wire.create(path))
            seen = [watcher.receive()]
            ask(watcher, Op.GET_DATA, wire.get_data(path, True))
            ask(link, Op.SET_DATA, wire.set_data(path, b"new"))
            ask(link, Op.DELETE, wire.delete(path))
            seen += [*watcher.events, watcher.receive(), watcher.receive()]
        kinds = [event.type for event in seen if event.path == path]
        assert [k for i, k in enumerate(kinds) if k not in kinds[:i]] == [
            EventType.CREATED, EventType.DATA_CHANGED, EventType.DELETED]


def test_an_ephemeral_is_gone_everywhere_when_its_session_closes(ensemble, home):
    for number, member in ensemble.members.items():
        session = Session(member)
        session.call(Op.CREATE, wire.create(f"{home}/{number}", flags=Mode.EPHEMERAL))
        assert all(exists_on(ensemble, n, f"{home}/{number}") for n in ensemble.members)
        session.call(Op.CLOSE_SESSION)
        assert not any(exists_on(ensemble, n, f"{home}/{number}") for n in ensemble.members)


def test_silent_sessions_end_everywhere_and_others_stay(ensemble, home):
    silent = [Session(member, 1000) for member in ensemble.members.values()]
    pinging = [Session(member, 2000) for member in ensemble.members.values()]
    for i, session in enumerate(silent + pinging):
        session.call(Op.CREATE, wire.create(f"{home}/{i}", flags=Mode.EPHEMERAL))

    def all_gone():
        for session in pinging:
            session.link.call(Op.PING, xid=wire.XID_PING)
        return not any(exists_on(ensemble, n, f"{home}/{i}") for n in ensemble.members for i in range(len(silent)))
    ensemble.eventually(all_gone, "silent sessions stay")
    for i, session in enumerate(pinging):
        assert session.owns(f"{home}/{len(silent) + i}")
        session.call(Op.CLOSE_SESSION)
    for session in silent:
        assert all(session.refused_by(member) for member in ensemble.members.values())


def test_a_session_moves_between_members_of_all_kinds_with_its_ephemerals(ensemble, home):
    for birth in ensemble.members:
        session, path = Session(ensemble[birth]), f"{home}/{birth}"
        session.call(Op.CREATE, wire.create(path, flags=Mode.EPHEMERAL))
        for number in (3, 1, 2, 4, 5, 1, 5, 3):
            session.come_back(ensemble[number], ensemble)
            assert session.owns(path)
            session.call(Op.SET_DATA, wire.set_data(path, b"%d" % number))
        session.call(Op.CLOSE_SESSION)
        assert not any(exists_on(ensemble, n, path) for n in ensemble.members)


def test_a_session_that_moves_is_told_what_its_watches_missed(ensemble, home):
    path = f"{home}/watched"
    with wire.open_session(ensemble[3]) as link:
        ask(link, Op.CREATE, wire.create(path))
        session = Session(ensemble[1])
        for i, number in enumerate((3, 4, 5, 2, 1)):
            session.call(Op.SYNC, wire.sync(path))
            session.call(Op.GET_DATA, wire.get_data(path, True))
            session.link.close()
            ask(link, Op.SET_DATA, wire.set_data(path, b"%d" % i))
            assert exists_on(ensemble, number, path)        # behind a sync, so it has the change
            session.come_back(ensemble[number], ensemble)
            reply = session.link.call(Op.SET_WATCHES, wire.set_watches(session.zxid, data=[path]), wire.XID_SET_WATCHES)
            assert reply.err == Err.OK
            event = session.event()
            assert (event.type, event.path) == (EventType.DATA_CHANGED, path)


def test_a_wrong_password_is_refused_by_every_member(ensemble, home):
    session = Session(ensemble[1])
    for member in ensemble.members.values():
        with wire.RawConnection(member.host, member.port) as link:
            assert link.connect(timeout_ms=10000, session_id=session.id, password=b"x" * 16).timeout_ms <= 0
