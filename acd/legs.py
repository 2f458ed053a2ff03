"""The legs of a call from its facts, in whatever order they came. Pure: the same facts give the same legs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from core.journal import Fact

KINDS = ("call.answered", "agent.left", "wrap_up.ended")
_ORDER = {kind: place for place, kind in enumerate(KINDS)}


@dataclass(frozen=True, slots=True)
class Leg:
    """One agent's part of a call. Instants in epoch seconds, durations in seconds; `talk` is without `hold`."""

    agent_id: str
    queue_id: str | None
    answered_at: float
    left_at: float | None = None
    talk: float = 0.0
    hold: float = 0.0
    wrap_up: float = 0.0
    wrap_up_ended_at: float | None = None


def legs_of(facts: Iterable[Fact]) -> list[Leg]:
    """The legs in the order in which they were answered. A fact told twice (same id) counts once."""
    once = {fact.id: fact for fact in facts if fact.kind in _ORDER and fact.agent_id}
    legs: list[Leg] = []
    for fact in sorted(once.values(), key=lambda fact: (fact.at, _ORDER[fact.kind], fact.id)):
        _take_in(legs, fact, str(fact.agent_id))
    return sorted(legs, key=lambda leg: (leg.answered_at, leg.agent_id))


def _take_in(legs: list[Leg], fact: Fact, agent_id: str) -> None:
    if fact.kind == "call.answered":
        queue_id = fact.data.get("queue_id")
        legs.append(Leg(agent_id, str(queue_id) if queue_id else None, fact.at))
        return
    last = next((place for place in reversed(range(len(legs))) if legs[place].agent_id == agent_id), None)
    if fact.kind == "agent.left":
        if last is None or legs[last].left_at is not None:
            # A colleague who was consulted never answered an offer: the leg is known only by its end.
            legs.append(Leg(agent_id, None, fact.at - _seconds(fact, "talk") - _seconds(fact, "hold")))
            last = len(legs) - 1
        legs[last] = replace(legs[last], left_at=fact.at, talk=_seconds(fact, "talk"), hold=_seconds(fact, "hold"))
    elif last is not None:
        legs[last] = replace(legs[last], wrap_up=_seconds(fact, "seconds"), wrap_up_ended_at=fact.at)


def _seconds(fact: Fact, name: str) -> float:
    value = fact.data.get(name)
    return max(0.0, float(value)) if isinstance(value, int | float) else 0.0


def handler(legs: Sequence[Leg]) -> str | None:
    """Who is answerable for the call: the agent who spoke last."""
    return legs[-1].agent_id if legs else None
