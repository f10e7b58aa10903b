#!/usr/bin/python3
"""How long a follower takes to come back to its ensemble of three, and what that does to writes at the leader.

Once it was away for some transactions (it gets a DIFF), once for more than the leader's log keeps (it gets a SNAP of all
znodes). Clients write at a steady rate all the while. Told are: the time from the follower's start until it serves and has
all that was there when it started; and the p99 of the writes, beside that of a run with nothing going on.

    scripts/bench catch-up [--nodes 1000000] [--transactions 100000] [--rate 5000]
"""

import argparse
import os
import pathlib
import re
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import contestants  # noqa: E402
from ensemble import Ensemble  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
RETAIN_MIB = 64     # of the log, for followers that lag
SECONDS_MAX = 600


class Load:
    """Writes at a steady rate at the leader, in the background, until stop(); then its figures."""

    def __init__(self, programs, ensemble, arguments):
        leader = ensemble[ensemble.leader()]
        self._figures = None
        self._run = lambda: programs.generate(leader, "set", rate=arguments.rate, seconds=arguments.seconds, warm_up=1)
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self):
        self._figures = self._run()

    def figures(self):
        self._thread.join()
        if self._figures is None:
            raise SystemExit("the load ended with an error")
        return self._figures


def write(programs, ensemble, count, data):
    """So many transactions, over and over the same few nodes."""
    leader = ensemble[ensemble.leader()]
    before = ensemble.zxid(ensemble.leader())
    while ensemble.zxid(ensemble.leader()) - before < count:
        programs.generate(leader, "set", seconds=1, warm_up=0, data=data)
    return ensemble.zxid(ensemble.leader()) - before


def come_back(ensemble, follower):
    """Starts it; the seconds until it has what there was when it started."""
    wanted = ensemble.zxid(ensemble.leader())
    began = time.monotonic()
    ensemble.launch(follower)
    ensemble.eventually(lambda: ensemble.mode(follower) == "follower" and ensemble.zxid(follower) >= wanted,
                        "the follower does not come back", SECONDS_MAX)
    return time.monotonic() - began


def way(ensemble, follower):
    """DIFF or SNAP: what the leader's log says of it last."""
    said = re.findall(rf"server {follower} at \S+ is \D*(DIFF|TRUNC|SNAP)", ensemble[ensemble.leader()].log_text())
    return said[-1] if said else "?"


def measure(programs, ensemble, arguments, away):
    follower = next(n for n in ensemble.voters if n != ensemble.leader())
    ensemble.kill(follower)
    count = away()
    load = Load(programs, ensemble, arguments)
    seconds = come_back(ensemble, follower)
    figures = load.figures()
    ensemble.await_all_in()
    return f"| {way(ensemble, follower)} | {count:,} | {seconds:.2f} | {figures['p99_us']:,.0f} | {figures['p50_us']:,.0f} |"


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=1_000_000)
    parser.add_argument("--transactions", type=int, default=100_000, help="missed by the follower that gets a DIFF")
    parser.add_argument("--rate", type=int, default=5000, help="writes per second meanwhile")
    parser.add_argument("--seconds", type=int, default=20, help="of these writes")
    parser.add_argument("--build", default=str(ROOT / "build" / "release"))
    return parser.parse_args()


def main():
    arguments = parse()
    programs = contestants.Programs(arguments.build)
    settings = {"tickTime": 2000, "initLimit": 10, "syncLimit": 5, "maxClientCnxns": 0, "zabd.log.retainMiB": RETAIN_MIB}
    os.environ["ZABD_BINARY"] = str(programs.zabd)
    with tempfile.TemporaryDirectory(prefix="catch-up-", dir=ROOT / "build") as directory:
        with Ensemble(directory, "zabd", voters=3, config=settings) as ensemble:
            programs.generate(ensemble[ensemble.leader()], "load", nodes=arguments.nodes, data=100, sessions=16, in_flight=60)
            quiet = Load(programs, ensemble, arguments).figures()
            rows = [measure(programs, ensemble, arguments,
                            lambda: write(programs, ensemble, arguments.transactions, 100)),
                    measure(programs, ensemble, arguments,
                            lambda: write(programs, ensemble, 6 * RETAIN_MIB * 1024, 1000))]
    print(f"{arguments.nodes:,} znodes, {arguments.rate:,} writes per second\n")
    print("| way | transactions missed | back after s | p99 us | p50 us |\n| --- | ---: | ---: | ---: | ---: |")
    print(f"| none | 0 | | {quiet['p99_us']:,.0f} | {quiet['p50_us']:,.0f} |")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
