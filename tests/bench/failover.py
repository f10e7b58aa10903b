#!/usr/bin/python3
"""How long clients cannot write when a member of an ensemble is killed: of zabd, and of Apache ZooKeeper.

In every round clients write steadily, each through one server that will not be killed, one write after the other; then
the leader (or a follower) is killed with SIGKILL. What is told is each client's gap: the longest time between two
acknowledgements around the kill. The killed server comes back before the next round.

    scripts/bench failover --rounds 20
"""

import argparse
import pathlib
import random
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from ensemble import Ensemble  # noqa: E402
from writers import Writer, lost  # noqa: E402

KINDS = ("zabd", "zookeeper")
VICTIMS = ("leader", "follower")


def victim_of(ensemble, role, rng):
    leader = ensemble.await_all_in()
    return leader if role == "leader" else rng.choice([n for n in ensemble.voters if n != leader])


def one_round(ensemble, number, role, clients, rng):
    """The gap of each client, in seconds."""
    victim = victim_of(ensemble, role, rng)
    survivors = [n for n in ensemble.voters if n != victim]
    writers = [Writer(f"round{number}-{role}-client{c}", [ensemble[survivors[c % len(survivors)]]])
               for c in range(clients)]
    for writer in writers:
        writer.wait_for_progress()
    time.sleep(rng.uniform(0.2, 1))     # so that the kill meets any moment of a tick
    killed_at = time.monotonic()
    ensemble.kill(victim)
    ensemble.await_leader()
    for writer in writers:
        writer.wait_for_progress()
    until = time.monotonic()
    for writer in writers:
        writer.stop()
    ensemble.launch(victim)
    ensemble.await_all_in()
    missing = lost(writers, ensemble[survivors[0]])
    if missing:
        raise SystemExit(f"acknowledged and lost: {missing[:5]}")
    return [writer.gap(killed_at, until) for writer in writers]


def measure(kind, role, arguments):
    rng = random.Random(arguments.seed)
    times = {"tickTime": arguments.tick, "initLimit": 10, "syncLimit": 5}
    with tempfile.TemporaryDirectory(prefix="zabd-failover-") as directory:
        with Ensemble(directory, kind, voters=arguments.voters, config=times) as ensemble:
            gaps = []
            for number in range(arguments.rounds):
                gaps += one_round(ensemble, number, role, arguments.clients, rng)
                print(f"{kind} {role} {number + 1}/{arguments.rounds}: {max(gaps[-arguments.clients:]) * 1000:.0f} ms",
                      file=sys.stderr, flush=True)
            return gaps


def row(kind, role, gaps):
    milliseconds = sorted(gap * 1000 for gap in gaps)
    ninetieth = milliseconds[int(len(milliseconds) * 0.9)] if len(milliseconds) > 1 else milliseconds[0]
    return (f"| {kind} | {role} | {len(gaps)} | {statistics.median(milliseconds):.0f} | {ninetieth:.0f} "
            f"| {milliseconds[-1]:.0f} |")


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20, help="kills of each kind")
    parser.add_argument("--voters", type=int, default=3)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--tick", type=int, default=2000, help="tickTime in ms")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", choices=KINDS, action="append", help="default: both")
    parser.add_argument("--victim", choices=VICTIMS, action="append", help="default: both")
    return parser.parse_args()


def main():
    arguments = parse()
    rows = [row(kind, role, measure(kind, role, arguments))
            for kind in arguments.kind or KINDS for role in arguments.victim or VICTIMS]
    print("| server | killed | gaps | median ms | 90 % ms | max ms |\n| --- | --- | --- | --- | --- | --- |")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
