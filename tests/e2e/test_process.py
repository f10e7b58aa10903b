"""zabd as a process: command line, configuration errors, exit codes, signals, its claim on the data directory."""

import re
import signal
import socket
import subprocess

import pytest

import harness
import wire
from wire import Op

EXIT_OK = 0
EXIT_USAGE = 2
EXIT_DATA_DIR = 3


@pytest.fixture(autouse=True)
def zabd_alone(only_zabd):
    """None of this file is asked of Apache ZooKeeper."""


def run_zabd(*arguments, cwd=None, timeout=20):
    """Runs zabd to its end; for command lines with which it must not serve."""
    return subprocess.run([harness.zabd_binary(), *map(str, arguments)], cwd=cwd, timeout=timeout,
                          capture_output=True, text=True, check=False)


def config_file(directory, *lines):
    path = directory / "zoo.cfg"
    path.write_text("\n".join([f"dataDir={directory / 'data'}", f"clientPort={harness.free_port()}",
                               "clientPortAddress=127.0.0.1", *lines, ""]))
    return path


# --- command line ---


def test_help_tells_the_usage():
    result = run_zabd("--help")
    assert result.returncode == EXIT_OK
    assert "zoo.cfg" in result.stdout and "--version" in result.stdout


def test_version_is_a_line_with_a_number():
    result = run_zabd("--version")
    assert result.returncode == EXIT_OK
    assert re.search(r"zabd \d+\.\d+", result.stdout) and len(result.stdout.splitlines()) == 1


@pytest.mark.parametrize("arguments", (("--no-such-option",), ("a.cfg", "b.cfg"), ("/does/not/exist.cfg",)))
def test_a_wrong_command_line_is_refused(arguments):
    result = run_zabd(*arguments)
    assert result.returncode == EXIT_USAGE
    assert arguments[-1] in result.stderr or "b.cfg" in result.stderr


def test_without_arguments_it_serves_its_default(tmp_path):
    """On 127.0.0.1:2181 with ./zabd-data, and it says so."""
    with socket.socket() as probe:
        if probe.connect_ex((harness.HOST, 2181)) == 0:
            pytest.skip("somebody listens on port 2181")
    process = subprocess.Popen([harness.zabd_binary()], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True)
    try:
        said = ""
        while "2181" not in said or "zabd-data" not in said:
            line = process.stdout.readline()
            assert line, f"it ended after saying: {said}"
            said += line
        with wire.RawConnection(harness.HOST, 2181) as link:
            assert link.connect().timeout_ms > 0
        assert (tmp_path / "zabd-data").is_dir()
    finally:
        process.terminate()
        process.communicate(timeout=20)
    assert process.returncode == EXIT_OK


# --- configuration ---


@pytest.mark.parametrize("line", (
    "tickTime=abc", "tickTime=0", "tickTime=-5", "maxClientCnxns=many", "clientPort=70000",
    "clientPort=x", "snapCount=none", "jute.maxbuffer=1x", "reconfigEnabled=perhaps", "electionAlg=2",
    "minSessionTimeout=abc", "globalOutstandingLimit=-",
))
def test_a_bad_value_is_an_error_with_file_and_line(tmp_path, line):
    path = config_file(tmp_path, "# a comment", line)
    result = run_zabd(path)
    assert result.returncode == EXIT_USAGE
    assert f"{path}:5" in result.stderr or "zoo.cfg:5" in result.stderr
    assert line.split("=")[0] in result.stderr


@pytest.mark.parametrize("lines, words", (
    (("minSessionTimeout=9000", "maxSessionTimeout=5000"), ("minSessionTimeout", "maxSessionTimeout")),
    (("dataDir=",), ("dataDir",)),
))
def test_values_that_do_not_fit_together_are_errors(tmp_path, lines, words):
    result = run_zabd(config_file(tmp_path, *lines))
    assert result.returncode == EXIT_USAGE
    assert all(word in result.stderr for word in words)


def test_a_configuration_without_data_directory_is_an_error(tmp_path):
    path = tmp_path / "zoo.cfg"
    path.write_text("clientPort=2181\n")
    result = run_zabd(path)
    assert result.returncode == EXIT_USAGE
    assert "dataDir" in result.stderr


def test_keys_without_effect_are_warned_about_by_name(make_server):
    keys = {"noSuchKey": "1", "watchManagerName": "x", "netty.advancedFlowControl.enabled": "true"}
    with make_server(config=keys) as server:
        log = server.log_text()
    warnings = [line for line in log.splitlines() if "warn" in line.lower()]
    for key in keys:
        assert any(key in line for line in warnings), f"no warning about {key}:\n{log}"


def test_a_configuration_as_administrators_write_it(tmp_path, make_server):
    """Comments, blanks, colons, continuation lines; the last of two equal keys holds."""
    path = config_file(tmp_path, "! another comment", "", "  tickTime : 1000", "maxClientCnxns=\\", "   7",
                       "initLimit=10", "syncLimit=5", "maxClientCnxns=8", "4lw.commands.whitelist=conf, srvr")
    server = make_server()
    server.config_file = path
    server.port = int(re.search(r"clientPort=(\d+)", path.read_text())[1])
    server.write_config = lambda **_: None
    with server:
        conf = server.word("conf")
    assert "tickTime=1000\n" in conf and "maxClientCnxns=8\n" in conf and "minSessionTimeout=2000\n" in conf


def test_a_port_in_use_is_named(tmp_path):
    with socket.socket() as occupant:
        occupant.bind((harness.HOST, 0))
        occupant.listen()
        port = occupant.getsockname()[1]
        result = run_zabd(config_file(tmp_path, f"clientPort={port}"))
    assert result.returncode not in (EXIT_OK, EXIT_USAGE)
    assert str(port) in result.stderr and "in use" in result.stderr.lower()


# --- data directory ---


def test_a_second_server_on_the_same_directory_is_refused(make_server, tmp_path):
    with make_server() as server:
        result = run_zabd(config_file(tmp_path, f"dataDir={server.data_dir}"))
        assert result.returncode == EXIT_DATA_DIR
        assert str(server.data_dir) in result.stderr and str(server.pid) in result.stderr
        with wire.open_session(server) as link:
            link.result(Op.CREATE, wire.create("/unharmed"))


def test_a_directory_with_zookeeper_s_own_files_is_refused(tmp_path):
    with harness.zookeeper(tmp_path / "java") as java:
        with wire.open_session(java) as link:
            link.result(Op.CREATE, wire.create("/precious"))
    before = {path: path.read_bytes() for path in java.data_dir.rglob("*") if path.is_file()}
    result = run_zabd(config_file(tmp_path, f"dataDir={java.data_dir}"))
    assert result.returncode == EXIT_DATA_DIR
    assert "version-2" in result.stderr and "ZooKeeper" in result.stderr
    assert {path: path.read_bytes() for path in java.data_dir.rglob("*") if path.is_file()} == before


def test_a_data_directory_that_is_none_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    result = run_zabd(config_file(tmp_path, f"dataDir={tmp_path / 'file'}"))
    assert result.returncode == EXIT_DATA_DIR
    assert str(tmp_path / "file") in result.stderr


# --- end and new start ---


@pytest.mark.parametrize("with_signal", (signal.SIGTERM, signal.SIGINT))
def test_a_signal_ends_it_cleanly_under_load(make_server, with_signal):
    """Exit code 0; requests in flight are answered or not, those answered are kept; zxids go on."""
    server = make_server().start()
    link = wire.open_session(server)
    for n in range(2000):
        link.send(Op.CREATE, wire.create(f"/n{n:05}", b"x"))
    acknowledged = [link.receive_reply() for _ in range(100)]
    assert server.stop(with_signal=with_signal) == EXIT_OK
    try:
        while True:
            acknowledged.append(link.receive_reply())
    except wire.ConnectionClosed:
        pass
    server.start()
    with wire.open_session(server, last_zxid=acknowledged[-1].zxid) as again:
        names = again.result(Op.GET_CHILDREN, wire.get_children("/"))
        assert {f"n{n:05}" for n in range(len(acknowledged))} <= set(names)
        assert again.call(Op.CREATE, wire.create("/next")).zxid > acknowledged[-1].zxid


def test_it_ends_although_clients_keep_their_connections(make_server):
    server = make_server().start()
    links = [wire.open_session(server) for _ in range(20)]
    assert server.stop(timeout=5) == EXIT_OK
    assert all(link.closed_by_server() for link in links)


def test_sessions_and_their_nodes_survive_a_restart(make_server):
    server = make_server().start()
    link = wire.open_session(server, timeout_ms=30000)
    link.result(Op.CREATE, wire.create("/mine", flags=wire.Mode.EPHEMERAL))
    server.restart()
    with wire.open_session(server, session_id=link.session.session_id, password=link.session.password) as again:
        assert again.session.session_id == link.session.session_id
        assert again.result(Op.EXISTS, wire.exists("/mine")).ephemeral_owner == link.session.session_id
    with wire.RawConnection(server.host, server.port) as thief:
        assert thief.connect(session_id=link.session.session_id, password=b"x" * 16).timeout_ms == 0


def test_passwords_cannot_be_computed_from_session_ids(make_server):
    """ZooKeeper's own derivation, and the session of another server with the same id, open nothing."""
    server = make_server().start()
    link = wire.open_session(server)
    with wire.RawConnection(server.host, server.port) as thief:
        guess = derived_by_zookeeper(link.session.session_id)
        assert thief.connect(session_id=link.session.session_id, password=guess).session_id == 0


def derived_by_zookeeper(session_id):
    state = ((session_id ^ 0xB3415C00) ^ 0x5DEECE66D) % (1 << 48)
    password = b""
    for _ in range(4):
        state = (state * 0x5DEECE66D + 0xB) % (1 << 48)
        password += ((state >> 16) % (1 << 32)).to_bytes(4, "little")
    return password
