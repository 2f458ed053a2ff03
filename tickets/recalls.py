"""The 3-day recall: after how many calls the same customer had to call again. One statement a question, no row loop."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlalchemy import ColumnElement, case, func, or_, select
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
    called_again,
    follows,
    in_base,
    over_days,
    share,
    tally,
    there_is,
)
from tickets.model import Interaction

BINS, BIN_HOURS = 12, 6
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


async def count(session: AsyncSession, scope: Scope, *by: Dimension) -> Tally[Recalls]:
    """Components by day and each of these dimensions of the first call."""
    call = aliased(Interaction)
    marked = select(
        call.day,
        call.queue_id.label("queue"),
        call.topic_id.label("topic"),
        call.agent_id.label("agent"),
        _mark(call, scope).label("mark"),
    ).where(in_base(call, scope))
    return await tally(session, marked, _COLUMNS, Recalls, by)


async def by_day(session: AsyncSession, scope: Scope) -> dict[date, Recalls]:
    """Components of each day that had calls."""
    return {day: counts for (day, _), counts in (await count(session, scope, "all"))["all"].items()}


async def by(session: AsyncSession, scope: Scope, dimension: Dimension) -> dict[str, Recalls]:
    """Components over the whole scope by queue, topic or agent of the first call; calls without one are under ''."""
    return over_days((await count(session, scope, dimension))[dimension])


def _mark(call: type[Interaction], scope: Scope) -> ColumnElement[int]:
    """All that is counted of a call, as bits; later calls are looked up only where they matter."""
    policy = scope.policy
    net, same = aliased(Interaction), aliased(Interaction)
    not_missed = there_is(follows(net, call, policy), net.returns_missed.is_(False))
    reason = or_(same.topic_id == call.topic_id, same.ticket_id == call.ticket_id)
    same_reason = there_is(follows(same, call, policy), reason)
    redialled = case((called_again(call, policy), _REDIALLED), else_=0)
    identified = _CALL | _ANSWERED | _IDENTIFIED
    return case(
        (call.disposition.is_not(None), 0),
        (call.answered_at.is_(None), _CALL + case((call.abandoned, _GAVE_UP + redialled), else_=0)),
        (call.subject.is_(None), _CALL | _ANSWERED),
        (~called_again(call, policy), identified),
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


async def gaps(session: AsyncSession, scope: Scope) -> dict[tuple[date, str], int]:
    """Recalls by the six hours after the first call in which they came ('00' to '11'), by the first call's day."""
    first, then = aliased(Interaction), aliased(Interaction)
    gap, step = then.arrived_at - first.ended_at, BIN_HOURS * 3600
    place = case(*((gap <= (number + 1) * step, f"{number:02}") for number in range(BINS - 1)), else_=f"{BINS - 1:02}")
    query = _followed(select(first.day, place, func.count()), first, then, scope).group_by(first.day, place)
    return {(row[0], row[1]): row[2] for row in await session.execute(query)}


async def causes(session: AsyncSession, scope: Scope) -> dict[tuple[date, str], int]:
    """How often each cause was given for the recalls of this scope's calls, by their day; '' where none was."""
    first, then = aliased(Interaction), aliased(Interaction)
    cause = func.coalesce(then.recall_cause_id, "")
    query = _followed(select(first.day, cause, func.count()), first, then, scope).group_by(first.day, cause)
    return {(row[0], row[1]): row[2] for row in await session.execute(query)}


async def arrived_between(session: AsyncSession, scope: Scope, begin: float, end: float) -> int:
    """How many first calls of the scope's agent were followed by their recall between two instants (epoch seconds)."""
    first, then = aliased(Interaction), aliased(Interaction)
    back = timedelta(seconds=scope.policy.recall_window) + timedelta(days=1)
    query = _followed(select(func.count()), first, then, replace(scope, first=scope.first - back))
    return await session.scalar(query.where(then.arrived_at >= begin, then.arrived_at < end)) or 0
