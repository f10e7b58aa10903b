"""Fixtures of the tests with third-party clients: one server per test module, kazoo clients that are closed again.

With --server zabd-ensemble the server is one ensemble for all modules, whose leader is killed again and again
(restless.py).
"""

import itertools
import re
import signal

import pytest
from _pytest.runner import runtestprotocol
from kazoo.client import KazooClient
from kazoo.protocol.states import KazooState

import harness
from restless import RestlessEnsemble
from waiting import eventually

CONFIG = {"4lw.commands.whitelist": "*", "extendedTypesEnabled": "true", "maxClientCnxns": 0,
          "znode.container.checkIntervalMs": 300}
TEST_SECONDS_MAX = 100
TRIES = 4  # of a test that a killed leader has disturbed

_restless = []  # the ensemble, if that is what runs
_numbers = itertools.count(1)


def pytest_runtest_protocol(item, nextitem):
    """Runs a test again that failed while a leader was killed."""
    if item.config.getoption("--server") != "zabd-ensemble":
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for attempt in range(TRIES):
        before = unrest()
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        disturbed = before % 2 or unrest() != before
        if not disturbed or attempt + 1 == TRIES or not any(report.failed for report in reports):
            break
        for ensemble in _restless:
            ensemble.await_rest()
        item._initrequest()
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def pytest_terminal_summary(terminalreporter):
    for ensemble in _restless:
        terminalreporter.write_line(f"{ensemble.kills} leaders were killed")


def unrest():
    return sum(ensemble.unrest for ensemble in _restless)


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


@pytest.fixture(scope="session")
def restless_ensemble(request, tmp_path_factory):
    every = request.config.getoption("--kill-every")
    with RestlessEnsemble(tmp_path_factory.mktemp("ensemble"), CONFIG, every) as running:
        _restless.append(running)
        yield running


@pytest.fixture(scope="module")
def server(request, server_kind, tmp_path_factory):
    """A running server; a test that restarts it leaves it running."""
    if request.config.getoption("--server") == "zabd-ensemble":
        yield request.getfixturevalue("restless_ensemble")
        return
    with harness.server_of_kind(server_kind, tmp_path_factory.mktemp("server"), config=CONFIG) as running:
        yield running
        assert running.running(), f"the server ended with {running.process.returncode}:\n{running.log_text()}"


@pytest.fixture
def modes(request):
    """Of which the server's mode is one."""
    alone = request.config.getoption("--server") != "zabd-ensemble"
    return {"standalone"} if alone else {"leader", "follower"}


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
    name = re.sub(r"\W+", "-", request.node.name)
    path = f"/{name}-{next(_numbers)}"
    zk.create(path)
    return path
