"""zabd and Apache ZooKeeper answer the same random operations alike; see differential.py.

With --server zookeeper the reference is compared with itself, which proves the driver.
"""

import pytest

import harness
import workload
from differential import Pair


@pytest.fixture
def servers(make_server, tmp_path):
    """Starts the reference and the subject with the same settings; gives both."""
    running = []

    def start(settings):
        running.append(harness.zookeeper(tmp_path / "reference", config={**settings, "forceSync": "no"}).start())
        running.append(make_server(config=settings).start())
        return running

    yield start
    for server in running:
        server.kill()


def test_random_operations(servers, server_kind, seed, request):
    pair = Pair(*servers(workload.SETTINGS), subject_is_zabd=server_kind == "zabd")
    load = workload.Workload(pair, seed)
    load.run(request.config.getoption("--operations"))
    load.final_checks()
    print(f"{pair.requests} requests, {pair.events} events, no difference")


def test_enforced_quotas(servers, server_kind, seed):
    """Hard limits refuse, soft ones do not, and the counts agree after every step."""
    pair = Pair(*servers({**workload.SETTINGS, "enforceQuota": "true"}), subject_is_zabd=server_kind == "zabd")
    load = workload.Workload(pair, seed)
    load.run_quotas(2000)
    load.final_checks()
