"""Apache Curator 5.4: one program that goes through its recipes; what each of them saw is a test of its own."""

import glob
import itertools
import re

import pytest
from programs import HERE, Program, build, require

RECIPES = "/usr/share/java/curator-recipes.jar"  # its manifest names the jars that it needs
TOUR_SECONDS_MAX = 90

EXPECTED = {
    "mutex": "refused=true reentrant=true participants=1 passed-on=true left=0",
    "mutex-contention": "turns=50 at-once=1",
    "read-write-lock": "shared=true writer-waits=true writes=true reader-waits=true",
    "semaphore": "full=true free=true holders=2",
    "leader-latch": "latch-0 latch-1 latch-2",
    "leader-selector": "at-once=1",
    "barrier": "held=true lifted=true",
    "double-barrier": "entered=4 left=4 too-early=0",
    "curator-cache": "created(top) created(old) initialized() created(a) created(b) changed(b) deleted(old) size=3",
    "curator-cache-load": "size=101",
    "persistent-watch": "NodeDataChanged(top) NodeDataChanged(top) NodeChildrenChanged(top) NodeChildrenChanged(top) "
                        "PersistentWatchRemoved(top)",
    "node-cache": "1() 2() none()",
    "path-children-cache": "CHILD_ADDED(old) CHILD_ADDED(new) CHILD_UPDATED(new) CHILD_REMOVED(new)",
    "tree-cache": "mirrored",
    "basics": "hello version=1 background=true exists=false",
    "protected-create": "<guid>n-0000000000",
    "container": "with-child=true reaped watch=true",
    "ttl": "short-0000000001 reaped child-keeps=true long=true",
    "persistent-ttl-node": "created=true touched reaped",
    "transaction": "CHECK CREATE SET_DATA s-0000000001 version=1 refused kept=true",
    "atomic-long": "sum=100",
    "shared-count": "followed try-set=true",
    "queue": "abc then null",
    "group": "joined left",
    "session-expiry": "recreated",
    "server-restart": "same-session=true same-node=true leads cached",
}


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    require("/usr/share/java/slf4j-nop.jar", "libslf4j-java")
    target = tmp_path_factory.mktemp("classes")
    sources = sorted(glob.glob(f"{HERE}/curator/*.java"))
    build([require("/usr/bin/javac", "default-jdk-headless"), "-Xlint:all,-path,-processing", "-Werror",
           "-cp", require(RECIPES, "libcurator-recipes-java"), "-d", target, *sources])
    return target


class Tours:
    """seen: what the program printed for each scenario, by name, when it ran all of them."""

    def __init__(self, server, classes, directory):
        self._server = server
        self._directory = directory
        self._command = ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
                         "-cp", f"{classes}:{RECIPES}:/usr/share/java/slf4j-nop.jar", "Tour", server.address]
        self._numbers = itertools.count(1)
        before = self._kills()
        self.seen = self._run()
        self.disturbed = self._kills() != before

    def again(self, scenario):
        return self._run(scenario).get(scenario)

    def _kills(self):
        return getattr(self._server, "kills", 0)

    def _run(self, *scenarios):
        with Program([*self._command, f"/curator{next(self._numbers)}", *scenarios], cwd=self._directory) as program:
            if not scenarios or "server-restart" in scenarios:
                program.expect("^restart$", timeout=TOUR_SECONDS_MAX)
                self._server.restart()
                program.say("")
            program.end(timeout=TOUR_SECONDS_MAX)
            return dict(re.findall(r"^([\w-]+): (.*)$", program.output, re.MULTILINE))


@pytest.fixture(scope="module")
def tours(server, classes, tmp_path_factory):
    return Tours(server, classes, tmp_path_factory.mktemp("tour"))


@pytest.mark.parametrize("scenario", EXPECTED)
def test_curator(tours, scenario):
    seen = tours.seen.get(scenario)
    if seen != EXPECTED[scenario] and tours.disturbed:
        seen = tours.again(scenario)
    assert seen == EXPECTED[scenario]


def test_every_scenario_is_held_to_a_result(tours):
    assert set(tours.seen) == set(EXPECTED)
