#!/usr/bin/python3
"""What a program's client library costs it: ours beside ZooKeeper's C library, on one server, in turns.

One program thread keeps a number of requests in flight through one session; what is told is the operations that it gets
done in a second, and the program's own CPU time for each.

    scripts/bench clients --rounds 3
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import contestants  # noqa: E402

LIBRARIES = ("zabd", "libzookeeper-mt")
OPERATIONS = ("get", "set")


def measure(program, server, library, operation, seconds, in_flight):
    command = [program, "--server", server.address, "--library", library, "--operation", operation,
               "--seconds", str(seconds), "--in-flight", str(in_flight)]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=seconds + 60).stdout)
    if told["errors"]:
        raise SystemExit(f"{library} {operation}: {told['errors']} operations failed")
    return told


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3, help="of each run")
    parser.add_argument("--in-flight", type=int, default=512)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release")
    arguments = parser.parse_args()

    programs = contestants.Programs(arguments.build)
    runs = {(operation, library): [] for operation in OPERATIONS for library in LIBRARIES}
    with tempfile.TemporaryDirectory(prefix="zabd-bench-clients-") as directory:
        server = programs.start("zabd", pathlib.Path(directory) / "server")
        try:
            for _ in range(arguments.rounds):
                for (operation, library), figures in runs.items():
                    figures.append(measure(programs.client, server, library, operation, arguments.seconds, arguments.in_flight))
        finally:
            server.kill()

    print("| operation | library | operations / s | CPU us / operation |\n| --- | --- | --- | --- |")
    for (operation, library), figures in runs.items():
        rate, cost = (statistics.median(run[name] for run in figures) for name in ("per_second", "cpu_us_per_operation"))
        print(f"| {operation} | {library} | {rate:,.0f} | {cost:.2f} |")


if __name__ == "__main__":
    main()
