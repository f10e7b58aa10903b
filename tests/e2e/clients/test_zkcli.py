"""Java's own shell, zkCli: one JVM that is fed many commands, and single commands with their exit codes."""

import re

import pytest
from programs import Program, require, run
from waiting import SECONDS

EVENT = r"\nWATCHER::\n\nWatchedEvent state:(\w+) type:(\w+) path:(\S+)(?: zxid: -?\d+)?\n"
DIGEST = "digest:user:tpUq/4Pn5A64fVZyQ0gOJ8ZWqkY="
STAT_LINES = ["cZxid", "ctime", "mZxid", "mtime", "pZxid", "cversion", "dataVersion", "aclVersion", "ephemeralOwner",
              "dataLength", "numChildren"]


def java_command(address):
    jars = [require("/usr/share/java/zookeeper.jar", "libzookeeper-java"),
            require("/usr/share/java/slf4j-nop.jar", "libslf4j-java")]
    return [require("/usr/bin/java", "default-jdk-headless"), "-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
            "-cp", ":".join(jars), "org.apache.zookeeper.ZooKeeperMain", "-server", address]


class Shell(Program):
    def ask(self, command):
        """What the shell prints for the command, watch events left out."""
        self.say(command)
        self.say("printwatches")
        answer = self.expect(r"((?:.|\n)*?)^printwatches is on\n")
        return re.sub(EVENT, "", answer[1])

    def expect_event(self, kind, path):
        """The next event; those of the connection may come at any time before it, and are passed over."""
        event = self.expect(EVENT)
        while kind != "None" and event[2] == "None":
            event = self.expect(EVENT)
        assert event.groups() == ("SyncConnected", kind, path)


@pytest.fixture(scope="module")
def shell(server, tmp_path_factory):
    with Shell(java_command(server.address), cwd=tmp_path_factory.mktemp("zkcli")) as program:
        program.expect("^Welcome to ZooKeeper!$", timeout=2 * SECONDS)
        program.expect_event("None", "null")
        yield program


def stat_of(text):
    """The stat that a command printed, by the names that the shell gives its fields."""
    pairs = [line.split(" = ", 1) for line in text.splitlines() if " = " in line]
    assert [name for name, _ in pairs] == STAT_LINES
    return dict(pairs)


def test_create_makes_every_kind_of_node(shell, zk, base):
    for flags, name, given in (("", "plain", "plain"), ("-s ", "s-", "s-0000000001"), ("-e ", "e", "e"),
                               ("-s -e ", "se-", "se-0000000003"), ("-c ", "c", "c"), ("-t 60000 ", "t", "t"),
                               ("-s -t 60000 ", "st-", "st-0000000006")):
        assert shell.ask(f"create {flags}{base}/{name} data") == f"Created {base}/{given}\n"
    assert shell.ask(f"create {base}/null") == f"Created {base}/null\n"
    assert zk.get(base + "/null")[0] is None
    assert zk.get(base + "/c")[0] == b"data"
    assert zk.exists(base + "/e").ephemeralOwner == zk.exists(base + "/se-0000000003").ephemeralOwner != 0


def test_create_says_what_is_wrong(shell, base):
    assert shell.ask(f"create {base}") == f"Node already exists: {base}\n"
    assert shell.ask(f"create {base}/missing/node") == f"Node does not exist: {base}/missing/node\n"
    shell.ask(f"create -e {base}/e")
    assert shell.ask(f"create {base}/e/child") == f"Ephemerals cannot have children: {base}/e/child\n"
    assert "cannot be combined" in shell.ask(f"create -c -e {base}/both")
    assert "Path must start with / character" in shell.ask("create relative")


def test_ls_lists_sorted_with_stat_and_recursively(shell, zk, base):
    for name in ("b", "a", "a/deep", "c"):
        zk.create(f"{base}/{name}")
    assert shell.ask(f"ls {base}") == "[a, b, c]\n"
    first, rest = shell.ask(f"ls -s {base}").split("\n", 1)
    assert first == "[a, b, c]"
    assert stat_of(rest)["numChildren"] == "3"
    listed = shell.ask(f"ls -R {base}").splitlines()
    assert sorted(listed) == [base, base + "/a", base + "/a/deep", base + "/b", base + "/c"]
    assert shell.ask(f"ls {base}/missing") == f"Node does not exist: {base}/missing\n"


def test_get_and_stat_print_what_the_node_has(shell, zk, base):
    stat = zk.set(base, b"hello")
    assert shell.ask(f"get {base}") == "hello\n"
    with_stat = shell.ask(f"get -s {base}")
    assert with_stat.startswith("hello\n")
    printed = stat_of(with_stat)
    assert printed == stat_of(shell.ask(f"stat {base}"))
    zxids = (printed["cZxid"], printed["mZxid"], printed["pZxid"])
    assert zxids == (hex(stat.czxid), hex(stat.mzxid), hex(stat.pzxid))
    assert (printed["dataVersion"], printed["dataLength"], printed["ephemeralOwner"]) == ("1", "5", "0x0")
    assert shell.ask(f"stat {base}/missing") == f"Node does not exist: {base}/missing\n"


def test_set_checks_the_version(shell, zk, base):
    assert shell.ask(f"set {base} silent") == ""
    assert stat_of(shell.ask(f"set -s -v 1 {base} 'two words'"))["dataVersion"] == "2"
    assert zk.get(base)[0] == b"two words"
    assert shell.ask(f"set -v 1 {base} late") == f"version No is not valid : {base}\n"


def test_delete_and_deleteall(shell, zk, base):
    for name in ("a", "a/b", "a/b/c"):
        zk.create(f"{base}/{name}")
    assert shell.ask(f"delete {base}/a") == f"Node not empty: {base}/a\n"
    assert shell.ask(f"delete -v 3 {base}/a/b/c") == f"version No is not valid : {base}/a/b/c\n"
    assert shell.ask(f"delete -v 0 {base}/a/b/c") == ""
    assert shell.ask(f"deleteall {base}/a") == ""
    assert zk.get_children(base) == []
    assert shell.ask(f"delete {base}/a") == f"Node does not exist: {base}/a\n"


def test_acls_are_set_shown_and_enforced(server, zk, base, tmp_path):
    with Shell(java_command(server.address), cwd=tmp_path) as shell:
        shell.expect_event("None", "null")
        assert shell.ask(f"getAcl {base}") == "'world,'anyone\n: cdrwa\n"
        assert shell.ask("whoami") == "Auth scheme: User\nip: 127.0.0.1\n"
        assert stat_of(shell.ask(f"setAcl -s {base} world:anyone:r,{DIGEST}:cdrwa"))["aclVersion"] == "1"
        assert shell.ask(f"set {base} x") == f"Insufficient permission : {base}\n"
        assert shell.ask("addauth digest user:password") == ""
        assert sorted(shell.ask("whoami").splitlines()[1:]) == ["digest: user", "ip: 127.0.0.1"]
        assert shell.ask(f"set {base} x") == ""
        assert shell.ask(f"getAcl {base}").splitlines() == [
            "'world,'anyone", ": r", "'digest,'user:tpUq/4Pn5A64fVZyQ0gOJ8ZWqkY=", ": cdrwa"]
        assert shell.ask(f"create {base}/mine data auth::cdrwa") == f"Created {base}/mine\n"
        assert shell.ask(f"getAcl {base}/mine") == "'digest,'user:tpUq/4Pn5A64fVZyQ0gOJ8ZWqkY=\n: cdrwa\n"
        assert shell.ask(f"setAcl -R {base} world:anyone:cdrwa") == ""
        assert shell.ask(f"getAcl {base}/mine") == "'world,'anyone\n: cdrwa\n"
        assert "does not have the form scheme:id:perm" in shell.ask(f"setAcl {base} nonsense")
        assert "Acl is not valid" in shell.ask(f"setAcl {base} nonsense:id:r")
        shell.say("quit")
        assert shell.end() == 0


def test_ephemerals_and_numbers_of_children(shell, base):
    for name in ("e1", "e2"):
        shell.ask(f"create -e {base}/{name}")
    shell.ask(f"create {base}/plain")
    shell.ask(f"create -e {base}/plain/e3")
    listed = shell.ask(f"getEphemerals {base}")
    assert sorted(listed.strip("[]\n").split(", ")) == [base + "/e1", base + "/e2", base + "/plain/e3"]
    assert shell.ask(f"getEphemerals {base}/plain") == f"[{base}/plain/e3]\n"
    assert shell.ask(f"getAllChildrenNumber {base}") == "4\n"
    assert shell.ask(f"getAllChildrenNumber {base}/plain") == "1\n"


def test_quotas_are_set_listed_and_removed(shell, zk, base):
    zk.create(base + "/child", b"12345")
    limits = f"absolute path is /zookeeper/quota{base}/zookeeper_limits\n"
    assert shell.ask(f"setquota -n 10 {base}") == ""
    assert shell.ask(f"setquota -B 2000 {base}") == ""
    assert shell.ask(f"listquota {base}") == (
        limits + f"Output quota for {base} count=10,bytes=-1=;byteHardLimit=2000;countHardLimit=-1\n"
        f"Output stat for {base} count=2,bytes=5\n")
    zk.create(base + "/another", b"123")
    assert f"Output stat for {base} count=3,bytes=8\n" in shell.ask(f"listquota {base}")
    assert "count quota you create is less than the existing count:3" in shell.ask(f"setquota -N 1 {base}")
    assert shell.ask(f"delquota -n {base}") == ""
    assert "count=-1," in shell.ask(f"listquota {base}")
    assert shell.ask(f"delquota {base}") == ""
    assert shell.ask(f"listquota {base}") == limits + f"quota for {base} does not exist.\n"
    assert base[1:] not in zk.get_children("/zookeeper/quota")


def test_sync_version_and_config(server, shell, base):
    assert shell.ask(f"sync {base}") == "Sync is OK\n"
    assert shell.ask("version").startswith("ZooKeeper CLI version: ")
    lines = getattr(server, "config_lines", [])  # of an ensemble
    assert shell.ask("config").strip().splitlines() == lines
    version, _, clients = shell.ask("config -c").strip().partition(" ")  # in the order of a hash table
    assert version == ("0" if lines else "")
    assert sorted(filter(None, clients.split(","))) == sorted(line.split(";")[1] for line in lines if ";" in line)


def test_reconfig_is_refused(shell):
    assert shell.ask("reconfig -remove 3") == "KeeperErrorCode = Reconfig is disabled\n"


def test_one_shot_watches_print_their_event(shell, zk, base):
    assert shell.ask(f"get -w {base}") == "\n"
    zk.set(base, b"new")
    shell.expect_event("NodeDataChanged", base)
    shell.ask(f"ls -w {base}")
    zk.create(base + "/child")
    shell.expect_event("NodeChildrenChanged", base)
    shell.ask(f"stat -w {base}/child")
    zk.delete(base + "/child")
    shell.expect_event("NodeDeleted", base + "/child")


def test_persistent_watches_print_every_event(shell, zk, base):
    zk.create(base + "/p")
    assert shell.ask(f"addWatch -m PERSISTENT {base}/p") == ""
    for value in (b"1", b"2"):
        zk.set(base + "/p", value)
        shell.expect_event("NodeDataChanged", base + "/p")
    zk.create(base + "/p/child")
    shell.expect_event("NodeChildrenChanged", base + "/p")


def test_recursive_watches_print_the_events_below(shell, zk, base):
    assert shell.ask(f"addWatch -m PERSISTENT_RECURSIVE {base}") == ""  # the shell's default is the mode used last
    zk.create(base + "/a")
    shell.expect_event("NodeCreated", base + "/a")
    zk.create(base + "/a/b")
    shell.expect_event("NodeCreated", base + "/a/b")
    zk.set(base + "/a/b", b"x")
    shell.expect_event("NodeDataChanged", base + "/a/b")
    zk.delete(base + "/a/b")
    shell.expect_event("NodeDeleted", base + "/a/b")


def test_watches_can_be_removed(shell, zk, base):
    shell.ask(f"addWatch -m PERSISTENT {base}")
    shell.say(f"removewatches {base}")
    shell.expect_event("PersistentWatchRemoved", base)
    assert shell.ask(f"removewatches {base}") == f"KeeperErrorCode = No such watcher for {base}\n"
    shell.ask(f"get -w {base}")
    shell.say(f"removewatches {base} -d")
    shell.expect_event("DataWatchRemoved", base)
    before = len(re.findall(EVENT, shell.output))
    zk.set(base, b"unseen")
    shell.ask(f"sync {base}")
    assert len(re.findall(EVENT, shell.output)) == before


def test_the_shell_keeps_its_session_over_a_restart(server, connect, base, tmp_path):
    with Shell(java_command(server.address), cwd=tmp_path) as shell:
        shell.expect_event("None", "null")
        shell.ask(f"create -e {base}/e")
        shell.ask(f"addWatch {base}")
        server.restart()
        assert shell.expect(EVENT).groups() == ("Disconnected", "None", "null")
        shell.expect_event("None", "null")
        connect().set(base + "/e", b"x")
        shell.expect_event("NodeDataChanged", base + "/e")
        shell.say("quit")
        assert shell.end() == 0


@pytest.mark.parametrize("command, code, stdout, stderr", [
    ("create {base}/one value", 0, "", "Created {base}/one"),
    ("get {base}", 0, "\n", ""),
    ("ls {base}", 0, "[]\n", ""),
    ("get {base}/missing", 1, "", "Node does not exist: {base}/missing"),
    ("nonsense", 127, "", "Command not found nonsense"),
])
def test_a_single_command_ends_with_its_code(server, zk, base, tmp_path, command, code, stdout, stderr):
    done = run([*java_command(server.address), *command.format(base=base).split()], cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert stdout.format(base=base) in done.stdout
    assert stderr.format(base=base) in done.stderr
