"""scripts/migrate as an operator runs it: the servers of a live ensemble are replaced one by one, to zabd and back."""

import pathlib
import re
import subprocess
import sys
import threading

import pytest
from kazoo.client import KazooClient, KazooState

import harness
import mixed
from histories import Load
from mixed import ZABD, ZOOKEEPER, MixedEnsemble

pytestmark = mixed.needs_java

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "migrate"
SCRIPT_SECONDS = 180
TO = {ZABD: "to-zabd", ZOOKEEPER: "to-zookeeper"}


class Operator(threading.Thread):
    """Stops and starts members for the script, whose commands put a file down and wait until it is gone."""

    def __init__(self, ensemble, directory):
        super().__init__(daemon=True)
        self._ensemble = ensemble
        self._directory = directory
        self._over = threading.Event()
        self.start()

    def command(self, what, number, kind):
        note = self._directory / f"{what}-{number}-{kind}"
        return f"touch {note}; while [ -e {note} ]; do sleep 0.02; done"

    def close(self):
        self._over.set()
        self.join()

    def run(self):
        while not self._over.wait(0.02):
            for note in [*self._directory.glob("stop-*"), *self._directory.glob("start-*")]:
                what, number, kind = note.name.split("-")
                if what == "stop":
                    self._ensemble.stop(int(number))
                else:
                    self._ensemble.become(int(number), kind, keeps_files=True)
                    self._ensemble.launch(int(number))
                note.unlink()


@pytest.fixture
def ensemble(server_kind, tmp_path):
    if server_kind != ZABD:
        pytest.skip("one of the servers is always zabd")
    with MixedEnsemble(tmp_path / "ensemble", {n: ZOOKEEPER for n in (1, 2, 3)}, initLimit=100) as ensemble:
        yield ensemble


@pytest.fixture
def operator(ensemble, tmp_path):
    operator = Operator(ensemble, tmp_path)
    yield operator
    operator.close()


def migrate(ensemble, operator, number, kind, *options):
    """The script's end and what it said."""
    command = [sys.executable, SCRIPT, TO[kind], ensemble[number].config_file, "--zabd", harness.zabd_binary(),
               "--stop", operator.command("stop", number, kind), "--start", operator.command("start", number, kind),
               "--wait", "120", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=SCRIPT_SECONDS)


def replace_all(ensemble, operator, kind, *options):
    """The leader last."""
    for number in [*ensemble.followers(), ensemble.leader()]:
        done = migrate(ensemble, operator, number, kind, *options, "--go")
        assert done.returncode == 0, done.stdout + done.stderr
        ensemble.await_all_in()


class KazooUser:
    """A client as people have it: what it is told of its session, and counts what it was told is written."""

    def __init__(self, ensemble):
        self.states = []
        self.client = KazooClient(",".join(member.address for member in ensemble.members.values()), timeout=10)
        self.client.add_listener(self.states.append)
        self.client.start(timeout=60)
        self.client.create("/counted")
        self.client.create("/mine", ephemeral=True)
        self.session = self.client.client_id[0]
        self.counted = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._over.wait(0.01):
            self.client.retry(self.client.create, "/counted/n-", sequence=True)
            self.counted += 1

    def judge(self):
        self._over.set()
        self._thread.join(60)
        assert not self._thread.is_alive()
        assert KazooState.LOST not in self.states
        assert self.client.client_id[0] == self.session
        assert self.client.exists("/mine").ephemeralOwner == self.session
        assert len(self.client.get_children("/counted")) >= self.counted > 100
        self.client.stop()
        self.client.close()


class CuratorUser:
    """The same by Curator: a protected create retried by it is made once, so that as many are there as were told."""

    SOURCE = pathlib.Path(__file__).with_name("CuratorUser.java")
    JARS = ("curator-recipes", "curator-framework", "curator-client", "zookeeper", "slf4j-nop")

    def __init__(self, ensemble):
        hosts = ",".join(member.address for member in ensemble.members.values())
        jars = ":".join(f"/usr/share/java/{jar}.jar" for jar in self.JARS)
        command = ["java", "-Xmx256m", "-XX:+UseSerialGC", "-cp", jars, self.SOURCE, hosts]
        self._process = subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout.readline() == "started\n"

    def judge(self):
        told, _ = self._process.communicate("\n", timeout=60)
        seen = re.fullmatch(r"lost=false same-session=true acknowledged=(\d+) kept=(\d+)\n", told)
        assert seen, told
        assert int(seen[1]) == int(seen[2]) > 100, told

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


@pytest.mark.parametrize("options", [(), ("--empty",)], ids=["its-files-are-read", "from-nothing"])
def test_an_ensemble_is_moved_to_zabd_and_back_under_load(ensemble, operator, seed, options):
    servers = list(ensemble.members.values())
    user = KazooUser(ensemble)
    with CuratorUser(ensemble) as curator_user, Load({**{n: [member] for n, member in ensemble.members.items()}, "rover": servers}, seed) as load:
        load.await_answers()
        replace_all(ensemble, operator, ZABD, *options)
        assert ensemble.of_kind(ZOOKEEPER) == []
        load.await_answers()
        replace_all(ensemble, operator, ZOOKEEPER)
        assert ensemble.of_kind(ZABD) == []
        load.await_answers()
        curator_user.judge()
    load.judge()
    user.judge()
    ensemble.await_converged()


def test_without_go_it_is_only_told(ensemble, operator):
    number = ensemble.followers()[0]
    before = ensemble[number].pid
    told = migrate(ensemble, operator, number, ZABD)
    assert told.returncode == 0, told.stderr
    assert "zabd import" in told.stdout and "Nothing has been done" in told.stdout
    assert ensemble[number].running() and ensemble[number].pid == before


@pytest.mark.parametrize("what", ["leader", "away", "same", "sasl"])
def test_what_is_not_wise_is_refused_with_a_reason(ensemble, operator, what):
    number = ensemble.leader() if what == "leader" else ensemble.followers()[0]
    if what == "away":
        ensemble.kill(ensemble.followers()[1])
    if what == "sasl":
        ensemble[number].write_config(**{"quorum.auth.enableSasl": "true"})
    kind = ZOOKEEPER if what == "same" else ZABD
    refused = migrate(ensemble, operator, number, kind, "--go")
    reason = {"leader": "leads: replace it last", "away": "does not answer srvr", "same": "is ZooKeeper already",
              "sasl": "SASL"}[what]
    assert refused.returncode == 1 and re.search(reason, refused.stderr), refused.stderr
    assert ensemble[number].running()
