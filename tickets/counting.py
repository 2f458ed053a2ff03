"""What both figures count: the base of calls, calls that follow one another, and counts that add up."""

from dataclasses import dataclass, fields
from datetime import date
from typing import Any, Literal, Self

from sqlalchemy import ColumnElement, Integer, and_, case, exists, func, type_coerce
from sqlalchemy.orm import aliased

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


def share(part: int, whole: int) -> float | None:
    """`part` ÷ `whole`; None when there is nothing to divide by."""
    return part / whole if whole else None


def how_many(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """Number of rows for which this holds."""
    return func.coalesce(func.sum(case((condition, 1), else_=0)), type_coerce(0, Integer))


def in_base(call: type[Interaction], scope: Scope) -> ColumnElement[bool]:
    """Inbound calls that entered a queue, in the scope; those taken out by disposition are still among them."""
    condition = and_(
        call.programme_id == scope.programme_id,
        call.day >= scope.first,
        call.day <= scope.last,
        call.direction == "inbound",
        call.queued_at.is_not(None),
    )
    return condition if scope.agent_id is None else and_(condition, call.agent_id == scope.agent_id)


def counted(call: type[Interaction]) -> ColumnElement[bool]:
    """Not an internal, test or wrong-number call."""
    return call.disposition.is_(None)


def answered(call: type[Interaction]) -> ColumnElement[bool]:
    """Counted, and a person answered it."""
    return and_(counted(call), call.answered_at.is_not(None))


def called_again(
    call: type[Interaction], policy: Policy, *more: ColumnElement[bool], then: type[Interaction] | None = None
) -> ColumnElement[bool]:
    """The same subject starts another inbound call after the end of this one and inside the window.

    Pass `then`, the later call, to put further conditions (`more`) on it.
    """
    later = then if then is not None else aliased(Interaction)
    return exists().where(
        later.subject == call.subject,
        later.programme_id == call.programme_id,
        later.direction == "inbound",
        later.disposition.is_(None),
        later.arrived_at > call.ended_at,
        later.arrived_at <= call.ended_at + policy.recall_window,
        *more,
    )
