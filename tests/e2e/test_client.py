"""The C++ client: each case of zabd-client-tests, and zabd-client-soak for a few seconds, against a live server.

ZABD_CLIENT_TESTS and ZABD_CLIENT_SOAK name the programs.
"""

import os
import subprocess

import pytest

from recipe_servers import program

TESTS_SECONDS_MAX = 180
SOAK_SECONDS = 8
SOAK_SECONDS_MAX = 180


@pytest.fixture
def server(server_kind, make_server):
    # Tests open many sessions from one address, and some that are to end soon.
    config = {"extendedTypesEnabled": "true"} if server_kind == "zabd" else {}
    return make_server(config=config, maxClientCnxns=0, minSessionTimeout=100).start()


def run(command, seconds_max, **environment):
    """All that it prints, if it ends well and in time."""
    done = subprocess.run(command, env={**os.environ, **environment}, timeout=seconds_max, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_client(server):
    run([program("ZABD_CLIENT_TESTS", "tests/client/zabd-client-tests")], TESTS_SECONDS_MAX, ZABD_CONNECT=server.address)


def test_soak(server, seed):
    soak = program("ZABD_CLIENT_SOAK", "tests/client/zabd-client-soak")
    print(run([soak, "--server", server.address, "--seconds", str(SOAK_SECONDS), "--seed", str(seed)],
              SOAK_SECONDS_MAX))
