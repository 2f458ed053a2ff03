"""Figures of days: counted live while provisional, stored once final, so that a final figure never moves again."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from typing import Any, TypeVar

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from acd.model import Programme
from tickets import fcr, people, recalls
from tickets.counting import DIMENSIONS, Counts, Dimension, Scope
from tickets.days import each_day, local_day
from tickets.fcr import Resolutions
from tickets.maturity import Maturity, maturity_of, together
from tickets.model import Figure, Interaction
from tickets.policy import policy_of
from tickets.recalls import Recalls
from tickets.sql import insert_if_absent
from tickets.unit import CLOCK, Tickets

_C = TypeVar("_C", bound=Counts)


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


async def days(session: AsyncSession, scope: Scope, at: float) -> list[DayFigure]:
    """Each day of the scope that had calls, in order: stored where final, counted now where not (`at`: now)."""
    stored = await _stored(session, scope, "all")
    found = [DayFigure(row.day, "final", Recalls.of(row), Resolutions.of(row), row.late) for row in stored]
    for run in _open_runs(scope, {row.day for row in stored}):
        ripeness = await _maturities(session, run, at)
        resolutions = await fcr.by_day(session, run)
        for day, counts in (await recalls.by_day(session, run)).items():
            found.append(DayFigure(day, ripeness[day], counts, resolutions.get(day, Resolutions())))
    return sorted(found, key=lambda figure: figure.day)


async def groups(session: AsyncSession, scope: Scope, dimension: Dimension, at: float) -> list[GroupFigure]:
    """The scope by queue, topic or agent; their sums are those of `days`."""
    frozen = {row.day for row in await _stored(session, scope, "all")}
    stored = await _stored(session, scope, dimension)
    recall, resolution = _sums(stored, Recalls), _sums(stored, Resolutions)
    unripe: set[str] = set()
    for run in _open_runs(scope, frozen):
        maturity = together(list((await _maturities(session, run, at)).values()))
        recall_now, fcr_now = await recalls.by(session, run, dimension), await fcr.by(session, run, dimension)
        _add(recall, recall_now.items())
        _add(resolution, fcr_now.items())
        if maturity == "provisional":
            unripe |= recall_now.keys() | fcr_now.keys()
    return [
        GroupFigure(
            key,
            "provisional" if key in unripe else "final",
            recall.get(key, Recalls()),
            resolution.get(key, Resolutions()),
        )
        for key in sorted(recall.keys() | resolution.keys())
    ]


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
    rows: dict[date, list[dict[str, Any]]] = {day: [] for day in days}
    for dimension in DIMENSIONS:
        recall = await recalls.by_day_and(session, scope, dimension)
        resolution = await fcr.by_day_and(session, scope, dimension)
        for day, key in sorted(recall.keys() | resolution.keys()):
            if day in rows:
                rows[day].append(
                    {
                        "programme_id": programme.id,
                        "day": day,
                        "dimension": dimension,
                        "key": key,
                        "policy": scope.policy.version,
                        "computed_at": at,
                        "late": 0,
                        **asdict(recall.get((day, key), Recalls())),
                        **asdict(resolution.get((day, key), Resolutions())),
                    }
                )
    return rows


async def _stored(session: AsyncSession, scope: Scope, dimension: Dimension) -> list[Figure]:
    """Stored figures of the scope, only those counted by its policy: two definitions never meet in one report."""
    query = (
        select(Figure)
        .where(
            Figure.programme_id == scope.programme_id,
            Figure.day.between(scope.first, scope.last),
            Figure.dimension == dimension,
            Figure.policy == scope.policy.version,
        )
        .order_by(Figure.day)
    )
    return list(await session.scalars(query))


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


def _sums(rows: Iterable[Figure], kind: type[_C]) -> dict[str, _C]:
    sums: dict[str, _C] = {}
    _add(sums, ((row.key, kind.of(row)) for row in rows))
    return sums


def _add(sums: dict[str, _C], more: Iterable[tuple[str, _C]]) -> None:
    for key, counts in more:
        sums[key] = sums[key] + counts if key in sums else counts
