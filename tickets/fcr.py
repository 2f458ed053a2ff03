"""First-call resolution: tickets that a call opened and resolved, for good. Every component is counted."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, not_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from tickets.counting import Counts, Dimension, Scope, answered, called_again, how_many, in_base, share
from tickets.model import Interaction, Ticket, Topic
from tickets.policy import Policy
from tickets.recalls import key_of
from tickets.work import GONE


@dataclass(frozen=True, slots=True)
class Resolutions(Counts):
    """Components of FCR over the tickets that answered calls opened (`opened`; of a known customer: the second).

    The four after `resolved_in_call` take a ticket out, each counted by itself (one ticket may have several). `fcr` of
    `opened` is gross, `fcr_front` of `opened_front` (topics that the front line may resolve) is net.
    """

    opened: int = 0
    opened_identified: int = 0
    resolved_in_call: int = 0
    back_office: int = 0
    reopened: int = 0
    contact_again: int = 0
    survey_no: int = 0
    fcr: int = 0
    opened_front: int = 0
    fcr_front: int = 0

    @property
    def gross(self) -> float | None:
        """FCR over all first calls."""
        return share(self.fcr, self.opened)

    @property
    def net(self) -> float | None:
        """FCR over those that the front line may resolve."""
        return share(self.fcr_front, self.opened_front)


async def by_day(session: AsyncSession, scope: Scope) -> dict[date, Resolutions]:
    """Components of each day on which calls opened tickets."""
    call = aliased(Interaction)
    query = _query(call, scope, call.day.label("day")).group_by(call.day)
    return {row.day: Resolutions.of(row) for row in await session.execute(query)}


async def by_day_and(session: AsyncSession, scope: Scope, dimension: Dimension) -> dict[tuple[date, str], Resolutions]:
    """Components of each day by queue, topic or agent."""
    call = aliased(Interaction)
    key = _key(call, dimension)
    query = _query(call, scope, call.day.label("day"), key.label("key")).group_by(call.day, key)
    return {(row.day, row.key): Resolutions.of(row) for row in await session.execute(query)}


def _key(call: type[Interaction], dimension: Dimension) -> ColumnElement[str]:
    return func.coalesce(Ticket.topic_id, "") if dimension == "topic" else key_of(call, dimension)


async def by(session: AsyncSession, scope: Scope, dimension: Dimension) -> dict[str, Resolutions]:
    """Components over the whole scope by queue, topic or agent; tickets without one are under ''."""
    call = aliased(Interaction)
    key = _key(call, dimension)
    query = _query(call, scope, key.label("key")).group_by(key)
    return {row.key: Resolutions.of(row) for row in await session.execute(query)}


def _query(call: type[Interaction], scope: Scope, *groups: ColumnElement[Any]) -> Select[Any]:
    in_call = _resolved_in_call(call, scope.policy)
    back_office = Ticket.back_office_at.is_not(None)
    reopened = Ticket.reopened_count > 0
    again = _contact_again(call, scope.policy)
    survey_no = func.coalesce(call.survey_resolved.is_(False), False)
    front = func.coalesce(Topic.front_line, True)
    done = and_(in_call, not_(back_office), not_(reopened), not_(survey_no), not_(again))
    columns = {
        "opened": Ticket.id.is_not(None),
        "opened_identified": call.subject.is_not(None),
        "resolved_in_call": in_call,
        "back_office": back_office,
        "reopened": reopened,
        "contact_again": again,
        "survey_no": survey_no,
        "fcr": done,
        "opened_front": front,
        "fcr_front": and_(front, done),
    }
    return (
        select(*groups, *(how_many(condition).label(name) for name, condition in columns.items()))
        .select_from(call)
        .join(Ticket, Ticket.opened_by == call.id)
        .outerjoin(Topic, Topic.id == Ticket.topic_id)
        .where(in_base(call, scope), answered(call), Ticket.status.not_in(GONE))
    )


def _resolved_in_call(call: type[Interaction], policy: Policy) -> ColumnElement[bool]:
    """Resolved for the first time before wrap-up ended; while the call or its wrap-up runs, any resolution is in it."""
    end = func.coalesce(call.wrap_up_ended_at, call.ended_at + policy.wrap_up_limit)
    return and_(Ticket.first_resolved_at.is_not(None), or_(end.is_(None), Ticket.first_resolved_at <= end))


def _contact_again(call: type[Interaction], policy: Policy) -> ColumnElement[bool]:
    """The customer came back for the same reason: the same topic, or the same ticket (whoever the caller then was)."""
    same_topic, linked = aliased(Interaction), aliased(Interaction)
    same_ticket = exists().where(
        linked.ticket_id == Ticket.id,
        linked.direction == "inbound",
        linked.disposition.is_(None),
        linked.arrived_at > call.ended_at,
        linked.arrived_at <= call.ended_at + policy.recall_window,
    )
    return or_(called_again(call, policy, same_topic.topic_id == Ticket.topic_id, then=same_topic), same_ticket)
