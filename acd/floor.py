"""The floor: one picture of all queues and agents for supervisors, wallboards and the outward feed."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from heapq import nsmallest
from typing import Any, get_args

from acd.desks import Desk
from acd.effects import AgentStateName
from acd.engine import Engine
from acd.statistics import Statistics, Target
from core.clock import iso

_LONGEST_SHOWN = 10


def floor(
    engine: Engine,
    statistics: Statistics,
    desks: list[Desk],
    queues: Mapping[str, tuple[str, str]],
    alarms: Mapping[str, Mapping[str, Any]],
    names: Callable[[str, str], str],
    at: float,
) -> dict[str, Any]:
    """The message of docs/contracts.md. `queues`: id → (queue name, programme name)."""
    agents = [_agent(engine, desk, names) for desk in desks]
    states: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for agent in agents:
        for queue_id in agent["queue_ids"]:
            states[queue_id][agent["state"]] += 1
    return {
        "at": iso(at),
        "queues": [
            {
                "id": queue_id,
                "name": name,
                "programme": programme,
                **_waiting(engine.waiting_since(queue_id)),
                "expected_wait": engine.estimate(queue_id).expected_wait,
                "today": statistics.count(queue_id, at).figures(),
                "target": _target(statistics.targets.get(queue_id, Target())),
                "agents": _by_state(states[queue_id]),
            }
            for queue_id, (name, programme) in queues.items()
        ],
        "agents": agents,
        "totals": {
            **statistics.total(at).figures(),
            "waiting": sum(engine.waiting_count(queue_id) for queue_id in queues),
            "agents": _by_state(Counter(agent["state"] for agent in agents)),
        },
        "alarms": [{"id": alarm_id, **alarm} for alarm_id, alarm in alarms.items()],
    }


def _by_state(counted: Counter[str]) -> dict[str, int]:
    """How many are in each state, those without anybody included."""
    return {state: counted[state] for state in get_args(AgentStateName)}


def _waiting(since: list[float]) -> dict[str, Any]:
    oldest = nsmallest(_LONGEST_SHOWN, since)
    return {
        "waiting": len(since),
        "longest_since": iso(oldest[0]) if oldest else None,
        "oldest": [iso(moment) for moment in oldest],
    }


def _target(target: Target) -> dict[str, float]:
    return {"share": target.share, "seconds": target.seconds, "abandonment": target.abandonment}


def _agent(engine: Engine, desk: Desk, names: Callable[[str, str], str]) -> dict[str, Any]:
    view, call = engine.agent(desk.seat.agent_id), desk.call
    return {
        "id": desk.seat.agent_id,
        "name": desk.seat.name,
        "team": desk.seat.team,
        "state": view.state if view else "signed_out",
        "reason": (view.reason or None) if view else None,
        "since": iso(view.since) if view and view.since else None,
        "until": iso(view.until) if view and view.until is not None else None,
        "queue": names("queue", call.facts.queue_id) if call else None,
        "queue_ids": list(desk.seat.queues),
        "held": call is not None and call.phase == "hold",
    }
