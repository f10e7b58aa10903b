"""/metrics: well-formed by a strict reading of the text format and by promtool, under ZooKeeper's names where it has
them, and it moves with the work that is done."""

import json
import math
import pathlib
import re
import shutil
import signal
import subprocess
import time

import pytest

import admin
import harness
import wire
from ensemble import Ensemble
from wire import Mode, Op

pytestmark = pytest.mark.usefixtures("only_zabd")

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "monitoring"
NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
NUMBER = r"[+-]?(?:\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|Inf)|NaN"
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)?\}})? ({NUMBER})")
# promtool's opinion of names that are ZooKeeper's.
ZOOKEEPERS_NAMES = re.compile(r"^(digest_mismatches_count|auth_failed_count|znode_count|watch_count|ephemerals_count|"
                              r"open_file_descriptor_count|max_file_descriptor_count|non_mtls_\w+_conn_count|"
                              r"stale_sessions_expired|connection_rejected) ")


class Metrics:
    """A parsed exposition: families in order, each once, their samples together and each with its own labels."""

    def __init__(self, text):
        assert text.endswith("\n")
        self.types, self.samples = {}, {}
        self._helped, self._current = set(), None
        for line in text.splitlines():
            self._take(line)

    def _take(self, line):
        if help_line := re.fullmatch(rf"# HELP ({NAME}) (\S.*)", line):
            assert help_line[1] not in self._helped, line
            self._helped.add(help_line[1])
        elif type_line := re.fullmatch(rf"# TYPE ({NAME}) (counter|gauge|summary|histogram|untyped)", line):
            assert type_line[1] not in self.types, line
            self.types[type_line[1]] = type_line[2]
            self._current = type_line[1]
        else:
            sample = SAMPLE.fullmatch(line)
            assert sample, line
            labels = tuple(sorted(re.findall(LABEL, sample[2] or "")))
            suffixes = {"summary": "(_sum|_count)?", "histogram": "(_bucket|_sum|_count)"}
            allowed = suffixes.get(self.types[self._current], "")
            assert re.fullmatch(re.escape(self._current) + allowed, sample[1]), f"{line} is within {self._current}"
            assert (sample[1], labels) not in self.samples, line
            value = float(sample[sample.lastindex])
            self.samples[sample[1], labels] = value

    def __getitem__(self, key):
        name, labels = (key, {}) if isinstance(key, str) else key
        return self.samples[name, tuple(sorted(labels.items()))]

    def check_histogram(self, name):
        """Cumulative, closed by +Inf, which is the count."""
        for labels in {tuple(pair for pair in labels if pair[0] != "le")
                       for sample, labels in self.samples if sample == f"{name}_bucket"}:
            buckets = sorted((float(dict(own)["le"]), value) for (sample, own), value in self.samples.items()
                             if sample == f"{name}_bucket" and set(labels) < set(own))
            counts = [count for _, count in buckets]
            assert counts == sorted(counts)
            assert buckets[-1][0] == math.inf
            assert counts[-1] == self.samples[f"{name}_count", labels]


def metrics(server):
    answer = server.http("GET", "/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return Metrics(answer.text)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with admin.admin_server(tmp_path_factory.mktemp("zabd"), config={"4lw.commands.whitelist": "*"}) as running:
        yield running


def work(server, writes):
    with wire.open_session(server.server) as connection:
        for _ in range(writes):
            connection.result(Op.CREATE, wire.create("/work-", b"x" * 10, flags=Mode.SEQUENTIAL))
        connection.result(Op.CLOSE_SESSION)


def test_the_text_is_well_formed(server):
    work(server, 40)
    found = metrics(server)
    assert set(found.types.values()) == {"gauge", "counter", "summary", "histogram"}
    found.check_histogram("zabd_stage_seconds")
    for name in found.types:
        assert name in found._helped


@pytest.mark.skipif(not shutil.which("promtool"), reason="Debian's package prometheus is not installed")
def test_promtool_is_content(server):
    text = server.http("GET", "/metrics").body
    check = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True)
    complaints = [line for line in check.stderr.decode().splitlines() + check.stdout.decode().splitlines()
                  if line and not ZOOKEEPERS_NAMES.match(line)]
    assert complaints == []
    assert check.returncode in (0, 3)     # 3: it has opinions, all of which are above


def test_zookeepers_names_are_there(server):
    found = metrics(server)
    gauges = ("avg_latency", "min_latency", "max_latency", "znode_count", "outstanding_requests",
              "num_alive_connections",
              "watch_count", "ephemerals_count", "approximate_data_size", "open_file_descriptor_count", "quorum_size",
              "max_file_descriptor_count", "packets_received", "packets_sent", "uptime", "global_sessions")
    for name in gauges[:10]:
        assert found.types[name] == "gauge", name
    assert found.types["fsynctime"] == "summary"
    assert "quorum_size" not in found.types       # a server alone has none, in ZooKeeper neither


def test_metrics_and_mntr_tell_the_same(server):
    word = dict(line[3:].split("\t", 1) for line in server.word("mntr").splitlines())
    found = metrics(server)
    for name in ("znode_count", "watch_count", "ephemerals_count", "approximate_data_size", "global_sessions",
                 "auth_failed_count", "connection_rejected", "stale_sessions_expired", "max_file_descriptor_count"):
        assert found[name] == float(word[name]), name
    assert found["fsynctime_count"] == float(word["cnt_fsynctime"])


def test_counters_move_with_the_work(server):
    before = metrics(server)
    work(server, 200)
    after = metrics(server)
    assert after["znode_count"] - before["znode_count"] == 200
    assert after["zabd_requests_total"] - before["zabd_requests_total"] >= 200
    assert after["zabd_request_seconds_count"] == after["zabd_requests_total"]
    assert after["zabd_epoch_transactions"] - before["zabd_epoch_transactions"] >= 202      # and the session's two ends
    assert after["packets_received"] - before["packets_received"] >= 200
    assert after["zabd_log_sync_seconds_count"] - before["zabd_log_sync_seconds_count"] >= 200      # one after another
    assert after["zabd_log_sync_seconds_sum"] > before["zabd_log_sync_seconds_sum"]
    assert after["fsynctime_sum"] == pytest.approx(1000 * after["zabd_log_sync_seconds_sum"], rel=0.2)
    assert after["process_cpu_seconds_total"] >= before["process_cpu_seconds_total"] > 0
    for stage in ("queue", "prepare", "fsync", "quorum", "apply", "reply"):
        key = "zabd_stage_seconds_count", {"stage": stage}
        assert after[key] > before[key], stage
    fsync = "zabd_stage_seconds_sum", {"stage": "fsync"}
    assert after[fsync] > before[fsync]


def test_stages_and_metrics_count_the_same(server):
    work(server, 50)
    stages = {one["stage"]: one for one in server.get("/api/v1/stages")[1]["stages"]}
    found = metrics(server)
    assert list(stages) == ["queue", "prepare", "fsync", "quorum", "apply", "reply"]
    for name, one in stages.items():
        assert one["count"] == found["zabd_stage_seconds_count", {"stage": name}]
        assert 0 <= one["p50_us"] <= one["p99_us"] <= one["max_us"]


def test_history_has_a_row_for_each_second(server):
    def busy(history):
        ops = history["columns"].index("ops")
        return sum(1 for row in history["rows"] if row[ops] and row[ops] > 0) >= 2 and len(history["rows"]) >= 3
    for _ in range(3):
        work(server, 20)
        server.await_answer("/api/v1/history", lambda history, n=len(server.get("/api/v1/history")[1]["rows"]):
                            len(history["rows"]) > n)
    history = server.await_answer("/api/v1/history?seconds=60", busy)
    assert history["interval_ms"] == 1000
    assert history["columns"] == ["ops", "latency_avg_ms", "latency_max_ms", "sync_avg_us", "sync_max_us",
                                  "outstanding",
                                  "connections", "nodes", "sessions", "watches", "zxid_rate"]
    column = {name: place for place, name in enumerate(history["columns"])}
    for row in history["rows"]:
        assert len(row) == len(history["columns"])
        if row[column["ops"]]:
            assert row[column["latency_avg_ms"]] <= row[column["latency_max_ms"]]
    assert history["rows"][-1][column["nodes"]] == server.get("/commands/monitor")[1]["znode_count"] - 1
    assert len(server.get("/api/v1/history?seconds=2")[1]["rows"]) == 2
    for wrong in ("0", "-1", "x", ""):
        assert server.get(f"/api/v1/history?seconds={wrong}")[0] == 400


def test_seconds_in_which_the_server_stood_still_are_null(tmp_path):
    with admin.admin_server(tmp_path) as server:
        server.await_answer("/api/v1/history", lambda history: history["rows"])
        server.process.send_signal(signal.SIGSTOP)
        time.sleep(3.5)
        server.process.send_signal(signal.SIGCONT)
        gap = [None] * len(server.get("/api/v1/history")[1]["columns"])
        history = server.await_answer("/api/v1/history", lambda history: gap in history["rows"])
        assert 2 <= history["rows"].count(gap) <= 4
        assert history["rows"][0] != gap and history["rows"][-1] != gap


def test_storage_tells_what_is_on_the_disk(server):
    work(server, 10)
    storage = server.get("/api/v1/storage")[1]
    assert storage["data_dir"] == str(server.data_dir)
    log_files = [file for file in (server.data_dir / "zabd" / "log").iterdir() if file.suffix != ".tmp"]
    assert storage["log"]["segments"] == len(log_files) >= 1
    assert storage["log"]["last_zxid"] == server.get("/commands/monitor")[1]["zabd_zxid"]
    assert 0 < storage["log"]["bytes"]
    assert storage["syncs"]["count"] > 0 and 0 < storage["syncs"]["avg_us"] <= storage["syncs"]["max_us"]
    assert 0 < storage["disk"]["free_bytes"] <= storage["disk"]["size_bytes"]
    assert storage["memory"]["resident_bytes"] > 1 << 20
    assert storage["memory"]["approximate_data_bytes"] > 0


def test_the_busiest_paths(server):
    with wire.open_session(server.server) as connection:
        connection.result(Op.CREATE, wire.create("/hot", b"x" * 1000))
        for _ in range(2000):
            connection.send(Op.GET_DATA, wire.get_data("/hot"))
            connection.receive_reply()
        for _ in range(1000):
            connection.result(Op.SET_DATA, wire.set_data("/hot", b"y" * 1000))
    for by in ("reads", "writes", "bytes"):
        top = server.get(f"/api/v1/top?by={by}&limit=1")[1]
        assert top["paths"][0]["path"] == "/hot", by
        assert len(top["paths"]) == 1
    assert server.get("/api/v1/top?by=nonsense")[0] == 400
    assert server.get("/api/v1/top?limit=0")[0] == 400


def test_the_providers_port_serves_metrics_and_nothing_else(tmp_path):
    port = harness.free_port()
    config = {"metricsProvider.className": "org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider",
              "metricsProvider.httpPort": str(port), "metricsProvider.httpHost": harness.HOST}
    with harness.zabd(tmp_path, config=config):
        answer = admin.http(port, "GET", "/metrics", token=None)
        assert answer.status == 200
        assert Metrics(answer.text)["znode_count"] >= 5
        for path in ("/", "/commands", "/api/v1/tree", "/api/v1/ensemble"):
            assert admin.http(port, "GET", path, token=None).status == 404, path


def test_members_tell_of_the_ensemble(tmp_path):
    ensemble = Ensemble(tmp_path, voters=3)
    ports = {number: harness.free_port() for number in ensemble.members}
    for number, port in ports.items():
        ensemble[number].write_config(**admin.admin_config(port))
    with ensemble:
        leader = ensemble.await_all_in()
        for number, port in ports.items():
            found = Metrics(admin.http(port, "GET", "/metrics").text)
            assert found["quorum_size"] == 3
            assert found["zabd_serving"] == 1
            assert found["zabd_server_state", {"state": "leader"}] == (number == leader)
            assert found["zabd_elections_total"] >= 1
            assert ("synced_followers" in found.types) == (number == leader)
        assert Metrics(admin.http(ports[leader], "GET", "/metrics").text)["synced_followers"] == 2


# --- what docs/monitoring offers to copy ---


@pytest.mark.skipif(not shutil.which("promtool"), reason="Debian's package prometheus is not installed")
def test_promtool_takes_the_alert_rules_and_the_configuration():
    for kind, file in (("rules", "alerts.yml"), ("config", "prometheus.yml")):
        check = subprocess.run(["promtool", "check", kind, file], cwd=DOCS, capture_output=True, text=True)
        assert check.returncode == 0, check.stdout + check.stderr


def test_rules_and_dashboard_ask_for_metrics_that_exist(tmp_path):
    ensemble = Ensemble(tmp_path, voters=3)
    ports = {number: harness.free_port() for number in ensemble.members}
    for number, port in ports.items():
        ensemble[number].write_config(**admin.admin_config(port))
    with ensemble:
        found = Metrics(admin.http(ports[ensemble.await_all_in()], "GET", "/metrics").text)   # the leader tells most
    names = {name for name, _ in found.samples} | {"up"}
    expressions = re.findall(r"^\s+expr: (.+)$", (DOCS / "alerts.yml").read_text(), re.MULTILINE)
    dashboard = json.loads((DOCS / "grafana.json").read_text())
    expressions += [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    assert len(expressions) > 20
    for expression in expressions:
        bare = re.sub(r"\{[^}]*\}|\[[^]]*\]|\b(?:by|without|on|ignoring) *\([^)]*\)", "", expression)
        used = set(re.findall(rf"\b({NAME})\b(?! *\()", bare)) - {"and", "or", "unless", "bool", "by", "without"}
        used = {name for name in used if not re.fullmatch(r"\d.*|e\d*", name)}
        assert used and used <= names, (expression, used - names)
