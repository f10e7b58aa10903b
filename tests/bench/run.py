"""Measures zabd beside Apache ZooKeeper, row by row and in turns, and writes a table, the figures and charts.

    scripts/bench [--quick] [--rows get,set] [--output DIR]

docs/performance.md says what the rows mean.
"""

import argparse
import dataclasses
import datetime
import functools
import os
import pathlib
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import charts  # noqa: E402
import contestants  # noqa: E402
import harness  # noqa: E402
import results  # noqa: E402
import rows  # noqa: E402


@dataclasses.dataclass(frozen=True)
class Sizes:
    seconds: float = 5
    warm_up: float = 1
    rounds: int = 3
    jvm_seconds: float = 5  # of each of the workloads that warm the JVM up
    nodes: int = 1_000_000
    parents: int = 1000
    idle_sessions: int = 10_000
    pacing_seconds: float = 60
    pacing_rounds: int = 2


QUICK = Sizes(seconds=1, warm_up=0.5, rounds=1, jvm_seconds=2, nodes=100_000, parents=100, idle_sessions=2000,
              pacing_seconds=6, pacing_rounds=1)


class Bench:
    """What the rows measure with: the programs, servers that are started when a row first asks for them, the sizes."""

    def __init__(self, programs, directory, sizes, progress):
        self.programs = programs
        self.sizes = sizes
        self.say = progress.detail
        self._directory = pathlib.Path(directory)
        self._shared = {}
        self._started = 0

    def start(self, kind, **config):
        """A new server with an empty data directory; the caller ends it, or leaves it until the end."""
        self._started += 1
        return self.programs.start(kind, self._directory / f"{self._started}-{kind}", **config)

    def interleaved(self, kinds, measure):
        """{kind: [figures of each round]}: the contestants take turns, so that what disturbs one disturbs all.

        measure() gets the server that all such rows share, or the word disk.
        """
        runs = {kind: [] for kind in kinds}
        for turn in range(self.sizes.rounds):
            for kind in kinds:
                server = kind if kind == "disk" else self._server(kind)
                self.say(f"round {turn + 1}/{self.sizes.rounds}, {kind}")
                runs[kind].append(measure(server))
        return runs

    def generate(self, server, workload, **options):
        sizes = self.sizes
        return self.programs.generate(server, workload, seconds=sizes.seconds, warm_up=sizes.warm_up, **options)

    def measure_disk(self):
        return self.programs.measure_disk(self._directory, self.sizes.seconds / 3)

    def await_quiet(self):
        """Until what earlier rows left to do is done: checkpoints, snapshots, garbage."""
        for kind in rows.SERVERS:
            server = self._server(kind)
            self.say(f"waiting until {kind} is quiet")
            contestants.await_quiet(server)

    @functools.cache
    def big_tree(self, kind):
        self.say(f"{kind} with {self.sizes.nodes} znodes")
        return rows.measure_big_tree(self, kind)

    def close(self):
        for server in self._shared.values():
            server.kill()

    def _server(self, kind):
        if kind not in self._shared:
            self._shared[kind] = self.start(kind)
            if kind in rows.SERVERS + rows.ENSEMBLES:
                self._warm(kind)
        return self._shared[kind]

    def _warm(self, kind):
        """The same for both servers; it is the JVM that needs it."""
        for workload in ("get", "set", "ephemeral"):
            self.say(f"warming {kind} up: {workload}")
            self.programs.generate(self._shared[kind], workload, seconds=self.sizes.jvm_seconds, warm_up=0)


class Progress:
    """One line on standard error that says what is being measured; one that stays for each row that is done."""

    def __init__(self, total):
        self._total = total
        self._done = 0
        self._title = ""
        self._start = time.monotonic()

    def begin(self, title):
        self._done += 1
        self._title = title
        self.detail("")

    def detail(self, text):
        if sys.stderr.isatty():
            print(f"\r\033[K{self._line()}  {text}", end="", file=sys.stderr, flush=True)

    def end(self, text):
        lead = "\r\033[K" if sys.stderr.isatty() else ""
        print(f"{lead}{self._line()}: {text}", file=sys.stderr, flush=True)

    def _line(self):
        minutes, seconds = divmod(int(time.monotonic() - self._start), 60)
        return f"[{minutes:2}:{seconds:02} {self._done}/{self._total}] {self._title}"


def main():
    arguments = parse()
    sizes = QUICK if arguments.quick else Sizes()
    chosen = [row.titled(sizes) for row in rows.ROWS
              if (row.key in arguments.rows if arguments.rows else row.by_default)]
    programs = contestants.Programs(arguments.build)
    raise_descriptor_limit()
    output = pathlib.Path(arguments.output).resolve()
    output.mkdir(parents=True, exist_ok=True)
    progress = Progress(len(chosen))
    # Beside the results and not in /tmp, which may be memory: the disk is part of what is measured.
    directory = tempfile.mkdtemp(prefix="servers-", dir=output)
    bench = Bench(programs, directory, sizes, progress)
    try:
        measured, failures = measure(chosen, bench, progress)
    finally:
        bench.close()
        shutil.rmtree(directory, ignore_errors=True)
    write(output, measured, failures, sizes, programs, arguments.quick)
    return 1 if failures or not all(outcome.clean for _, outcome in measured) else 0


def measure(chosen, bench, progress):
    """([(row, outcome)], [(row, why it has none)])"""
    measured, failures = [], []
    for row in chosen:
        progress.begin(row.title)
        try:
            outcome = row.run(bench)
        except (contestants.RunFailed, harness.ServerFailed) as problem:
            failures.append((row, str(problem)))
            progress.end(f"FAILED: {problem}")
            continue
        measured.append((row, outcome))
        progress.end(results.in_short(outcome))
    return measured, failures


def write(output, measured, failures, sizes, programs, quick):
    environment = {
        "measured": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="minutes"),
        "quick": quick,
        "processors": os.cpu_count(),
        "kernel": platform.release(),
        "zabd": version_of([str(programs.zabd), "--version"]),
        "zookeeper": version_of(["dpkg-query", "-W", "-f", "${Version}", "zookeeper"]),
        "java": f"-Xmx{contestants.ZOOKEEPER_HEAP}, otherwise as it comes",
        "sizes": dataclasses.asdict(sizes),
    }
    (output / "performance.md").write_text(results.table(measured, failures, environment))
    (output / "performance.json").write_text(results.as_json(measured, failures, environment))
    charts.write_ratios(output / "ratios.svg", measured)
    charts.write_ceilings(output / "ceilings.svg", measured)
    print(f"bench: {output}/performance.md, performance.json, ratios.svg, ceilings.svg")


def version_of(command):
    return subprocess.run(command, capture_output=True, text=True).stdout.strip().partition("\n")[0]


def raise_descriptor_limit():
    """Servers inherit it: each idle session takes a descriptor."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def parse():
    keys = [row.key for row in rows.ROWS]
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a second for each row: to see that all of it works")
    parser.add_argument("--rows", type=lambda text: text.split(","), help=f"some of: {', '.join(keys)}")
    parser.add_argument("--output", default=str(ROOT / "build" / "bench-results"), help="default: %(default)s")
    parser.add_argument("--build", default=str(ROOT / "build" / "release"), help="default: %(default)s")
    arguments = parser.parse_args()
    unknown = set(arguments.rows or []) - set(keys)
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
