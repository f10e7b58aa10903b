"""The figures as a markdown table, as JSON, and in one line for each row."""

import dataclasses
import json

import rows

_DETAILS = ("per_second", "p50_us", "p99_us", "p999_us", "syncs_per_second")


def in_short(outcome):
    text = f"zabd {figure(outcome.zabd)} {outcome.unit}"
    if outcome.zookeeper is not None:
        text += f", ZooKeeper {figure(outcome.zookeeper)}, {times(outcome.advantage)} better"
    if not outcome.clean:
        return text + ", WITH ERRORS"
    return text + (", goals reached" if outcome.reached else ", GOAL MISSED: " + "; ".join(missed(outcome)))


def table(measured, failures, environment):
    """What docs/performance.md shows of a run."""
    lines = [
        f"Measured {environment['measured']} on {environment['processors']} processors, Linux {environment['kernel']}; "
        f"{environment['zabd']}; ZooKeeper {environment['zookeeper']} (Debian).",
        *(["", "**A quick run: for seeing that it works, not for its figures.**"] if environment["quick"] else []),
        "",
        "| row | unit | zabd | ZooKeeper | times better | ceiling | share of it | goals | reached |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- | --- |",
        *(_row(row, outcome) for row, outcome in measured),
        *(f"| {row.title} | | | | | | | | failed: {problem.splitlines()[0]} |" for row, problem in failures),
        "",
        "| row | of | op/s | p50 us | p99 us | p99.9 us | syncs/s |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
        *(line for row, outcome in measured for line in _details(row, outcome)),
    ]
    return "\n".join([*lines, *_disk(measured)]) + "\n"


def as_json(measured, failures, environment):
    return json.dumps({
        "environment": environment,
        "rows": [{"key": row.key, "title": row.title, **_plain(outcome)} for row, outcome in measured],
        "failures": [{"key": row.key, "title": row.title, "problem": problem} for row, problem in failures],
    }, indent=2) + "\n"


def missed(outcome):
    return [f"{goal.text} (is {figure(goal.value)})" for goal in outcome.goals if not goal.reached]


def figure(value):
    """Three digits that count, with thousands apart: 1,230,000, 45.6, 0.00123; a dash for nothing."""
    if value is None:
        return "-"
    if abs(value) >= 1000:
        digits = max(0, len(str(int(abs(value)))) - 3)
        return f"{round(value, -digits):,.0f}"
    return f"{value:.3g}"


def times(ratio):
    return "-" if ratio is None else f"{figure(ratio)} x"


def _row(row, outcome):
    share = "-" if outcome.of_ceiling is None else f"{outcome.of_ceiling:.0%}"
    ceiling = "-" if outcome.ceiling is None else f"{figure(outcome.ceiling)} ({outcome.ceiling_name})"
    if not outcome.clean:
        reached = "**run with errors**"
    elif outcome.reached:
        reached = "yes"
    else:
        reached = "**no**: " + "; ".join(missed(outcome))
    goals = "; ".join(goal.text for goal in outcome.goals)
    return (f"| {row.title} | {outcome.unit} | {figure(outcome.zabd)} | {figure(outcome.zookeeper)} | "
            f"{times(outcome.advantage)} | {ceiling} | {share} | {goals} | {reached} |")


def _details(row, outcome):
    for kind, runs in outcome.runs.items():
        if all("p50_us" in run for run in runs):
            figures = (_median(runs, name) for name in _DETAILS)
            yield f"| {row.title} | {kind} | " + " | ".join(figure(value) for value in figures) + " |"


def _median(runs, name):
    return None if any(run.get(name) is None for run in runs) else rows.median_of(runs, name)


def _disk(measured):
    """How long a synced block takes, by what the file system has to do for it."""
    runs = [run for _, outcome in measured for run in outcome.runs.get("disk", [])]
    if not runs:
        return []
    lines = ["", "| bare pwrite + fdatasync of 4 KiB | p50 us | p99 us |", "| --- | ---: | ---: |"]
    for way, text in (("overwriting", "overwriting blocks that were written before"),
                      ("filling", "writing blocks that are allocated and were never written"),
                      ("appending", "appending to a file that grows")):
        figures = (rows.median_of([run[way] for run in runs], name) for name in ("p50_us", "p99_us"))
        lines.append(f"| {text} | " + " | ".join(figure(value) for value in figures) + " |")
    return lines


def _plain(outcome):
    return {**dataclasses.asdict(outcome), "advantage": outcome.advantage, "of_ceiling": outcome.of_ceiling,
            "clean": outcome.clean, "reached": outcome.reached}
