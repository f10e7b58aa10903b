"""zabd import and zabd export: data directories to and from Apache ZooKeeper, with the real servers on both sides."""

import base64
import json
import pathlib
import shutil
import subprocess
import threading
import time

import pytest

import harness
import wire
from ensemble import Ensemble
from mixed import OWN_NODES, SETTINGS, SUPER_AUTH, differences, needs_java
from wire import Err, Mode, Op

VECTORS = pathlib.Path(__file__).parent.parent / "vectors"
ARCHIVE = VECTORS / "zookeeper-3.8-data"
EXPECTED = json.loads((VECTORS / "zookeeper-3.8-data.json").read_text())["directories"]

CONFIG = {**SETTINGS, "4lw.commands.whitelist": "*"}
LIVES_MS = 40000

EXIT_BAD_CONFIG = 2
EXIT_DATA_DIR = 3


@pytest.fixture(autouse=True)
def _of_zabd(only_zabd):
    pass


def zabd_command(*words):
    return subprocess.run([harness.zabd_binary(), *map(str, words)], capture_output=True, text=True, timeout=60,
                          check=False)


def convert(command, source, target):
    """What it printed."""
    result = zabd_command(command, "--from", source, "--to", target)
    assert result.returncode == 0, result.stderr
    return result.stdout


def tree_of(server):
    """path -> (data, stat, ACL) of every node but OWN_NODES."""
    with wire.open_session(server, timeout_ms=LIVES_MS) as connection:
        assert connection.call(Op.AUTH, wire.auth("digest", SUPER_AUTH), wire.XID_AUTH).err == Err.OK
        nodes, paths = {}, ["/"]
        while paths:
            path = paths.pop()
            if path in OWN_NODES:
                continue
            data, stat = connection.result(Op.GET_DATA, wire.get_data(path))
            nodes[path] = data, stat, connection.result(Op.GET_ACL, wire.get_acl(path))[0]
            children = connection.result(Op.GET_CHILDREN, wire.get_children(path))
            paths += [f"{path.rstrip('/')}/{name}" for name in children]
        connection.result(Op.CLOSE_SESSION)
        return nodes


def archived_tree(name):
    """The same, as the archive says it."""
    tree = {}
    for node in EXPECTED[name]["nodes"]:
        stat = node["stat"]
        data = None if node["data"] is None else base64.b64decode(node["data"])
        acl = [(entry["perms"], entry["scheme"], entry["id"]) for entry in node["acl"]]
        tree[node["path"]] = data, wire.Stat(*(stat[field] for field in (
            "czxid", "mzxid", "ctime", "mtime", "version", "cversion", "aversion", "ephemeralOwner", "dataLength",
            "numChildren", "pzxid"))), acl
    return {path: node for path, node in tree.items() if path not in OWN_NODES}


def assert_same(one, other):
    assert (found := differences(one, other)) == [], "\n".join(found)


def write_some(server, timeout_ms=LIVES_MS):
    """Every kind of node and change that a client can make."""
    with wire.open_session(server, timeout_ms=timeout_ms) as link:
        link.result(Op.CREATE, wire.create("/plain", b"hello"))
        link.result(Op.CREATE, wire.create("/plain/null", None))
        link.result(Op.CREATE, wire.create("/guarded", b"x", [(31, "digest", "bob:secret")]))
        link.result(Op.CREATE_CONTAINER, wire.create("/box", b"", flags=Mode.CONTAINER))
        link.result(Op.CREATE_TTL, wire.create_ttl("/brief", b"", ttl_ms=1 << 38))
        for _ in range(5):
            link.result(Op.CREATE, wire.create("/plain/n-", b"", flags=Mode.SEQUENTIAL))
        link.result(Op.DELETE, wire.path_and_version("/plain/n-0000000002"))
        link.result(Op.SET_DATA, wire.set_data("/plain", b"again"))
        link.result(Op.SET_ACL, wire.set_acl("/plain/null", [(1, "world", "anyone")]))
        assert link.call(Op.DELETE, wire.path_and_version("/plain")).err == Err.NOT_EMPTY
        link.result(Op.CREATE, wire.create("/leased", b"", flags=Mode.EPHEMERAL))


class Busy:
    """Clients that write without a pause: all that makes a snapshot differ from itself while it is written."""

    def __init__(self, server, clients=3):
        self._server = server
        self._threads = [threading.Thread(target=self._write, args=(n,)) for n in range(clients)]
        for thread in self._threads:
            thread.start()

    def join(self):
        for thread in self._threads:
            thread.join()

    def _write(self, number):
        try:
            with wire.open_session(self._server, timeout_ms=LIVES_MS) as link:
                for round_ in range(1000000):
                    parent = f"/busy-{number}-{round_ % 7}"
                    for op, body in ((Op.CREATE, wire.create(parent, b"new")),
                                     (Op.CREATE2, wire.create(f"{parent}/child", b"c" * (round_ % 50))),
                                     (Op.CREATE, wire.create(f"{parent}/eph", b"", flags=Mode.EPHEMERAL)),
                                     (Op.SET_DATA, wire.set_data(parent, b"%d" % round_)),
                                     (Op.DELETE, wire.path_and_version(f"{parent}/eph")),
                                     (Op.DELETE, wire.path_and_version(f"{parent}/child")),
                                     (Op.DELETE, wire.path_and_version(parent)),
                                     (Op.CREATE, wire.create(f"/left-{number}-{round_}", b""))):
                        link.send(op, body)
                    for _ in range(8):
                        link.receive_reply()
        except (wire.ConnectionClosed, OSError):
            pass  # the server was killed


# --- import -----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_server_shows_what_was_imported_and_goes_on_from_there(name, tmp_path):
    server = harness.zabd(tmp_path / "zabd", CONFIG)
    printed = convert("import", ARCHIVE / name, server.data_dir)
    last = int(EXPECTED[name]["last_zxid"], 16)
    assert f"zxid={last:#x}" in printed and f"nodes={EXPECTED[name]['node_count']}" in printed
    with server:
        assert_same(tree_of(server), archived_tree(name))
        with wire.open_session(server) as link:
            link.result(Op.CREATE, wire.create("/later"))
            assert link.result(Op.EXISTS, wire.path_and_watch("/later")).czxid > last
        server.restart()
        assert "/later" in tree_of(server)


def test_the_members_of_an_ensemble_go_on_with_what_was_imported(tmp_path):
    name = "ensemble-truncated"
    ensemble = Ensemble(tmp_path, config=SETTINGS)
    for number in ensemble.members:
        convert("import", ARCHIVE / name, ensemble[number].data_dir)
    with ensemble:
        ensemble.await_leader()
        for number in ensemble.members:
            assert_same(tree_of(ensemble[number]), archived_tree(name))
        with wire.open_session(ensemble[1]) as link:
            link.result(Op.CREATE, wire.create("/later"))
            assert link.result(Op.EXISTS, wire.path_and_watch("/later")).czxid >> 32 > 4
        ensemble.await_converged(node_by_node=False)


@needs_java
@pytest.mark.parametrize("compression", ["", "gz", "snappy"])
def test_snapshots_that_zookeeper_wrote_under_load_are_imported_exactly(compression, tmp_path):
    java = harness.zookeeper(tmp_path / "java", CONFIG, snapCount=100, **{"snapshot.compression.method": compression})
    with java:
        busy = Busy(java)
        try:
            await_snapshots(java, 4)
        finally:
            java.kill()
            busy.join()
    assert newest_snapshot(java.data_dir).name.endswith(compression)
    server = harness.zabd(tmp_path / "zabd", CONFIG)
    convert("import", java.data_dir, server.data_dir)
    with server, java:
        assert_same(tree_of(server), tree_of(java))


def snapshots(data_dir):
    return sorted((data_dir / "version-2").glob("snapshot.*"), key=lambda path: int(path.name.split(".")[1], 16))


def newest_snapshot(data_dir):
    return snapshots(data_dir)[-1]


def await_snapshots(java, count, timeout=60):
    deadline = time.monotonic() + timeout
    while len(snapshots(java.data_dir)) < count:
        assert time.monotonic() < deadline, f"not {count} snapshots after {timeout} s"
        time.sleep(0.02)


# --- export -----------------------------------------------------------------------------------------------------------

@needs_java
def test_zookeeper_shows_what_was_exported_and_what_it_adds_comes_back(tmp_path):
    server = harness.zabd(tmp_path / "zabd", CONFIG)
    with server:
        write_some(server)
        expected = tree_of(server)
        server.kill()               # so the log is ahead of the checkpoint
    java = harness.zookeeper(tmp_path / "java", CONFIG)
    convert("export", server.data_dir, java.data_dir)
    with java:
        assert_same(tree_of(java), expected)
        with wire.open_session(java) as link:
            link.result(Op.CREATE, wire.create("/by-java", b"data"))
        assert "zk_digest_mismatches_count\t0" in java.word("mntr")
        expected = tree_of(java)
    back = harness.zabd(tmp_path / "back", CONFIG)
    convert("import", java.data_dir, back.data_dir)
    with back:
        assert_same(tree_of(back), expected)


@needs_java
def test_a_checkpoint_and_the_log_behind_it_are_exported_together(tmp_path):
    server = harness.zabd(tmp_path / "zabd", CONFIG)
    with server:
        write_some(server)
        server.restart()            # a clean end puts all of it into the checkpoint
        with wire.open_session(server) as link:
            link.result(Op.SET_DATA, wire.set_data("/plain", b"behind the checkpoint"))
        expected = tree_of(server)
        server.kill()
    java = harness.zookeeper(tmp_path / "java", CONFIG)
    printed = convert("export", server.data_dir, java.data_dir)
    assert " 0 transactions" not in printed and "snapshot at 0x0 " not in printed
    with java:
        assert_same(tree_of(java), expected)
        assert "zk_digest_mismatches_count\t0" in java.word("mntr")


@needs_java
def test_an_ensemble_moves_to_zookeeper_and_back(tmp_path):
    def move(command, source, target):
        for number in source.members:
            convert(command, source[number].data_dir, target[number].data_dir)

    def add(ensemble, path):
        """Its epoch, and the tree with it."""
        with wire.open_session(ensemble[1]) as link:
            link.result(Op.CREATE, wire.create(path))
            epoch = link.result(Op.EXISTS, wire.path_and_watch(path)).czxid >> 32
        ensemble.await_converged(node_by_node=False)
        return epoch, tree_of(ensemble[2])

    epochs, trees = [], []
    before = None
    for number, kind in enumerate(("zabd", "zookeeper", "zabd")):
        ensemble = Ensemble(tmp_path / f"{number}", kind, config=SETTINGS)
        if before:
            move("import" if kind == "zabd" else "export", before, ensemble)
        with ensemble:
            ensemble.await_leader()
            if before:
                for member in ensemble.members:
                    assert_same(tree_of(ensemble[member]), trees[-1])
            epoch, tree = add(ensemble, f"/made-{number}")
            epochs.append(epoch)
            trees.append(tree)
            for member in ensemble.members:
                ensemble.stop(member)
        before = ensemble
    assert epochs == sorted(set(epochs))


# --- what is refused --------------------------------------------------------------------------------------------------

def test_a_target_that_holds_something_is_left_as_it_is(tmp_path):
    (tmp_path / "file").write_text("precious")
    result = zabd_command("import", "--from", ARCHIVE / "standalone", "--to", tmp_path)
    assert result.returncode == EXIT_BAD_CONFIG
    assert "not empty" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_directory_of_a_server_that_runs_is_not_exported(tmp_path):
    with harness.zabd(tmp_path / "zabd", CONFIG) as server:
        result = zabd_command("export", "--from", server.data_dir, "--to", tmp_path / "out")
        assert result.returncode == EXIT_DATA_DIR
        assert str(server.pid) in result.stderr
    assert not (tmp_path / "out" / "version-2").exists()


def test_damage_is_told_with_its_place_and_nothing_is_made(tmp_path):
    shutil.copytree(ARCHIVE / "standalone", tmp_path / "java")
    log = tmp_path / "java" / "version-2" / "log.32"
    damaged = bytearray(log.read_bytes())
    damaged[60] ^= 1
    log.write_bytes(damaged)
    result = zabd_command("import", "--from", tmp_path / "java", "--to", tmp_path / "zabd")
    assert result.returncode == EXIT_DATA_DIR
    assert f"{log}" in result.stderr and "at byte 16" in result.stderr
    assert list((tmp_path / "zabd").iterdir()) == []


def test_each_command_says_what_it_needs():
    for command in ("import", "export"):
        assert "--from" in zabd_command(command, "--help").stdout
        result = zabd_command(command)
        assert result.returncode == EXIT_BAD_CONFIG and "--from" in result.stderr
    assert "import" in zabd_command("--help").stdout
