"""kazoo through lost connections, server restarts, expired sessions and dying clients."""

import socket
import subprocess
import sys

import pytest
from kazoo.exceptions import ConnectionClosedError, NoNodeError
from kazoo.protocol.states import EventType, KazooState
from kazoo.security import make_digest_acl
from waiting import Events, eventually

import wire

DYING_CLIENT = """
import sys
from kazoo.client import KazooClient
client = KazooClient(hosts=sys.argv[1], timeout=4)
client.start()
client.create(sys.argv[2], ephemeral=True)
print("created", flush=True)
sys.stdin.read()
"""


def drop_connection(client):
    """As if the network went away under the client."""
    client._connection._socket.shutdown(socket.SHUT_RDWR)


def expire(client):
    """Ends the client's session by closing it from a second connection, at once: the client would take it back."""
    session, password = client.client_id
    with wire.RawConnection(*client.hosts[0]) as twin:
        twin.send_frame(wire.connect_request(session_id=session, password=password))
        twin.send(wire.Op.CLOSE_SESSION)
        assert wire.decode_connect_response(twin.receive_frame()).session_id == session
        assert twin.receive_reply().err == wire.Err.OK


def follow_states(client):
    states = Events()
    client.add_listener(states)
    return states


def test_a_dropped_connection_keeps_the_session(base, connect):
    client = connect()
    client.create(base + "/e", ephemeral=True)
    session, states = client.client_id, follow_states(client)
    drop_connection(client)
    assert states.next() == KazooState.SUSPENDED
    assert states.next() == KazooState.CONNECTED
    assert client.client_id == session
    assert client.exists(base + "/e").ephemeralOwner == session[0]


def test_auth_is_given_anew_on_a_new_connection(base, connect):
    client = connect(auth_data=[("digest", "alice:wonder")])
    client.create(base + "/mine", b"x", acl=[make_digest_acl("alice", "wonder", all=True)])
    states = follow_states(client)
    drop_connection(client)
    assert states.next() == KazooState.SUSPENDED
    assert states.next() == KazooState.CONNECTED
    assert client.get(base + "/mine")[0] == b"x"


def test_a_server_restart_keeps_data_sessions_and_ephemerals(server, zk, base, connect):
    client = connect()
    client.create(base + "/kept", b"data")
    client.create(base + "/e", ephemeral=True)
    client.create(base + "/s-", sequence=True)
    session, states = client.client_id, follow_states(client)
    before = client.exists(base + "/kept")
    server.restart()
    assert states.next() == KazooState.SUSPENDED
    assert states.next() == KazooState.CONNECTED
    assert client.client_id == session
    assert client.get(base + "/kept") == (b"data", before)
    assert client.exists(base + "/e").ephemeralOwner == session[0]
    assert client.create(base + "/s-", sequence=True).endswith("0000000003")


def test_a_killed_server_has_what_it_acknowledged(server, zk, base, connect):
    client = connect()
    for i in range(50):
        client.create(f"{base}/{i}", str(i).encode())
    session, states = client.client_id, follow_states(client)
    server.kill()
    server.start()
    assert states.next() == KazooState.SUSPENDED
    assert states.next() == KazooState.CONNECTED
    assert client.client_id == session
    assert sorted(client.get_children(base), key=int) == [str(i) for i in range(50)]
    assert client.get(base + "/49")[0] == b"49"


def test_a_request_made_while_the_server_is_away_is_answered_when_it_is_back(server, zk, base, connect):
    client = connect()
    states = follow_states(client)
    server.stop()
    assert states.next() == KazooState.SUSPENDED
    request = client.create_async(base + "/late")
    server.start()
    assert request.get(timeout=30) == base + "/late"


def test_watch_recipes_go_on_after_a_restart(server, zk, base, connect):
    seen = Events()
    watcher = connect()
    watcher.ChildrenWatch(base, lambda children: seen(sorted(children)))
    assert seen.next() == []
    states = follow_states(zk)
    server.restart()
    assert states.next() == KazooState.SUSPENDED
    assert states.next() == KazooState.CONNECTED
    zk.create(base + "/after")
    eventually(lambda: seen.next() == ["after"])


def test_an_expired_session_loses_its_ephemerals_and_its_watches(zk, base, connect):
    client, events = connect(), Events()
    client.create(base + "/e", ephemeral=True)
    zk.exists(base + "/e", watch=events)
    session, states = client.client_id, follow_states(client)
    expire(client)
    assert events.next().type == EventType.DELETED
    eventually(lambda: states.next() == KazooState.LOST)
    eventually(lambda: client.state == KazooState.CONNECTED)
    assert client.client_id[0] != session[0]
    with pytest.raises(NoNodeError):
        client.get(base + "/e")
    client.create(base + "/again", ephemeral=True)


def test_a_session_cannot_be_taken_with_a_wrong_password(zk, base, connect, server_kind):
    holder = connect()
    holder.create(base + "/e", ephemeral=True)
    session, states = holder.client_id[0], follow_states(holder)
    thief = connect(client_id=(session, b"x" * 16))
    eventually(lambda: thief.client_id and thief.client_id[0] not in (0, session))
    assert zk.exists(base + "/e").ephemeralOwner == session
    if server_kind == "zabd":
        assert states.none_pending(), "ZooKeeper would drop the holder's connection"


def test_a_dead_clients_ephemerals_go_when_its_session_times_out(server, zk, base):
    node, events = base + "/e", Events()
    client = subprocess.Popen([sys.executable, "-c", DYING_CLIENT, server.address, node],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert client.stdout.readline() == b"created\n"
        assert zk.exists(node, watch=events)
    finally:
        client.kill()
        client.communicate()
    assert zk.exists(node), "a session outlives its connection"
    assert events.next(timeout=15).type == EventType.DELETED


def test_a_closed_client_says_so(base, connect):
    client = connect()
    states = follow_states(client)
    client.stop()
    assert states.next() == KazooState.LOST
    with pytest.raises(ConnectionClosedError):
        client.get(base)


def test_the_timeout_is_negotiated_within_the_servers_bounds(server, connect):
    for asked, given_ms in ((0.1, 4000), (7.5, 7500), (600, 40000)):
        session = f"sid={connect(timeout=asked).client_id[0]:#x},"
        line = next(line for line in server.word("cons").splitlines() if session in line)
        assert f"to={given_ms}," in line
