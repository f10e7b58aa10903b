"""The server itself deletes emptied containers and overdue TTL nodes, and tells watchers as for any delete."""

import time

import pytest

import wire
from wire import Err, EventType, Mode, Op, WatchMode

SETTINGS = {"extendedTypesEnabled": "true", "znode.container.checkIntervalMs": 200, "tickTime": 1000}


@pytest.fixture
def client(make_server):
    server = make_server(config=SETTINGS).start()
    with wire.open_session(server, timeout_ms=20000) as link:
        link.result(Op.CREATE, wire.create("/home"))
        yield link


def next_event(link):
    """The next event; one that has come already counts."""
    event = link.events.pop(0) if link.events else link.receive()
    return event.type, event.path


def test_a_container_goes_after_its_last_child(client):
    client.result(Op.CREATE_CONTAINER, wire.create("/home/c", flags=Mode.CONTAINER))
    client.result(Op.CREATE, wire.create("/home/c/child"))
    client.result(Op.GET_CHILDREN, wire.get_children("/home", True))
    client.result(Op.EXISTS, wire.exists("/home/c", True))
    client.result(Op.DELETE, wire.delete("/home/c/child"))
    assert next_event(client) == (EventType.DELETED, "/home/c")
    assert next_event(client) == (EventType.CHILDREN_CHANGED, "/home")
    reply = client.call(Op.CREATE, wire.create("/home/c/another"))
    assert reply.err == Err.NO_NODE


def test_a_ttl_node_goes_when_it_was_not_written_for_so_long(client):
    began = time.time()
    client.result(Op.CREATE_TTL, wire.create_ttl("/home/t", ttl_ms=1000))
    client.result(Op.EXISTS, wire.exists("/home/t", True))
    assert next_event(client) == (EventType.DELETED, "/home/t")
    assert time.time() - began > 0.99


def test_what_is_not_due_stays(client):
    """A container never used, one with a child, a TTL node with a child, one that is written again and again."""
    client.result(Op.CREATE_CONTAINER, wire.create("/home/new", flags=Mode.CONTAINER))
    client.result(Op.CREATE_CONTAINER, wire.create("/home/full", flags=Mode.CONTAINER))
    client.result(Op.CREATE, wire.create("/home/full/child"))
    client.result(Op.CREATE_TTL, wire.create_ttl("/home/parent", ttl_ms=300))
    client.result(Op.CREATE, wire.create("/home/parent/child"))
    client.result(Op.CREATE_TTL, wire.create_ttl("/home/written", ttl_ms=1000))
    client.result(Op.CREATE_TTL, wire.create_ttl("/home/clock", ttl_ms=1500))
    client.result(Op.ADD_WATCH, wire.add_watch("/home/clock", WatchMode.PERSISTENT))
    while not client.events:
        client.result(Op.SET_DATA, wire.set_data("/home/written", b"again"))
        time.sleep(0.1)
    assert next_event(client) == (EventType.DELETED, "/home/clock")
    assert set(client.result(Op.GET_CHILDREN, wire.get_children("/home"))) == {"new", "full", "parent", "written"}
    client.result(Op.EXISTS, wire.exists("/home/parent", True))
    client.result(Op.DELETE, wire.delete("/home/parent/child"))
    assert next_event(client) == (EventType.DELETED, "/home/parent")


def test_what_was_due_while_the_server_was_down_goes_after_its_start(make_server):
    server = make_server(config=SETTINGS).start()
    with wire.open_session(server) as link:
        link.result(Op.CREATE_TTL, wire.create_ttl("/t", ttl_ms=500))
        link.result(Op.CREATE_CONTAINER, wire.create("/c", flags=Mode.CONTAINER))
        link.result(Op.CREATE, wire.create("/c/child"))
        link.result(Op.DELETE, wire.delete("/c/child"))
        server.kill()
    server.start()
    with wire.open_session(server) as link:
        missing = set()
        while len(missing) < 2:
            missing = {path for path in ("/t", "/c") if link.call(Op.EXISTS, wire.exists(path)).err == Err.NO_NODE}
            time.sleep(0.02)
