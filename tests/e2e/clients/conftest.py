"""Fixtures of the tests with third-party clients: one server per test module, kazoo clients that are closed again."""

import re
import signal

import pytest
from kazoo.client import KazooClient
from kazoo.protocol.states import KazooState

import harness
from waiting import eventually

CONFIG = {"4lw.commands.whitelist": "*", "extendedTypesEnabled": "true", "maxClientCnxns": 0,
          "znode.container.checkIntervalMs": 300}
TEST_SECONDS_MAX = 100


@pytest.fixture(autouse=True)
def deadline():
    """A server that does not answer fails the test, which would otherwise wait for ever."""
    def give_up(*_):
        raise TimeoutError(f"the test has not ended within {TEST_SECONDS_MAX} s")

    previous = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(TEST_SECONDS_MAX)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)


@pytest.fixture(scope="module")
def server(request, tmp_path_factory):
    """A running server; a test that restarts it leaves it running."""
    make = getattr(harness, request.config.getoption("--server"))
    with make(tmp_path_factory.mktemp("server"), config=CONFIG) as running:
        yield running
        assert running.running(), f"the server ended with {running.process.returncode}:\n{running.log_text()}"


@pytest.fixture
def connect(server):
    """A function that returns a new, connected KazooClient."""
    clients = []
    reconnect_soon = {"max_tries": -1, "delay": 0.02, "max_delay": 0.2}

    def start(**options):
        client = KazooClient(**{"hosts": server.address, "timeout": 10, "connection_retry": reconnect_soon, **options})
        clients.append(client)
        client.start(timeout=30)
        return client

    yield start
    for client in clients:
        eventually(lambda: client.state != KazooState.SUSPENDED)  # kazoo is slow to stop while it reconnects
        client.stop()
        client.close()


@pytest.fixture
def zk(connect):
    return connect()


@pytest.fixture
def base(zk, request):
    """An empty node that is this test's own."""
    path = "/" + re.sub(r"\W+", "-", request.node.name)
    zk.create(path)
    return path
