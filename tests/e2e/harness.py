"""Servers as child processes: zabd, and Apache ZooKeeper from Debian's packages.

    with zabd(directory) as server:            # or zookeeper(directory)
        connect_to(server.host, server.port)

A server lives in a directory of its own: zoo.cfg, its data in `data`, all that it prints in
`server.log`. It listens on 127.0.0.1, on a port that was free when the server first started and
that it keeps over restarts. Servers that a test leaves behind are killed when Python exits.
"""

import atexit
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import time
import weakref

HOST = "127.0.0.1"
START_SECONDS = 60
STOP_SECONDS = 30
PORT_CLASHES_MAX = 5

# Below the range that the kernel gives to outgoing connections, which could otherwise take the
# port of a server while it restarts.
PORTS = range(12000, 32000)

# Apache ZooKeeper reads these from Java system properties of the same name, never from zoo.cfg.
BARE_PROPERTIES = ("jute.maxbuffer", "readonlymode.enabled", "znode.container.")

_running = weakref.WeakSet()


class ServerFailed(Exception):
    """The process ended, or did not answer in time; the text ends with what it printed."""


def free_port():
    """A port of 127.0.0.1 that nobody listens on at the moment."""
    while True:
        port = random.choice(PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port


def four_letter_word(port, word, host=HOST, timeout=5):
    """The whole answer to `word` as text; '' if the server closes without one."""
    with socket.create_connection((host, port), timeout=timeout) as connection:
        connection.sendall(word.encode())
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return answer.decode()


class Server:
    """One server process; `with` starts it (unless it runs already) and stops it.

    command   what to run; the path of zoo.cfg is appended
    config    zoo.cfg as a dict; dataDir, clientPort and clientPortAddress have defaults
    """

    def __init__(self, directory, command, config, environment=None):
        self.directory = pathlib.Path(directory)
        self.host = HOST
        self.port = None
        self.process = None
        self.config_file = self.directory / "zoo.cfg"
        self.log_file = self.directory / "server.log"
        self._command = [str(word) for word in command]
        self._environment = {**os.environ, **(environment or {})}
        self._config = {"dataDir": self.directory / "data", "clientPortAddress": HOST, **config}
        self.data_dir = pathlib.Path(self._config["dataDir"])
        self._port_is_fixed = "clientPort" in config
        if self._port_is_fixed:
            self.port = int(config["clientPort"])
        self.directory.mkdir(parents=True, exist_ok=True)
        self.write_config()

    @property
    def address(self):
        return f"{self.host}:{self.port}"

    @property
    def pid(self):
        return self.process.pid

    def start(self, timeout=START_SECONDS):
        """Starts the process and waits until it serves clients; raises ServerFailed."""
        for attempt in range(PORT_CLASHES_MAX):
            try:
                self.launch()
                self._await_serving(timeout)
                return self
            except ServerFailed as failure:
                self.kill()
                may_move = not self._port_is_fixed and "in use" in str(failure).lower()
                if not may_move or attempt + 1 == PORT_CLASHES_MAX:
                    raise
                self.port = None

    def stop(self, timeout=STOP_SECONDS, with_signal=signal.SIGTERM):
        """Asks the process to end, waits for it, returns its exit code (negative: signal)."""
        self.process.send_signal(with_signal)
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ServerFailed(f"{self.address} still ran {timeout} s after {with_signal!r}:\n{self.log_text()}")
        _running.discard(self)
        return code

    def kill(self):
        """Ends the process as a power cut would end it. No harm if it does not run."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        _running.discard(self)

    def restart(self):
        """Stops the server cleanly if it runs, and starts it again on the same port and data."""
        if self.running():
            self.stop()
        return self.start()

    def running(self):
        return self.process is not None and self.process.poll() is None

    def log_text(self):
        """All that the server printed, standard output and error together, over all its starts."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def await_in_log(self, pattern, timeout=20):
        """Waits until what the server printed has the regular expression."""
        deadline = time.monotonic() + timeout
        while not re.search(pattern, self.log_text()):
            if time.monotonic() > deadline:
                raise ServerFailed(f"no '{pattern}' after {timeout} s in:\n{self.log_text()}")
            time.sleep(0.02)

    def word(self, word, timeout=5):
        """The answer to a four-letter word, as far as the whitelist allows it."""
        return four_letter_word(self.port, word, self.host, timeout)

    def write_config(self, **changes):
        """Writes zoo.cfg anew; `changes` replace or add keys and stay."""
        self._config.update(changes)
        if self.port is None:
            self.port = free_port()
        lines = {**self._config, "clientPort": self.port}
        self.config_file.write_text("".join(f"{key}={value}\n" for key, value in lines.items()))

    def move_into(self, namespace, host):
        """Where it runs when it is started next: a network namespace (a file of /proc), and its address there."""
        self.host = host
        self._command = ["nsenter", f"--net={namespace}", *self._command]

    def launch(self):
        """Starts the process and does not wait: for what may end, or be ended, before it serves."""
        self.write_config()
        self._log_start = len(self.log_text())
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                [*self._command, str(self.config_file)], cwd=self.directory, env=self._environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        _running.add(self)

    def _await_serving(self, timeout):
        deadline = time.monotonic() + timeout
        while not self._serves():
            if self.process.poll() is not None:
                raise ServerFailed(f"exit code {self.process.returncode}:\n{self.log_text()[self._log_start:]}")
            if time.monotonic() > deadline:
                raise ServerFailed(f"no answer after {timeout} s:\n{self.log_text()[self._log_start:]}")
            time.sleep(0.01)

    def _serves(self):
        """Answers, and it is this process that does: another one may have the port."""
        if not listens(self.process.pid, self.port):
            return False
        try:
            return "not currently serving" not in self.word("srvr", timeout=0.5)
        except OSError:
            return False

    def __enter__(self):
        return self if self.running() else self.start()

    def __exit__(self, *_):
        if self.running():
            self.stop()


def listens(pid, port):
    """Whether the process has a TCP socket that listens on `port`, as /proc tells."""
    return any(tcp_sockets(pid, port))


def connection_count(pid, port):
    """How many connections that came to `port` the process has open."""
    return sum(not listening for listening in tcp_sockets(pid, port))


def tcp_sockets(pid, port):
    """For each TCP socket of the process that is bound to `port`, whether it listens."""
    own = _socket_inodes(pid)
    return [row[3] == "0A" for row in _tcp_rows(pid) if int(row[1].rsplit(":", 1)[1], 16) == port and row[9] in own]


def _tcp_rows(pid):
    for table in ("tcp", "tcp6"):
        try:
            yield from (line.split() for line in pathlib.Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:])
        except OSError:
            pass  # the process has just gone


def _socket_inodes(pid):
    inodes = set()
    try:
        for descriptor in os.scandir(f"/proc/{pid}/fd"):
            target = os.readlink(descriptor.path)
            if target.startswith("socket:["):
                inodes.add(target[len("socket:["):-1])
    except OSError:
        pass  # the process, or one of its descriptors, has just gone
    return inodes


def zabd_binary():
    """The path in ZABD_BINARY; raises ServerFailed with what to do if it names no program."""
    path = os.environ.get("ZABD_BINARY", "")
    if not os.access(path, os.X_OK):
        raise ServerFailed(f"set ZABD_BINARY to the server, such as build/release/server/zabd (it is '{path}')")
    return os.path.abspath(path)


def zabd(directory, config=None, environment=None, **cfg):
    """A zabd with its files in `directory`; keys of zoo.cfg as `cfg`, those with dots in `config`."""
    return Server(directory, [zabd_binary()], _merged(cfg, config), environment)


def zookeeper(directory, config=None, heap="256m", **cfg):
    """The same for Apache ZooKeeper."""
    settings = _merged(cfg, config)
    bare = {key: settings.pop(key) for key in list(settings) if key.startswith(BARE_PROPERTIES)}
    member = any(key.startswith("server.") for key in settings)
    main = "quorum.QuorumPeerMain" if member else "ZooKeeperServerMain"
    return Server(directory, _java_command(main, heap, bare), {"preAllocSize": 1024, **settings})


def server_of_kind(kind, directory, **settings):
    """zabd() or zookeeper(), by name."""
    return {"zabd": zabd, "zookeeper": zookeeper}[kind](directory, **settings)


def _merged(cfg, config):
    return {"tickTime": 2000, "admin.enableServer": "false", **cfg, **(config or {})}


def _java_command(main, heap, properties):
    return [
        "java", f"-Xmx{heap}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
        "-cp", "/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar",
        "-Dzookeeper.jmx.log4j.disable=true", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-Dorg.slf4j.simpleLogger.log.org.apache.zookeeper.server.quorum.LearnerHandler=debug",
        *[f"-D{key}={value}" for key, value in properties.items()],
        f"org.apache.zookeeper.server.{main}",
    ]


@atexit.register
def _kill_all():
    for server in list(_running):
        server.kill()
