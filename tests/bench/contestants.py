"""Who is measured: zabd, Apache ZooKeeper, and the two ceilings of the machine; and how to run the generator on them.

Both servers run with the settings that they have by themselves, except: they listen on loopback, answer all four-letter
words, and let one address have any number of connections. Both sync before they answer.
"""

import dataclasses
import json
import os
import pathlib
import subprocess
import time

import harness
from ensemble import Ensemble

MEMBERS = 3
ZOOKEEPER_HEAP = "4g"  # about what Java would take of a machine of this size; otherwise the JVM is left as it is
ZOOKEEPER_MEMBER_HEAP = "2g"
STOP_SECONDS_MAX = 300  # with a last checkpoint or snapshot
QUIET_SECONDS_MAX = 15
QUIET_SHARE = 0.03  # of one processor: what an idle JVM uses is below

_TIMES = {"tickTime": 2000, "initLimit": 10, "syncLimit": 5, "maxSessionTimeout": 40000}  # those of ZooKeeper's sample
_SETTINGS = {"maxClientCnxns": 0, "4lw.commands.whitelist": "*", "admin.enableServer": "false"}


class RunFailed(Exception):
    """The generator ended with an error; the text is what it said."""


class Programs:
    """The programs under `build`, a build directory."""

    def __init__(self, build):
        build = pathlib.Path(build)
        self.zabd = build / "server" / "zabd"
        self.bench = build / "tests" / "bench" / "zabd-bench"
        self.echo = build / "tests" / "bench" / "zabd-bench-echo"
        self.disk = build / "tests" / "bench" / "zabd-bench-disk"
        self.client = build / "tests" / "bench" / "zabd-bench-client"

    def generate(self, server, workload, **options):
        """One run of the generator on a running server: its JSON as a dict. `in_flight=4` becomes `--in-flight 4`."""
        words = [workload, "--port", server.port, "--pid", server.pid]
        for name, value in options.items():
            words += [f"--{name.replace('_', '-')}"] + ([] if value is True else [value])
        return _json_of([self.bench, *words])

    def measure_disk(self, directory, seconds):
        """The bare fdatasync loop on the file system of `directory`."""
        return _json_of([self.disk, "--directory", directory, "--seconds", seconds])

    def start(self, kind, directory, **config):
        """A running server of its own, in a directory that is not there yet: kind is zabd, zookeeper or echo; with -3
        behind it an ensemble of so many."""
        directory = pathlib.Path(directory)
        if kind.endswith(f"-{MEMBERS}"):
            os.environ["ZABD_BINARY"] = str(self.zabd)
            return Members(directory, kind.removesuffix(f"-{MEMBERS}"), config)
        if kind == "echo":
            return Echo(self.echo)
        if kind == "zabd":
            os.environ["ZABD_BINARY"] = str(self.zabd)
            return harness.zabd(directory, {**_SETTINGS, **config}).start()
        return harness.Server(directory, _java_command(), {"tickTime": 2000, **_SETTINGS, **config}).start()


class Echo:
    """The echo server, with as much of harness.Server's face as is used here."""

    def __init__(self, program):
        self.port = harness.free_port()
        self.process = subprocess.Popen([program, "--port", str(self.port)], stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + harness.START_SECONDS
        while not harness.listens(self.pid, self.port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise harness.ServerFailed("the echo server does not start")
            time.sleep(0.01)

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process.poll() is None

    def kill(self):
        self.process.kill()
        self.process.wait()


class Members:
    """An ensemble with as much of harness.Server's face as is used here. Sessions are spread over its members."""

    def __init__(self, directory, kind, config):
        self._ensemble = _BenchEnsemble(directory, kind, voters=MEMBERS, config={**_TIMES, **_SETTINGS, **config})
        self._ensemble.start()

    @property
    def port(self):
        return ",".join(str(member.port) for member in self._ensemble.members.values())

    @property
    def pid(self):
        return ",".join(str(member.pid) for member in self._ensemble.members.values())

    def at_leader(self):
        """The same servers; sessions go to the leader alone."""
        leader = self._ensemble[self._ensemble.leader()]
        return AtLeader(leader.port, self.pid)

    def kill(self):
        self._ensemble.kill_all()


@dataclasses.dataclass
class AtLeader:
    port: int
    pid: str


class _BenchEnsemble(Ensemble):
    def _member(self, directory, number, port, common):
        if self.kind == "zabd":
            return super()._member(directory, number, port, common)
        member = harness.Server(directory, _java_command("quorum.QuorumPeerMain", ZOOKEEPER_MEMBER_HEAP),
                                {**common, "clientPort": port})
        self._write_number(member, number)
        return member


def stop(server):
    """Ends the server in order. How it exits is its own matter (a JVM says 143), but it must not crash."""
    code = server.stop(STOP_SECONDS_MAX)
    if code < 0:
        raise harness.ServerFailed(f"ended by signal {-code} when asked to stop:\n{server.log_text()}")


def await_quiet(server):
    """Returns when the server has been idle for two seconds, or after a while in any case; answers the seconds.

    Of an ensemble all members: they have to keep in touch, so three times as much is still quiet."""
    start = time.monotonic()
    idle = 0
    while idle < 2 and time.monotonic() - start < QUIET_SECONDS_MAX:
        before, since = cpu_seconds(server.pid), time.monotonic()
        time.sleep(1)
        used = cpu_seconds(server.pid) - before
        share = QUIET_SHARE * len(str(server.pid).split(","))
        idle = idle + 1 if used < share * (time.monotonic() - since) else 0
    return time.monotonic() - start


def cpu_seconds(pid):
    """Processor time of the process so far, in the resolution of the kernel's ticks; of several, named "1,2,3", the sum."""
    return sum(_cpu_seconds_of(one) for one in str(pid).split(","))


def _cpu_seconds_of(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_bytes(pid):
    """VmRSS."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise harness.ServerFailed(f"process {pid} has ended")


def _java_command(main="ZooKeeperServerMain", heap=ZOOKEEPER_HEAP):
    return ["java", f"-Xmx{heap}", "-cp", "/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar",
            "-Dzookeeper.jmx.log4j.disable=true", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
            f"org.apache.zookeeper.server.{main}"]


def _json_of(command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise RunFailed(done.stderr.strip() or f"exit code {done.returncode}")
    return json.loads(done.stdout)
