"""The recipes of the C++ client contend on one path with kazoo's and with Curator's.

All contend for <base>/recipe, and each that has its turn looks into <base>/inside who else is there: see
tests/recipes/contender.cpp, which ZABD_RECIPES_CONTENDER names. Curator's side is recipes/Contender.java.
"""

import itertools
import pathlib
import subprocess
import threading

import pytest
from kazoo.client import KazooClient

import recipe_servers
from recipe_servers import start

TURNS = 40
JARS = "/usr/share/java/curator-recipes.jar:/usr/share/java/slf4j-nop.jar"
JAVA = ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
CURATOR = pathlib.Path(__file__).parent / "recipes" / "Contender.java"
RECIPES = {"lock": (["lock"], 1), "read-write-lock": (["read", "write"], 1), "semaphore": (["semaphore"], 2)}
WITH_CURATOR = {**RECIPES, "leader-latch": (["latch"], 1)}

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def contender():
    return recipe_servers.program("ZABD_RECIPES_CONTENDER", "tests/recipes/zabd-recipes-contender")


@pytest.fixture(scope="module")
def server(server_kind, tmp_path_factory):
    with recipe_servers.running(server_kind, tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def connect(server):
    clients = []

    def start():
        clients.append(KazooClient(hosts=server.address))
        clients[-1].start(timeout=20)
        return clients[-1]

    yield start
    for client in clients:
        client.stop()
        client.close()


@pytest.fixture
def base(connect):
    path = f"/interop{next(_numbers)}"
    connect().ensure_path(f"{path}/inside")
    return path


@pytest.fixture(scope="module")
def curator(tmp_path_factory):
    """How to run Curator's contender."""
    classes = tmp_path_factory.mktemp("classes")
    compiler = ["javac", "-Xlint:all,-path,-processing", "-Werror", "-cp", JARS, "-d", classes]
    subprocess.run([*compiler, CURATOR], check=True, timeout=60)
    return [*JAVA, "-cp", f"{JARS}:{classes}", "Contender"]


class Kazoo(threading.Thread):
    """A contender with a client of its own."""

    def __init__(self, client, base, kind, limit):
        super().__init__(daemon=True)
        self.turns = self.crowded = 0
        self._client = client
        self._inside = f"{base}/inside"
        self._limit = limit
        path = f"{base}/recipe"
        if kind == "semaphore":
            self._recipe = client.Semaphore(path, max_leases=limit)
        else:
            self._recipe = {"lock": client.Lock, "write": client.WriteLock}[kind](path)
        self.start()

    def run(self):
        for _ in range(TURNS):
            with self._recipe:
                self.crowded += self._stay_inside()
            self.turns += 1

    def _stay_inside(self):
        own = self._client.create(f"{self._inside}/w-", ephemeral=True, sequence=True)
        names = self._client.get_children(self._inside)
        self._client.delete(own)
        writers = sum("w-" in name for name in names)
        return writers > self._limit or writers != len(names)


def ours(contender, server, base, flavor, kind, limit):
    return start([contender, server.address, base, flavor, kind, limit, TURNS])


def check(processes, threads=()):
    """All had all their turns, and always alone enough."""
    recipe_servers.check_contenders(processes, TURNS)
    for thread in threads:
        thread.join(recipe_servers.CONTENDER_SECONDS_MAX)
        assert (thread.turns, thread.crowded) == (TURNS, 0)


@pytest.mark.parametrize("recipe", RECIPES)
def test_with_kazoo(server, contender, connect, base, recipe):
    kinds, limit = RECIPES[recipe]
    # kazoo 2.8's ReadLock waits for writers behind it too, and they for it: for ever, even where all are kazoo's.
    theirs = [kind for kind in kinds if kind != "read"]
    threads = [Kazoo(connect(), base, kind, limit) for kind in theirs * 2]
    check([ours(contender, server, base, "kazoo", kind, limit) for kind in kinds * 2], threads)


@pytest.mark.parametrize("recipe", WITH_CURATOR)
def test_with_curator(server, contender, curator, base, recipe):
    kinds, limit = WITH_CURATOR[recipe]
    theirs = [start([*curator, server.address, base, kind, limit, TURNS]) for kind in kinds * 2]
    check(theirs + [ours(contender, server, base, "curator", kind, limit) for kind in kinds * 2])
