"""Options and fixtures of the end-to-end tests.

Run one file as `python3 -m pytest tests/e2e/test_x.py --server zabd` with ZABD_BINARY set, or with
`--server zookeeper` to hold the same test against Apache ZooKeeper.
"""

import itertools
import random
import signal
import sys

import pytest

import harness


def pytest_addoption(parser):
    parser.addoption("--server", choices=("zabd", "zookeeper", "zabd-ensemble"), default="zabd",
                     help="the server under test; zabd-ensemble for tests/e2e/clients alone")
    parser.addoption("--kill-every", type=float, default=10, help="seconds between kills of zabd-ensemble's leader")
    parser.addoption("--seed", type=int, default=None, help="replays a random test; default: a new seed, printed")
    parser.addoption("--operations", type=int, default=20000, help="length of the differential test")
    parser.addoption("--rounds", type=int, default=None,
                     help="of the kill -9 test (default 50, ZooKeeper 4), of the ensemble's nemesis (4) and rollover (20)")


def pytest_configure():
    """A terminated test run still stops its servers."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))


@pytest.fixture(scope="session")
def server_kind(request):
    """'zabd' or 'zookeeper'. Tests that only make sense for one of them skip on the other."""
    return request.config.getoption("--server").removesuffix("-ensemble")


@pytest.fixture
def only_zabd(server_kind):
    if server_kind != "zabd":
        pytest.skip("a property of zabd alone")


@pytest.fixture
def seed(request):
    """--seed, or a new one; pytest shows it when the test fails."""
    value = request.config.getoption("--seed")
    value = random.randrange(1 << 31) if value is None else value
    print(f"seed {value}")
    return value


@pytest.fixture
def make_server(server_kind, tmp_path):
    """A function of zoo.cfg keys (see harness.zabd) that gives a new server, not yet started."""
    made = []
    numbers = itertools.count(1)

    def make(**settings):
        made.append(harness.server_of_kind(server_kind, tmp_path / f"server{next(numbers)}", **settings))
        return made[-1]

    yield make
    for server in made:
        server.kill()
