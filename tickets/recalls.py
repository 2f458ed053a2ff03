"""The 3-day recall: after how many calls the same customer had to call again. One statement a question, no row loop."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlalchemy import ColumnElement, String, and_, case, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from tickets.counting import Counts, Dimension, Scope, answered, called_again, counted, how_many, in_base, share
from tickets.model import Interaction

BINS, BIN_HOURS = 12, 6


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


async def by_day(session: AsyncSession, scope: Scope) -> dict[date, Recalls]:
    """Components of each day that had calls."""
    call = aliased(Interaction)
    query = select(call.day, *_columns(call, scope)).where(in_base(call, scope)).group_by(call.day)
    return {row.day: Recalls.of(row) for row in await session.execute(query)}


async def by_day_and(session: AsyncSession, scope: Scope, dimension: Dimension) -> dict[tuple[date, str], Recalls]:
    """Components of each day by queue, topic or agent."""
    call = aliased(Interaction)
    key = key_of(call, dimension)
    query = select(call.day, key.label("key"), *_columns(call, scope)).where(in_base(call, scope))
    return {(row.day, row.key): Recalls.of(row) for row in await session.execute(query.group_by(call.day, key))}


async def by(session: AsyncSession, scope: Scope, dimension: Dimension) -> dict[str, Recalls]:
    """Components over the whole scope by queue, topic or agent of the first call; calls without one are under ''."""
    call = aliased(Interaction)
    key = key_of(call, dimension)
    query = select(key.label("key"), *_columns(call, scope)).where(in_base(call, scope)).group_by(key)
    return {row.key: Recalls.of(row) for row in await session.execute(query)}


def key_of(call: type[Interaction], dimension: Dimension) -> ColumnElement[str]:
    """The column by which a dimension groups calls."""
    if dimension == "all":
        return literal("", String)
    columns = {"queue": call.queue_id, "topic": call.topic_id, "agent": call.agent_id}
    return func.coalesce(columns[dimension], "")


def _columns(call: type[Interaction], scope: Scope) -> list[ColumnElement[int]]:
    policy = scope.policy
    identified = and_(answered(call), call.subject.is_not(None))
    gave_up = and_(counted(call), call.answered_at.is_(None), call.abandoned)
    again, not_missed, same = aliased(Interaction), aliased(Interaction), aliased(Interaction)
    reason = or_(same.topic_id == call.topic_id, same.ticket_id == call.ticket_id)
    columns = {
        "calls": counted(call),
        "excluded": call.disposition.is_not(None),
        "answered": answered(call),
        "identified": identified,
        "recalled": and_(identified, called_again(call, policy, then=again)),
        "recalled_net": and_(
            identified, called_again(call, policy, not_missed.returns_missed.is_(False), then=not_missed)
        ),
        "recalled_same": and_(identified, called_again(call, policy, reason, then=same)),
        "abandoned": gave_up,
        "redialled": and_(gave_up, call.subject.is_not(None), called_again(call, policy)),
    }
    return [how_many(condition).label(name) for name, condition in columns.items()]


@dataclass(frozen=True, slots=True)
class Pair:
    """A first call and the call that followed it; `gap` in seconds between them."""

    first: Interaction
    then: Interaction
    gap: float


async def pairs(session: AsyncSession, scope: Scope, *, topic_id: str | None = None, limit: int = 50) -> list[Pair]:
    """First calls with their recall, latest first, for looking into."""
    first, then = aliased(Interaction), aliased(Interaction)
    query = (
        select(first, then)
        .join(then, _first_follow_up(first, then, scope))
        .where(in_base(first, scope), answered(first), first.subject.is_not(None))
        .order_by(then.arrived_at.desc(), first.id)
        .limit(limit)
    )
    if topic_id is not None:
        query = query.where(first.topic_id == topic_id)
    rows = await session.execute(query)
    return [Pair(one, other, (other.arrived_at or 0.0) - (one.ended_at or 0.0)) for one, other in rows]


def _first_follow_up(first: type[Interaction], then: type[Interaction], scope: Scope) -> ColumnElement[bool]:
    candidate = aliased(Interaction)
    earliest = (
        select(candidate.id)
        .where(
            candidate.subject == first.subject,
            candidate.programme_id == first.programme_id,
            candidate.direction == "inbound",
            candidate.disposition.is_(None),
            candidate.arrived_at > first.ended_at,
            candidate.arrived_at <= first.ended_at + scope.policy.recall_window,
        )
        .order_by(candidate.arrived_at, candidate.id)
        .limit(1)
        .correlate(first)
        .scalar_subquery()
    )
    return then.id == earliest


async def gaps(session: AsyncSession, scope: Scope) -> list[int]:
    """How many recalls came in each six hours after the first call (twelve steps; the last takes the rest)."""
    first, then = aliased(Interaction), aliased(Interaction)
    gap = then.arrived_at - first.ended_at
    step = BIN_HOURS * 3600
    place = case(*((gap <= (number + 1) * step, number) for number in range(BINS - 1)), else_=BINS - 1)
    query = (
        select(place, func.count())
        .select_from(first)
        .join(then, _first_follow_up(first, then, scope))
        .where(in_base(first, scope), answered(first), first.subject.is_not(None))
        .group_by(place)
    )
    found = {int(row[0]): int(row[1]) for row in await session.execute(query)}
    return [found.get(place, 0) for place in range(BINS)]


async def causes(session: AsyncSession, scope: Scope) -> dict[str, int]:
    """How often each cause was given by the agents who took the recalls of this scope's calls; '' where none was."""
    first, then = aliased(Interaction), aliased(Interaction)
    cause = func.coalesce(then.recall_cause_id, "")
    query = (
        select(cause, func.count())
        .select_from(first)
        .join(then, _first_follow_up(first, then, scope))
        .where(in_base(first, scope), answered(first), first.subject.is_not(None))
        .group_by(cause)
    )
    return {str(row[0]): int(row[1]) for row in await session.execute(query)}


async def arrived_on(session: AsyncSession, scope: Scope, begin: float, end: float) -> int:
    """How many first calls of the scope's agent were followed by their recall between two instants (epoch seconds)."""
    first, then = aliased(Interaction), aliased(Interaction)
    back = timedelta(seconds=scope.policy.recall_window) + timedelta(days=1)
    earlier = replace(scope, first=scope.first - back)
    query = (
        select(func.count())
        .select_from(first)
        .join(then, _first_follow_up(first, then, scope))
        .where(
            in_base(first, earlier),
            answered(first),
            first.subject.is_not(None),
            then.arrived_at >= begin,
            then.arrived_at < end,
        )
    )
    return await session.scalar(query) or 0
