"""The rows of the table: what is run for each, which figure of it counts, and which ratio is the goal.

A row's run(bench) answers an Outcome. `bench` is the Bench of run.py: the programs, the servers, the sizes.
"""

import dataclasses
import statistics
import time
from collections.abc import Callable

import contestants

CPU_RATE = "per_server_cpu_second"
SERVERS = ("zabd", "zookeeper")
ENSEMBLES = tuple(f"{kind}-{contestants.MEMBERS}" for kind in SERVERS)


@dataclasses.dataclass
class Goal:
    """`value` must be at least (or at most) `bound`; the text says both in words of the table."""
    text: str
    value: float
    bound: float
    at_most: bool = False

    @property
    def reached(self):
        return self.value <= self.bound if self.at_most else self.value >= self.bound


@dataclasses.dataclass
class Outcome:
    """What a row gave: one figure for each contestant, and all that was measured on the way."""
    unit: str
    zabd: float
    zookeeper: float | None = None
    ceiling: float | None = None
    ceiling_name: str = ""
    lower_is_better: bool = False
    goals: list[Goal] = dataclasses.field(default_factory=list)
    runs: dict[str, list[dict]] = dataclasses.field(default_factory=dict)

    @property
    def advantage(self):
        """How many times better zabd is than ZooKeeper; below 1 it is worse."""
        return self._advantage_over(self.zookeeper)

    @property
    def of_ceiling(self):
        """zabd's share of what the machine can do, 1 at most in theory."""
        return self._advantage_over(self.ceiling)

    @property
    def clean(self):
        return all(run.get("ok", True) for runs in self.runs.values() for run in runs)

    @property
    def reached(self):
        return self.clean and all(goal.reached for goal in self.goals)

    def _advantage_over(self, other):
        if other is None:
            return None
        return other / self.zabd if self.lower_is_better else self.zabd / other


@dataclasses.dataclass
class Row:
    key: str
    title: str  # {nodes} stands for how many there are in the big tree
    run: Callable
    by_default: bool = True

    def titled(self, sizes):
        return dataclasses.replace(self, title=self.title.format(nodes=f"{sizes.nodes:,}"))


def median_of(runs, figure):
    return statistics.median(run[figure] for run in runs)


# --- requests over open sessions -------------------------------------------------------------------------------------


def throughput(key, title, workload, times_zookeeper=1.0, beside_echo=False, of_echo=0.0, **options):
    """Operations per server-CPU-second, beside ZooKeeper's and, where it answers frames alike, the echo server's."""
    kinds = SERVERS + (("echo",) if beside_echo else ())

    def run(bench):
        runs = bench.interleaved(kinds, lambda server: bench.generate(server, workload, **options))
        outcome = Outcome("op / CPU-s", *(median_of(runs[kind], CPU_RATE) for kind in kinds),
                          ceiling_name="echo" if beside_echo else "", runs=runs)
        outcome.goals.append(Goal(f">= {times_zookeeper:g} x ZooKeeper", outcome.advantage, times_zookeeper))
        if of_echo:
            outcome.goals.append(Goal(f">= {of_echo:.0%} of echo", outcome.of_ceiling, of_echo))
        per_second = [median_of(runs[kind], "per_second") for kind in SERVERS]
        outcome.goals.append(Goal("op/s >= ZooKeeper's", per_second[0] / per_second[1], 1))
        return outcome

    return Row(key, title, run)


# --- ensembles of three ----------------------------------------------------------------------------------------------


def of_ensemble(key, title, workload, times_zookeeper=1.0):
    """Operations per CPU-second of all three servers, sessions spread over them."""
    def run(bench):
        runs = bench.interleaved(ENSEMBLES, lambda servers: bench.generate(servers, workload))
        outcome = Outcome("op / CPU-s", *(median_of(runs[kind], CPU_RATE) for kind in ENSEMBLES), runs=runs)
        outcome.goals.append(Goal(f">= {times_zookeeper:g} x ZooKeeper", outcome.advantage, times_zookeeper))
        per_second = [median_of(runs[kind], "per_second") for kind in ENSEMBLES]
        outcome.goals.append(Goal("op/s >= ZooKeeper's", per_second[0] / per_second[1], 1))
        return outcome

    return Row(key, title, run)


def ensemble_lone_write(bench):
    """One session at the leader, one write in flight."""
    runs = bench.interleaved(ENSEMBLES, lambda servers: bench.generate(servers.at_leader(), "set", sessions=1, in_flight=1))
    outcome = Outcome("us, p50", *(median_of(runs[kind], "p50_us") for kind in ENSEMBLES), lower_is_better=True, runs=runs)
    outcome.goals.append(Goal("<= 0.5 x ZooKeeper", outcome.zabd / outcome.zookeeper, 0.5, at_most=True))
    rates = [median_of(runs[kind], CPU_RATE) for kind in ENSEMBLES]
    outcome.goals.append(Goal("op / CPU-s >= ZooKeeper's", rates[0] / rates[1], 1))
    return outcome


def ensemble_equal_load(bench):
    """Both at half of what ZooKeeper can do when saturated."""
    saturated = bench.interleaved(ENSEMBLES[1:], lambda servers: bench.generate(servers, "set"))
    rate = median_of(saturated[ENSEMBLES[1]], "per_second") / 2
    runs = bench.interleaved(ENSEMBLES, lambda servers: bench.generate(servers, "set", rate=rate))
    outcome = Outcome("us, p99", *(median_of(runs[kind], "p99_us") for kind in ENSEMBLES), lower_is_better=True, runs=runs)
    outcome.goals.append(Goal("<= 0.5 x ZooKeeper", outcome.zabd / outcome.zookeeper, 0.5, at_most=True))
    return outcome


# --- requests over open sessions, alone ------------------------------------------------------------------------------


def lone_read(bench):
    kinds = (*SERVERS, "echo")
    bench.await_quiet()
    runs = bench.interleaved(kinds, lambda server: bench.generate(server, "get", sessions=1, in_flight=1))
    outcome = _lone(runs, median_of(runs["echo"], "p50_us"), "echo")
    outcome.goals.insert(0, Goal("<= 2 x echo", outcome.zabd / outcome.ceiling, 2, at_most=True))
    return outcome


def lone_write(bench):
    """The ceiling is what the disk and the network take by themselves: one fdatasync and one round trip."""
    kinds = (*SERVERS, "echo", "disk")
    bench.await_quiet()

    def measure(contestant):
        if contestant == "disk":
            return bench.measure_disk()
        return bench.generate(contestant, "set", sessions=1, in_flight=1)

    runs = bench.interleaved(kinds, measure)
    synced = statistics.median(run["overwriting"]["p50_us"] for run in runs["disk"])
    bare = synced + median_of(runs["echo"], "p50_us")
    outcome = _lone(runs, bare, "fdatasync + echo")
    outcome.goals.insert(0, Goal("<= 1.4 x (fdatasync + echo)", outcome.zabd / bare, 1.4, at_most=True))
    return outcome


def _lone(runs, ceiling, ceiling_name):
    outcome = Outcome("us, p50", *(median_of(runs[kind], "p50_us") for kind in SERVERS), ceiling, ceiling_name,
                      lower_is_better=True, runs=runs)
    outcome.goals.append(Goal(">= 1 x ZooKeeper", outcome.advantage, 1))
    return outcome


# --- a big tree ------------------------------------------------------------------------------------------------------


def bulk_load(bench):
    runs = {kind: [bench.big_tree(kind)["load"]] for kind in SERVERS}
    outcome = Outcome("op / CPU-s", *(runs[kind][0][CPU_RATE] for kind in SERVERS), runs=runs)
    outcome.goals.append(Goal(">= 1 x ZooKeeper", outcome.advantage, 1))
    per_second = [runs[kind][0]["per_second"] for kind in SERVERS]
    outcome.goals.append(Goal("op/s >= ZooKeeper's", per_second[0] / per_second[1], 1))
    return outcome


def of_big_tree(key, title, figure, unit, bound):
    """A figure of the server with the big tree that is to be small."""
    def run(bench):
        values = [bench.big_tree(kind)[figure] for kind in SERVERS]
        outcome = Outcome(unit, *values, lower_is_better=True,
                          runs={kind: [{figure: value}] for kind, value in zip(SERVERS, values)})
        if bound is not None:
            outcome.goals.append(Goal(f"<= {bound:g} {unit}", outcome.zabd, bound, at_most=True))
        outcome.goals.append(Goal(">= 1 x ZooKeeper", outcome.advantage, 1))
        return outcome

    return Row(key, title, run)


def measure_big_tree(bench, kind):
    """Loads a million znodes into a new server, looks at its memory, restarts it, looks again, kills it, starts it."""
    sizes = bench.sizes
    server = bench.start(kind)
    results = {"load": bench.programs.generate(server, "load", nodes=sizes.nodes, parents=sizes.parents, data=100,
                                               sessions=16, in_flight=60)}
    results["quiet_seconds_after_load"] = contestants.await_quiet(server)
    results["bytes_per_znode"] = contestants.rss_bytes(server.pid) / sizes.nodes
    contestants.stop(server)
    results["restart_seconds"] = _seconds(server.start)
    results["quiet_seconds_after_restart"] = contestants.await_quiet(server)
    results["bytes_per_znode_after_restart"] = contestants.rss_bytes(server.pid) / sizes.nodes
    server.kill()
    results["restart_seconds_after_kill"] = _seconds(server.start)
    contestants.stop(server)
    return results


def _seconds(act):
    start = time.monotonic()
    act()
    return time.monotonic() - start


# --- sessions --------------------------------------------------------------------------------------------------------


def idle_sessions(bench):
    runs = {}
    for kind in SERVERS:
        server = bench.start(kind)
        contestants.await_quiet(server)
        bench.say(kind)
        runs[kind] = [bench.programs.generate(server, "idle", sessions=bench.sizes.idle_sessions)]
        server.kill()
    outcome = Outcome("B / session", *(runs[kind][0]["rss_bytes_per_session"] for kind in SERVERS),
                      lower_is_better=True, runs=runs)
    outcome.goals.append(Goal("<= 4096 B", outcome.zabd, 4096, at_most=True))
    outcome.goals.append(Goal(">= 1 x ZooKeeper", outcome.advantage, 1))
    return outcome


# --- checkpoints and latency -----------------------------------------------------------------------------------------

# zoo.cfg of a zabd that writes checkpoints by its defaults, and of one that writes none while it is measured.
CHECKPOINTS = {
    "running": {"zabd.checkpoint.memoryMiB": 128, "zabd.checkpoint.logMiB": 512,
                "zabd.checkpoint.ageMs": 60_000, "zabd.checkpoint.quietMs": 2000},
    "held_off": {"zabd.checkpoint.memoryMiB": 16_000, "zabd.checkpoint.logMiB": 64_000,
                 "zabd.checkpoint.ageMs": 3_600_000, "zabd.checkpoint.quietMs": 3_600_000},
}


def pacing(bench):
    """Writes' p99 with checkpoints running, beside that with them held off: uniform sets at half the saturated rate."""
    sizes = bench.sizes
    server = bench.start("zabd")
    tree = {"nodes": sizes.nodes, "parents": sizes.parents, "data": 100}
    over = {"prepared": True, **tree}
    bench.say("loading")
    bench.programs.generate(server, "load", sessions=16, in_flight=60, **tree)
    bench.say("saturated")
    saturated = bench.programs.generate(server, "set", seconds=sizes.pacing_seconds / 6, warm_up=3, **over)
    rate = saturated["per_second"] / 2
    runs = {"saturated": [saturated], "running": [], "held_off": []}
    for _ in range(sizes.pacing_rounds):
        for mode, config in CHECKPOINTS.items():
            contestants.stop(server)
            server.write_config(**config)
            server.start()
            contestants.await_quiet(server)
            bench.say(mode)
            runs[mode].append(bench.programs.generate(
                server, "set", rate=rate, seconds=sizes.pacing_seconds, warm_up=5, **over))
    server.kill()
    running, held_off = (median_of(runs[mode], "p99_us") for mode in ("running", "held_off"))
    outcome = Outcome("us, p99", running, ceiling=held_off, ceiling_name="held off", lower_is_better=True, runs=runs)
    outcome.goals.append(Goal("<= 1.5 x held off", running / held_off, 1.5, at_most=True))
    return outcome


ROWS = [
    Row("lone-read", "lone read: 1 session, 1 in flight", lone_read),
    Row("lone-write", "lone durable set: 1 session, 1 in flight", lone_write),
    throughput("get", "getData, 60 x 16", "get", times_zookeeper=12, beside_echo=True, of_echo=0.4),
    throughput("exists", "exists, 60 x 16", "exists"),
    throughput("children", "getChildren2 of 10, 60 x 16", "children"),
    throughput("set", "setData, 60 x 16", "set", times_zookeeper=10),
    throughput("mixed", "90% getData, 10% setData, 60 x 16", "mixed"),
    throughput("ephemeral", "ephemeral create + delete, 60 x 16", "ephemeral"),
    throughput("create", "create, 60 x 16", "create", times_zookeeper=10),
    of_ensemble("ensemble-set", "three servers: setData, 60 x 16", "set", times_zookeeper=10),
    of_ensemble("ensemble-get", "three servers: getData, 60 x 16", "get", times_zookeeper=12),
    Row("ensemble-lone-write", "three servers: lone durable set", ensemble_lone_write),
    Row("ensemble-equal-load", "three servers: sets at half of ZooKeeper's rate", ensemble_equal_load),
    throughput("watch", "watch fan-out to 500: events", "watch", sessions=500),
    throughput("connect", "connect + close, 16 at once", "connect", sessions=16),
    Row("load", "bulk load of {nodes} znodes of 100 B", bulk_load),
    of_big_tree("znode-memory", "memory with {nodes} znodes after the load", "bytes_per_znode", "B / znode", 300),
    of_big_tree("znode-memory-restart", "memory with {nodes} znodes after a restart", "bytes_per_znode_after_restart",
                "B / znode", 300),
    of_big_tree("restart", "restart with {nodes} znodes", "restart_seconds", "s", 1.5),
    of_big_tree("restart-kill", "restart with {nodes} znodes after kill -9", "restart_seconds_after_kill", "s", None),
    Row("idle", "memory of an idle session", idle_sessions),
    Row("pacing", "p99 of sets over {nodes} znodes at half the saturated rate", pacing, by_default=False),
]
