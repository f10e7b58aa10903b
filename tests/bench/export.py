#!/usr/bin/python3
"""What clients feel of it when somebody exports the whole tree, or pages through a node's million children, over HTTP.

One server; clients read at a steady rate all the while. Told is how long they wait, beside a run with nothing going on.
The one who exports takes what comes as fast as it comes, and begins again at the end.

    scripts/bench export [--nodes 1000000] [--rate 20000] [--rounds 3]
"""

import argparse
import http.client
import json
import multiprocessing
import pathlib
import statistics
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import contestants  # noqa: E402
import harness  # noqa: E402

CHUNK_BYTES = 1 << 20
PAGE = 1000


def export(port, nodes):
    """All of it with data, over and over."""
    while True:
        connection = http.client.HTTPConnection(harness.HOST, port)
        connection.request("GET", "/api/v1/tree/?recursive=true&data=true")
        response = connection.getresponse()
        while chunk := response.read1(CHUNK_BYTES):
            with nodes.get_lock():
                nodes.value += chunk.count(b"\n")
        connection.close()


def page(port, nodes, path):
    """The children of one node, page by page, over and over."""
    cursor = ""
    while True:
        connection = http.client.HTTPConnection(harness.HOST, port)
        connection.request("GET", f"/api/v1/tree{path}?limit={PAGE}&cursor={cursor}")
        children = json.loads(connection.getresponse().read())["children"]
        connection.close()
        cursor = children["next"] or ""
        with nodes.get_lock():
            nodes.value += len(children["items"])


def measure(programs, server, arguments, meanwhile):
    """The generator's figures, and how many nodes came over HTTP in a second."""
    nodes = multiprocessing.Value("Q", 0)
    reader = meanwhile and multiprocessing.Process(target=meanwhile[0], args=(meanwhile[1], nodes, *meanwhile[2:]), daemon=True)
    if reader:
        reader.start()
    try:
        figures = programs.generate(server, "get", rate=arguments.rate, seconds=arguments.seconds, warm_up=1,
                                    nodes=arguments.nodes, parents=1, prepared=True)
        if reader and (not reader.is_alive() or nodes.value == 0):
            raise SystemExit("what was to go on meanwhile ended")
        return figures, nodes.value / (arguments.seconds + 1)
    finally:
        if reader:
            reader.kill()
            reader.join()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=1_000_000, help="all of them children of one node")
    parser.add_argument("--rate", type=int, default=20_000, help="reads per second")
    parser.add_argument("--seconds", type=float, default=5, help="of each run")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    arguments = parser.parse_args()

    programs = contestants.Programs(arguments.build)
    with tempfile.TemporaryDirectory(prefix="zabd-bench-export-") as directory:
        port = harness.free_port()
        server = programs.start("zabd", pathlib.Path(directory) / "server",
                                **{"admin.enableServer": "true", "admin.serverPort": port})
        try:
            programs.generate(server, "load", nodes=arguments.nodes, parents=1, data=100, sessions=16, in_flight=60)
            connection = http.client.HTTPConnection(harness.HOST, port)
            connection.request("GET", "/api/v1/tree/bench?limit=1")
            parent = json.loads(connection.getresponse().read())["children"]["items"][0]["path"]
            kinds = {"nothing": None, "a full export": (export, port), "paging a node's children": (page, port, parent)}
            runs = {kind: [] for kind in kinds}
            for _ in range(arguments.rounds):
                for kind, meanwhile in kinds.items():
                    runs[kind].append(measure(programs, server, arguments, meanwhile))
        finally:
            server.kill()

    print(f"{arguments.nodes:,} znodes, {arguments.rate:,} reads per second\n")
    print("| meanwhile | p50 us | p99 us | times that of nothing | nodes / s over HTTP |\n| --- | ---: | ---: | ---: | ---: |")
    base = None
    for kind, figures in runs.items():
        p50, p99 = (statistics.median(run[0][name] for run in figures) for name in ("p50_us", "p99_us"))
        base = base or p99
        print(f"| {kind} | {p50:,.0f} | {p99:,.0f} | {p99 / base:.2f} | {statistics.median(run[1] for run in figures):,.0f} |")


if __name__ == "__main__":
    main()
