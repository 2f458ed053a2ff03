"""The floor: one picture of all queues and agents for supervisors, wallboards and the outward feed."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, get_args

from acd.desks import Desk
from acd.effects import AgentStateName
from acd.engine import Engine
from acd.statistics import Statistics, Target
from acd.views import InteractionView
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
    return {
        "at": iso(at),
        "queues": [
            {
                "id": queue_id,
                "name": name,
                "programme": programme,
                **_waiting(engine.waiting(queue_id)),
                "expected_wait": engine.estimate(queue_id).expected_wait,
                "today": statistics.count(queue_id, at).figures(),
                "target": _target(statistics.targets.get(queue_id, Target())),
                "agents": _by_state(agent for agent in agents if queue_id in agent["queue_ids"]),
            }
            for queue_id, (name, programme) in queues.items()
        ],
        "agents": agents,
        "totals": {
            **statistics.total(at).figures(),
            "waiting": sum(len(engine.waiting(queue_id)) for queue_id in queues),
            "agents": _by_state(agents),
        },
        "alarms": [{"id": alarm_id, **alarm} for alarm_id, alarm in alarms.items()],
    }


def _by_state(agents: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How many are in each state, those without anybody included."""
    counted = Counter(agent["state"] for agent in agents)
    return {state: counted[state] for state in get_args(AgentStateName)}


def _waiting(waiting: tuple[InteractionView, ...]) -> dict[str, Any]:
    oldest = sorted(view.waiting_since for view in waiting)
    return {
        "waiting": len(oldest),
        "longest_since": iso(oldest[0]) if oldest else None,
        "oldest": [iso(since) for since in oldest[:_LONGEST_SHOWN]],
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
