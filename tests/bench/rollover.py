#!/usr/bin/python3
"""How long clients wait for an answer when an ensemble's epoch is used up and handed over (zabd alone).

Epochs are as short as --limit says. Clients write steadily, each one write after the other, spread over the members. What
is told is each client's wait at each hand-over: from its last acknowledgement of the old epoch to its first of the new
one; and beside it how far apart two acknowledgements are otherwise.

    scripts/bench rollover --rounds 100
"""

import argparse
import pathlib
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from ensemble import Ensemble  # noqa: E402
from streams import Stream  # noqa: E402
from writers import lost  # noqa: E402


def hand_overs(streams):
    """As many as every one of them has seen."""
    return min(len(stream.gaps_between_epochs()) for stream in streams)


def measure(arguments):
    """The streams, when they have seen as many hand-overs as were asked for."""
    config = {"tickTime": 2000, "initLimit": 10, "syncLimit": 5, "zabd.epochCounterMax": arguments.limit}
    with tempfile.TemporaryDirectory(prefix="zabd-rollover-") as directory:
        with Ensemble(directory, voters=arguments.voters, config=config) as ensemble:
            members = list(ensemble.members.values())
            streams = [Stream(f"client{c}", members[c % len(members)], window=1) for c in range(arguments.clients)]
            while hand_overs(streams) < arguments.rounds:
                for stream in streams:
                    stream.check()
                time.sleep(0.5)
            for stream in streams:
                stream.stop()
            if missing := lost(streams, members[0]):
                raise SystemExit(f"acknowledged and lost: {missing[:5]}")
            return streams


def row(name, gaps):
    milliseconds = sorted(gap * 1000 for gap in gaps)
    at = [statistics.median(milliseconds), milliseconds[int(len(milliseconds) * 0.99)], milliseconds[-1]]
    return f"| {name} | {len(milliseconds)} | " + " | ".join(f"{ms:.1f}" for ms in at) + " |"


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100, help="hand-overs")
    parser.add_argument("--limit", type=int, default=1000, help="transactions of an epoch")
    parser.add_argument("--voters", type=int, default=3)
    parser.add_argument("--clients", type=int, default=4)
    return parser.parse_args()


def main():
    streams = measure(parse())
    print("| between two answers | gaps | median ms | 99 % ms | max ms |\n| --- | --- | --- | --- | --- |")
    print(row("of one epoch", [gap for stream in streams for gap in stream.gaps_within_epochs()]))
    print(row("of two epochs", [gap for stream in streams for gap in stream.gaps_between_epochs()]))


if __name__ == "__main__":
    main()
