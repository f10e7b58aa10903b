"""What zabd does on purpose otherwise than Apache ZooKeeper 3.8: newer releases' ways, and rules of its own.

The differential test steps around these; here each has its test.
"""

import pytest

import wire
from wire import Err, EventType, Mode, Op, WatcherType, WatchMode

SETTINGS = {"extendedTypesEnabled": "true", "4lw.commands.whitelist": "*"}


@pytest.fixture
def server(only_zabd, make_server):
    return make_server(config=SETTINGS).start()


@pytest.fixture
def client(server):
    with wire.open_session(server) as link:
        yield link


@pytest.fixture
def other(server):
    with wire.open_session(server) as link:
        yield link


def events_of(link):
    """(type, path) of all events that have been sent to this connection so far."""
    link.call(Op.PING)
    events = [(event.type, event.path) for event in link.events]
    link.events.clear()
    return events


# --- flags and opcodes ---

MISMATCHES = [
    (Op.CREATE, wire.create("/n", flags=Mode.CONTAINER)), (Op.CREATE, wire.create("/n", flags=Mode.TTL)),
    (Op.CREATE, wire.create("/n", flags=Mode.SEQUENTIAL_TTL)), (Op.CREATE2, wire.create("/n", flags=Mode.CONTAINER)),
    *[(Op.CREATE_CONTAINER, wire.create("/n", flags=flags)) for flags in Mode if flags != Mode.CONTAINER],
    *[(Op.CREATE_TTL, wire.create_ttl("/n", flags=flags, ttl_ms=ttl)) for flags in range(5) for ttl in (-1, 1000)],
]


@pytest.mark.parametrize("op, body", MISMATCHES)
def test_an_opcode_that_does_not_fit_its_flags_is_refused(client, op, body):
    assert client.call(op, body).err == Err.BAD_ARGUMENTS
    results = client.result(Op.MULTI, wire.multi([(Op.CREATE, wire.create("/before")), (op, body)]))
    assert [(result.type, result.err) for result in results] == [(Op.ERROR, Err.OK), (Op.ERROR, Err.BAD_ARGUMENTS)]
    for path in ("/n", "/before"):
        assert client.call(Op.EXISTS, wire.exists(path)).err == Err.NO_NODE


@pytest.mark.parametrize("flags", (7, -1, 100))
def test_unknown_flags_make_a_multi_unreadable(client, flags):
    body = wire.multi([(Op.CREATE, wire.create("/a")), (Op.CREATE, wire.create("/b", flags=flags))])
    assert client.call(Op.MULTI, body).err == Err.MARSHALLING


@pytest.mark.parametrize("op, body", (
    (Op.CHECK, wire.check("/")), (Op.CHECK, wire.check("/missing")), (Op.DELETE_CONTAINER, wire.path_only("/a")),
    (Op.DELETE_CONTAINER, b"/a"), (Op.CREATE_SESSION, wire.int32(5000)),
))
def test_internal_opcodes_end_the_connection_and_do_nothing(server, client, op, body):
    client.result(Op.CREATE, wire.create("/a"))
    assert client.call(op, body)[1:] == (-1, Err.UNIMPLEMENTED, b"")
    assert client.closed_by_server()
    with wire.open_session(server) as again:
        again.result(Op.EXISTS, wire.exists("/a"))


# --- permissions ---


def test_exists_needs_read_and_leaves_no_watch_without_it(client, other):
    other.result(Op.AUTH, wire.auth("digest", b"a:b"))
    other.result(Op.CREATE, wire.create("/secret", acl=[(31, "auth", "")]))
    assert client.call(Op.EXISTS, wire.exists("/secret", True)).err == Err.NO_AUTH
    assert client.call(Op.CHECK_WATCHES, wire.check_watches("/secret", WatcherType.ANY)).err == Err.NO_WATCHER


@pytest.mark.parametrize("address, holds", (
    ("::1", True), ("fe80::/10", True), ("::1/129", False), ("fe80:::1", False)))
def test_ip_acls_may_be_ipv6(client, address, holds):
    reply = client.call(Op.CREATE, wire.create("/n", acl=[(31, "ip", address)]))
    assert reply.err == (Err.OK if holds else Err.INVALID_ACL)


def test_text_comes_back_as_it_was_sent(client):
    """Characters beyond the BMP stay UTF-8; ZooKeeper would turn them into pairs of surrogates."""
    acl = [(31, "digest", "\U0001f600:x"), (31, "world", "anyone")]
    client.result(Op.CREATE, wire.create("/n", acl=acl))
    assert client.result(Op.GET_ACL, wire.get_acl("/n"))[0] == acl


def test_super_may_write_the_config_node(make_server, only_zabd):
    digest = "super:lK75jTNcA+U9vtVEw5vB51mj/w4="
    server = make_server(config={"DigestAuthenticationProvider.superDigest": digest}).start()
    with wire.open_session(server) as link:
        assert link.call(Op.SET_DATA, wire.set_data("/zookeeper/config", b"x")).err == Err.NO_AUTH
        link.result(Op.AUTH, wire.auth("digest", b"super:secret"))
        link.result(Op.SET_DATA, wire.set_data("/zookeeper/config", b"x"))
        assert link.call(Op.DELETE, wire.delete("/zookeeper/config")).err == Err.BAD_ARGUMENTS


# --- watches ---


def test_one_shot_and_persistent_watches_live_side_by_side(client, other):
    client.result(Op.CREATE, wire.create("/n"))
    client.result(Op.ADD_WATCH, wire.add_watch("/n", WatchMode.PERSISTENT))
    client.result(Op.GET_DATA, wire.get_data("/n", True))
    for _ in range(2):
        other.result(Op.SET_DATA, wire.set_data("/n", b"x"))
    assert events_of(client) == [(EventType.DATA_CHANGED, "/n")] * 2


def test_recursive_and_child_watches_live_side_by_side(client, other):
    client.result(Op.CREATE, wire.create("/n"))
    client.result(Op.ADD_WATCH, wire.add_watch("/n", WatchMode.RECURSIVE))
    client.result(Op.GET_CHILDREN, wire.get_children("/n", True))
    for name in "ab":
        other.result(Op.CREATE, wire.create(f"/n/{name}"))
    assert events_of(client) == [
        (EventType.CREATED, "/n/a"), (EventType.CHILDREN_CHANGED, "/n"), (EventType.CREATED, "/n/b")]


def test_each_watcher_type_is_removed_by_its_own_number(client):
    client.result(Op.CREATE, wire.create("/n"))
    client.result(Op.ADD_WATCH, wire.add_watch("/n", WatchMode.PERSISTENT))
    client.result(Op.ADD_WATCH, wire.add_watch("/n", WatchMode.RECURSIVE))
    client.result(Op.GET_DATA, wire.get_data("/n", True))
    client.result(Op.GET_CHILDREN, wire.get_children("/n", True))
    for kind in (WatcherType.DATA, WatcherType.PERSISTENT, WatcherType.CHILDREN, WatcherType.RECURSIVE):
        for expected in (Err.OK, Err.NO_WATCHER):
            assert client.call(Op.REMOVE_WATCHES, wire.remove_watches("/n", kind)).err == expected
    assert client.call(Op.CHECK_WATCHES, wire.check_watches("/n", WatcherType.ANY)).err == Err.NO_WATCHER


def test_check_watches_asks_for_the_caller_s_watches_on_this_path_only(client, other):
    other.result(Op.GET_DATA, wire.get_data("/", True))
    client.result(Op.ADD_WATCH, wire.add_watch("/n", WatchMode.RECURSIVE))
    assert client.call(Op.CHECK_WATCHES, wire.check_watches("/", WatcherType.DATA)).err == Err.NO_WATCHER
    assert client.call(Op.CHECK_WATCHES, wire.check_watches("/n/below", WatcherType.ANY)).err == Err.NO_WATCHER
    assert client.call(Op.CHECK_WATCHES, wire.check_watches("/n", WatcherType.RECURSIVE)).err == Err.OK


def test_events_carry_the_zxid_of_their_txn_and_caught_up_ones_none(client, other):
    client.result(Op.CREATE, wire.create("/n"))
    client.result(Op.GET_DATA, wire.get_data("/n", True))
    zxid = other.call(Op.SET_DATA, wire.set_data("/n", b"x")).zxid
    other.call(Op.SET_DATA, wire.set_data("/", b"later"))
    client.call(Op.PING)
    client.call(Op.SET_WATCHES, wire.set_watches(zxid - 1, ["/n"]), wire.XID_SET_WATCHES)
    assert [event.zxid for event in client.events] == [zxid, -1]


# --- sessions and quotas ---


def test_quota_usage_is_counted_and_not_read_back(client):
    stats = "/zookeeper/quota/n/zookeeper_stats"
    for path, data in (("/n", b"12345"), ("/zookeeper/quota/n", b""),
                       ("/zookeeper/quota/n/zookeeper_limits", b"count=9,bytes=99"), (stats, b"count=0,bytes=0")):
        client.result(Op.CREATE, wire.create(path, data))
    client.result(Op.SET_DATA, wire.set_data(stats, b"count=1000,bytes=-7"))
    client.result(Op.CREATE, wire.create("/n/child", b"123"))
    assert client.result(Op.GET_DATA, wire.get_data(stats))[0] == b"count=2,bytes=8"


def test_a_wrong_password_does_not_disturb_the_session_s_connection(server, client):
    with wire.RawConnection(server.host, server.port) as thief:
        assert thief.connect(session_id=client.session.session_id, password=b"x" * 16).session_id == 0
    assert client.call(Op.GET_DATA, wire.get_data("/")).err == Err.OK


@pytest.mark.parametrize("text", (
    None, b"", b"nonsense", b"count=x,bytes=9999999999999999999999", b"=,=;", b"\xff\x00"))
def test_quota_texts_that_are_none_count_as_unset(make_server, only_zabd, text):
    server = make_server(config={"enforceQuota": "true"}).start()
    with wire.open_session(server) as link:
        for path, data in (("/n", b""), ("/zookeeper/quota/n", b""), ("/zookeeper/quota/n/zookeeper_limits", text),
                           ("/zookeeper/quota/n/zookeeper_stats", text)):
            link.result(Op.CREATE, wire.create(path, data))
        link.result(Op.SET_DATA, wire.set_data("/zookeeper/quota/n/zookeeper_stats", text))
        link.result(Op.CREATE, wire.create("/n/child", b"data"))
        link.result(Op.SET_DATA, wire.set_data("/n/child", b"more data"))
        link.result(Op.DELETE, wire.delete("/n/child"))
