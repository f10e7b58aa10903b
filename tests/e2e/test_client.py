"""The C++ client: each case of zabd-client-tests, and zabd-client-soak for a few seconds, against a live server.

ZABD_CLIENT_TESTS and ZABD_CLIENT_SOAK name the programs.
"""

import os
import pathlib
import subprocess

import pytest

BUILD = pathlib.Path(__file__).resolve().parents[2] / "build/release/tests/client"
TESTS_SECONDS_MAX = 180
SOAK_SECONDS = 8
SOAK_SECONDS_MAX = 180


@pytest.fixture
def server(server_kind, make_server):
    # Tests open many sessions from one address, and some that are to end soon.
    config = {"extendedTypesEnabled": "true"} if server_kind == "zabd" else {}
    return make_server(config=config, maxClientCnxns=0, minSessionTimeout=100).start()


def program(variable, name):
    path = os.environ.get(variable, BUILD / name)
    if not os.path.exists(path):
        pytest.skip(f"{variable} is not set, and there is no {path}")
    return path


def run(command, seconds_max, **environment):
    """All that it prints, if it ends well and in time."""
    done = subprocess.run(command, env={**os.environ, **environment}, timeout=seconds_max, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_client(server):
    run([program("ZABD_CLIENT_TESTS", "zabd-client-tests")], TESTS_SECONDS_MAX, ZABD_CONNECT=server.address)


def test_soak(server, seed):
    soak = program("ZABD_CLIENT_SOAK", "zabd-client-soak")
    print(run([soak, "--server", server.address, "--seconds", str(SOAK_SECONDS), "--seed", str(seed)],
              SOAK_SECONDS_MAX))
