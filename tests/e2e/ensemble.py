"""Ensembles as child processes, of zabd or of Apache ZooKeeper, whose members can be killed, paused and wiped.

    with Ensemble(directory, "zabd", voters=3, observers=1) as ensemble:
        ensemble.kill(ensemble.leader())
        ensemble.await_leader()
        ensemble.await_converged()

Members are called by their numbers, 1 to N, observers last. Each is a harness.Server in a directory of its own; those
that run and are not paused are `awake`. Every wait has a deadline and fails with the end of each member's log.
"""

import os
import pathlib
import re
import shutil
import signal
import time

import harness
import wire
from wire import Op

SECONDS = 60
LOG_TAIL = 2000
TIMES = {"tickTime": 200, "initLimit": 50, "syncLimit": 10, "maxSessionTimeout": 20000}
WORDS = {"4lw.commands.whitelist": "*"}


class Ensemble:
    """`cfg` and `config` are keys of every member's zoo.cfg, as in harness.zabd(). `kinds` gives single members another
    kind than the rest: {3: "zookeeper"}."""

    def __init__(self, directory, kind="zabd", voters=3, observers=0, kinds=None, config=None, **cfg):
        self.kind = kind
        self._kinds = dict(kinds or {})
        self.voters = list(range(1, voters + 1))
        self.observers = list(range(voters + 1, voters + observers + 1))
        self._started = set()
        self._paused = set()
        self._directory = pathlib.Path(directory)
        self._settings = {**TIMES, **WORDS, **cfg, **(config or {})}
        self._configure()

    def __getitem__(self, number):
        return self.members[number]

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill_all()

    # --- processes ---

    def kind_of(self, number):
        return self._kinds.get(number, self.kind)

    def start(self):
        """Starts all and waits until they serve; on other ports, should somebody else have got one of theirs."""
        for attempt in range(harness.PORT_CLASHES_MAX):
            try:
                self.launch(*self.members)
                self.await_all_in()
                return self
            except AssertionError as failure:
                self.kill_all()
                if "in use" not in str(failure).lower() or attempt + 1 == harness.PORT_CLASHES_MAX:
                    raise
                shutil.rmtree(self._directory)
                self._configure()

    def launch(self, *numbers):
        """Starts them and does not wait."""
        for number in numbers:
            self[number].launch()
            self._started.add(number)

    def kill(self, *numbers):
        """As a power cut would end them, all at once."""
        for number in numbers:
            if self[number].running():
                self[number].process.kill()
        for number in numbers:
            self[number].kill()
            self._started.discard(number)
            self._paused.discard(number)

    def kill_all(self):
        self.kill(*self.members)

    def stop(self, number):
        """Asks the member to end; its exit code."""
        self._started.discard(number)
        return self[number].stop()

    def pause(self, number):
        """As if cut off: its connections stay, nothing moves, not even the threads that the signal reaches late."""
        process = self[number].process
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        self._paused.add(number)

    def resume(self, number):
        self[number].process.send_signal(signal.SIGCONT)
        self._paused.discard(number)

    def wipe(self, number):
        """All that the member knew but its number is gone."""
        shutil.rmtree(self[number].data_dir)
        self._write_number(self[number], number)

    def become(self, number, kind, keeps_files=False):
        """From now on the member is a server of that kind, with the same ports and nothing but its number, unless it is to
        find what the old one left; it does not run."""
        self.kill(number)
        self._kinds[number] = kind
        if not keeps_files:
            shutil.rmtree(self[number].data_dir)
        self.members[number] = self._member(*self._made_of[number])

    def awake(self):
        """Those that were started and not ended, or paused, since; fails if one has ended by itself."""
        for number in self._started:
            assert self[number].running(), f"{number} ended by itself:\n{self[number].log_text()[-LOG_TAIL:]}"
        return sorted(self._started - self._paused)

    def paused(self):
        return sorted(self._paused)

    # --- what members say ---

    def mode(self, number):
        """leader, follower, observer, read-only; None: not serving, or no answer."""
        try:
            found = re.search(r"^Mode: (\S+)$", self[number].word("srvr", timeout=1), re.MULTILINE)
        except OSError:
            return None
        return found and found[1]

    def modes(self):
        return {n: self.mode(n) for n in self.awake()}

    def leader(self):
        """The number of the member that says it leads; None: nobody does."""
        return next((n for n, mode in self.modes().items() if mode == "leader"), None)

    def followers(self):
        return [n for n, mode in self.modes().items() if mode == "follower"]

    def zxid(self, number):
        return int(re.search(r"^Zxid: (\S+)$", self[number].word("srvr"), re.MULTILINE)[1], 16)

    def figures(self, number):
        """What mntr tells, as a dict."""
        return dict(line.split("\t", 1) for line in self[number].word("mntr").splitlines() if "\t" in line)

    def tree(self, number):
        """Every node that the member has: path -> (data, stat). /zookeeper is left out: some of it is each server's own."""
        with wire.open_session(self[number], timeout_ms=5000) as connection:
            nodes, paths = {}, ["/"]
            while paths:
                path = paths.pop()
                nodes[path] = connection.result(Op.GET_DATA, wire.get_data(path))
                children = connection.result(Op.GET_CHILDREN, wire.get_children(path))
                paths += [f"{path.rstrip('/')}/{name}" for name in children if (path, name) != ("/", "zookeeper")]
            connection.result(Op.CLOSE_SESSION)
            return nodes

    def hosts(self, *numbers):
        """A connect string, of all members by default."""
        return ",".join(self[n].address for n in numbers or self.members)

    # --- waiting ---

    def await_leader(self, other_than=None, timeout=SECONDS):
        """Waits until one leads and a quorum is in; its number."""
        def leads():
            modes = self.modes()
            leaders = [n for n, mode in modes.items() if mode == "leader" and n != other_than]
            followers = [n for n, mode in modes.items() if mode == "follower"]
            return len(leaders) == 1 and 2 * (1 + len(followers)) > len(self.voters) and leaders[0]
        return self.eventually(leads, "no leader", timeout)

    def await_all_in(self, timeout=SECONDS):
        """Waits until all that are awake serve, one as leader; its number."""
        def all_in():
            modes = self.modes()
            return None not in modes.values() and list(modes.values()).count("leader") == 1
        self.eventually(all_in, "not all serve", timeout)
        return self.leader()

    def await_mode(self, number, mode, timeout=SECONDS):
        self.eventually(lambda: self.mode(number) == mode, f"{number} is not {mode}", timeout)

    def await_converged(self, timeout=SECONDS, node_by_node=True):
        """Waits until all that are awake stand at the same transaction; then they hold the same, as their digests tell, and
        all of it is read and compared."""
        def same_zxid():
            return None not in self.modes().values() and len({self.zxid(n) for n in self.awake()}) == 1
        self.await_all_in(timeout)
        self.eventually(same_zxid, "members differ in zxid", timeout)
        first, *others = self.awake()
        self.eventually(self._same_digest, "members differ in digest", timeout)
        if not node_by_node:
            return
        trees = {n: self.tree(n) for n in self.awake()}
        for other in others:
            assert trees[other] == trees[first], f"{other} has another tree than {first}"

    def eventually(self, condition, what, timeout=SECONDS):
        """The first true value of condition()."""
        deadline = time.monotonic() + timeout
        while not (value := condition()):
            assert time.monotonic() < deadline, f"{what} after {timeout} s: {self.modes()}\n{self._logs()}"
            time.sleep(0.02)
        return value

    # --- inside ---

    def _configure(self):
        ports = {n: [harness.free_port() for _ in range(3)] for n in self.voters + self.observers}
        self._made_of = {n: (self._directory / f"server{n}", n, ports[n][2],
                             {**self._server_lines(n, ports), **self._settings}) for n in ports}
        self.members = {n: self._member(*self._made_of[n]) for n in ports}

    def _server_lines(self, seen_by, ports):
        """The server lines of one member's zoo.cfg; of each its quorum, election and client port."""
        return {f"server.{n}": self._server_line(n, *ports[n]) for n in ports}

    def _server_line(self, number, quorum_port, election_port, client_port):
        role = "observer" if number in self.observers else "participant"
        return f"{harness.HOST}:{quorum_port}:{election_port}:{role};{harness.HOST}:{client_port}"

    def _member(self, directory, number, port, common):
        settings = {**common, "clientPort": port}
        if number in self.observers:
            settings["peerType"] = "observer"
        member = harness.server_of_kind(self.kind_of(number), directory, config=settings)
        self._write_number(member, number)
        return member

    @staticmethod
    def _write_number(member, number):
        member.data_dir.mkdir(exist_ok=True)
        (member.data_dir / "myid").write_text(f"{number}\n")

    def _same_digest(self):
        states = [self.figures(n) for n in self.awake() if self.kind_of(n) == "zabd"]
        return len({(one.get("zk_zabd_zxid"), one.get("zk_zabd_digest")) for one in states}) <= 1

    def _logs(self):
        return "\n".join(f"--- {n}:\n{member.log_text()[-LOG_TAIL:]}" for n, member in self.members.items())
