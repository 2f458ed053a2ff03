"""Reads the operation from the database and makes of it what the engine, the desks and the statistics work with."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import tzinfo

from sqlalchemy import select

from acd import model
from acd.config import Agent, PlanStep, Programme, Queue, RoutingConfig
from acd.desks import Seat
from acd.plans import queue_from_dict
from acd.statistics import Target
from acd.zones import zone
from core.db import Database


@dataclass(frozen=True, slots=True)
class Operation:
    """Everything configured, as it was at one moment.

    `zones`: the clock of each queue's programme. `reasons`: why agents may say that they are not ready.
    """

    routing: RoutingConfig
    seats: Mapping[str, Seat]
    targets: Mapping[str, Target]
    queues: Mapping[str, tuple[str, str]]
    programmes: Mapping[str, str]
    zones: Mapping[str, tzinfo]
    reasons: frozenset[str]

    def name(self, kind: str, thing_id: str) -> str:
        """The name of an agent, queue or programme; the id itself when there is none."""
        if kind == "agent" and thing_id in self.seats:
            return self.seats[thing_id].name
        if kind == "queue" and thing_id in self.queues:
            return self.queues[thing_id][0]
        return self.programmes.get(thing_id, thing_id) if kind == "programme" else thing_id


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds where a queue's plan says nothing (seconds)."""

    ring_timeout: float = 15.0
    wrap_up: float = 45.0


async def load(database: Database, defaults: Defaults) -> Operation:
    """Read the whole operation. Raises Invalid, naming queue and place, for a plan that cannot be used."""
    async with database.reading() as session:
        programmes = list(await session.scalars(select(model.Programme)))
        queues = list(await session.scalars(select(model.Queue).order_by(model.Queue.programme_id, model.Queue.name)))
        agents = list(await session.scalars(select(model.Agent).where(model.Agent.disabled.is_(False))))
        teams = {team.id: team.name for team in await session.scalars(select(model.Team))}
        chosen = select(model.NotReadyReason.id).where(model.NotReadyReason.chosen_by_agent)
        reasons = frozenset(await session.scalars(chosen))
    clocks = {programme.id: zone(programme.time_zone) for programme in programmes}
    names = {programme.id: programme.name for programme in programmes}
    served = {queue.id: queue.name for queue in queues}
    routing = RoutingConfig(
        queues={queue.id: _queue(queue, defaults) for queue in queues},
        agents={agent.id: _agent(agent) for agent in agents},
        programmes={programme.id: Programme(programme.id) for programme in programmes},
    )
    return Operation(
        routing=routing,
        seats={
            agent.id: Seat(
                agent_id=agent.id,
                name=agent.name,
                extension=agent.extension,
                phone_kind=agent.phone_kind,
                queues={entry.queue_id: served[entry.queue_id] for entry in agent.queues if entry.queue_id in served},
                team=teams.get(agent.team_id or "", ""),
            )
            for agent in agents
        },
        targets={
            queue.id: Target(
                queue.target_share, queue.target_seconds, queue.target_abandonment, queue.short_abandon_seconds
            )
            for queue in queues
        },
        queues={queue.id: (queue.name, names.get(queue.programme_id, queue.programme_id)) for queue in queues},
        programmes=names,
        zones={queue.id: clocks[queue.programme_id] for queue in queues},
        reasons=reasons,
    )


def _queue(row: model.Queue, defaults: Defaults) -> Queue:
    data = {
        "ring_timeout": defaults.ring_timeout,
        "wrap_up": {"mode": "capped" if defaults.wrap_up else "none", "seconds": defaults.wrap_up},
        **row.plan,
    }
    queue = queue_from_dict(row.id, data)
    steps = tuple(_for_members(step, row.id) for step in queue.plan.steps)
    return replace(
        queue,
        name=row.name,
        programme_id=row.programme_id,
        service_level_seconds=row.target_seconds,
        plan=replace(queue.plan, steps=steps),
    )


def _for_members(step: PlanStep, queue_id: str) -> PlanStep:
    """A step's requirement is about the agents assigned to the queue, unless it names `serves_...` itself."""
    if step.require is None or "serves_" in step.require:
        return step
    member = serves(queue_id)
    return replace(step, require=f"{member} & ({step.require})" if step.require.strip() else member)


def _agent(row: model.Agent) -> Agent:
    """Who is assigned to a queue has `serves_<queue id>` as a skill, which each step of the queue's plan asks for."""
    return Agent(
        agent_id=row.id,
        skills={entry.skill_id: entry.level for entry in row.skills}
        | {serves(entry.queue_id): 1 for entry in row.queues},
        team=row.team_id or "",
    )


def serves(queue_id: str) -> str:
    """The skill that an agent has for being assigned to a queue."""
    return f"serves_{queue_id}"
