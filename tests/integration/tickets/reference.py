"""Recall and FCR counted slowly, straight from the words of the definitions, by looping over everything."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

WINDOW = 72 * 3600.0
WRAP_UP_LIMIT = 600.0


@dataclass(frozen=True)
class Told:
    """A call as far as figures care. `resolved`, `back_office`, ... are of the ticket that it opened, if it did."""

    id: str
    subject: str | None
    arrived: float
    inbound: bool = True
    queued: bool = True
    answered: bool = True
    ended: float | None = None
    wrapped: float | None = None
    disposition: str | None = None
    topic: str | None = None
    ticket: str | None = None
    returns_missed: bool = False
    survey: bool | None = None
    opens: bool = False
    resolved: float | None = None
    back_office: bool = False
    reopened: bool = False
    gone: bool = False
    ticket_topic: str | None = None


def follow_ups(calls: Sequence[Told], first: Told) -> list[Told]:
    """Calls of the same subject inside the window after the end of that one."""
    if first.subject is None or first.ended is None:
        return []
    return [call for call in _inbound_after(calls, first) if call.subject == first.subject]


def _inbound_after(calls: Sequence[Told], first: Told) -> list[Told]:
    if first.ended is None:
        return []
    return [
        call
        for call in calls
        if call.inbound and call.disposition is None and first.ended < call.arrived <= first.ended + WINDOW
    ]


def recall(calls: Sequence[Told]) -> dict[str, int]:
    """The components of recall."""
    base = [call for call in calls if call.inbound and call.queued]
    normal = [call for call in base if call.disposition is None]
    answered = [call for call in normal if call.answered]
    identified = [call for call in answered if call.subject is not None]
    gave_up = [call for call in normal if not call.answered]
    return {
        "calls": len(normal),
        "excluded": len(base) - len(normal),
        "answered": len(answered),
        "identified": len(identified),
        "recalled": sum(bool(follow_ups(calls, call)) for call in identified),
        "recalled_net": sum(any(not one.returns_missed for one in follow_ups(calls, call)) for call in identified),
        "recalled_same": sum(any(_same_reason(call, one) for one in follow_ups(calls, call)) for call in identified),
        "abandoned": len(gave_up),
        "redialled": sum(bool(follow_ups(calls, call)) for call in gave_up),
    }


def gaps(calls: Sequence[Told]) -> dict[str, int]:
    """Recalls by the six hours after the first call in which the next one came."""
    found: dict[str, int] = {}
    for call in calls:
        nexts = follow_ups(calls, call)
        base = call.inbound and call.queued and call.disposition is None and call.answered
        if base and nexts:
            gap = min(one.arrived for one in nexts) - (call.ended or 0.0)
            step = f"{min(11, math.ceil(gap / 21_600.0) - 1):02}"
            found[step] = found.get(step, 0) + 1
    return found


def _same_reason(first: Told, then: Told) -> bool:
    same_topic = first.topic is not None and first.topic == then.topic
    return same_topic or (first.ticket is not None and first.ticket == then.ticket)


def fcr(calls: Sequence[Told], not_front: frozenset[str]) -> dict[str, int]:
    """The components of first-call resolution."""
    opening = [
        call
        for call in calls
        if call.inbound and call.queued and call.disposition is None and call.answered and call.opens and not call.gone
    ]
    good = [call for call in opening if not _spoilt(calls, call)]
    front = [call for call in opening if call.ticket_topic not in not_front]
    return {
        "opened": len(opening),
        "opened_identified": sum(call.subject is not None for call in opening),
        "resolved_in_call": sum(_in_call(call) for call in opening),
        "back_office": sum(call.back_office for call in opening),
        "reopened": sum(call.reopened for call in opening),
        "contact_again": sum(_contact_again(calls, call) for call in opening),
        "survey_no": sum(call.survey is False for call in opening),
        "fcr": len(good),
        "opened_front": len(front),
        "fcr_front": sum(call in front for call in good),
    }


def _spoilt(calls: Sequence[Told], call: Told) -> bool:
    done = _in_call(call) and not call.back_office and not call.reopened and call.survey is not False
    return not done or _contact_again(calls, call)


def _in_call(call: Told) -> bool:
    if call.resolved is None:
        return False
    if call.wrapped is not None:
        return call.resolved <= call.wrapped
    return call.ended is None or call.resolved <= call.ended + WRAP_UP_LIMIT


def _contact_again(calls: Sequence[Told], call: Told) -> bool:
    by_topic = any(one.topic is not None and one.topic == call.ticket_topic for one in follow_ups(calls, call))
    return by_topic or any(one.ticket == call.ticket for one in _inbound_after(calls, call) if call.ticket)
