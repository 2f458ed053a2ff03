"""What the figures count by: the base of calls, calls that follow one another, groups, and counts that add up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, Literal, Self, TypeVar

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    String,
    and_,
    case,
    func,
    literal,
    literal_column,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession

from tickets.model import Interaction
from tickets.policy import Policy

Dimension = Literal["all", "queue", "topic", "agent"]
DIMENSIONS: tuple[Dimension, ...] = ("all", "queue", "topic", "agent")


@dataclass(frozen=True, slots=True)
class Scope:
    """Which calls: of one programme, that entered the queue on these local days (both included)."""

    programme_id: str
    first: date
    last: date
    policy: Policy
    agent_id: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """Base of counts that add up over days and groups."""

    def __add__(self, other: Self) -> Self:
        return type(self)(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    @classmethod
    def of(cls, row: Any) -> Self:
        """From anything that has a number (or None) under each of the names."""
        return cls(**{one.name: int(getattr(row, one.name) or 0) for one in fields(cls)})


AnySelect = Select[*tuple[Any, ...]]
"""A statement whatever its columns."""
C = TypeVar("C", bound=Counts)
Tally = dict[str, dict[tuple[date, str], C]]
"""Counts by day and key, for each dimension (the key of `all` is empty, and so is one that a call does not have)."""


def share(part: int, whole: int) -> float | None:
    """`part` ÷ `whole`; None when there is nothing to divide by."""
    return part / whole if whole else None


def how_many(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """Number of rows for which this holds."""
    return func.coalesce(func.sum(case((condition, 1), else_=0)), type_coerce(0, Integer))


def in_base(call: type[Interaction], scope: Scope) -> ColumnElement[bool]:
    """Inbound calls that entered a queue, in the scope; those taken out by disposition are still among them."""
    base = and_(
        call.day >= scope.first, call.day <= scope.last, call.direction == "inbound", call.queued_at.is_not(None)
    )
    if scope.agent_id is None:
        return and_(call.programme_id == scope.programme_id, base)
    # Inside coalesce the programme cannot tempt the planner away from the far shorter index of one agent's days.
    return and_(call.agent_id == scope.agent_id, func.coalesce(call.programme_id, "") == scope.programme_id, base)


def counted(call: type[Interaction]) -> ColumnElement[bool]:
    """Not an internal, test or wrong-number call."""
    return call.disposition.is_(None)


def answered(call: type[Interaction]) -> ColumnElement[bool]:
    """Counted, and a person answered it."""
    return and_(counted(call), call.answered_at.is_not(None))


def follows(then: type[Interaction], call: Any, policy: Policy) -> ColumnElement[bool]:
    """`then` is an inbound call of the same subject, started after the end of `call` and inside the window.

    `call` is the table or any selection of its columns.
    """
    return and_(then.subject == call.subject, *in_window(then, call, policy))


def in_window(then: type[Interaction], call: Any, policy: Policy) -> tuple[ColumnElement[bool], ...]:
    """`then` is an inbound call to the same programme, after the end of `call` and inside the window."""
    return (
        then.programme_id == call.programme_id,
        then.direction == "inbound",
        then.disposition.is_(None),
        then.arrived_at > call.ended_at,
        then.arrived_at <= call.ended_at + policy.recall_window,
    )


def there_is(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a row exists. It selects nothing of the row, so that an index alone can answer."""
    return select(literal_column("1")).where(*conditions).exists()


@dataclass(frozen=True, slots=True)
class Bits:
    """Which bits of a mark must be set, and which must not be, for a call to be counted."""

    set: int
    clear: int = 0


async def tally(
    session: AsyncSession, marked: AnySelect, columns: Mapping[str, Bits], kind: type[C], by: Sequence[str]
) -> Tally[C]:
    """Count marked calls by day and each dimension, looking at each call once.

    `marked` selects day, a column for each dimension and `mark`, an integer of bits; `columns` says which of the bits
    count under which name of `kind`.
    """
    # Materialised, because the mark costs look-ups and every count below reads it.
    calls = marked.cte("marked").prefix_with("MATERIALIZED")
    counts = [
        how_many(calls.c.mark.bitwise_and(bits.set | bits.clear) == bits.set).label(name)
        for name, bits in columns.items()
    ]
    parts = []
    for dimension in by:
        key = literal("", String) if dimension == "all" else func.coalesce(calls.c[dimension], "")
        groups = [calls.c.day] if dimension == "all" else [calls.c.day, key]
        name = literal(dimension, String).label("dimension")
        parts.append(select(name, calls.c.day.label("day"), key.label("key"), *counts).group_by(*groups))
    found: Tally[C] = {dimension: {} for dimension in by}
    for row in await session.execute(union_all(*parts)):
        found[row.dimension][row.day, row.key] = kind.of(row)
    return found


def over_days(counts: Mapping[tuple[date, str], C]) -> dict[str, C]:
    """Counts by key, all days together."""
    sums: dict[str, C] = {}
    for (_, key), count in counts.items():
        sums[key] = sums[key] + count if key in sums else count
    return sums
