"""That the benchmark's programs work: a short run each, on zabd and the echo server; figures do not matter."""

import os

import pytest

import client_library
import contestants

SHORT = {"seconds": 0.3, "warm_up": 0.1, "sessions": 4, "nodes": 100, "parents": 10}


@pytest.fixture(scope="module")
def programs():
    return contestants.Programs(os.environ["ZABD_BUILD"])


@pytest.fixture(scope="module")
def zabd(programs, tmp_path_factory):
    server = programs.start("zabd", tmp_path_factory.mktemp("bench") / "zabd")
    yield server
    server.kill()


@pytest.mark.parametrize(
    "workload", ["get", "exists", "children", "set", "mixed", "create", "ephemeral", "watch", "connect"])
def test_a_workload_runs_without_errors(programs, zabd, workload):
    run = programs.generate(zabd, workload, **SHORT)
    assert run["ok"] and run["errors"] == {}
    assert run["operations"] > 0
    assert 0 < run["p50_us"] <= run["p99_us"] <= run["p999_us"] <= run["max_us"]
    assert run["server_cpu_seconds"] > 0


def test_an_open_loop_keeps_its_rate(programs, zabd):
    run = programs.generate(zabd, "get", rate=1000, **{**SHORT, "seconds": 1})
    assert 900 <= run["per_second"] <= 1100


def test_every_refused_request_is_reported(programs, zabd):
    """The second load finds all nodes there."""
    programs.generate(zabd, "load", sessions=4, nodes=200, parents=10)
    run = programs.generate(zabd, "load", sessions=4, nodes=200, parents=10)
    assert not run["ok"] and run["errors"] == {"-110": 200}


def test_idle_sessions_cost_memory(programs, zabd):
    run = programs.generate(zabd, "idle", sessions=300, settle=0.1)
    # Few sessions cost less than what a server gives back meanwhile, so of the bytes only their presence is asked for.
    assert run["sessions"] == 300 and run["rss_after_bytes"] > 0 and "rss_bytes_per_session" in run


def test_the_echo_server_is_driven_like_a_server(programs):
    server = contestants.Echo(programs.echo)
    try:
        run = programs.generate(server, "get", **SHORT)
    finally:
        server.kill()
    assert run["ok"] and run["operations"] > 0 and run["syncs_per_second"] is None


def test_the_disk_is_measured_in_three_ways(programs, tmp_path):
    run = programs.measure_disk(tmp_path, 0.1)
    assert all(run[way]["operations"] > 0 for way in ("overwriting", "filling", "appending"))
    assert not list(tmp_path.iterdir())


def test_a_server_that_is_not_there_is_an_error(programs, zabd):
    gone = contestants.Echo(programs.echo)
    gone.kill()
    with pytest.raises(contestants.RunFailed, match="process"):
        programs.generate(gone, "get", **SHORT)


@pytest.mark.parametrize("library", client_library.LIBRARIES)
@pytest.mark.parametrize("operation", client_library.OPERATIONS)
def test_a_client_library_is_measured(programs, zabd, library, operation):
    run = client_library.measure(programs.client, zabd, library, operation, seconds=0.3, in_flight=4)
    assert run["operations"] > 0 and run["cpu_us_per_operation"] > 0
