"""zabctl: every command, by itself and in the shell, for people and as JSON, with its exit codes.

The binary is what ZABCTL_BINARY names. What reads and writes is held against kazoo on the same server, which
--server zookeeper makes Apache ZooKeeper.
"""

import base64
import contextlib
import itertools
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import threading
import time

import pytest
from kazoo.client import KazooClient
from kazoo.security import make_acl

import ensemble
import harness

SECONDS = 15
OK, FAILED, USAGE, CANNOT_CONNECT, TIMEOUT, NO_NODE, NODE_EXISTS, BAD_VERSION, NOT_EMPTY, NOT_ALLOWED = range(10)
LOCK_LOST, CANNOT_RUN, INTERRUPTED = 10, 126, 130
STAT_LINES = ["cZxid", "ctime", "mZxid", "mtime", "pZxid", "cversion", "dataVersion", "aclVersion", "ephemeralOwner",
              "dataLength", "numChildren"]
NODE_NAMES = (f"n{number}" for number in itertools.count(1))

COMMANDS = {"ls", "get", "stat", "tree", "getAllChildrenNumber", "getEphemerals", "create", "set", "delete",
            "deleteall", "multi", "sync", "getAcl", "setAcl", "addauth", "whoami", "watch", "setquota", "listquota",
            "delquota", "export", "import", "status", "config", "reconfig", "lock", "elect", "bench", "help", "version"}
SHELL_COMMANDS = {"addWatch", "watches", "removewatches", "printwatches", "connect", "close", "history", "redo", "quit",
                  "exit"}


def binary():
    path = os.environ.get("ZABCTL_BINARY", "")
    assert os.access(path, os.X_OK), f"set ZABCTL_BINARY, such as to build/release/zabctl/zabctl (it is '{path}')"
    return os.path.abspath(path)


def environment(**more):
    return {**os.environ, "TZ": "UTC", "LC_ALL": "C.UTF-8", "TERM": "xterm", **more}


@pytest.fixture(scope="module")
def server(request, tmp_path_factory):
    kind = request.config.getoption("--server").removesuffix("-ensemble")
    config = {"4lw.commands.whitelist": "*", "extendedTypesEnabled": "true"}
    with harness.server_of_kind(kind, tmp_path_factory.mktemp("zabctl"), config=config) as running:
        yield running


@pytest.fixture(scope="module")
def zk(server):
    client = KazooClient(server.address)
    client.start()
    yield client
    client.stop()
    client.close()


@pytest.fixture
def base(zk):
    """A new node, and nothing below it."""
    return zk.create("/" + next(NODE_NAMES))


class Answer:
    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout.decode(errors="replace")
        self.bytes = done.stdout
        self.err = done.stderr.decode()

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture(scope="module")
def ask(server):
    """Runs one command against the server; fails if its exit code is not `code`."""
    def run(*words, code=OK, stdin=b"", server=server.address, options=(), **more):
        done = subprocess.run([binary(), "--server", server, "--timeout", "10s", *options, *words], input=stdin,
                              capture_output=True, timeout=SECONDS, env=environment(**more))
        assert done.returncode == code, (words, done.stdout, done.stderr)
        return Answer(done)
    return run


@contextlib.contextmanager
def started(server, *words):
    """The program while it runs; killed at the end, and after a time at which nobody should wait for it any more."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([binary(), "--server", server.address, *words], **pipes, env=environment()) as program:
        overdue = threading.Timer(SECONDS, program.kill)
        overdue.start()
        try:
            yield program
        finally:
            overdue.cancel()
            program.kill()


def stat_json(stat):
    """kazoo's stat in zabctl's JSON."""
    return {"czxid": hex(stat.czxid), "mzxid": hex(stat.mzxid), "pzxid": hex(stat.pzxid), "ctime": stat.ctime,
            "mtime": stat.mtime, "version": stat.version, "cversion": stat.cversion, "aversion": stat.aversion,
            "ephemeralOwner": hex(stat.ephemeralOwner), "dataLength": stat.dataLength, "numChildren": stat.numChildren}


def stat_of(text):
    """The fields of a stat as people see it."""
    pairs = [line.split(" = ", 1) for line in text.splitlines() if " = " in line]
    assert [name for name, _ in pairs] == STAT_LINES
    return dict(pairs)


# --- reading ----------------------------------------------------------------------------------------------------------

def test_ls_lists_sorted_with_stat_and_recursively(ask, zk, base):
    for name in ("b", "a", "a/deep", "c"):
        zk.create(f"{base}/{name}")
    assert ask("ls", base).out == "[a, b, c]\n"
    assert ask("ls", base, "--json").json == ["a", "b", "c"]
    assert ask("ls", "-R", base).out.splitlines() == [base] + [f"{base}/{name}" for name in ("a", "a/deep", "b", "c")]
    assert ask("--json", "ls", "-R", base).json == [base] + [f"{base}/{name}" for name in ("a", "a/deep", "b", "c")]
    first, rest = ask("ls", "-s", base).out.split("\n", 1)
    assert first == "[a, b, c]" and stat_of(rest)["numChildren"] == "3"
    assert ask("ls", "-s", base, "--json").json == {"children": ["a", "b", "c"], "stat": stat_json(zk.exists(base))}
    assert "zookeeper" in ask("ls", "--json").json
    assert ask("ls", base + "/a/deep").out == "[]\n"


def test_a_subtree_of_several_batches_is_walked_in_order(ask, zk, base):
    transaction = zk.transaction()
    names = [f"{first:02}" for first in range(70)]
    for name in names:
        transaction.create(f"{base}/{name}")
        transaction.create(f"{base}/{name}/below")
    transaction.commit()
    expected = [base] + [path for name in names for path in (f"{base}/{name}", f"{base}/{name}/below")]
    assert ask("ls", "-R", base).out.splitlines() == expected


def test_get_and_stat_tell_what_kazoo_reads(ask, zk, base):
    zk.set(base, b"hello")
    _, stat = zk.get(base)
    assert ask("get", base).out == "hello\n"
    assert ask("get", base, "--json").json == {"path": base, "data": "hello"}
    assert ask("get", "-s", base, "--json").json == {"path": base, "data": "hello", "stat": stat_json(stat)}
    assert ask("stat", base, "--json").json == stat_json(stat)
    told = stat_of(ask("stat", base).out)
    assert told["cZxid"] == hex(stat.czxid) and told["dataVersion"] == "1" and told["dataLength"] == "5"
    assert told["ctime"] == time.strftime("%a %b %d %H:%M:%S UTC %Y", time.gmtime(stat.ctime / 1000))
    assert stat_of(ask("get", "-s", base).out.removeprefix("hello\n")) == told


def test_data_that_is_no_text_survives(ask, zk, base):
    data = bytes(range(256))
    zk.set(base, data)
    assert base64.b64decode(ask("get", base, "--json").json["data_base64"]) == data
    assert base64.b64decode(ask("get", "-b", base).out) == data
    assert ask("get", "--raw", base).bytes == data
    ask("set", base, "-f", "-", stdin=data[::-1])
    assert zk.get(base)[0] == data[::-1]


def test_tree_draws_down_to_a_depth(ask, zk, base):
    for name in ("a", "a/deep", "a/deep/er", "b"):
        zk.create(f"{base}/{name}")
    assert ask("tree", base).out.splitlines() == [base, "├── a", "│   └── deep", "│       └── er", "└── b"]
    assert ask("tree", base, "--depth", "1").out.splitlines() == [base, "├── a (1 below)", "└── b"]
    assert ask("tree", base, "-d1", "--json").json == [
        {"path": base, "depth": 0, "children": 2}, {"path": base + "/a", "depth": 1, "children": 1},
        {"path": base + "/b", "depth": 1, "children": 0}]


def test_descendants_and_ephemerals_are_counted(ask, zk, base):
    for name in ("a", "a/deep", "b"):
        zk.create(f"{base}/{name}")
    assert ask("getAllChildrenNumber", base).out == "3\n"
    assert ask("getallchildrennumber", base, "--json").json == 3
    assert ask("getEphemerals", base).out == "[]\n"
    assert ask("getEphemerals", "--json").json == []


def test_a_single_command_with_a_watch_waits_for_the_event(server, zk, base):
    for words, change, told in ((["get", "-w", base], lambda: zk.set(base, b"x"), "changed"),
                                (["ls", "-w", base], lambda: zk.create(base + "/child"), "children changed"),
                                (["stat", "-w", base + "/later"], lambda: zk.create(base + "/later"), "created")):
        with started(server, "--json", *words) as program:
            if words[0] == "stat":
                assert program.wait(SECONDS) == NO_NODE
                continue
            assert program.stdout.readline()
            change()
            event = json.loads(program.stdout.readline())
            assert (event["event"], event["path"]) == (told, base)
            assert program.wait(SECONDS) == OK


# --- writing ----------------------------------------------------------------------------------------------------------

def test_create_makes_every_kind_of_node(ask, zk, base):
    kinds = (([], "plain", "plain"), (["-s"], "s-", "s-0000000001"), (["-e"], "e", "e"),
             (["-s", "-e"], "se-", "se-0000000003"), (["-c"], "c", "c"), (["-t", "60000"], "t", "t"), (["-s", "-t", "60000"], "st-", "st-0000000006"))
    for flags, name, given in kinds:
        assert ask("create", *flags, f"{base}/{name}", "data").out == f"Created {base}/{given}\n"
    assert zk.get(base + "/c")[0] == b"data"
    assert zk.exists(base + "/e") is None, "its session has ended"
    created = ask("create", f"{base}/json", "get", "--json").json
    assert created == {"path": base + "/json", "stat": stat_json(zk.exists(base + "/json"))}
    assert zk.get(base + "/json")[0] == b"get", "data may be the name of a command"


@pytest.mark.parametrize("data", ["[1,2]", "", "{}", "a b", "-5", "ä", "x;y"])
def test_create_and_set_take_any_text(ask, zk, base, data):
    ask("create", base + "/a", "--", data)
    assert zk.get(base + "/a")[0] == data.encode()
    ask("set", base, "--", data)
    assert zk.get(base)[0] == data.encode()


def test_create_with_parents_files_and_acl(ask, zk, base, tmp_path):
    (tmp_path / "data").write_bytes(b"from a file")
    ask("create", "-p", base + "/a/b/c", "-f", str(tmp_path / "data"))
    assert zk.get(base + "/a/b/c")[0] == b"from a file"
    ask("create", base + "/acl", "data", "world:anyone:r,ip:127.0.0.1:cdrwa")
    assert ask("getAcl", base + "/acl", "--json").json == ["world:anyone:r", "ip:127.0.0.1:cdrwa"]


def test_set_and_delete_heed_versions(ask, zk, base):
    assert ask("set", base, "one").out == ""
    told = stat_of(ask("set", "-s", base, "two", "-v", "1").out)
    assert told["dataVersion"] == "2"
    assert ask("set", base, "three", "-v", "2", "--json").json == {"path": base, "stat": stat_json(zk.exists(base))}
    ask("set", base, "late", "-v", "0", code=BAD_VERSION)
    ask("delete", "-v", "0", base, code=BAD_VERSION)
    assert ask("delete", "-v", "3", base).out == ""
    assert zk.exists(base) is None
    zk.create(base)
    assert ask("delete", base, "--json").json == {"path": base}


def test_deleteall_deletes_a_subtree_of_several_batches(ask, zk, base):
    parents = [zk.create_async(f"{base}/{name}") for name in range(10)]
    for made in parents + [zk.create_async(f"{base}/{name % 10}/{name}") for name in range(100)]:
        made.get()
    count = ask("getAllChildrenNumber", base, "--json").json
    assert ask("deleteall", base, "--json").json == {"path": base, "deleted": count + 1}
    assert zk.exists(base) is None


def test_sync_answers(ask):
    assert ask("sync", "/").out == "Sync is OK\n"
    assert ask("sync", "--json").json == {"path": "/"}


def test_multi_is_all_or_nothing(ask, zk, base, tmp_path):
    told = ask("multi", f"create {base}/a 'x y' ; set {base} new -v 0; check {base} -v 1; create -s {base}/s- ").out
    assert told.splitlines() == [f"Created {base}/a", f"Set {base}", f"Checked {base}", f"Created {base}/s-0000000001"]
    assert zk.get(base + "/a")[0] == b"x y"
    results = ask("--json", "multi", "delete", base + "/a", ";", "set", base, "newer", "-v", "1").json
    assert results == [{"operation": "delete"}, {"operation": "set", "stat": stat_json(zk.exists(base))}]
    failed = ask("multi", f"create {base}/b; delete {base}/missing; create {base}/c", code=NO_NODE)
    assert "operation 2 (delete)" in failed.err and "nothing was applied" in failed.err
    assert zk.get_children(base) == ["s-0000000001"]
    (tmp_path / "operations").write_text(f"create {base}/b 'from a file'\n\nset {base} newest\n")
    ask("multi", "-f", str(tmp_path / "operations"))
    assert zk.get(base + "/b")[0] == b"from a file"
    ask("multi", "jump /a", code=USAGE)
    ask("multi", code=USAGE)


# --- access control ---------------------------------------------------------------------------------------------------

def test_acls_are_shown_set_and_enforced(ask, zk, base):
    zk.create(base + "/child")
    assert ask("getAcl", base).out == "'world,'anyone\n: cdrwa\n"
    assert ask("getAcl", "-s", base, "--json").json == {"acl": ["world:anyone:cdrwa"],
                                                        "stat": stat_json(zk.exists(base))}
    ask("setAcl", "-R", base, "world:anyone:ra")
    assert zk.get_acls(base + "/child")[0] == [make_acl("world", "anyone", read=True, admin=True)]
    assert stat_of(ask("setAcl", "-s", "-v", "1", base, "world:anyone:rwa").out)["aclVersion"] == "2"
    ask("setAcl", "-v", "1", base, "world:anyone:r", code=BAD_VERSION)
    refused = ask("create", base + "/other", code=NOT_ALLOWED)
    assert "--auth" in refused.err and base in refused.err
    ask("setAcl", base, "nonsense", code=USAGE)
    ask("setAcl", base, "world:anyone:cdrwa")
    ask("setAcl", base + "/child", "auth::cdrwa", options=["--auth", "digest:bob:secret"])
    ask("get", base + "/child", code=NOT_ALLOWED)
    assert ask("get", base + "/child", options=["--auth", "digest:bob:secret"]).out == "\n"


def test_whoami_names_the_identities(ask, server_kind):
    told = ask("whoami", options=["--auth", "digest:bob:secret"]).out.splitlines()
    assert told[0] == "Auth scheme: User" and "digest: bob" in told and "ip: 127.0.0.1" in told
    assert {"scheme": "digest", "id": "bob"} in ask("whoami", options=["--auth", "digest:bob:secret", "--json"]).json
    assert ask("addauth", "digest", "bob:secret", "--json").json == {"scheme": "digest"}
    ask("whoami", options=["--auth", "nonsense"], code=USAGE)


# --- quotas -----------------------------------------------------------------------------------------------------------

def test_quotas_are_set_merged_listed_and_deleted(ask, zk, base):
    zk.create(base + "/child", b"12345")
    assert ask("listquota", base).out == (f"absolute path is /zookeeper/quota{base}/zookeeper_limits\n"
                                          f"quota for {base} does not exist.\n")
    assert "2 nodes already" in ask("setquota", "-n", "1", base).err
    assert ask("setquota", "-b", "100", "-N", "20", "-B", "200", base, "--json").json == {
        "path": base, "limits": {"count": 1, "bytes": 100, "count_hard": 20, "bytes_hard": 200}}
    assert ask("listquota", base).out.splitlines()[1:] == [
        f"Output quota for {base} count=1,bytes=100=;byteHardLimit=200;countHardLimit=20",
        f"Output stat for {base} count=2,bytes=5"]
    ask("delquota", "-N", base)
    listed = ask("listquota", base, "--json").json
    assert listed["limits"] == {"count": 1, "bytes": 100, "count_hard": None, "bytes_hard": 200}
    assert listed["usage"]["count"] == 2
    assert "quota" in ask("setquota", "-n", "1", base + "/child", code=FAILED).err
    ask("delquota", base)
    assert zk.exists("/zookeeper/quota" + base) is None
    ask("delquota", base, code=NO_NODE)
    ask("setquota", "-n", "1", "/missing", code=NO_NODE)
    ask("setquota", base, code=USAGE)


# --- export and import ------------------------------------------------------------------------------------------------

def test_what_is_exported_can_be_imported_elsewhere(ask, zk, base, tmp_path):
    zk.create(base + "/a", b"text")
    zk.create(base + "/a/binary", bytes(range(256)))
    zk.create(base + "/read-only", b"", acl=[make_acl("world", "anyone", read=True)])
    zk.create(base + "/ephemeral", ephemeral=True)
    for made in [zk.create_async(f"{base}/a/{name}", str(name).encode()) for name in range(150)]:
        made.get()
    exported = ask("export", base)
    lines = [json.loads(line) for line in exported.out.splitlines()]
    assert len(lines) == 154 and "154 nodes exported" in exported.err
    assert lines[0] == {"path": "", "data": ""}
    assert {"path": "/read-only", "data": "", "acl": ["world:anyone:r"]} in lines
    assert all(line["path"] != "/ephemeral" for line in lines)

    ask("export", base, "-o", str(tmp_path / "tree"))
    assert (tmp_path / "tree").read_text() == exported.out
    copy = base + "/copies/one"
    imported = ask("import", copy, "-f", str(tmp_path / "tree"), "--json").json
    assert imported == {"path": copy, "imported": 154, "skipped": 0}
    assert zk.get(copy + "/a/binary")[0] == bytes(range(256))
    assert zk.get_acls(copy + "/read-only")[0] == [make_acl("world", "anyone", read=True)]
    assert sorted(ask("export", copy).out.splitlines()) == sorted(exported.out.splitlines())

    assert "exists already" in ask("import", copy, stdin=exported.bytes, code=NODE_EXISTS).err
    zk.set(copy + "/a", b"changed")
    assert ask("import", copy, "--existing", "skip", stdin=exported.bytes).out == "0 nodes imported, 154 skipped\n"
    assert zk.get(copy + "/a")[0] == b"changed"
    zk.delete(copy + "/read-only")
    ask("import", copy, "--existing", "overwrite", stdin=exported.bytes)
    assert zk.get(copy + "/a")[0] == b"text"
    ask("import", copy, "--existing", "perhaps", code=USAGE)
    assert "line 2" in ask("import", base + "/bad", stdin=b'{"path": ""}\nnonsense\n', code=FAILED).err


# --- watching ---------------------------------------------------------------------------------------------------------

def test_watch_streams_events(server, zk, base):
    with started(server, "--json", "watch", base, "--recursive", "--count", "3") as program:
        assert b"watching" in program.stderr.readline()
        zk.create(base + "/a")
        zk.set(base + "/a", b"x")
        zk.delete(base + "/a")
        events = [json.loads(program.stdout.readline()) for _ in range(3)]
        assert program.wait(SECONDS) == OK
    assert [(event["event"], event["path"]) for event in events] == [
        (kind, base + "/a") for kind in ("created", "changed", "deleted")]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", event["time"]) for event in events)


def test_watch_is_interrupted(server, zk, base):
    with started(server, "watch", base) as program:
        program.stderr.readline()
        zk.set(base, b"x")
        assert re.search(rb"Z  changed " + base.encode(), program.stdout.readline())
        program.send_signal(signal.SIGINT)
        assert program.wait(SECONDS) == INTERRUPTED


# --- the ensemble -----------------------------------------------------------------------------------------------------

def test_status_shows_a_server_and_marks_the_unreachable(ask, server):
    [told] = ask("status", "--json").json
    assert (told["server"], told["alive"], told["serves"], told["role"]) == (server.address, True, True, "standalone")
    assert re.fullmatch("0x[0-9a-f]+", told["zxid"]) and told["epoch"] == "0" and told["connections"]
    closed = f"127.0.0.1:{harness.free_port()}"
    both = ask("status", server=f"{server.address},{closed}", code=FAILED).out.splitlines()
    assert both[0].split()[:4] == ["SERVER", "ROLE", "ZXID", "EPOCH"]
    assert "standalone" in both[1] and "UNREACHABLE: Connection refused" in both[2]
    ask("status", server=closed, code=CANNOT_CONNECT)


def test_status_and_config_find_all_members(ask, server_kind, only_zabd, tmp_path):
    with ensemble.Ensemble(tmp_path, server_kind) as members:
        leader = members.leader()
        first = members[leader].address
        one, other = (number for number in members.voters if number != leader)
        ask("create", "/first", server=first)  # with which the epoch shows
        by_address = {told["server"]: told for told in ask("status", "--json", server=first).json}
        assert set(by_address) == {member.address for member in members.members.values()}
        assert sorted(told["role"] for told in by_address.values()) == ["follower", "follower", "leader"]
        assert [told["epoch"] for told in by_address.values() if told["role"] == "leader"] == ["1"]
        assert len(ask("status", "--named", "--json", server=first).json) == 1
        config = ask("config", server=first).out
        assert "server.1=" in config and "version=" in config
        assert set(ask("config", "-c", server=first).out.strip().split(",")) == set(by_address)
        assert "config" in ask("config", "-s", "--json", server=first + "/no/such/chroot").json
        assert "reconfig" in ask("reconfig", "--remove", str(one), server=first, code=NOT_ALLOWED).err
        members.kill(one)
        assert "UNREACHABLE" in ask("status", server=first, code=FAILED).out
        members.kill(other)
        deadline = time.monotonic() + SECONDS
        while "NOT SERVING" not in ask("status", "--named", server=first, code=CANNOT_CONNECT).out:
            assert time.monotonic() < deadline
        failed = ask("ls", "/", server=first, options=["--timeout", "300ms"], code=CANNOT_CONNECT)
        assert "no quorum" in failed.err


def test_bench_prints_rates_and_percentiles(ask):
    words = ("bench", "--clients", "3", "--seconds", "0.5", "--write-percent", "50")
    told = ask(*words, "--json").json
    assert told["clients"] == 3
    for kind in ("read", "write"):
        assert told[kind]["count"] > 0 and told[kind]["ops_per_second"] > 0
        assert 0 < told[kind]["p50_us"] <= told[kind]["p99_us"] <= told[kind]["max_us"]
    rows = [line.split() for line in ask(*words).out.splitlines()]
    assert [row[0] for row in rows] == ["OPERATION", "read", "write"]


# --- coordination -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("command", ["lock", "elect"])
def test_a_command_runs_under_a_lock_with_a_fencing_token(ask, zk, base, command):
    script = f'echo $ZABD_LOCK_TOKEN $ZABD_LOCK_PATH; exit 7'
    first, second = (ask(command, base + "/lock", "--", "sh", "-c", script, code=7).out.split() for _ in range(2))
    assert 0 < int(first[0]) < int(second[0])
    assert first[1].startswith(base + "/lock/_c_")
    assert zk.get_children(base + "/lock") == []
    ask(command, base + "/lock", "--", "sh", "-c", "kill -9 $$", code=128 + 9)
    assert "cannot run" in ask(command, base + "/lock", "--", "/no/such/program", code=CANNOT_RUN).err
    assert ask(command, base + "/lock", "--", "echo", "[a,b]", "--json").out == "[a,b] --json\n"


@pytest.mark.parametrize("command", ["lock", "elect"])
def test_a_lock_is_held_by_one_and_lost_with_its_node(ask, server, zk, base, command):
    path = base + "/lock"
    with started(server, command, path, "--id", "first", "--", "sh", "-c", "echo held; exec sleep 30") as holder:
        assert holder.stdout.readline() == b"held\n"
        assert "held by another" in ask(command, path, "--wait", "0.2", "--", "true", code=TIMEOUT).err
        [told] = ask(command, path, "--json").json
        assert (told["id"], told["holds"]) == ("first", True)
        assert "holds" in ask(command, path).out
        zk.delete(f"{path}/{told['node']}")
        assert holder.wait(SECONDS) == LOCK_LOST
        assert b"lock is lost" in holder.stderr.read()
    assert ask(command, path).out == "nobody\n"


def test_sigterm_reaches_the_command_and_releases_the_lock(server, zk, base):
    script = "trap 'echo told; exit 3' TERM; echo held; while :; do sleep 0.05; done"
    with started(server, "lock", base + "/lock", "--", "sh", "-c", script) as holder:
        assert holder.stdout.readline() == b"held\n"
        holder.send_signal(signal.SIGTERM)
        assert holder.stdout.readline() == b"told\n"
        assert holder.wait(SECONDS) == 3
    assert zk.get_children(base + "/lock") == []


# --- exit codes, settings, help ---------------------------------------------------------------------------------------

def test_failures_have_their_exit_codes_and_say_where(ask, zk, base):
    zk.create(base + "/child")
    missing = base + "/missing"
    for words, code in ((("get", missing), NO_NODE), (("ls", missing), NO_NODE), (("ls", "-R", missing), NO_NODE),
                        (("stat", missing), NO_NODE), (("delete", missing), NO_NODE), (("export", missing), NO_NODE),
                        (("deleteall", missing), NO_NODE), (("create", base), NODE_EXISTS),
                        (("delete", base), NOT_EMPTY)):
        failed = ask(*words, code=code)
        assert words[-1] in failed.err and failed.out == ""
        told = json.loads(ask("--json", *words, code=code).err.splitlines()[-1])
        assert told["exit_code"] == code and words[-1] in told["error"]
    assert "begins with /" in ask("create", "relative", code=FAILED).err
    for words in (("get",), ("get", "/a", "b"), ("frobnicate",), ("get", "-z", "/"), ("history",),
                  ("create", "-c", "-e", "/x")):
        assert "help" in ask(*words, code=USAGE).err


def test_a_server_that_is_not_there_is_explained(ask):
    closed = f"127.0.0.1:{harness.free_port()}"
    failed = ask("ls", "/", server=closed, options=["--timeout", "300ms"], code=CANNOT_CONNECT)
    assert f"{closed}: Connection refused" in failed.err and "ZABD_SERVER" in failed.err
    ask("ls", "/", server="nonsense:port", code=USAGE)


def test_a_server_that_does_not_answer_is_a_timeout(server_kind, only_zabd, ask, make_server):
    stopped = make_server().start()
    with started(stopped, "--timeout", "500ms", "--session-timeout", "20s") as shell:
        shell.stdin.write(b"ls /\n")
        shell.stdin.flush()
        assert shell.stdout.readline() == b"[zookeeper]\n"
        stopped.process.send_signal(signal.SIGSTOP)
        shell.stdin.write(b"create /x\n")
        shell.stdin.close()
        assert shell.wait(SECONDS) == TIMEOUT
        stopped.process.send_signal(signal.SIGCONT)


def test_the_server_comes_from_the_environment_and_may_have_a_chroot(server, zk, base):
    zk.create(base + "/below")
    done = subprocess.run([binary(), "ls", "/"], capture_output=True, timeout=SECONDS,
                          env=environment(ZABD_SERVER=server.address + base))
    assert (done.returncode, done.stdout) == (OK, b"[below]\n")


def test_help_and_the_manual_know_every_command(ask):
    text = ask("help").out
    for command in COMMANDS:
        assert re.search(rf"^  {command} ", text, re.MULTILINE), command
        assert ask("help", command).out == ask(command, "--help").out + "\n"
    reference = ask("help", "--markdown").out
    assert {match[1] for match in re.finditer(r"^#### `(\w+)", reference, re.MULTILINE)} == COMMANDS | SHELL_COMMANDS
    manual = os.path.join(os.path.dirname(__file__), "../../docs/zabctl.md")
    with open(manual, encoding="utf-8") as file:
        assert file.read().endswith(reference.rstrip("\n") + "\n"), "docs/zabctl.md ends with `zabctl help --markdown`"


def test_version_is_told(ask):
    assert re.fullmatch(r"zabctl \d+\.\d+\.\d+\n", ask("version").out)
    assert ask("version").out == ask("--version").out
    assert ask("version", "--json").json == {"version": ask("version").out.split()[1]}


# --- the shell --------------------------------------------------------------------------------------------------------

class Shell:
    """A shell on a terminal of its own; what it prints comes without the terminal's orders."""

    def __init__(self, address, home):
        self._master, slave = pty.openpty()
        self._text = ""
        self.process = subprocess.Popen([binary(), "--server", address], stdin=slave, stdout=slave, stderr=slave,
                                        start_new_session=True, preexec_fn=lambda: _take_terminal(),
                                        env=environment(XDG_STATE_HOME=str(home), COLUMNS="200"))
        os.close(slave)

    def type(self, keys):
        os.write(self._master, keys.encode())

    def expect(self, pattern):
        """The match of the regular expression in what came since the last one."""
        deadline = time.monotonic() + SECONDS
        while not (match := re.search(pattern, self._text)):
            ready, _, _ = select.select([self._master], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"no '{pattern}' in {self._text!r}"
            try:
                self._text += _without_orders(os.read(self._master, 65536).decode(errors="replace"))
            except OSError:
                raise AssertionError(f"the shell ended, without '{pattern}': {self._text!r}") from None
        self._text = self._text[match.end():]
        return match

    def prompt(self):
        return self.expect(r"\[zabd: \S+\(connected\) \d+\] ")

    def ask(self, line, pattern):
        self.type(line + "\n")
        return self.expect(pattern)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self._master)


def _take_terminal():
    import fcntl
    import termios
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _without_orders(text):
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>]", "", text).replace("\r", "").replace("\x07", "")


@pytest.fixture
def shell(server, tmp_path):
    with Shell(server.address, tmp_path) as running:
        running.prompt()
        yield running


def test_the_shell_runs_commands_and_quits(shell, zk, base):
    shell.ask(f"create {base}/a 'b c'", f"Created {base}/a\n")
    shell.ask(f"get {base}/a", "\nb c\n")
    shell.ask(f"get {base}/a --json", r'\{"path":"\S+","data":"b c"\}\n')
    shell.ask(f"get {base}/missing", f"zabctl: no such node: {base}/missing\n")
    shell.ask("frobnicate", "zabctl: .*`help`")
    shell.ask("get 'open", "a quote is not closed")
    shell.ask(f"create -e {base}/e", "Created")
    shell.ask("getEphemerals", rf"\[{base}/e\]")
    shell.ask("help get", "Prints a node's data")
    shell.ask("printwatches", "printwatches is on")
    shell.type("quit\n")
    assert shell.process.wait(SECONDS) == OK
    assert zk.exists(base + "/e") is None, "quitting ends the session"


def test_the_shell_completes_commands_flags_and_paths(shell, zk, base):
    zk.create(base + "/alpha-one")
    zk.create(base + "/alpha-two")
    zk.create(base + "/with space")
    shell.type("getAll\t")
    shell.expect("getAllChildrenNumber ")
    shell.type(base + "/al\t")
    shell.expect(base + "/alpha-")
    shell.type("\t")
    shell.expect(f"{base}/alpha-one  {base}/alpha-two")
    shell.type("t\t\n")
    shell.expect("\n0\n")
    shell.type("ls --rec\t/zook\t\n")
    shell.expect("/zookeeper/config\n")
    shell.type(f"stat {base}/wi\t\n")
    shell.expect("cZxid = 0x")
    shell.type("help getA\tc\t\n")
    shell.expect("Prints a node's ACL")


def test_the_shell_tells_of_events_while_one_types(shell, zk, base):
    shell.ask(f"get -w {base}", "\n")
    shell.prompt()
    shell.ask("watches", rf"data +{base}\n")
    shell.type("stat /zoo")
    zk.set(base, b"x")
    shell.expect(f"WATCHER: changed {base}.*\n")
    shell.type("keeper\n")
    shell.expect("cZxid = 0x")
    shell.ask("watches", "no watches")
    shell.ask(f"addWatch {base}", "\n")
    shell.ask("watches", rf"recursive +{base}\n")
    zk.create(base + "/a")
    shell.expect(f"WATCHER: created {base}/a")
    shell.ask(f"removewatches {base}", "\n")
    shell.ask("watches", "no watches")
    shell.ask(f"removewatches {base}", "no such watch")
    shell.ask("printwatches off", "printwatches is off")


def test_the_shell_remembers_lines(server, tmp_path, zk, base):
    with Shell(server.address, tmp_path) as shell:
        shell.prompt()
        shell.ask(f"ls {base}", r"\[\]\n")
        shell.ask("addauth digest bob:secret", "\n")
        shell.ask("whoami", "digest: bob")
        shell.ask("history", f"0 - ls {base}\n1 - addauth digest bob:secret\n2 - whoami\n3 - history\n")
        shell.ask("redo 0", r"\[\]\n")
        shell.ask("redo 99", "no line 99")
        shell.prompt()
        shell.type("\x04")
        assert shell.process.wait(SECONDS) == OK
    kept = tmp_path / "zabctl" / "history"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert "secret" not in kept.read_text()
    with Shell(server.address, tmp_path) as shell:
        shell.prompt()
        shell.type("\x1b[A\x1b[A\x1b[A\n")  # up: redo 99, what redo 0 did, redo 0
        shell.expect("no line 0")


def test_the_shell_changes_connections(shell, server, zk, base):
    shell.ask("close", "\n")
    shell.expect(r"\(closed\)")
    shell.ask("ls /", "not connected")
    shell.ask(f"connect {server.address}{base}", "connected to")
    shell.prompt()
    shell.ask("create /below", "Created /below")
    assert zk.exists(base + "/below")


def test_control_c_ends_a_command_but_not_the_shell(shell, base):
    shell.ask(f"watch {base}", "watching")
    shell.type("\x03")
    shell.expect("interrupted")
    shell.prompt()
    shell.type("half a line\x03")
    shell.prompt()
    shell.ask(f"ls {base}", r"\[\]\n")


def test_lines_may_come_from_a_pipe(ask, zk, base):
    told = ask(stdin=f"create {base}/a x\nget {base}/a\n\nls {base} --json".encode())
    assert told.out == f'Created {base}/a\nx\n["a"]\n'
    ask(stdin=f"get {base}/missing\n".encode(), code=NO_NODE)
    assert ask(stdin=b"").out == ""


if __name__ == "__main__":
    sys.exit(pytest.main(sys.argv))
