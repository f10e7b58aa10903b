"""What the recipes' tests run, and what against: a zabd, an ensemble whose leader is killed again and again, ZooKeeper.
"""

import contextlib
import os
import pathlib
import subprocess
import sys

import harness

sys.path.append(str(pathlib.Path(__file__).parent / "clients"))
from restless import RestlessEnsemble  # noqa: E402

KINDS = ("zabd", "zabd-ensemble", "zookeeper")
SHORT_SESSIONS = {"tickTime": 200, "maxSessionTimeout": 40000}
CONFIG = {"maxClientCnxns": 0, "znode.container.checkIntervalMs": 300, "4lw.commands.whitelist": "*"}
KILL_EVERY = 1
CONTENDER_SECONDS_MAX = 90


def program(variable, path):
    """A program of the C++ build, as an environment variable names it."""
    found = os.environ.get(variable, "")
    if not os.access(found, os.X_OK):
        raise harness.ServerFailed(f"set {variable} to {path} of the build directory (it is '{found}')")
    return os.path.abspath(found)


@contextlib.contextmanager
def running(kind, directory):
    """A server of the kind, with an .address."""
    if kind == "zabd-ensemble":
        with RestlessEnsemble(directory, CONFIG, KILL_EVERY) as ensemble:
            yield ensemble
    else:
        with harness.server_of_kind(kind, directory, config=CONFIG, **SHORT_SESSIONS) as server:
            yield server


def start(command):
    words = [str(word) for word in command]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def check_contenders(processes, turns):
    """All contenders (tests/recipes/contender.cpp) have had all their turns, and always alone enough."""
    try:
        for process in processes:
            output, _ = process.communicate(timeout=CONTENDER_SECONDS_MAX)
            assert output == f"turns={turns} crowded=0\n"
    finally:
        for process in processes:
            process.kill()
            process.wait()
