"""The recipes of the C++ client: each case of zabd-recipes-tests against a live server, as a process of its own.

ZABD_RECIPES_TESTS names the program. On the ensemble, whose leader is killed every few seconds, a case that failed
while that happened is run again: calls that are in flight then may fail, and grants are uncertain for a moment.
Exclusion that was broken is never excused.
"""

import os
import subprocess
import time

import pytest

import recipe_servers

CASE_SECONDS_MAX = 60
TRIES = 4
EXCLUSION = ("crowded", "room.most")  # how a case says that there were too many
KILLS = 3
TURNS_AT_ONCE = 30


@pytest.fixture(scope="module")
def program():
    return recipe_servers.program("ZABD_RECIPES_TESTS", "tests/recipes/zabd-recipes-tests")


@pytest.mark.parametrize("kind", recipe_servers.KINDS)
def test_recipes(kind, request, program, tmp_path):
    if request.config.getoption("--server") == "zookeeper" and kind != "zookeeper":
        pytest.skip("another server was asked for")
    cases = subprocess.run([program, "--list-test-names-only"], capture_output=True, text=True).stdout.splitlines()
    assert cases
    with recipe_servers.running(kind, tmp_path) as server:
        failures = [text for case in cases if (text := failure_of(case, program, server))]
    assert not failures, "\n".join(failures)


@pytest.mark.parametrize("flavor, recipe, limit", [("curator", "lock", 1), ("kazoo", "semaphore", 2)])
def test_exclusion_while_leaders_are_killed(flavor, recipe, limit, only_zabd, tmp_path):
    contender = recipe_servers.program("ZABD_RECIPES_CONTENDER", "tests/recipes/zabd-recipes-contender")
    with recipe_servers.running("zabd-ensemble", tmp_path) as server:
        while server.kills < KILLS:
            command = [contender, server.address, "/contest", flavor, recipe, limit, TURNS_AT_ONCE]
            recipe_servers.check_contenders([recipe_servers.start(command) for _ in range(4)], TURNS_AT_ONCE)


def failure_of(case, program, server):
    """What the case printed when it failed; None if it did not."""
    for _ in range(TRIES):
        before = unrest(server)
        failure = run(case, program, server.address)
        disturbed = before % 2 or unrest(server) != before
        if not failure or not disturbed or any(word in failure for word in EXCLUSION):
            return failure
        while unrest(server) % 2:
            time.sleep(0.05)
    return failure


def unrest(server):
    """Odd while a leader is being killed, and then grows."""
    return getattr(server, "unrest", 0)


def run(case, program, address):
    command = [program, case.replace(",", "\\,")]
    try:
        done = subprocess.run(command, env={**os.environ, "ZABD_CONNECT": address}, timeout=CASE_SECONDS_MAX,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except subprocess.TimeoutExpired:
        return f"{case}: not done after {CASE_SECONDS_MAX} s"
    return None if done.returncode == 0 else f"{case}: exit code {done.returncode}\n{done.stdout}"
