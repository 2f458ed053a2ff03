"""Figures of days: counted live while provisional, stored once final, so that a final figure never moves again."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import date, timedelta
from typing import Any, Literal

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from acd.model import Programme
from tickets import fcr, people, recalls
from tickets.counting import DIMENSIONS, C, Dimension, Scope, Tally, over_days
from tickets.days import each_day, local_day
from tickets.fcr import Resolutions
from tickets.maturity import Maturity, maturity_of
from tickets.model import Figure, Interaction
from tickets.policy import policy_of
from tickets.recalls import Recalls
from tickets.sql import insert_if_absent
from tickets.unit import CLOCK, Tickets

_SPREADS: tuple[Literal["gap", "cause"], ...] = ("gap", "cause")
"""Dimensions that only say how calls were followed: they spread the recalls."""


@dataclass(frozen=True, slots=True)
class DayFigure:
    """One day of one programme. `late`: facts that came after the figure was final and are not in it."""

    day: date
    maturity: Maturity
    recall: Recalls
    fcr: Resolutions
    late: int = 0


@dataclass(frozen=True, slots=True)
class GroupFigure:
    """A queue, topic or agent over several days."""

    key: str
    maturity: Maturity
    recall: Recalls
    fcr: Resolutions


@dataclass(slots=True)
class Figures:
    """Everything of one scope: its days in order, its groups by dimension (their sums are those of the days), and how
    the recalls spread over `gaps` ('00' to '11': steps of six hours) and `causes` ('': none given)."""

    days: list[DayFigure] = field(default_factory=list)
    groups: dict[Dimension, list[GroupFigure]] = field(default_factory=dict)
    gaps: dict[str, int] = field(default_factory=dict)
    causes: dict[str, int] = field(default_factory=dict)


async def figures_of(session: AsyncSession, scope: Scope, at: float, *by: Dimension) -> Figures:
    """The scope's figures, its groups by these dimensions: stored where final, counted now where not (`at`: now)."""
    stored = await _stored_days(session, scope)
    found = Figures([DayFigure(row.day, "final", Recalls.of(row), Resolutions.of(row), row.late) for row in stored])
    recall = {dimension: await _stored_sums(session, scope, dimension, Recalls) for dimension in by}
    resolution = {dimension: await _stored_sums(session, scope, dimension, Resolutions) for dimension in by}
    spread = {one: await _stored_sums(session, scope, one, Recalls) for one in _SPREADS}
    unripe: dict[str, set[str]] = {dimension: set() for dimension in by}
    for run in _open_runs(scope, {row.day for row in stored}):
        live = await _count(session, run, ("all", *by))
        ripeness = await _maturities(session, run, at)
        for (day, _), counts in live.recall["all"].items():
            resolved = live.fcr["all"].get((day, ""), Resolutions())
            found.days.append(DayFigure(day, ripeness[day], counts, resolved))
        for dimension in by:
            _add(recall[dimension], over_days(live.recall[dimension]))
            _add(resolution[dimension], over_days(live.fcr[dimension]))
            touched = {*live.recall[dimension], *live.fcr[dimension]}
            unripe[dimension] |= {key for day, key in touched if ripeness.get(day) == "provisional"}
        for one in _SPREADS:
            _add(spread[one], over_days(live.recall[one]))
    found.gaps, found.causes = (
        {key: counts.recalled for key, counts in spread[one].items() if counts.recalled} for one in _SPREADS
    )
    found.days.sort(key=lambda figure: figure.day)
    found.groups = {one: _groups(recall[one], resolution[one], unripe[one]) for one in by}
    return found


def _groups(
    recall: Mapping[str, Recalls], resolution: Mapping[str, Resolutions], unripe: set[str]
) -> list[GroupFigure]:
    return [
        GroupFigure(
            key,
            "provisional" if key in unripe else "final",
            recall.get(key, Recalls()),
            resolution.get(key, Resolutions()),
        )
        for key in sorted(recall.keys() | resolution.keys())
    ]


@dataclass(frozen=True, slots=True)
class _Live:
    """What was counted now, by day and key."""

    recall: Tally[Recalls]
    fcr: Tally[Resolutions]


async def _count(session: AsyncSession, scope: Scope, by: Sequence[Dimension]) -> _Live:
    return _Live(
        await recalls.count(session, scope, *by, *_SPREADS),
        await fcr.count(session, scope, *by),
    )


async def freeze_ripe_days(tickets: Tickets, limit: int = 31) -> int:
    """Store the days that have become final since last time, at most `limit` a programme; returns how many.

    To be called by the clock. Counting happens in readings, so that it holds up nobody who writes.
    """
    at, done = tickets.now(), 0
    async with tickets.reading() as session:
        programmes = await people.programmes(session)
    for programme in programmes:
        async with tickets.reading() as session:
            ripe = (await _ripe_days(session, programme, at))[:limit]
            rows = await _rows_of(session, programme, ripe, at) if ripe else {}
        for day in ripe:
            async with tickets.unit(CLOCK) as unit:
                await insert_if_absent(unit.session, Figure, rows[day])
        done += len(ripe)
    return done


async def _ripe_days(session: AsyncSession, programme: Programme, at: float) -> list[date]:
    today = local_day(at, people.zone(programme.time_zone))
    last = await session.scalar(
        select(func.max(Figure.day)).where(Figure.programme_id == programme.id, Figure.dimension == "all")
    )
    first = await session.scalar(select(func.min(Interaction.day)).where(Interaction.programme_id == programme.id))
    if first is None:
        return []
    begin = first if last is None else last + timedelta(days=1)
    scope = Scope(programme.id, begin, today, policy_of(programme.recall_hours))
    found = await _maturities(session, scope, at)
    return sorted(day for day, maturity in found.items() if maturity == "final")


async def _rows_of(
    session: AsyncSession, programme: Programme, days: list[date], at: float
) -> dict[date, list[dict[str, Any]]]:
    scope = Scope(programme.id, days[0], days[-1], policy_of(programme.recall_hours))
    live = await _count(session, scope, DIMENSIONS)
    rows: dict[date, list[dict[str, Any]]] = {day: [] for day in days}

    def add(dimension: str, day: date, key: str, recall: Recalls, resolution: Resolutions) -> None:
        if day in rows:
            where = {"programme_id": programme.id, "day": day, "dimension": dimension, "key": key}
            how = {"policy": scope.policy.version, "computed_at": at, "late": 0}
            rows[day].append({**where, **how, **asdict(recall), **asdict(resolution)})

    for dimension in (*DIMENSIONS, *_SPREADS):
        recall, resolution = live.recall[dimension], live.fcr.get(dimension, {})
        for where in sorted(recall.keys() | resolution.keys()):
            add(dimension, *where, recall.get(where, Recalls()), resolution.get(where, Resolutions()))
    return rows


async def _stored_days(session: AsyncSession, scope: Scope) -> list[Figure]:
    """Stored days of the scope, only those counted by its policy: two definitions never meet in one report."""
    query = select(Figure).where(*_stored(scope, "all")).order_by(Figure.day)
    return list(await session.scalars(query))


async def _stored_sums(session: AsyncSession, scope: Scope, dimension: str, kind: type[C]) -> dict[str, C]:
    sums = [func.sum(getattr(Figure, one.name)).label(one.name) for one in fields(kind)]
    query = select(Figure.key, *sums).where(*_stored(scope, dimension)).group_by(Figure.key)
    return {row.key: kind.of(row) for row in await session.execute(query)}


def _stored(scope: Scope, dimension: str) -> tuple[Any, ...]:
    return (
        Figure.programme_id == scope.programme_id,
        Figure.day.between(scope.first, scope.last),
        Figure.dimension == dimension,
        Figure.policy == scope.policy.version,
    )


def _open_runs(scope: Scope, frozen: set[date]) -> list[Scope]:
    """The days of the scope that are not stored, as few unbroken runs."""
    runs: list[list[date]] = []
    for day in each_day(scope.first, scope.last):
        if day in frozen:
            continue
        if runs and runs[-1][-1] == day - timedelta(days=1):
            runs[-1].append(day)
        else:
            runs.append([day])
    return [replace(scope, first=run[0], last=run[-1]) for run in runs]


async def _maturities(session: AsyncSession, scope: Scope, at: float) -> dict[date, Maturity]:
    zone = people.zone((await people.programme(session, scope.programme_id)).time_zone)
    last_call = func.max(func.coalesce(Interaction.ended_at, Interaction.queued_at))
    query = (
        select(Interaction.day, last_call)
        .where(
            Interaction.programme_id == scope.programme_id,
            Interaction.day.between(scope.first, scope.last),
            Interaction.queued_at.is_not(None),
        )
        .group_by(Interaction.day)
    )
    rows = await session.execute(query)
    return {day: maturity_of(day, last, zone, scope.policy, at) for day, last in rows if day is not None}


def _add(sums: dict[str, C], more: Mapping[str, C]) -> None:
    for key, counts in more.items():
        sums[key] = sums[key] + counts if key in sums else counts
