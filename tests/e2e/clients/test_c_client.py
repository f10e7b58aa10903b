"""The Apache C client: a small program on libzookeeper_mt, and the shell that comes with it."""

import pytest
from programs import HERE, Program, build, require, run

SHELL = "/usr/lib/zookeeper/bin/cli_mt"


@pytest.fixture(scope="module")
def first_steps(tmp_path_factory):
    require("/usr/include/zookeeper/zookeeper.h", "libzookeeper-mt-dev")
    program = tmp_path_factory.mktemp("c") / "first_steps"
    build(["gcc", "-std=c11", "-D_GNU_SOURCE", "-DTHREADED", "-Wall", "-Wextra", "-Werror", "-o", program,
           f"{HERE}/c/first_steps.c", "-lzookeeper_mt", "-lpthread"])
    return program


@pytest.fixture
def shell(server, tmp_path):
    with Program([require(SHELL, "zookeeper-bin"), "-h", server.address], cwd=tmp_path) as program:
        program.expect("state = CONNECTED_STATE")
        yield program


def test_first_steps_in_c(first_steps, server):
    with Program([first_steps, server.address]) as program:
        for step in ("connect", "create", "get-set-exists-delete", "children", "watches", "multi", "acl", "async",
                     "config"):
            program.expect(f"^ok {step}$")
        program.expect("^restart$")
        server.restart()
        program.say("")
        for step in ("restart", "close"):
            program.expect(f"^ok {step}$")
        assert program.end() == 0


def test_the_shell_creates_every_kind_of_node(shell, zk, base):
    for flags, name, given in (("", "plain", "plain"), ("+e ", "e", "e"), ("+s ", "s-", "s-0000000002"),
                               ("+c ", "c", "c"), ("+t=60000 ", "t", "t")):
        shell.say(f"create {flags}{base}/{name}")
        shell.expect(rf"\[{base}/{name}\]: rc = 0")
        shell.expect(f"name = {base}/{given}$")
    shell.say(f"create2 {base}/two")
    shell.expect(f"name = {base}/two$")
    shell.expect("version=0\taversion=0")
    shell.say(f"create {base}/plain")
    shell.expect("rc = -110")
    shell.say(f"ls {base}")
    shell.expect(f"{base}: rc = 0")
    for name in zk.get_children(base):
        assert f"\t{name}\n" in shell.output
    assert zk.exists(base + "/e").ephemeralOwner
    shell.say("quit")
    assert shell.end() == 0
    assert zk.exists(base + "/e") is None


def test_the_shell_reads_writes_and_deletes(shell, zk, base):
    zk.create(base + "/node", b"first value")
    shell.say(f"get {base}/node")
    shell.expect("value_len = 11\nfirst value\nStat:")
    shell.expect("version=0")
    shell.say(f"set {base}/node second value")
    shell.expect(rf"{base}/node: rc = 0(.|\n)*version=1")
    assert zk.get(base + "/node")[0] == b"second value"
    shell.say(f"ls2 {base}")
    shell.expect(f"{base}: rc = 0\n\tnode\n")
    shell.expect("version=0\taversion=0")
    shell.say(f"sync {base}")
    shell.expect(f"name = {base}$")
    shell.say(f"delete {base}/node")
    shell.expect(f"{base}/node: rc = 0")
    shell.say(f"get {base}/node")
    shell.expect(f"{base}/node: rc = -101")


def test_the_shell_shows_watch_events_and_authenticates(shell, zk, base):
    shell.say(f"wexists {base}/node")
    shell.say(f"sync {base}")
    shell.expect(f"name = {base}$")
    zk.create(base + "/node")
    shell.expect(f"Watcher CREATED_EVENT state = CONNECTED_STATE for path {base}/node")
    shell.say("addauth digest user:password")
    shell.say(f"sync {base}")
    shell.expect(f"name = {base}$")
    shell.say("config")
    shell.expect("/zookeeper/config: rc = 0")
    shell.say("myid")
    shell.say("quit")
    shell.expect("session Id = [0-9a-f]+")


def test_the_shell_runs_one_command_and_ends(server, zk, base, tmp_path):
    for command in (f"create {base}/one", f"set {base}/one x", f"get {base}/one", f"delete {base}/one"):
        done = run([require(SHELL, "zookeeper-bin"), "-h", server.address, "-c", command], cwd=tmp_path)
        assert done.returncode == 0
        assert "rc = 0" in done.stderr
    assert zk.get_children(base) == []
