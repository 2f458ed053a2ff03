"""Reads the operation from the database and makes of it what the engine, the desks and the statistics work with."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from acd import model
from acd.bounds import Known
from acd.config import Agent, PlanStep, Programme, Queue, RoutingConfig
from acd.desks import Seat
from acd.expressions import parse, terms
from acd.plans import queue_from_dict
from acd.profiles import RULES, AgentRouting, Data, ProgrammeRouting, RoutingRules, stored
from acd.statistics import Target
from acd.zones import zone
from core.db import Database
from core.errors import Invalid


@dataclass(frozen=True, slots=True)
class Operation:
    """Everything configured, as it was at one moment.

    `zones`: the clock of each queue's programme. `reasons`: why agents may say that they are not ready.
    `unusable`: what cannot be used (`queue q-care`, `agent a-1`, ...) and why; the defaults hold there.
    """

    routing: RoutingConfig
    seats: Mapping[str, Seat]
    targets: Mapping[str, Target]
    queues: Mapping[str, tuple[str, str]]
    programmes: Mapping[str, str]
    zones: Mapping[str, tzinfo]
    reasons: frozenset[str]
    unusable: Mapping[str, str]

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


async def known_names(session: AsyncSession, prompts: frozenset[str] | None = None) -> Known:
    """The names that a plan may use. `prompts`: those that can be said; None: not known here, so not checked."""
    skills, queues, programmes = [
        frozenset(await session.scalars(select(column)))
        for column in (model.Skill.id, model.Queue.id, model.Programme.id)
    ]
    return Known(skills, queues, programmes, prompts)


async def load(database: Database, defaults: Defaults, prompts: frozenset[str] | None = None) -> Operation:
    """Read the whole operation. What cannot be used is left out for its default and named in `unusable`: one wrong
    plan must not keep all the others from working. `prompts`: what plans may have said (`known_names`)."""
    async with database.reading() as session:
        programmes = list(await session.scalars(select(model.Programme).order_by(model.Programme.id)))
        queues = list(await session.scalars(select(model.Queue).order_by(model.Queue.programme_id, model.Queue.name)))
        agents = list(await session.scalars(select(model.Agent).where(model.Agent.disabled.is_(False))))
        teams = {team.id: team.name for team in await session.scalars(select(model.Team))}
        chosen = select(model.NotReadyReason.id).where(model.NotReadyReason.chosen_by_agent)
        reasons = frozenset(await session.scalars(chosen))
        rules = await session.get(model.Rules, RULES)
        known = await known_names(session, prompts)
    clocks = {programme.id: zone(programme.time_zone) for programme in programmes}
    names = {programme.id: programme.name for programme in programmes}
    served = {queue.id: queue.name for queue in queues}
    reading = _Reading(known, defaults, {queue.id: queue.programme_id for queue in queues})
    routing = reading.routing(programmes, queues, agents, rules)
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
        unusable=reading.unusable,
    )


class _Reading:
    """Makes the engine's configuration of rows, and remembers what of them cannot be used."""

    def __init__(self, known: Known, defaults: Defaults, programme_of: Mapping[str, str]) -> None:
        self._known, self._programme_of = known, programme_of
        self._members = {serves(queue_id) for queue_id in known.queues}
        self._defaults = {
            "ring_timeout": defaults.ring_timeout,
            "wrap_up": {"mode": "capped" if defaults.wrap_up else "none", "seconds": defaults.wrap_up},
        }
        self._languages: Mapping[str, str] = {}
        self.unusable: dict[str, str] = {}

    def routing(
        self,
        programmes: Sequence[model.Programme],
        queues: Sequence[model.Queue],
        agents: Sequence[model.Agent],
        rules: model.Rules | None,
    ) -> RoutingConfig:
        """All of it."""
        self._languages = {programme.id: programme.language for programme in programmes}
        own = self._data(RoutingRules, rules.data if rules else {}, "rules of the operation")
        return RoutingConfig(
            queues={queue.id: self._queue(queue) for queue in queues},
            agents={agent.id: self._agent(agent) for agent in agents},
            programmes={programme.id: self._programme(programme) for programme in programmes},
            **own.applied(),
        )

    def _queue(self, row: model.Queue) -> Queue:
        try:
            queue = queue_from_dict(row.id, {**self._defaults, **row.plan}, self._known)
        except Invalid as error:
            self.unusable[f"queue {row.id}"] = error.what
            queue = queue_from_dict(row.id, self._defaults)
        steps = tuple(self._for_members(step, row.id) for step in queue.plan.steps)
        return replace(
            queue,
            name=row.name,
            programme_id=row.programme_id,
            service_level_seconds=row.target_seconds,
            plan=replace(queue.plan, steps=steps),
        )

    def _for_members(self, step: PlanStep, queue_id: str) -> PlanStep:
        """A step's requirement is about the agents assigned to the queue, unless it names `serves_...` itself."""
        if step.require is None or any(term.name in self._members for term in terms(parse(step.require))):
            return step
        member = serves(queue_id)
        return replace(step, require=f"{member} & ({step.require})" if step.require.strip() else member)

    def _agent(self, row: model.Agent) -> Agent:
        """Who is assigned to a queue has the skill `serves_<queue id>`, which the steps of its plan ask for."""
        own = self._data(AgentRouting, row.routing, f"agent {row.id}")
        return Agent(
            agent_id=row.id,
            skills={entry.skill_id: entry.level for entry in row.skills}
            | {serves(entry.queue_id): 1 for entry in row.queues},
            languages=frozenset(own.languages if own.languages is not None else self._spoken(row)),
            programmes=frozenset(own.programmes),
            segments=frozenset(own.segments),
            team=row.team_id or "",
            node=own.node or "",
            channels=frozenset(own.channels),
            capacity=own.capacity,
            blend=own.blend,
            attributes=own.attributes,
        )

    def _spoken(self, row: model.Agent) -> Collection[str]:
        """The languages of the programmes that the agent serves."""
        programmes = (self._programme_of.get(entry.queue_id, "") for entry in row.queues)
        return {self._languages[programme] for programme in programmes if programme in self._languages}

    def _programme(self, row: model.Programme) -> Programme:
        own = self._data(ProgrammeRouting, row.routing, f"programme {row.id}")
        clock = zone(row.time_zone)
        return Programme(row.id, own.priority, own.segment_priority, own.overflow_queue or "", clock)

    def _data(self, schema: type[Data], data: Mapping[str, Any], place: str) -> Data:
        found, problem = stored(schema, data)
        if problem:
            self.unusable[place] = f"{place}: {problem}"
        return found


def serves(queue_id: str) -> str:
    """The skill that an agent has for being assigned to a queue."""
    return f"serves_{queue_id}"
