"""First-call resolution: tickets that a call opened and resolved, for good. Every component is counted."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, and_, case, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from tickets.counting import (
    Bits,
    Counts,
    Dimension,
    Scope,
    Tally,
    answered,
    follows,
    in_base,
    in_window,
    over_days,
    share,
    tally,
    there_is,
)
from tickets.model import Interaction, Ticket, Topic
from tickets.policy import Policy
from tickets.work import GONE

_IN_CALL, _IDENTIFIED, _FRONT, _BACK_OFFICE, _REOPENED, _AGAIN, _SURVEY_NO = (1 << place for place in range(7))
_SPOILT = _BACK_OFFICE | _REOPENED | _AGAIN | _SURVEY_NO
_COLUMNS = {
    "opened": Bits(0),
    "opened_identified": Bits(_IDENTIFIED),
    "resolved_in_call": Bits(_IN_CALL),
    "back_office": Bits(_BACK_OFFICE),
    "reopened": Bits(_REOPENED),
    "contact_again": Bits(_AGAIN),
    "survey_no": Bits(_SURVEY_NO),
    "fcr": Bits(_IN_CALL, clear=_SPOILT),
    "opened_front": Bits(_FRONT),
    "fcr_front": Bits(_IN_CALL | _FRONT, clear=_SPOILT),
}


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


async def count(session: AsyncSession, scope: Scope, *by: Dimension) -> Tally[Resolutions]:
    """Components by day and each of these dimensions (the topic is the ticket's)."""
    call = aliased(Interaction)
    marked = (
        select(
            call.day,
            call.queue_id.label("queue"),
            Ticket.topic_id.label("topic"),
            call.agent_id.label("agent"),
            _mark(call, scope.policy).label("mark"),
        )
        .select_from(call)
        .join(Ticket, Ticket.opened_by == call.id)
        .outerjoin(Topic, Topic.id == Ticket.topic_id)
        .where(in_base(call, scope), answered(call), Ticket.status.not_in(GONE))
    )
    return await tally(session, marked, _COLUMNS, Resolutions, by)


async def by_day(session: AsyncSession, scope: Scope) -> dict[date, Resolutions]:
    """Components of each day on which calls opened tickets."""
    return {day: counts for (day, _), counts in (await count(session, scope, "all"))["all"].items()}


async def by(session: AsyncSession, scope: Scope, dimension: Dimension) -> dict[str, Resolutions]:
    """Components over the whole scope by queue, topic or agent; tickets without one are under ''."""
    return over_days((await count(session, scope, dimension))[dimension])


def _mark(call: type[Interaction], policy: Policy) -> ColumnElement[int]:
    """All that is counted of a ticket, as bits."""
    conditions = {
        _BACK_OFFICE: Ticket.back_office_at.is_not(None),
        _REOPENED: Ticket.reopened_count > 0,
        _AGAIN: _contact_again(call, policy),
        _SURVEY_NO: call.survey_resolved.is_(False),
        _IDENTIFIED: call.subject.is_not(None),
        _IN_CALL: _resolved_in_call(call, policy),
        _FRONT: func.coalesce(Topic.front_line, True),
    }
    bits: list[ColumnElement[int]] = [case((condition, bit), else_=0) for bit, condition in conditions.items()]
    return sum(bits, start=literal(0))


def _resolved_in_call(call: type[Interaction], policy: Policy) -> ColumnElement[bool]:
    """Resolved for the first time before wrap-up ended; while the call or its wrap-up runs, any resolution is in it."""
    end = func.coalesce(call.wrap_up_ended_at, call.ended_at + policy.wrap_up_limit)
    return and_(Ticket.first_resolved_at.is_not(None), or_(end.is_(None), Ticket.first_resolved_at <= end))


def _contact_again(call: type[Interaction], policy: Policy) -> ColumnElement[bool]:
    """The customer came back for the same reason: the same topic, or the same ticket (whoever the caller then was)."""
    same_topic, linked = aliased(Interaction), aliased(Interaction)
    return or_(
        there_is(follows(same_topic, call, policy), same_topic.topic_id == Ticket.topic_id),
        there_is(linked.ticket_id == Ticket.id, *in_window(linked, call, policy)),
    )
