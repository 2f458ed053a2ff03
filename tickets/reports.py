"""Reports as the screens show them: today, FCR and recall over days, promises, and an agent's own day."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TypeVar

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from acd.model import Programme
from core.clock import iso
from core.errors import Invalid, NotFound
from tickets import fcr, people, recalls, service_level
from tickets.catalogue import topic_names
from tickets.counting import Counts, Dimension, Scope, share
from tickets.days import day_end, day_start, local_day
from tickets.fcr import Resolutions
from tickets.figures import DayFigure, Figures, figures_of
from tickets.hearing import DEAF, Ears, audible
from tickets.maturity import Maturity, maturity_of, together
from tickets.model import InteractionLeg
from tickets.policy import HOUR, Policy, policy_of
from tickets.promise_figures import PromiseCounts, promises_due
from tickets.recalls import Recalls
from tickets.report_views import (
    CauseRowView,
    DayRowView,
    GroupRowView,
    MyDayView,
    PairView,
    RecallReportView,
    TodayReportView,
    fcr_view,
    promise_figure_view,
    recall_view,
    today_view,
)

_MOST_DAYS = 400
_C = TypeVar("_C", bound=Counts)


async def recall(
    session: AsyncSession,
    at: float,
    first: date,
    last: date,
    programme_id: str | None = None,
    language: str = "it",
) -> RecallReportView:
    """FCR and recall of the days from first to last, both included. `at`: now, epoch seconds. Raises Invalid, NotFound.

    Over several programmes the counts are added; programmes with different recall windows are never added.
    """
    scopes = await _scopes(session, programme_id, first, last)
    found = [await figures_of(session, scope, at, "topic", "agent") for scope in scopes]
    rows = [row for one in found for row in one.days]
    promised = sum([await promises_due(session, scope, at) for scope in scopes], PromiseCounts())
    policy = scopes[0].policy
    return {
        "from_day": first,
        "to_day": last,
        "policy_version": policy.version,
        "window_hours": round(policy.recall_window / HOUR),
        "maturity": together([*(row.maturity for row in rows), await _last_days(session, scopes, found, at)]),
        "recall": recall_view(_sum((row.recall for row in rows), Recalls())),
        "fcr": fcr_view(_sum((row.fcr for row in rows), Resolutions())),
        "days": _days(rows),
        "topics": await _groups(session, found, "topic", language),
        "agents": await _groups(session, found, "agent", language),
        "causes": _causes(found),
        "promises": promise_figure_view(promised),
        "gaps": [sum(one.gaps.get(f"{step:02}", 0) for one in found) for step in range(recalls.BINS)],
    }


async def _last_days(session: AsyncSession, scopes: Sequence[Scope], found: Sequence[Figures], at: float) -> Maturity:
    """Whether the last day is over for good where it has no call that says so: one may come yet."""
    maturities: list[Maturity] = []
    for scope, figures in zip(scopes, found, strict=True):
        if all(row.day != scope.last for row in figures.days):
            zone = people.zone((await people.programme(session, scope.programme_id)).time_zone)
            maturities.append(maturity_of(scope.last, None, zone, scope.policy, at))
    return together(maturities)


async def _scopes(session: AsyncSession, programme_id: str | None, first: date, last: date) -> list[Scope]:
    if first > last or (last - first).days > _MOST_DAYS:
        raise Invalid(
            f"From {first} to {last} is no period that can be reported.",
            f"Choose a first day that is not after the last one, at most {_MOST_DAYS} days apart.",
            code="period_wrong",
        )
    chosen = [one for one in await people.programmes(session) if programme_id in (None, one.id)]
    if not chosen:
        raise NotFound(f"The programme {programme_id!r} does not exist.", "Choose a programme from the list.")
    _require_one_window(chosen)
    return [Scope(one.id, first, last, policy_of(one.recall_hours)) for one in chosen]


def _require_one_window(programmes: Sequence[Programme]) -> None:
    if len({one.recall_hours for one in programmes}) > 1:
        raise Invalid(
            "The programmes have different recall windows: their figures cannot be added.",
            "Choose one programme.",
            code="windows_differ",
        )


def _days(rows: Sequence[DayFigure]) -> list[DayRowView]:
    by_day: dict[date, list[DayFigure]] = {}
    for row in rows:
        by_day.setdefault(row.day, []).append(row)
    return [
        {
            "day": day,
            "maturity": together([row.maturity for row in parts]),
            "recall": recall_view(_sum((row.recall for row in parts), Recalls())),
            "fcr": fcr_view(_sum((row.fcr for row in parts), Resolutions())),
            "late": sum(row.late for row in parts),
        }
        for day, parts in sorted(by_day.items())
    ]


def _sum(counts: Iterable[_C], nothing: _C) -> _C:
    return sum(counts, nothing)


async def _groups(
    session: AsyncSession, found: Sequence[Figures], dimension: Dimension, language: str
) -> list[GroupRowView]:
    groups = [group for one in found for group in one.groups[dimension]]
    recall_of: dict[str, Recalls] = {}
    fcr_of: dict[str, Resolutions] = {}
    for group in groups:
        recall_of[group.key] = recall_of.get(group.key, Recalls()) + group.recall
        fcr_of[group.key] = fcr_of.get(group.key, Resolutions()) + group.fcr
    if dimension == "agent":
        names = await people.agent_names(session, recall_of)
    else:
        names = await topic_names(session, recall_of, language)
    unripe = {group.key for group in groups if group.maturity == "provisional"}
    return [
        {
            "id": key or None,
            "name": names.get(key),
            "maturity": "provisional" if key in unripe else "final",
            "recall": recall_view(counts),
            "fcr": fcr_view(fcr_of[key]),
        }
        for key, counts in sorted(recall_of.items(), key=lambda item: (-item[1].recalled, item[0]))
        if counts.answered or fcr_of[key].opened
    ]


def _causes(found: Sequence[Figures]) -> list[CauseRowView]:
    total: dict[str, int] = {}
    for one in found:
        for cause, count in one.causes.items():
            total[cause] = total.get(cause, 0) + count
    ordered = sorted(total.items(), key=lambda item: (-item[1], item[0]))
    return [{"id": cause or None, "recalls": count} for cause, count in ordered]


async def recall_pairs(
    session: AsyncSession,
    first: date,
    last: date,
    programme_id: str | None = None,
    topic_id: str | None = None,
    ears: Ears = DEAF,
) -> list[PairView]:
    """First calls with the call that followed, latest first, for a leader to look into. Raises Invalid, NotFound."""
    found = [
        pair
        for scope in await _scopes(session, programme_id, first, last)
        for pair in await recalls.pairs(session, scope, topic_id=topic_id)
    ]
    calls = [one for pair in found for one in (pair.first, pair.then)]
    names = await people.agent_names(session, (one.agent_id for one in calls))
    heard = await audible(session, [one.id for one in calls], ears)
    return [
        {
            "customer_id": pair.first.customer_id,
            "first_interaction_id": pair.first.id,
            "then_interaction_id": pair.then.id,
            "at": iso(pair.then.arrived_at or 0.0),
            "gap": pair.gap,
            "first_agent": names.get(pair.first.agent_id or ""),
            "then_agent": names.get(pair.then.agent_id or ""),
            "first_audible": pair.first.id in heard,
            "then_audible": pair.then.id in heard,
            "topic_id": pair.first.topic_id,
            "cause": pair.then.recall_cause_id,
        }
        for pair in found
    ]


async def today(session: AsyncSession, at: float, programme_id: str | None = None) -> TodayReportView:
    """The day so far of one programme or all. `at`: now, epoch seconds.

    Raises NotFound; Invalid for all of them when their recall windows differ.
    """
    chosen = [one for one in await people.programmes(session) if programme_id in (None, one.id)]
    if not chosen and programme_id is not None:
        raise NotFound(f"The programme {programme_id!r} does not exist.", "Choose a programme from the list.")
    _require_one_window(chosen)
    policy = policy_of(chosen[0].recall_hours) if chosen else Policy()
    service = service_level.ServiceLevel()
    recall_sum, fcr_sum, day = Recalls(), Resolutions(), local_day(at, people.zone("UTC"))
    for programme in chosen:
        scope = _today_of(programme, at)
        day = scope.first
        service += await service_level.of_day(session, scope)
        recall_sum += (await recalls.by_day(session, scope)).get(scope.first, Recalls())
        fcr_sum += (await fcr.by_day(session, scope)).get(scope.first, Resolutions())
    return {
        "at": iso(at),
        "day": day,
        "policy_version": policy.version,
        "window_hours": round(policy.recall_window / HOUR),
        "figures": today_view(service),
        "recall": recall_view(recall_sum),
        "fcr": fcr_view(fcr_sum),
        "maturity": "provisional",
    }


def _today_of(programme: Programme, at: float, agent_id: str | None = None) -> Scope:
    day = local_day(at, people.zone(programme.time_zone))
    return Scope(programme.id, day, day, policy_of(programme.recall_hours), agent_id)


async def my_day(session: AsyncSession, at: float, agent_id: str) -> MyDayView:
    """What an agent has done today: own legs, FCR of own tickets so far, and own calls that led to a recall today."""
    programmes = await people.programmes(session)
    zone = people.zone(programmes[0].time_zone if programmes else "UTC")
    day = local_day(at, zone)
    begin, end = day_start(day, zone), day_end(day, zone)
    mine = (InteractionLeg.agent_id == agent_id) & InteractionLeg.answered_at.between(begin, end)
    done = InteractionLeg.left_at.is_not(None)
    row = (
        await session.execute(
            select(
                func.count(),
                func.avg(InteractionLeg.talk).filter(done),
                func.avg(InteractionLeg.wrap_up).filter(InteractionLeg.wrap_up_ended_at.is_not(None)),
            ).where(mine)
        )
    ).one()
    resolutions, again = Resolutions(), 0
    for programme in programmes:
        scope = _today_of(programme, at, agent_id)
        resolutions += (await fcr.by_day(session, scope)).get(scope.first, Resolutions())
        again += await recalls.arrived_between(session, scope, begin, end)
    return {
        "day": day,
        "calls": row[0],
        "mean_talk": row[1],
        "mean_wrap_up": row[2],
        "fcr": share(resolutions.fcr, resolutions.opened),
        "recalls": again,
        "maturity": "provisional",
    }
