"""Plots throughput against latency as SVG: a panel per scenario, a line per run, a point per load."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from engine.measure.speed.results import Run, figure
from engine.measure.speed.tools import Measured

_WIDTH, _HEIGHT = 640, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 24, 44, 52
_COLOURS = ("#0b6e99", "#b5562b", "#5f7d2c", "#7a5195", "#8a8a8a")
"""The colours of the run itself, and of earlier ones."""
_EARLIER = len(_COLOURS) - 1
_STEPS = 4
_ENDS = (1, 1.2, 1.6, 2, 2.4, 3, 4, 6, 8, 10)
_LEGEND_ROW = 18
Point = tuple[float, float, int]
"""Seconds of a whole answer (median), output tokens per second, concurrent requests."""


def draw(run: Run, before: Sequence[Run]) -> str:
    """The SVG of `run`, with the latest of the earlier runs that measured the same."""
    panels = []
    top = 0
    for kind in dict.fromkeys(_kind(row) for row in run.rows):
        lines = [(run.name, _points(run, kind))]
        others = [(other.name, points) for other in before if (points := _points(other, kind))]
        lines += others[-_EARLIER:][::-1]
        height = _HEIGHT + _LEGEND_ROW * len(lines)
        panels.append(f'<g transform="translate(0 {top})">{_panel(_title(kind), lines)}</g>')
        top += height
    style = "text{font:12px system-ui,sans-serif;fill:#333}.title{font-size:14px;font-weight:600}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top}" width="{_WIDTH}" height="{top}">'
        f'<style>{style}</style><rect width="100%" height="100%" fill="#fff"/>{"".join(panels)}</svg>\n'
    )


def _kind(row: Measured) -> tuple[str, int, int]:
    return (row.scenario, row.input_len, row.output_len)


def _title(kind: tuple[str, int, int]) -> str:
    return f"{kind[0]}: {kind[1]:,} tokens in, {kind[2]:,} out"


def _points(run: Run, kind: tuple[str, int, int]) -> list[Point]:
    found = []
    for row in run.rows:
        latency = figure(row, "median_e2el")
        if _kind(row) == kind and latency is not None:
            found.append((latency / 1000, row.output_tokens_per_second, row.concurrency))
    return sorted(found, key=lambda point: point[2])


def _panel(title: str, lines: Sequence[tuple[str, list[Point]]]) -> str:
    points = [point for _, some in lines for point in some]
    right, high = _end(max((x for x, _, _ in points), default=1)), _end(max((y for _, y, _ in points), default=1))

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            _LEFT + x / right * (_WIDTH - _LEFT - _RIGHT),
            _HEIGHT - _BOTTOM - y / high * (_HEIGHT - _TOP - _BOTTOM),
        )

    parts = [f'<text class="title" x="{_LEFT}" y="24">{escape(title)}</text>']
    for step in range(_STEPS + 1):
        x, y = right * step / _STEPS, high * step / _STEPS
        (px, bottom), (left, py) = place(x, 0), place(0, y)
        parts.append(f'<path d="M{left} {py:.1f}H{_WIDTH - _RIGHT}" stroke="#e3e3e3"/>')
        parts.append(f'<text x="{px:.1f}" y="{bottom + 18:.1f}" text-anchor="middle">{x:g}</text>')
        parts.append(f'<text x="{left - 8}" y="{py + 4:.1f}" text-anchor="end">{y:g}</text>')
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{_HEIGHT - 14}" text-anchor="middle">whole answer, median s</text>')
    parts.append(f'<text x="{_LEFT}" y="40">output tokens/s</text>')
    for index, (name, some) in enumerate(lines):
        parts.append(_line([(*place(x, y), at_once) for x, y, at_once in some], _COLOURS[index], is_new=not index))
        y = _HEIGHT + 4 + _LEGEND_ROW * index
        parts.append(f'<path d="M{_LEFT} {y - 4}h20" stroke="{_COLOURS[index]}" stroke-width="3"/>')
        parts.append(f'<text x="{_LEFT + 28}" y="{y}">{escape(name)}</text>')
    return "".join(parts)


def _line(points: Sequence[tuple[float, float, int]], colour: str, *, is_new: bool) -> str:
    way = "L".join(f"{x:.1f} {y:.1f}" for x, y, _ in points)
    width = 2 if is_new else 1.2
    parts = [f'<path d="M{way}" fill="none" stroke="{colour}" stroke-width="{width}"/>'] if points else []
    for x, y, at_once in points:
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{4 if is_new else 3}" fill="{colour}"/>')
        if is_new:
            parts.append(f'<text x="{x + 7:.1f}" y="{y - 6:.1f}">{at_once}</text>')
    return "".join(parts)


def _end(highest: float) -> float:
    """The end of an axis: the next of `_ENDS` x 10^n at or above `highest`."""
    power = 1.0
    while power * 10 <= highest:
        power *= 10
    while power > highest:
        power /= 10
    return next(step * power for step in _ENDS if step * power >= highest) if highest > 0 else 1.0
