"""Service level, abandonment, speed of answer and handling time of a day, from the calls' rows."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, ColumnElement, and_, case, cast, func, not_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from acd.model import Queue
from tickets.counting import Counts, Scope, answered, counted, how_many, in_base
from tickets.model import Interaction

_TARGET, _SHORT = 20.0, 5.0


@dataclass(frozen=True, slots=True)
class ServiceLevel(Counts):
    """Counts of calls; `waited_ms` and `handling_ms` are sums in milliseconds, so that they add up exactly.

    `abandoned` leaves out `short_abandoned`. `handled`: answered calls that are over.
    """

    offered: int = 0
    answered: int = 0
    answered_in_target: int = 0
    abandoned: int = 0
    abandoned_after_target: int = 0
    short_abandoned: int = 0
    handled: int = 0
    waited_ms: int = 0
    handling_ms: int = 0


async def of_day(session: AsyncSession, scope: Scope) -> ServiceLevel:
    """Of all calls of the scope, each against the targets of the queue that it entered first."""
    call = aliased(Interaction)
    target = func.coalesce(Queue.target_seconds, _TARGET)
    short = func.coalesce(Queue.short_abandon_seconds, _SHORT)
    waited = call.answered_at - call.queued_at
    patience = call.ended_at - call.queued_at
    gave_up = and_(counted(call), call.answered_at.is_(None), call.abandoned)
    handled = and_(answered(call), call.ended_at.is_not(None))
    columns = {
        "offered": how_many(counted(call)),
        "answered": how_many(answered(call)),
        "answered_in_target": how_many(and_(answered(call), waited <= target)),
        "abandoned": how_many(and_(gave_up, not_(patience < short))),
        "abandoned_after_target": how_many(and_(gave_up, patience > target, not_(patience < short))),
        "short_abandoned": how_many(and_(gave_up, patience < short)),
        "handled": how_many(handled),
        "waited_ms": _milliseconds(answered(call), waited),
        "handling_ms": _milliseconds(handled, call.talk + call.hold + call.wrap_up),
    }
    query = (
        select(*(column.label(name) for name, column in columns.items()))
        .select_from(call)
        .outerjoin(Queue, Queue.id == call.queue_id)
        .where(in_base(call, scope))
    )
    return ServiceLevel.of((await session.execute(query)).one())


def _milliseconds(
    condition: ColumnElement[bool], seconds: ColumnElement[float] | ColumnElement[float | None]
) -> ColumnElement[int]:
    return cast(func.sum(case((condition, seconds * 1000), else_=0.0)), BigInteger)
