"""Hostile, broken and greedy clients: they get an error or a closed connection, the others notice nothing.

Most tests share one server. `witness` is one of the others: a session that is there before, owns an
ephemeral node and has a watch. After whatever a test did to the server it must still have all three.
"""

import itertools
import os
import pathlib
import random
import select
import socket
import time

import pytest

import harness
import wire
from wire import Err, EventType, Mode, Op, WatcherType, WatchMode

FRAME_BYTES_MAX = 0xfffff
MEBIBYTE = 1 << 20
SETTINGS = {"extendedTypesEnabled": "true", "maxClientCnxns": 0, "nio.sessionlessCnxnTimeout": 1000,
            "4lw.commands.whitelist": "*"}


@pytest.fixture(scope="module")
def shared_server(server_kind, tmp_path_factory):
    with harness.server_of_kind(server_kind, tmp_path_factory.mktemp("server"), config=SETTINGS) as server:
        yield server


@pytest.fixture
def server(shared_server):
    """The shared one, started again if a test before has brought it down: that test has failed for it."""
    return shared_server if shared_server.running() else shared_server.start()


class Witness:
    """Its nodes are out of others' reach: only its own identity may change them."""

    numbers = itertools.count()

    def __init__(self, server):
        self.home = f"/witness{next(self.numbers)}"
        self.ephemeral = self.home + "/e"
        self.link = wire.open_session(server, timeout_ms=30000)
        self.link.result(Op.AUTH, wire.auth("digest", b"witness:secret"))
        self.link.result(Op.CREATE, wire.create(self.home))
        self.link.result(Op.CREATE, wire.create(self.ephemeral, flags=Mode.EPHEMERAL))
        self.link.result(Op.SET_ACL, wire.set_acl(self.home, [(31, "auth", "")]))
        self.link.result(Op.GET_DATA, wire.get_data(self.ephemeral, True))

    def is_unharmed(self):
        stat = self.link.result(Op.EXISTS, wire.exists(self.ephemeral))
        assert stat.ephemeral_owner == self.link.session.session_id
        self.link.result(Op.SET_DATA, wire.set_data(self.ephemeral, b"alive"))
        assert [(event.type, event.path) for event in self.link.events] == [(EventType.DATA_CHANGED, self.ephemeral)]

    def leave(self):
        self.link.result(Op.CLOSE_SESSION)
        self.link.close()


@pytest.fixture
def witness(server):
    watcher = Witness(server)
    yield watcher
    watcher.is_unharmed()
    with wire.open_session(server) as newcomer:
        newcomer.result(Op.GET_CHILDREN, wire.get_children("/"))
    watcher.leave()


@pytest.fixture
def client(server, witness):
    with wire.open_session(server) as link:
        yield link


def tcp(server):
    return wire.RawConnection(server.host, server.port)


def memory_bytes(server):
    """What the process has in memory at the moment."""
    pages = int(pathlib.Path(f"/proc/{server.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def connections(server):
    return harness.connection_count(server.pid, server.port)


def until(holds, seconds=20):
    """Waits for a condition; fails the test if it does not come."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "the awaited condition did not come"
        time.sleep(0.02)


# --- frames ---

BAD_LENGTHS = (-1, -2147483648, FRAME_BYTES_MAX + 1, 0x7fffffff)


@pytest.mark.parametrize("length", BAD_LENGTHS)
def test_a_bad_length_closes_a_fresh_connection(server, witness, length):
    with tcp(server) as link:
        link.send_bytes(wire.int32(length))
        assert link.closed_by_server()


@pytest.mark.parametrize("length", BAD_LENGTHS)
def test_a_bad_length_closes_a_session_s_connection_but_not_the_session(server, client, length):
    client.send_bytes(wire.int32(length) + b"some more")
    assert client.closed_by_server()
    again = wire.open_session(server, session_id=client.session.session_id, password=client.session.password)
    again.result(Op.GET_DATA, wire.get_data("/"))


@pytest.mark.parametrize("garbage", (
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    bytes.fromhex("16030100a5010000a10303") + bytes(150),  # a TLS ClientHello
    b"RUOK", b"zzzz", bytes(64), b"\xff" * 64,
    wire.frame(b""), wire.frame(b"abc"),
    wire.frame(wire.connect_request()[:20]),
    wire.frame(wire.header(1, Op.GET_DATA) + wire.get_data("/")),
    wire.frame(wire.int32(0) + wire.int64(0) + wire.int32(10000) + wire.int64(0) + wire.int32(0x7fffffff)),
))
def test_what_is_no_handshake_is_closed_unanswered(server, witness, garbage):
    with tcp(server) as link:
        link.send_bytes(garbage)
        assert link.closed_by_server()


@pytest.mark.parametrize("body", (b"", b"\0", bytes(7)))
def test_a_frame_without_room_for_its_header_closes(client, body):
    client.send_frame(body)
    assert client.closed_by_server()


WITH_BODY = [op for op in Op if op not in (
    Op.NOTIFICATION, Op.ERROR, Op.CHECK, Op.DELETE_CONTAINER, Op.CREATE_SESSION, Op.PING, Op.CLOSE_SESSION, Op.WHO_AM_I,
    Op.AUTH, Op.SASL, Op.RECONFIG)]


@pytest.mark.parametrize("op", WITH_BODY)
@pytest.mark.parametrize("body", (b"", b"\0\0", wire.int32(0x7fffffff), wire.int32(-2)))
def test_a_body_that_cannot_be_read_is_refused_and_no_more(client, op, body):
    assert client.call(op, body).err == Err.MARSHALLING
    assert client.call(Op.GET_DATA, wire.get_data("/")).err == Err.OK


@pytest.mark.parametrize("op", (Op.NOTIFICATION, Op.ERROR, 10, 23, 99, 108, -12, 2147483647, -2147483648))
def test_an_unknown_opcode_is_answered_then_closed(server, client, op):
    assert client.call(op) == wire.Reply(1, -1, Err.UNIMPLEMENTED, b"")
    assert client.closed_by_server()
    again = wire.open_session(server, session_id=client.session.session_id, password=client.session.password)
    again.result(Op.GET_DATA, wire.get_data("/"))


@pytest.mark.parametrize("op", (Op.CHECK, Op.DELETE_CONTAINER, Op.CREATE_SESSION))
def test_internal_opcodes_are_unknown_to_clients(only_zabd, client, op):
    assert client.call(op, wire.check("/")).err == Err.UNIMPLEMENTED
    assert client.closed_by_server()


@pytest.mark.parametrize("last", (
    wire.frame(wire.header(9, 99)), wire.frame(wire.header(9, Op.AUTH) + wire.auth("none", b"")),
    wire.frame(b"short"), wire.int32(-1), wire.frame(wire.header(9, Op.CLOSE_SESSION)), b"",
))
def test_a_connection_may_end_with_writes_and_reads_in_flight(server, witness, last):
    """However it ends: by an answer that overtakes them, by a broken frame, by the client.

    Replies of many megabytes, not read at first, keep the connection alive until the writes are through.
    """
    read, write = (Op.GET_DATA, wire.get_data("/", True)), (Op.SET_DATA, wire.set_data("/", b"x"))
    sync, heavy_read = (Op.SYNC, wire.sync("/")), (Op.GET_DATA, wire.get_data("/heavy"))
    pipelined = [heavy_read] * 16 + [write, read, sync, write, read, write]
    requests = b"".join(wire.frame(wire.header(1, op) + body) for op, body in pipelined)
    witness.link.call(Op.CREATE, wire.create("/heavy", b"h" * 1000000))
    with wire.open_session(server, timeout_ms=4000) as link:
        link.send_bytes(requests + last)
        for _ in range(3):
            witness.link.result(Op.SET_DATA, wire.set_data("/heavy", b"h" * 1000000))
        if last:
            with pytest.raises(wire.ConnectionClosed):
                while True:
                    link.receive()


def test_vectors_cannot_claim_more_than_the_frame_holds(client):
    for count in (0x7fffffff, 0x10000000, 1000):
        bomb = wire.ustring("/a") + wire.buffer(b"") + wire.int32(count) + bytes(20)
        assert client.call(Op.CREATE, bomb).err == Err.MARSHALLING
        assert client.call(Op.SET_WATCHES, wire.int64(0) + wire.int32(count) + bytes(20)).err == Err.MARSHALLING


def mutated(body, rng):
    """The bytes with a few of them changed, left out, doubled or cut off."""
    body = bytearray(body)
    for _ in range(rng.randrange(1, 5)):
        at = rng.randrange(len(body) + 1)
        kind = rng.randrange(5)
        if kind == 0:
            body[at:at + 1] = bytes([rng.randrange(256)])
        elif kind == 1:
            del body[at:at + rng.randrange(1, 9)]
        elif kind == 2:
            body[at:at] = body[at:at + 8]
        elif kind == 3:
            body[at:at + 4] = wire.int32(rng.choice((-1, -2, 0, 1, 0x7fffffff, -0x80000000, 65536)))
        else:
            del body[at:]
    return bytes(body)


def sample_requests(server_kind):
    """A good request of each kind. A mutated createTTL is known to end Apache ZooKeeper's life."""
    samples = [
        (Op.CREATE, wire.create("/fuzz/a", b"data")), (Op.CREATE2, wire.create("/fuzz/b", None, flags=Mode.SEQUENTIAL)),
        (Op.CREATE_CONTAINER, wire.create("/fuzz/c", b"", flags=Mode.CONTAINER)), (Op.DELETE, wire.delete("/fuzz/a")),
        (Op.EXISTS, wire.exists("/fuzz", True)), (Op.GET_DATA, wire.get_data("/fuzz", True)),
        (Op.SET_DATA, wire.set_data("/fuzz", b"x", 3)), (Op.GET_ACL, wire.get_acl("/fuzz")),
        (Op.SET_ACL, wire.set_acl("/fuzz/a", wire.OPEN_ACL)), (Op.GET_CHILDREN2, wire.get_children2("/", True)),
        (Op.SYNC, wire.sync("/")), (Op.MULTI_READ, wire.multi_read([(Op.GET_DATA, wire.get_data("/"))] * 3)),
        (Op.MULTI, wire.multi([(Op.CREATE, wire.create("/fuzz/d")), (Op.CHECK, wire.check("/fuzz"))])),
        (Op.SET_WATCHES2, wire.set_watches2(1, ["/a"], ["/b"], ["/c"], ["/d"], ["/e"])),
        (Op.ADD_WATCH, wire.add_watch("/fuzz", WatchMode.RECURSIVE)),
        (Op.REMOVE_WATCHES, wire.remove_watches("/fuzz", WatcherType.ANY)),
        (Op.GET_EPHEMERALS, wire.get_ephemerals("/")), (Op.AUTH, wire.auth("digest", b"a:b")),
        (Op.SASL, wire.buffer(b"x")), (Op.RECONFIG, wire.reconfig(members="server.1=a:1:2;3")),
        (Op.WHO_AM_I, b""), (Op.PING, b""),
    ]
    return samples + ([(Op.CREATE_TTL, wire.create_ttl("/fuzz/t"))] if server_kind == "zabd" else [])


def test_mutated_requests_on_a_live_session(server, witness, server_kind, seed):
    rng = random.Random(seed)
    samples = sample_requests(server_kind)
    for _ in range(150):
        with wire.open_session(server, timeout_ms=4000) as link:
            link.send(Op.CREATE, wire.create("/fuzz"))
            bodies = (wire.header(1, op) + body for op, body in rng.choices(samples, k=20))
            try:
                link.send_bytes(b"".join(wire.frame(mutated(body, rng)) for body in bodies))
                link.call(Op.PING)
            except (wire.ConnectionClosed, wire.Malformed):
                pass  # the server may close at any of them, or answer what we cannot match
    assert server.running()


def test_random_bytes_on_fresh_connections(server, witness, seed):
    rng = random.Random(seed)
    for _ in range(300):
        with tcp(server) as link:
            prefix = rng.choice((b"", wire.int32(rng.randrange(60)), wire.frame(wire.connect_request())))
            link.send_bytes(prefix + rng.randbytes(rng.randrange(200)))
    assert server.running()


# --- slow and silent peers ---


@pytest.mark.parametrize("first_bytes", (b"", b"\0\0", b"ruo", wire.frame(wire.connect_request())[:30]))
def test_who_does_not_complete_the_handshake_is_closed(server, witness, first_bytes):
    with tcp(server) as link:
        link.send_bytes(first_bytes)
        assert link.closed_by_server()


def test_bytes_may_come_one_by_one(server, witness):
    with tcp(server) as link:
        request = wire.header(1, Op.GET_DATA) + wire.get_data("/")
        for byte in wire.frame(wire.connect_request()) + wire.frame(request):
            link.send_bytes(bytes([byte]))
        assert wire.decode_connect_response(link.receive_frame()).timeout_ms > 0
        assert link.receive_reply().err == Err.OK


def test_a_word_may_come_byte_by_byte(server, witness):
    with tcp(server) as link:
        for byte in b"ruok\n":
            link.send_bytes(bytes([byte]))
        assert link.receive_bytes(4) == b"imok"
        assert link.closed_by_server()


def test_a_silent_session_expires_and_a_pinging_one_does_not(make_server):
    server = make_server(tickTime=200).start()
    silent, pinging = (wire.open_session(server, timeout_ms=1000) for _ in range(2))
    for name, link in (("silent", silent), ("pinging", pinging)):
        link.result(Op.CREATE, wire.create(f"/{name}", flags=Mode.EPHEMERAL))
    began = time.monotonic()
    assert pinging.result(Op.EXISTS, wire.exists("/silent", True))
    while not pinging.events:
        pinging.call(Op.PING)
        time.sleep(0.05)
        assert time.monotonic() < began + 10
    assert time.monotonic() > began + 0.9
    assert pinging.events[0].type == EventType.DELETED
    assert silent.closed_by_server()
    time.sleep(max(0, began + 2.5 - time.monotonic() - 0.5))
    pinging.result(Op.EXISTS, wire.exists("/pinging"))


# --- greedy peers ---


def flood(link, data, seconds):
    """Sends and never reads, for so long or until the server has had enough; bytes taken."""
    link.socket.setblocking(False)
    deadline = time.monotonic() + seconds
    taken = 0
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([], [link.socket], [], left)[1]:
            break
        try:
            taken += link.socket.send(data[taken % len(data):])
        except BlockingIOError:
            continue
        except ConnectionError:
            break
    return taken


def test_a_reader_that_never_reads_costs_bounded_memory(only_zabd, server, client):
    """Its replies would be tens of gigabytes."""
    client.result(Op.CREATE, wire.create("/big", b"x" * 1000000))
    requests = b"".join(wire.frame(wire.header(xid, Op.GET_DATA) + wire.get_data("/big")) for xid in range(2000))
    before = memory_bytes(server)
    with wire.open_session(server) as glutton:
        assert flood(glutton, requests, seconds=4) > 0
        grown = memory_bytes(server) - before
        assert grown < 300 * MEBIBYTE, f"grew by {grown >> 20} MiB"
        began = time.monotonic()
        client.result(Op.GET_DATA, wire.get_data("/"))
        assert time.monotonic() - began < 1


def test_a_watcher_that_never_reads_is_cut_off_not_hoarded_for(only_zabd, server, client):
    """Hundreds of megabytes of events for it; nobody may lose single events, so it loses its connection."""
    path = "/" + "p" * 10000
    client.result(Op.CREATE, wire.create(path))
    before = memory_bytes(server)
    with wire.open_session(server) as deaf:
        deaf.result(Op.ADD_WATCH, wire.add_watch("/", WatchMode.RECURSIVE))
        changes = wire.multi([(Op.SET_DATA, wire.set_data(path, b""))] * 100)
        for _ in range(300):
            client.result(Op.MULTI, changes)
        grown = memory_bytes(server) - before
        assert grown < 300 * MEBIBYTE, f"grew by {grown >> 20} MiB"
        with pytest.raises(wire.ConnectionClosed):
            for _ in range(300 * 100 + 1):
                deaf.receive()


def test_connections_per_address_are_limited(make_server):
    server = make_server(maxClientCnxns=5).start()
    links = [wire.open_session(server) for _ in range(5)]
    assert turned_away(server)
    links[0].close()
    until(lambda: accepts(server))
    for link in links[1:]:
        link.result(Op.GET_DATA, wire.get_data("/"))


def test_connections_in_total_are_limited(make_server):
    server = make_server(maxCnxns=5, maxClientCnxns=0).start()
    links = [wire.open_session(server) for _ in range(5)]
    assert turned_away(server)
    links[0].close()
    until(lambda: accepts(server))


def turned_away(server):
    """The server closes a new connection unasked, maybe so fast that connecting already fails."""
    try:
        with tcp(server) as excess:
            return excess.closed_by_server()
    except ConnectionError:
        return True


def accepts(server):
    try:
        with wire.open_session(server):
            return True
    except (wire.ConnectionClosed, ConnectionError):
        return False


def test_a_thousand_quick_connections_leave_nothing_behind(server, witness):
    tcp(server).close()
    before = connections(server)
    for n in range(1000):
        with tcp(server) as link:
            if n % 3 == 1:
                link.send_frame(wire.connect_request())
            if n % 3 == 2:
                link.abort()
    until(lambda: connections(server) <= before)


def test_many_connections_at_once(server, witness):
    links = [wire.open_session(server) for _ in range(300)]
    for link in links:
        link.send(Op.GET_DATA, wire.get_data("/"))
    assert all(link.receive_reply().err == Err.OK for link in links)


# --- sizes ---


def set_data_frame_bytes(data):
    return len(wire.header(1, Op.SET_DATA) + wire.set_data("/m", b"")) + len(data)


def test_the_largest_frame_is_taken_and_a_byte_more_is_not(client):
    client.result(Op.CREATE, wire.create("/m"))
    data = b"d" * (FRAME_BYTES_MAX - set_data_frame_bytes(b""))
    assert set_data_frame_bytes(data) == FRAME_BYTES_MAX and len(data) == 1048553
    client.result(Op.SET_DATA, wire.set_data("/m", data))
    assert client.result(Op.GET_DATA, wire.get_data("/m"))[0] == data
    client.send_bytes(wire.frame(wire.header(1, Op.SET_DATA) + wire.set_data("/m", data + b"d")))
    assert client.closed_by_server()


def test_a_configured_frame_limit_holds_for_requests_and_not_for_replies(make_server):
    server = make_server(config={"jute.maxbuffer": 1000}).start()
    with wire.open_session(server) as link:
        for n in range(30):
            link.result(Op.CREATE, wire.create(f"/{n:04}" + "n" * 90))
        names = link.result(Op.GET_CHILDREN, wire.get_children("/"))
        assert len(names) == 31
        link.send_bytes(wire.int32(1001))
        assert link.closed_by_server()


@pytest.mark.parametrize("length", (255, 4096, 100000, 500000))
def test_long_names(client, length):
    path = "/" + "n" * (length - 1)
    client.result(Op.ADD_WATCH, wire.add_watch("/", WatchMode.RECURSIVE))
    assert client.result(Op.CREATE, wire.create(path, b"data")) == path
    assert client.events.pop().path == path
    assert client.result(Op.GET_DATA, wire.get_data(path))[0] == b"data"
    assert path[1:] in client.result(Op.GET_CHILDREN, wire.get_children("/"))
    client.result(Op.DELETE, wire.delete(path))


def test_deep_paths(client):
    """A thousand levels, made and removed in one multi each, watched from the top."""
    paths = ["/d" * depth for depth in range(1, 1001)]
    client.result(Op.ADD_WATCH, wire.add_watch("/d", WatchMode.RECURSIVE))
    client.result(Op.MULTI, wire.multi([(Op.CREATE, wire.create(path, acl=wire.OPEN_ACL)) for path in paths[:500]]))
    client.result(Op.MULTI, wire.multi([(Op.CREATE, wire.create(path, acl=wire.OPEN_ACL)) for path in paths[500:]]))
    assert [event.path for event in client.events] == paths
    assert client.result(Op.GET_ALL_CHILDREN_NUMBER, wire.get_all_children_number("/d")) == 999
    client.events.clear()
    for half in (paths[500:], paths[:500]):
        client.result(Op.MULTI, wire.multi([(Op.DELETE, wire.delete(path)) for path in reversed(half)]))
    assert [event.path for event in client.events] == paths[::-1]


def test_set_watches_with_a_hundred_thousand_paths(client):
    paths = [f"/{n:05}" for n in range(100000)]
    reply = client.call(Op.SET_WATCHES, wire.set_watches(0, (), paths, ()), wire.XID_SET_WATCHES)
    assert reply.err == Err.OK and not client.events
    client.result(Op.CREATE, wire.create("/77777"))
    assert [(event.type, event.path) for event in client.events] == [(EventType.CREATED, "/77777")]


def test_a_multi_of_very_many_operations(client):
    checks = [(Op.CHECK, wire.check("/"))] * 50000
    assert len(client.result(Op.MULTI, wire.multi(checks))) == 50000


def test_a_node_with_very_many_children(client):
    client.result(Op.CREATE, wire.create("/many"))
    for start in range(0, 20000, 1000):
        creates = [(Op.CREATE, wire.create(f"/many/child{n:06}")) for n in range(start, start + 1000)]
        client.result(Op.MULTI, wire.multi(creates))
    names, stat = client.result(Op.GET_CHILDREN2, wire.get_children2("/many"))
    assert len(names) == len(set(names)) == stat.num_children == 20000


# --- ends of a client ---


def test_a_client_that_stops_writing_is_let_go(server, client):
    """End of stream from the client closes its connection; the session waits for it."""
    client.socket.shutdown(socket.SHUT_WR)
    assert client.closed_by_server()
    again = wire.open_session(server, session_id=client.session.session_id, password=client.session.password)
    again.result(Op.GET_DATA, wire.get_data("/"))


def test_a_reset_connection_is_let_go(server, witness):
    before = connections(server)
    for _ in range(50):
        link = wire.open_session(server)
        link.send(Op.GET_DATA, wire.get_data("/"))
        link.abort()
    until(lambda: connections(server) <= before)
