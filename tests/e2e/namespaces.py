"""Ensembles of which each member has a network namespace of its own: packets are dropped by the kernel, not by us.

    with namespace():                       # this thread, and what it starts, is in a network of its own
        with NamespaceEnsemble(directory, voters=3) as ensemble:
            ensemble.partition([1], [2, 3])

Each member is behind a pair of virtual interfaces and has its own subnet; this process routes between them, and what
hold() forbids is a rule of its routing. Clients come from the router, and reach every member all the time. It takes
root and `ip`; available() says whether it works here.
"""

import contextlib
import ctypes
import os
import pathlib
import subprocess

import harness
from ensemble import Ensemble
from split import Partitions

CLONE_NEWNET = 0x40000000
RULES_FROM = 1000           # priorities of our rules, so that they can be found

_libc = ctypes.CDLL(None, use_errno=True)


def available():
    """Tried, because there are many ways to be forbidden."""
    try:
        with namespace():
            ip("rule", "add", "from", "10.99.1.2", "to", "10.99.2.2", "blackhole")
            ip("link", "add", "probe", "type", "veth", "peer", "name", "probe2")
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def ip(*words):
    subprocess.run(["ip", *map(str, words)], check=True, capture_output=True)


@contextlib.contextmanager
def namespace():
    """A network in which there is only this thread, and what it starts meanwhile."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        _call(_libc.unshare, CLONE_NEWNET)
        try:
            ip("link", "set", "lo", "up")
            pathlib.Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
            yield
        finally:
            _call(_libc.setns, before, CLONE_NEWNET)
    finally:
        os.close(before)


def _call(function, *arguments):
    if function(*arguments) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class NamespaceEnsemble(Partitions, Ensemble):
    """To be made inside namespace()."""

    def __init__(self, *arguments, **settings):
        self._holders = {}      # processes that do nothing but keep a namespace
        self._rules = 0
        super().__init__(*arguments, **settings)

    def hold(self, source, target):
        """Packets of connections to or from the members' clients are not touched."""
        ip("rule", "add", "priority", RULES_FROM + self._rules, "from", host(source), "to", host(target), "blackhole")
        self._rules += 1

    def heal(self):
        while self._rules:
            self._rules -= 1
            ip("rule", "del", "priority", RULES_FROM + self._rules)

    def close(self):
        self.kill_all()
        self.heal()
        for holder in self._holders.values():
            holder.kill()
            holder.wait()
        self._holders.clear()

    def __exit__(self, *_):
        self.close()

    def _server_line(self, number, quorum_port, election_port, client_port):
        return super()._server_line(number, quorum_port, election_port, client_port).replace(harness.HOST, host(number))

    def _member(self, directory, number, port, common):
        if number not in self._holders:
            self._holders[number] = self._hold_namespace(number)
        member = super()._member(directory, number, port, {**common, "clientPortAddress": host(number)})
        member.move_into(f"/proc/{self._holders[number].pid}/ns/net", host(number))
        return member

    @staticmethod
    def _hold_namespace(number):
        """With an interface whose other end is ours."""
        holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo ready; exec sleep infinity"],
                                  stdout=subprocess.PIPE)
        assert holder.stdout.readline() == b"ready\n"
        holder.stdout.close()
        ours, theirs = f"router{number}", f"member{number}"
        ip("link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", holder.pid)
        ip("address", "add", f"{router(number)}/24", "dev", ours)
        ip("link", "set", ours, "up")
        inside = ["nsenter", f"--net=/proc/{holder.pid}/ns/net", "ip"]
        for words in (["address", "add", f"{host(number)}/24", "dev", theirs], ["link", "set", theirs, "up"],
                      ["link", "set", "lo", "up"], ["route", "add", "default", "via", router(number)]):
            subprocess.run([*inside, *words], check=True)
        return holder


def host(number):
    return f"10.99.{number}.2"


def router(number):
    return f"10.99.{number}.1"
