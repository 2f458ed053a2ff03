"""Plots as inline SVG: lines over the intervals of the day, each with the band of its confidence interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

from acd.simulator.confidence import Interval

WIDTH, HEIGHT = 560, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 8, 10, 24


@dataclass(frozen=True, slots=True)
class Line:
    """One curve: `style` is the CSS class that colours it (`one`, `two`)."""

    title: str
    points: Sequence[Interval]
    style: str = "one"


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot of one figure. `scale` multiplies values for display; `limit` is drawn as a line (display units)."""

    title: str
    unit: str
    lines: Sequence[Line]
    labels: Sequence[str]
    scale: float = 1.0
    top: float | None = None
    limit: float | None = None
    limit_title: str = ""


def svg(plot: Plot) -> str:
    """The plot; every point says its value on hover, and the drawing has a text alternative."""
    top, step = _axis(plot)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(_spoken(plot))}">',
        *_grid(plot, top, step),
    ]
    for line in plot.lines:
        parts += _band(plot, line, top)
    if plot.limit is not None and plot.limit <= top:
        y = _y(plot.limit, top)
        parts.append(f'<line class="limit" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="limit" x="{WIDTH - _RIGHT}" y="{y - 4:.1f}">{escape(plot.limit_title)}</text>')
    for line in plot.lines:
        parts += _curve(plot, line, top)
    return "".join([*parts, "</svg>"])


def _spoken(plot: Plot) -> str:
    """The text alternative: the range of each curve."""
    told = []
    for line in plot.lines:
        known = [point.mean * plot.scale for point in line.points if point.mean is not None]
        if known:
            told.append(f"{line.title}: from {min(known):.1f} to {max(known):.1f} {plot.unit}")
    return f"{plot.title}. {'; '.join(told)}"


def _axis(plot: Plot) -> tuple[float, float]:
    """The top of the axis and the distance of its lines: 1, 2 or 5 times a power of ten."""
    highest = plot.top or 0.0
    if not plot.top:
        values = [point.mean * plot.scale for line in plot.lines for point in line.points if point.mean is not None]
        highest = max([*values, plot.limit or 0.0, 1e-9]) * 1.05
    rough = highest / 4.0
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1.0, 2.0, 2.5, 5.0, 10.0) if factor * power >= rough * 0.999)
    return (plot.top or step * ceil(highest / step)), step


def _x(n: int, count: int) -> float:
    return _LEFT + (n + 0.5) * (WIDTH - _LEFT - _RIGHT) / count


def _y(value: float, top: float) -> float:
    return _TOP + (HEIGHT - _TOP - _BOTTOM) * (1.0 - min(max(value / top, 0.0), 1.0))


def _grid(plot: Plot, top: float, step: float) -> list[str]:
    parts = []
    value = 0.0
    while value <= top * 1.001:
        y = _y(value, top)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="y" x="{_LEFT - 6}" y="{y + 4:.1f}">{value:g}</text>')
        value += step
    count = len(plot.labels)
    every = max(1, ceil(count / 8))
    for n in range(0, count, every):
        parts.append(f'<text class="x" x="{_x(n, count):.1f}" y="{HEIGHT - 6}">{escape(plot.labels[n])}</text>')
    return parts


def _band(plot: Plot, line: Line, top: float) -> list[str]:
    """The band between low and high, broken where the figure is unknown."""
    count = len(line.points)
    parts = []
    for run in _runs(line.points):
        upper = [
            f"{_x(n, count):.1f},{_y((line.points[n].high or 0.0) * plot.scale, top):.1f}"
            for n in run
            if line.points[n].high is not None
        ]
        lower = [
            f"{_x(n, count):.1f},{_y((line.points[n].low or 0.0) * plot.scale, top):.1f}"
            for n in reversed(run)
            if line.points[n].low is not None
        ]
        if upper:
            parts.append(f'<polygon class="band {line.style}" points="{" ".join(upper + lower)}"/>')
    return parts


def _curve(plot: Plot, line: Line, top: float) -> list[str]:
    count = len(line.points)
    parts = []
    for run in _runs(line.points):
        dots = [
            (_x(n, count), _y((line.points[n].mean or 0.0) * plot.scale, top), line.points[n], plot.labels[n])
            for n in run
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _, _ in dots)
        parts.append(f'<polyline class="curve {line.style}" points="{path}"/>')
        for x, y, point, label in dots:
            told = f"{label} {line.title}: {_told(point, plot)}"
            parts.append(f'<circle class="dot {line.style}" cx="{x:.1f}" cy="{y:.1f}" r="5">')
            parts.append(f"<title>{escape(told)}</title></circle>")
    return parts


def _told(point: Interval, plot: Plot) -> str:
    value = (point.mean or 0.0) * plot.scale
    if point.low is None or point.high is None:
        return f"{value:.1f} {plot.unit}"
    return f"{value:.1f} {plot.unit} ({point.low * plot.scale:.1f} to {point.high * plot.scale:.1f})"


def _runs(points: Sequence[Interval]) -> list[list[int]]:
    """Stretches of neighbouring points that are known."""
    runs: list[list[int]] = []
    for n, point in enumerate(points):
        if point.mean is None:
            continue
        if runs and runs[-1][-1] == n - 1:
            runs[-1].append(n)
        else:
            runs.append([n])
    return runs
