"""The report as one self-contained HTML page: no script from elsewhere, no font, no picture is fetched."""

from collections.abc import Sequence
from html import escape
from importlib.resources import files

from acd.simulator.confidence import Interval
from acd.simulator.figures import OF_AGENTS
from acd.simulator.loading import Scenario
from acd.simulator.plots import Line, Plot, svg
from acd.simulator.report import TABLE, TITLES, change, interval_starts, number, verdict, with_margin
from acd.simulator.study import Study, difference_of

Side = tuple[Scenario, Study]

HOUR = 3600.0
_PLOTS = (
    ("offered", "Calls offered", "calls", 1.0, None),
    ("service_level", "Service level", "%", 100.0, 100.0),
    ("abandonment", "Abandonment", "%", 100.0, None),
    ("asa", "Average speed of answer", "s", 1.0, None),
    ("staffed_hours", "Agents at work", "agents", 0.0, None),
    ("occupancy", "Occupancy of all agents", "%", 100.0, 100.0),
    ("recall", "Recall within the window", "%", 100.0, None),
)


def as_page(scenario: Scenario, found: Study, against: Side | None = None) -> str:
    """The whole page; with `against` both configurations in every plot, and a table of differences."""
    sides: list[Side] = [(scenario, found), *([against] if against else [])]
    style = files("acd.simulator").joinpath("page.css").read_text(encoding="utf-8")
    script = files("acd.simulator").joinpath("page.js").read_text(encoding="utf-8")
    title = scenario.name if against is None else f"{scenario.name} → {against[0].name}"
    body = [
        _head(title, sides),
        _tiles(sides),
        _comparison(sides) if against else "",
        _queues(sides),
        _plots(sides),
        _definitions(found),
    ]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(title)}</title>'
        f"<style>{style}</style></head><body><main>{''.join(body)}</main><script>{script}</script></body></html>"
    )


def _head(title: str, sides: Sequence[Side]) -> str:
    scenario, found = sides[0]
    said = [
        f"{len(found.setup.config.agents)} agents",
        f"{found.setup.end / 3600:g} hours",
        f"{len(found.seeds)} runs",
        f"bands and ± are the {100 * found.confidence:g} % confidence interval",
    ]
    keys = "".join(
        f'<span class="key {style}">{escape(side[0].name)}</span>'
        for side, style in zip(sides, ("one", "two"), strict=False)
    )
    return (
        f"<header><h1>{escape(title)}</h1><p>{escape(scenario.description)}</p>"
        f'<p class="said">{escape(" · ".join(said))}</p>{f"<p>{keys}</p>" if len(sides) > 1 else ""}</header>'
    )


def _tiles(sides: Sequence[Side]) -> str:
    """The figures that have a target, beside it, of the first configuration."""
    scenario, found = sides[0]
    tiles = []
    for name, below in (("service_level", False), ("abandonment", True), ("recall", True)):
        figure = found.figure(name, lambda run: run.total)
        limit = scenario.targets[name]
        state, word = _state(figure, limit, below)
        tiles.append(
            f'<div class="tile {state}"><h2>{TITLES[name]}</h2><b>{escape(number(name, figure.mean))}</b>'
            f"<p>{'at most' if below else 'at least'} {number(name, limit)} · {word}</p></div>"
        )
    for name in ("asa", "occupancy"):
        figure = found.figure(name, lambda run: run.total)
        tiles.append(
            f'<div class="tile"><h2>{TITLES[name]}</h2><b>{escape(number(name, figure.mean))}</b>'
            f"<p>{escape(_range(name, figure))}</p></div>"
        )
    return f'<section class="tiles">{"".join(tiles)}</section>'


def _state(figure: Interval, limit: float, below: bool) -> tuple[str, str]:
    """Whether the target is met, and whether the interval leaves a doubt."""
    if figure.mean is None:
        return "", "not known"
    met = figure.mean <= limit if below else figure.mean >= limit
    if figure.low is not None and figure.high is not None and figure.low <= limit <= figure.high:
        return "doubt", "met, within chance" if met else "missed, within chance"
    return ("met", "met") if met else ("missed", "missed")


def _range(name: str, figure: Interval) -> str:
    if figure.low is None or figure.high is None:
        return "one run"
    return f"{number(name, figure.low)} to {number(name, figure.high)}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], style: str = "") -> str:
    titles = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    lines = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    table = f'<table class="{style}"><thead><tr>{titles}</tr></thead><tbody>{lines}</tbody></table>'
    return f'<div class="scroll">{table}</div>'


def _queues(sides: Sequence[Side]) -> str:
    parts = []
    for scenario, found in sides:
        rows = [
            [queue_id or "All queues", *(with_margin(name, found.figure(name, tally)) for name in TABLE)]
            for queue_id, piece, tally in found.places()
            if piece is None
        ]
        heading = "Queues" if len(sides) == 1 else f"Queues: {scenario.name}"
        parts.append(f"<h2>{escape(heading)}</h2>" + _table(["Queue", *(TITLES[name] for name in TABLE)], rows))
    return f'<section class="panel">{"".join(parts)}</section>'


def _comparison(sides: Sequence[Side]) -> str:
    (first, before), (second, after) = sides
    rows = []
    for queue_id, piece, tally in before.places():
        if piece is not None or (queue_id and queue_id not in after.setup.config.queues):
            continue
        for name in ("service_level", "abandonment", "asa", "occupancy", "recall"):
            found = difference_of(before, after, name, tally)
            if found.mean is None:
                continue
            mean_before, mean_after = before.figure(name, tally).mean, after.figure(name, tally).mean
            values = [number(name, mean_before), number(name, mean_after), change(name, found)]
            rows.append([queue_id or "All queues", TITLES[name], *values, verdict(found)])
    head = ["Queue", "Figure", first.name, second.name, "Difference", "Is it more than chance?"]
    return (
        f'<section class="panel"><h2>Difference</h2><p>The same callers in both, run by run, so most of the chance '
        f"cancels.</p>{_table(head, rows, 'pairs')}</section>"
    )


def _plots(sides: Sequence[Side]) -> str:
    """A choice of queue and the plots of each; the script shows one at a time, without it all are there."""
    scenario, found = sides[0]
    starts = interval_starts(scenario)
    days = found.setup.end > 86_400.0
    labels = [f"{start[8:10]}. {start[11:16]}" if days else start[11:16] for start in starts]
    ids = ["", *found.setup.config.queues]
    options = "".join(f'<option value="{escape(one)}">{escape(one or "All queues")}</option>' for one in ids)
    groups = [
        f'<div class="plots" data-queue="{escape(one)}"><h3>{escape(one or "All queues")}</h3>'
        + "".join(_figure(sides, one, plot, labels) for plot in _PLOTS)
        + "</div>"
        for one in ids
    ]
    return (
        f'<section class="panel"><h2>By interval</h2><label class="choose" hidden>Queue '
        f"<select>{options}</select></label>{''.join(groups)}</section>"
    )


def _figure(
    sides: Sequence[Side], queue_id: str, what: tuple[str, str, str, float, float | None], labels: Sequence[str]
) -> str:
    name, title, unit, scale, top = what
    scale = scale or HOUR / sides[0][1].setup.interval
    if queue_id and name in OF_AGENTS:
        return ""
    lines = []
    for (scenario, found), style in zip(sides, ("one", "two"), strict=False):
        points = [
            found.figure(name, tally)
            for place, piece, tally in found.places()
            if piece is not None and place == queue_id
        ]
        if len(points) == len(labels):
            lines.append(Line(scenario.name, points, style))
    if not any(point.mean for line in lines for point in line.points):
        return ""
    limit = sides[0][0].targets.get(name)
    drawn = Plot(
        title,
        unit,
        lines,
        labels,
        scale,
        top,
        limit * scale if limit is not None else None,
        f"target {limit * scale:g} {unit}" if limit is not None else "",
    )
    return f"<figure><figcaption>{title} <span>{unit}</span></figcaption>{svg(drawn)}</figure>"


def _definitions(found: Study) -> str:
    seconds = sorted({queue.service_level_seconds for queue in found.setup.config.queues.values()})
    within = " / ".join(f"{value:g}" for value in seconds)
    told = (
        f"Service level: answered within {within} s of queue entry ÷ (answered + abandoned later than that); strict: "
        f"÷ (answered + all abandoned). Abandonment: abandoned after {found.setup.short_abandon:g} s ÷ (offered − "
        f"abandoned before). ASA: mean wait of answered calls. AHT: talk and wrap-up of handled calls. Occupancy: "
        f"handling ÷ (handling + ready), breaks outside; of a queue: of the agents who took its calls. Recall: "
        f"answered callers with identity who call again within {found.setup.recall_window / 3600:g} h ÷ all of those. "
        f"A call counts in the interval in which it entered the queue."
    )
    return f'<section class="panel small"><h2>Definitions (version 1)</h2><p>{escape(told)}</p></section>'
