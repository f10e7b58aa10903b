"""An ensemble of zabd on this machine, for trying things out. scripts/ensemble builds zabd and runs this."""

import argparse
import contextlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

HOST = "127.0.0.1"
FIRST_PORT = 2181
LOOK_SECONDS = 0.2
STOP_SECONDS = 30
LAST_LINES = 5

ABOUT = """Starts an ensemble of zabd on this machine, tells who leads and how to connect, and stops it on Ctrl-C.
Without --data it lives in a temporary directory, which is removed at the end."""


class Member:
    def __init__(self, number, directory, observer):
        self.number = number
        self.directory = directory
        self.observer = observer
        self.port = self.admin_port = self.process = self.mode = None

    @property
    def log(self):
        return self.directory / "log.txt"

    def start(self, lines):
        data = self.directory / "data"
        data.mkdir(parents=True, exist_ok=True)
        (data / "myid").write_text(f"{self.number}\n")
        configuration = self.directory / "zoo.cfg"
        configuration.write_text(f"dataDir={data}\nclientPortAddress={HOST}\nadmin.serverPort={self.admin_port}\n{lines}")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([os.environ["ZABD_BINARY"], str(configuration)], cwd=self.directory,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def ask_mode(self):
        """leader, follower, observer; None: it does not serve."""
        try:
            with socket.create_connection((HOST, self.port), timeout=1) as connection:
                connection.sendall(b"srvr")
                answer = b"".join(iter(lambda: connection.recv(65536), b""))
        except OSError:
            return None
        found = re.search(rb"^Mode: (\S+)$", answer, re.MULTILINE)
        return found and found[1].decode()


def free_ports():
    """From FIRST_PORT on, those that nobody listens on."""
    port = FIRST_PORT
    while True:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
            yield port
        port += 1


def configuration(members, tick_ms):
    """The lines that all members share. Ports that --data has from an earlier run do not bind."""
    ports = free_ports()
    lines = [f"tickTime={tick_ms}", "initLimit=10", "syncLimit=5", "4lw.commands.whitelist=*"]
    for member in members:
        member.port = next(ports)
    for member in members:
        role = "observer" if member.observer else "participant"
        lines.append(f"server.{member.number}={HOST}:{next(ports)}:{next(ports)}:{role};{HOST}:{member.port}")
    for member in members:
        member.admin_port = next(ports)
    if sum(not member.observer for member in members) == 1:
        lines.append("standaloneEnabled=false")
    return "\n".join(lines) + "\n"


def report(members):
    """Tells of changes: a member that began or ceased to serve, or got another part; one that ended."""
    for member in members:
        if member.process is None:
            continue
        if (code := member.process.poll()) is not None:
            member.process, member.mode = None, None
            last = "".join(f"\n    {line}" for line in member.log.read_text(errors="replace").splitlines()[-LAST_LINES:])
            print(f"server {member.number} ended with code {code}, having said in {member.log}:{last}", flush=True)
            continue
        mode = member.ask_mode()
        if mode != member.mode:
            member.mode = mode
            print(f"server {member.number} {'is ' + mode if mode else 'looks for a leader'}", flush=True)


def greet(members):
    hosts = ",".join(f"{HOST}:{member.port}" for member in members)
    print("\nall serve:")
    for member in members:
        print(f"  server {member.number}  {member.mode:<9} {HOST}:{member.port}  pid {member.process.pid}  log {member.log}")
    print(f"""connect to {hosts}, such as
  echo srvr | nc {HOST} {members[0].port}
  python3 -c 'from kazoo.client import KazooClient as Z; z = Z("{hosts}"); z.start(); print(z.create("/hello", b"world"))'
and a browser to http://{HOST}:{members[0].admin_port}/
kill -9 one of them and see the others go on; Ctrl-C stops all.
""", flush=True)


def stop(members):
    """In the order of the numbers, each in peace; who does not end in time is killed."""
    running = [member for member in members if member.process is not None]
    for member in running:
        member.process.send_signal(signal.SIGCONT)
        member.process.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for member in running:
        try:
            member.process.wait(max(0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            member.process.kill()
            member.process.wait()


def run(members, lines):
    greeted = False
    for member in members:
        member.start(lines)
    while any(member.process for member in members):
        report(members)
        if not greeted and all(member.mode for member in members):
            greeted = True
            greet(members)
        time.sleep(LOOK_SECONDS)
    print("no server is left", flush=True)
    return 1


def parse():
    parser = argparse.ArgumentParser(prog="scripts/ensemble", description=ABOUT)
    parser.add_argument("voters", nargs="?", type=int, default=3, metavar="N", help="servers that vote (default 3)")
    parser.add_argument("--observers", type=int, default=0, metavar="K", help="servers that follow without a vote")
    parser.add_argument("--data", type=pathlib.Path, metavar="DIR", help="where it lives, and goes on from, instead")
    parser.add_argument("--tick", type=int, default=2000, metavar="MS", help="tickTime (default 2000)")
    arguments = parser.parse_args()
    if arguments.voters < 1 or arguments.observers < 0 or arguments.voters + arguments.observers not in range(2, 255):
        parser.error("an ensemble has a voter, and from 2 to 254 servers in all")
    return arguments


def main():
    arguments = parse()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.ExitStack() as stack:
        temporary = tempfile.TemporaryDirectory(prefix="zabd-ensemble-")
        root = arguments.data.absolute() if arguments.data else pathlib.Path(stack.enter_context(temporary))
        count = arguments.voters + arguments.observers
        members = [Member(n, root / f"server{n}", n > arguments.voters) for n in range(1, count + 1)]
        stack.callback(stop, members)
        try:
            return run(members, configuration(members, arguments.tick))
        except KeyboardInterrupt:
            print("\nstopping", flush=True)
            return 0


if __name__ == "__main__":
    sys.exit(main())
