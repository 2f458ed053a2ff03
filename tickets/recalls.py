"""The 3-day recall: after how many calls the same customer had to call again. One statement a question, no row loop."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from tickets.counting import (
    AnySelect,
    Bits,
    Counts,
    Dimension,
    Scope,
    Tally,
    answered,
    counted,
    follows,
    in_base,
    over_days,
    share,
    tally,
    there_is,
)
from tickets.model import Interaction
from tickets.policy import Policy

RecallDimension = Dimension | Literal["gap", "cause"]
BINS, BIN_HOURS = 12, 6
_CARRIED = (
    "day",
    "programme_id",
    "queue_id",
    "topic_id",
    "agent_id",
    "ticket_id",
    "subject",
    "answered_at",
    "ended_at",
    "abandoned",
    "disposition",
)
_CALL, _ANSWERED, _IDENTIFIED, _RECALLED, _NET, _SAME, _GAVE_UP, _REDIALLED = (1 << place for place in range(8))
_COLUMNS = {
    "calls": Bits(_CALL),
    "excluded": Bits(0, clear=_CALL),
    "answered": Bits(_ANSWERED),
    "identified": Bits(_IDENTIFIED),
    "recalled": Bits(_RECALLED),
    "recalled_net": Bits(_NET),
    "recalled_same": Bits(_SAME),
    "abandoned": Bits(_GAVE_UP),
    "redialled": Bits(_REDIALLED),
}


@dataclass(frozen=True, slots=True)
class Recalls(Counts):
    """Components of recall.

    `calls`: the base without `excluded` (internal, test, wrong number). `identified` is the denominator: answered by a
    person, with identity. `recalled` any reason (headline), `recalled_net` without customers who returned our missed
    call, `recalled_same` the same reason. A redial after an abandon is another thing: `redialled` of `abandoned`.
    """

    calls: int = 0
    excluded: int = 0
    answered: int = 0
    identified: int = 0
    recalled: int = 0
    recalled_net: int = 0
    recalled_same: int = 0
    abandoned: int = 0
    redialled: int = 0

    @property
    def rate(self) -> float | None:
        """Recall, any reason."""
        return share(self.recalled, self.identified)

    @property
    def coverage(self) -> float | None:
        """Share of answered calls whose customer is known."""
        return share(self.identified, self.answered)


async def count(session: AsyncSession, scope: Scope, *by: RecallDimension) -> Tally[Recalls]:
    """Components by day and each of these dimensions of the first call, or of how it was followed.

    `gap` has only meaning for the recalled ones: '00' to '11', the six hours after the first call in which the next
    one came; `cause` is what its agent gave ('' for none).
    """
    call = aliased(Interaction)
    then = aliased(Interaction)
    first_at = (
        select(then.arrived_at)
        .where(follows(then, call, scope.policy))
        .order_by(then.arrived_at)
        .limit(1)
        .correlate(call)
        .scalar_subquery()
    )
    matters = and_(counted(call), call.subject.is_not(None), or_(call.answered_at.is_not(None), call.abandoned))
    columns = [getattr(call, name) for name in _CARRIED]
    # Materialised, or the look-up of the next call would be made again wherever `first_at` is read.
    followed = (
        select(*columns, case((matters, first_at)).label("first_at"))
        .where(in_base(call, scope))
        .cte("followed")
        .prefix_with("MATERIALIZED")
    )
    one = followed.c
    columns_of = {
        "queue": one.queue_id,
        "topic": one.topic_id,
        "agent": one.agent_id,
        "gap": _gap(one),
        "cause": _cause(one, scope.policy),
    }
    keys = [columns_of[dimension].label(dimension) for dimension in by if dimension != "all"]
    marked = select(one.day, *keys, _mark(one, scope.policy).label("mark"))
    return await tally(session, marked, _COLUMNS, Recalls, by)


def _gap(one: Any) -> ColumnElement[str]:
    step, steps = BIN_HOURS * 3600, range(BINS - 1)
    bins = ((one.first_at - one.ended_at <= (number + 1) * step, f"{number:02}") for number in steps)
    return case((one.first_at.is_(None), ""), *bins, else_=f"{BINS - 1:02}")


def _cause(one: Any, policy: Policy) -> ColumnElement[str | None]:
    then = aliased(Interaction)
    given = (
        select(func.max(then.recall_cause_id))
        .where(follows(then, one, policy), then.arrived_at == one.first_at)
        .scalar_subquery()
    )
    return case((and_(one.first_at.is_not(None), one.answered_at.is_not(None)), given))


async def by_day(session: AsyncSession, scope: Scope) -> dict[date, Recalls]:
    """Components of each day that had calls."""
    return {day: counts for (day, _), counts in (await count(session, scope, "all"))["all"].items()}


async def by(session: AsyncSession, scope: Scope, dimension: RecallDimension) -> dict[str, Recalls]:
    """Components over the whole scope by queue, topic or agent of the first call; calls without one are under ''."""
    return over_days((await count(session, scope, dimension))[dimension])


def _mark(one: Any, policy: Policy) -> ColumnElement[int]:
    """All that is counted of a call, as bits; further later calls are looked up only where there is a first one."""
    net, same = aliased(Interaction), aliased(Interaction)
    not_missed = there_is(follows(net, one, policy), net.returns_missed.is_(False))
    reason = or_(same.topic_id == one.topic_id, same.ticket_id == one.ticket_id)
    same_reason = there_is(follows(same, one, policy), reason)
    redialled = case((one.first_at.is_not(None), _REDIALLED), else_=0)
    identified = _CALL | _ANSWERED | _IDENTIFIED
    return case(
        (one.disposition.is_not(None), 0),
        (one.answered_at.is_(None), _CALL + case((one.abandoned, _GAVE_UP + redialled), else_=0)),
        (one.subject.is_(None), _CALL | _ANSWERED),
        (one.first_at.is_(None), identified),
        else_=(identified | _RECALLED) + case((not_missed, _NET), else_=0) + case((same_reason, _SAME), else_=0),
    )


@dataclass(frozen=True, slots=True)
class Pair:
    """A first call and the call that followed it; `gap` in seconds between them."""

    first: Interaction
    then: Interaction
    gap: float


async def pairs(session: AsyncSession, scope: Scope, *, topic_id: str | None = None, limit: int = 50) -> list[Pair]:
    """First calls with their recall, latest first, for looking into."""
    first, then = aliased(Interaction), aliased(Interaction)
    query = _followed(select(first, then), first, then, scope).order_by(then.arrived_at.desc(), first.id).limit(limit)
    if topic_id is not None:
        query = query.where(first.topic_id == topic_id)
    rows = await session.execute(query)
    return [Pair(one, other, (other.arrived_at or 0.0) - (one.ended_at or 0.0)) for one, other in rows]


def _followed(query: AnySelect, first: type[Interaction], then: type[Interaction], scope: Scope) -> AnySelect:
    """First calls of the scope that count, each joined to the earliest call that followed it."""
    candidate = aliased(Interaction)
    earliest = (
        select(candidate.id)
        .where(follows(candidate, first, scope.policy))
        .order_by(candidate.arrived_at)
        .limit(1)
        .correlate(first)
        .scalar_subquery()
    )
    return (
        query.select_from(first)
        .join(then, then.id == earliest)
        .where(in_base(first, scope), answered(first), first.subject.is_not(None))
    )


async def arrived_between(session: AsyncSession, scope: Scope, begin: float, end: float) -> int:
    """How many first calls of the scope's agent were followed by their recall between two instants (epoch seconds)."""
    first, then = aliased(Interaction), aliased(Interaction)
    back = timedelta(seconds=scope.policy.recall_window) + timedelta(days=1)
    query = _followed(select(func.count()), first, then, replace(scope, first=scope.first - back))
    return await session.scalar(query.where(then.arrived_at >= begin, then.arrived_at < end)) or 0
