"""Two bar charts as SVG, written by hand: they need nothing to be made and a browser to be seen."""

import math
from html import escape

from results import times

_WIDTH, _LABELS, _RIGHT, _BAR, _GAP, _TOP = 1000, 430, 90, 18, 8, 56
_REACHED, _MISSED, _LINE = "#2f7d4f", "#c2571a", "#888888"


def write_ratios(path, measured):
    """How many times better than ZooKeeper each row is, on a logarithmic scale from 1."""
    bars = [(row.title, outcome.advantage, times(outcome.advantage), outcome.reached)
            for row, outcome in measured if outcome.advantage is not None]
    _write(path, "zabd: how many times better than Apache ZooKeeper (log scale)", bars, _decades(bars))


def write_ceilings(path, measured):
    """What share of the machine's own ceiling zabd reaches."""
    bars = [(f"{row.title} (of {outcome.ceiling_name})", outcome.of_ceiling, f"{outcome.of_ceiling:.0%}",
             outcome.reached) for row, outcome in measured if outcome.of_ceiling is not None]
    quarters = {share: f"{share:.0%}" for share in (0, 0.25, 0.5, 0.75, 1)}
    _write(path, "zabd: share of what this machine can do", bars, quarters, place=lambda share: min(share, 1))


def _decades(bars):
    """{value: label} of the scale's lines: 1, 2, 5, 10 and so on, to the first one beyond all bars."""
    highest = max((value for _, value, _, _ in bars), default=1)
    ticks = {}
    for exponent in range(10):
        for digit in (1, 2, 5):
            ticks[digit * 10**exponent] = f"{digit * 10**exponent:,}"
            if digit * 10**exponent >= highest:
                return ticks
    return ticks


def _write(path, title, bars, ticks, place=None):
    """`place` maps a value to 0 (left) to 1 (right); by default logarithmically between the outermost ticks."""
    if place is None:
        highest = math.log(max(ticks)) or 1
        place = lambda value: max(0, math.log(value) / highest)  # noqa: E731
    height = _TOP + len(bars) * (_BAR + _GAP) + 16
    span = _WIDTH - _LABELS - _RIGHT
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" font-family="sans-serif" '
             f'font-size="13"><rect width="100%" height="100%" fill="white"/>'
             f'<text x="12" y="22" font-size="16">{escape(title)}</text>'
             f'<text x="{_WIDTH - 12}" y="22" text-anchor="end"><tspan fill="{_REACHED}">goals reached</tspan>, '
             f'<tspan fill="{_MISSED}">a goal missed</tspan></text>']
    for value, label in ticks.items():
        x = _LABELS + span * place(value)
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 6}" y2="{height - 10}" stroke="{_LINE}" '
                     f'stroke-width="0.5"/><text x="{x:.1f}" y="{_TOP - 10}" text-anchor="middle" fill="{_LINE}">'
                     f'{label}</text>')
    for index, (label, value, text, reached) in enumerate(bars):
        y = _TOP + index * (_BAR + _GAP)
        width = max(2, span * place(value))
        parts.append(f'<text x="{_LABELS - 8}" y="{y + 14}" text-anchor="end">{escape(label)}</text>'
                     f'<rect x="{_LABELS}" y="{y}" width="{width:.1f}" height="{_BAR}" '
                     f'fill="{_REACHED if reached else _MISSED}"/>'
                     f'<text x="{_LABELS + width + 6:.1f}" y="{y + 14}">{text}</text>')
    parts.append("</svg>\n")
    path.write_text("\n".join(parts))
