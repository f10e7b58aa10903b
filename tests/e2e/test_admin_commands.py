"""ZooKeeper's /commands: the same names, fields and types as its own AdminServer's, which runs beside ours with the
same clients; and what monitors read there is what the word mntr tells."""

import json
import re
import urllib.request

import pytest

import admin
import harness
import wire
from ensemble import Ensemble
from wire import Mode, Op, WatchMode

pytestmark = pytest.mark.usefixtures("only_zabd")

# Debian's AdminServer is in zookeeper.jar, and needs these.
JARS = ("jetty9-server", "jetty9-servlet", "jetty9-util", "jetty9-util-ajax", "jetty9-http", "jetty9-io",
        "jetty9-security", "servlet-api", "jackson-core", "jackson-databind", "jackson-annotations",
        "metrics-core", "snappy-java")

ALIASES = {
    "configuration": ["conf", "config"], "connection_stat_reset": ["crst"], "connections": ["cons"], "dirs": [],
    "dump": [], "environment": ["env", "envi"], "get_trace_mask": ["gtmk"], "hash": [],
    "initial_configuration": ["icfg"],
    "is_read_only": ["isro"], "last_snapshot": ["lsnp"], "leader": ["lead"], "monitor": ["mntr"],
    "observer_connection_stat_reset": ["orst"], "observers": ["obsr"], "ruok": [], "server_stats": ["srvr"],
    "set_trace_mask": ["stmk"], "stat_reset": ["srst"], "stats": ["stat"], "system_properties": ["sysp"],
    "voting_view": [], "watch_summary": ["wchs"], "watches": ["wchc"], "watches_by_path": ["wchp"], "zabstate": []}
CHANGING = ("connection_stat_reset", "observer_connection_stat_reset", "set_trace_mask", "stat_reset")
# What they tell is of Java, or of counters that only ZooKeeper's own pipeline has: see test_monitor_...
OWN_FIELDS = ("environment", "monitor", "system_properties")


def populate(server):
    """Two sessions with ephemerals and watches of several kinds."""
    first = wire.open_session(server, timeout_ms=30000)
    first.result(Op.CREATE, wire.create("/a", b"12345"))
    first.result(Op.CREATE, wire.create("/a/x", flags=Mode.EPHEMERAL))
    first.result(Op.GET_DATA, wire.get_data("/a", True))
    first.result(Op.GET_CHILDREN, wire.get_children("/a", True))
    second = wire.open_session(server, timeout_ms=30000)
    second.result(Op.ADD_WATCH, wire.add_watch("/a", WatchMode.PERSISTENT))
    return first, second


def zookeeper(directory, port):
    """Apache ZooKeeper with its AdminServer."""
    config = {"admin.enableServer": "true", "admin.serverPort": port, "admin.serverAddress": harness.HOST,
              "4lw.commands.whitelist": "*"}
    server = harness.zookeeper(directory, config=config)
    classes = server._command.index("-cp") + 1
    server._command[classes] = ":".join([server._command[classes], *(f"/usr/share/java/{jar}.jar" for jar in JARS)])
    # It reads them from system properties alone.
    properties = [f"-Dzookeeper.{key}={value}" for key, value in config.items()]
    server._command[1:1] = properties
    return server


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """ZooKeeper's and ours: a function of a command's name that gives both answers, parsed; and our server."""
    port = harness.free_port()
    theirs = zookeeper(tmp_path_factory.mktemp("zookeeper"), port).start()
    ours = admin.admin_server(tmp_path_factory.mktemp("zabd"), config={"4lw.commands.whitelist": "*"})
    ours.server.start()
    links = [*populate(theirs), *populate(ours.server)]

    def ask(command):
        with urllib.request.urlopen(f"http://{harness.HOST}:{port}/commands/{command}", timeout=30) as answer:
            reference = json.loads(answer.read())
        return reference, ours.get(f"/commands/{command}")[1]

    yield ask, ours
    for link in links:
        link.close()
    ours.stop()
    theirs.stop()


def shape(value):
    """Names of fields, and types; of a list its first element's. Names that are ids, paths or times are one."""
    if isinstance(value, dict):
        return {re.sub(r"^(-?\d+|/.*)$", "*", name): shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


@pytest.mark.parametrize("command", [name for name in ALIASES if name not in OWN_FIELDS and name not in CHANGING])
def test_answers_have_zookeepers_fields_and_types(servers, command):
    ask, _ = servers
    reference, subject = ask(command)
    assert shape(subject) == shape(reference)


def test_contents_are_equal_where_both_saw_the_same(servers):
    ask, _ = servers
    for command in ("watch_summary", "is_read_only", "leader", "voting_view", "zabstate", "ruok", "observers"):
        reference, subject = ask(command)
        assert subject == reference, command
    reference, subject = ask("watches_by_path")
    assert [len(ids) for ids in subject["path_to_session_ids"].values()] == \
           [len(ids) for ids in reference["path_to_session_ids"].values()]
    assert subject["path_to_session_ids"].keys() == reference["path_to_session_ids"].keys()
    reference, subject = ask("dump")
    assert sorted(subject["session_id_to_ephemeral_paths"].values()) == \
           sorted(reference["session_id_to_ephemeral_paths"].values()) == [["/a/x"]]
    reference, subject = ask("server_stats")
    assert subject["node_count"] == reference["node_count"]
    assert subject["server_stats"]["num_alive_client_connections"] == 2


def test_environment_has_zookeepers_fields(servers):
    reference, subject = servers[0]("environment")
    assert set(subject) == set(reference) | {"zabd.version"}


def test_monitor_tells_only_what_zookeeper_tells_or_is_named_as_ours(servers):
    reference, subject = servers[0]("monitor")
    for name, value in subject.items():
        if name.startswith("zabd_"):
            continue
        assert name in reference, name
        assert type(value) is type(reference[name]), name
    # What dashboards and plug-ins for ZooKeeper read.
    wanted = {"version", "server_state", "avg_latency", "max_latency", "min_latency", "packets_received",
              "packets_sent",
              "num_alive_connections", "outstanding_requests", "znode_count", "watch_count", "ephemerals_count",
              "approximate_data_size", "open_file_descriptor_count", "max_file_descriptor_count", "uptime",
              "global_sessions", "auth_failed_count", "connection_rejected", "stale_sessions_expired",
              "cnt_fsynctime", "sum_fsynctime"}
    assert wanted <= set(subject)


@pytest.mark.parametrize("command", ALIASES)
def test_aliases_answer_as_the_command_does(servers, command):
    _, ours = servers
    wanted = shape(ours.get(f"/commands/{command}")[1])
    for alias in ALIASES[command]:
        status, body = ours.get(f"/commands/{alias}")
        assert (status, body["command"]) == (200, command)
        assert shape(body) == wanted


def test_monitor_and_mntr_tell_the_same(servers):
    _, ours = servers
    word = dict(line.split("\t", 1) for line in ours.word("mntr").splitlines())
    monitor = ours.get("/commands/monitor")[1]
    told = {f"zk_{name}": value for name, value in monitor.items() if name not in ("command", "error")}
    assert list(told) == list(word)
    moves = ("packets", "uptime", "open_file", "num_alive", "latency")
    for name, value in told.items():
        if not any(word in name for word in moves):
            assert str(value) == word[name], name


def test_a_plugin_reads_the_figures_of_both(servers):
    """As Check_MK, Telegraf and Datadog do: numbers where they expect numbers."""
    _, ours = servers
    word = dict(re.fullmatch(r"zk_([\w.-]+)\t(.+)", line).groups() for line in ours.word("mntr").splitlines())
    monitor = ours.get("/commands/monitor")[1]
    texts = ("version", "server_state", "zabd_version", "zabd_zxid")
    for name in word.keys() - set(texts):
        assert float(word[name]) >= -1, name
        assert isinstance(monitor[name], (int, float)), name
    before = monitor["znode_count"]
    with wire.open_session(ours.server) as connection:
        connection.result(Op.CREATE, wire.create("/counted"))
        assert ours.get("/commands/monitor")[1]["znode_count"] == before + 1
        connection.result(Op.DELETE, wire.delete("/counted"))


def test_the_list_links_every_command(servers):
    _, ours = servers
    for path in ("/commands", "/commands/"):
        answer = ours.http("GET", path)
        assert answer.status == 200
        assert answer.headers["content-type"].startswith("text/html")
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert sorted(re.findall(r'<a href="/commands/(\w+)">\1</a>', answer.text)) == sorted(ALIASES)


def test_what_is_unknown_is_said_without_html(servers):
    _, ours = servers
    answer = ours.http("GET", "/commands/%3Cscript%3Ealert(1)%3C%2Fscript%3E")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.json()["error"] == "Unknown command: <script>alert(1)</script>"


def test_commands_that_change_something_are_for_operators(servers):
    _, ours = servers
    for command in CHANGING:
        for name in (command, *ALIASES[command]):
            assert ours.http("GET", f"/commands/{name}", token=admin.READER).status == 403, name
            assert ours.http("GET", f"/commands/{name}", token=None).status == 401, name
            elsewhere = ours.http("GET", f"/commands/{name}", headers={"Sec-Fetch-Site": "cross-site"})
            assert elsewhere.status == 403, name


def test_a_reset_resets(servers):
    _, ours = servers
    with wire.open_session(ours.server) as connection:
        for _ in range(50):
            connection.result(Op.EXISTS, wire.exists("/a"))
        assert ours.get("/commands/monitor")[1]["packets_received"] >= 50
        assert ours.get("/commands/stat_reset")[1] == {"command": "stat_reset", "error": None}
        assert ours.get("/commands/monitor")[1]["packets_received"] < 50
        connection.result(Op.CLOSE_SESSION)


def test_secrets_are_in_no_answer(servers):
    _, ours = servers
    for command in ALIASES:
        text = ours.http("GET", f"/commands/{command}").text
        assert admin.OPERATOR not in text and admin.READER not in text, command
    assert "admin.serverPort=" in ours.get("/commands/initial_configuration")[1]["initial_configuration"]


def test_lists_have_a_bound(tmp_path):
    with admin.admin_server(tmp_path) as server, wire.open_session(server.server) as connection:
        for part in range(3):
            paths = [f"/{part}-{number}" for number in range(7000)]
            connection.result(Op.SET_WATCHES, wire.set_watches(0, exist=paths))
        answer = server.get("/commands/watches_by_path")[1]
        assert answer["error"] == "there are more than 20000 watches: ask /api/v1/watches"
        assert "path_to_session_ids" not in answer


# As ZooKeeper 3.8.0 answers them in an ensemble.
ADDRESS = {"empty": "bool", "all_addresses": ["str"], "one": "str", "wildcard_addresses": ["str"], "all_ports": ["int"],
           "all_host_strings": ["str"]}
IN_ENSEMBLE = {
    "leader": {"is_leader": "bool", "leader_id": "int", "leader_ip": "str"},
    "voting_view": {"current_config": {"*": {"server_addresses": ["str"], "election_addresses": ["str"],
                                             "client_address": "str", "learner_type": "str"}}},
    "zabstate": {"myid": "int", "is_leader": "bool", "quorum_address": ADDRESS, "election_address": ADDRESS,
                 "client_address": "str", "voting": "bool", "last_zxid": "str", "zab_epoch": "int",
                 "zab_counter": "int",
                 "zabstate": "str"},
}
MONITOR_OF_A_LEADER = {"peer_state", "quorum_size", "synced_followers", "synced_observers", "learners",
                       "synced_non_voting_followers", "leader_uptime", "last_proposal_size", "min_proposal_size",
                       "max_proposal_size"}


def test_members_of_an_ensemble(tmp_path):
    ensemble = Ensemble(tmp_path, voters=3, observers=1)
    ports = {number: harness.free_port() for number in ensemble.members}
    for number, port in ports.items():
        ensemble[number].write_config(**admin.admin_config(port))
    with ensemble:
        leader = ensemble.await_all_in()

        def ask(number, command):
            return admin.http(ports[number], "GET", f"/commands/{command}").json()

        for number in ensemble.members:
            for command, wanted in IN_ENSEMBLE.items():
                answer = ask(number, command)
                assert shape(answer) == {**wanted, "command": "str", "error": "NoneType"}, (number, command)
            answer = ask(number, "leader")
            assert (answer["is_leader"], answer["leader_id"]) == (number == leader, leader)
            assert sorted(ask(number, "voting_view")["current_config"]) == ["1", "2", "3"]
            state = ask(number, "zabstate")
            assert (state["myid"], state["voting"], state["zabstate"]) == (number, number != 4, "broadcast")
            assert ask(number, "monitor")["server_state"] == ensemble.mode(number)
        assert MONITOR_OF_A_LEADER <= set(ask(leader, "monitor"))
        assert "proposal_stats" in ask(leader, "server_stats")
        observers = ask(leader, "observers")
        assert observers["synced_observers"] == 1
        assert observers["observers"][0]["sid"] == 4
