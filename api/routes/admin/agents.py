"""Agents: seats at the phone with skills and queues."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from acd.model import Agent, AgentQueue, AgentSkill, Programme, Queue, Rules, Skill, Team
from acd.profiles import RULES, AgentRouting, RoutingRules, stored
from api.access import Administrator
from api.changing import changing
from api.phones import new_phone_secret
from api.routes.admin.shared import existing, refuse_duplicate, require_known
from api.routes.shared import Deps
from api.schemas.admin import (
    AgentChange,
    AgentGiven,
    AgentList,
    AgentTold,
    NamedRow,
    PhoneSecret,
    SkillGiven,
    SkillLevel,
)
from api.schemas.common import Id
from core.errors import Conflict, Invalid

router = APIRouter(prefix="/admin", tags=["admin"])
AgentId = Annotated[Id, Path()]


@router.get("/agents")
async def list_agents(caller: Administrator, deps: Deps) -> AgentList:
    """All agents by name, with the skills and teams there are."""
    async with deps.database.reading() as session:
        agents = await session.scalars(select(Agent).order_by(Agent.name))
        skills = await session.scalars(select(Skill).order_by(Skill.name))
        teams = await session.scalars(select(Team).order_by(Team.name))
        return AgentList(
            items=[_told(agent) for agent in agents],
            skills=[NamedRow.model_validate(row) for row in skills],
            teams=[NamedRow.model_validate(row) for row in teams],
        )


@router.post("/agents", status_code=201)
async def create_agent(given: AgentGiven, caller: Administrator, deps: Deps) -> AgentTold:
    """A new agent with a fresh phone secret."""
    async with changing(deps, "agents", given.id) as session:
        await refuse_duplicate(session, Agent, given.id, "agent")
        agent = Agent(id=given.id, phone_secret=new_phone_secret(), disabled=False)
        await _apply(session, agent, given.model_dump(mode="json", exclude={"id"}))
        session.add(agent)
    return _told(agent)


@router.patch("/agents/{agent_id}")
async def change_agent(agent_id: AgentId, given: AgentChange, caller: Administrator, deps: Deps) -> AgentTold:
    """Change an agent; a call in progress is not disturbed."""
    changes = _changes(given)
    new_secret = changes.pop("new_secret", False)
    async with changing(deps, "agents", agent_id) as session:
        agent = await existing(session, Agent, agent_id, "agent")
        await _apply(session, agent, changes)
        if new_secret:
            agent.phone_secret = new_phone_secret()
    return _told(agent)


@router.get("/agents/{agent_id}/phone")
async def read_phone_secret(agent_id: AgentId, caller: Administrator, deps: Deps) -> PhoneSecret:
    """What a desk phone is set up with."""
    async with deps.database.reading() as session:
        agent = await existing(session, Agent, agent_id, "agent")
    if agent.phone_kind != "sip":
        raise Conflict(f"{agent.name} uses the browser as phone.", "Set `phone_kind` to `sip` first.")
    return PhoneSecret(extension=agent.extension, secret=agent.phone_secret)


@router.post("/skills", status_code=201)
async def create_skill(given: SkillGiven, caller: Administrator, deps: Deps) -> NamedRow:
    """A new skill: its id is the word used in routing plans."""
    async with changing(deps, "agents", given.id) as session:
        await refuse_duplicate(session, Skill, given.id, "skill")
        session.add(Skill(id=given.id, name=given.name))
    return NamedRow(id=given.id, name=given.name)


def _changes(given: AgentChange) -> dict[str, Any]:
    """The fields given; `routing` whole, so that what it leaves out has its default."""
    changes = given.model_dump(exclude_unset=True)
    return changes if given.routing is None else {**changes, "routing": given.routing.model_dump(mode="json")}


async def _apply(session: AsyncSession, agent: Agent, changes: dict[str, Any]) -> None:
    skills, queue_ids = changes.pop("skills", None), changes.pop("queue_ids", None)
    for field, value in changes.items():
        if value is None and field != "team_id":
            raise Invalid(f"{field}: may not be empty.", "Leave the field out to keep its value.")
    await require_known(session, Team.id, [changes.get("team_id")], "team_id")
    await _refuse_taken_extension(session, agent.id, changes.get("extension"))
    if skills is not None:
        await require_known(session, Skill.id, [skill["skill_id"] for skill in skills], "skills")
        agent.skills = [AgentSkill(skill_id=key, level=level) for key, level in _by_skill(skills).items()]
    if queue_ids is not None:
        await require_known(session, Queue.id, queue_ids, "queue_ids")
        agent.queues = [AgentQueue(queue_id=queue_id) for queue_id in dict.fromkeys(queue_ids)]
    if "routing" in changes:
        await _check_routing(session, changes["routing"])
    for field, value in changes.items():
        setattr(agent, field, value)


async def _check_routing(session: AsyncSession, routing: dict[str, Any]) -> None:
    await require_known(session, Programme.id, routing["programmes"], "routing.programmes")
    rules = await session.get(Rules, RULES)
    channels = stored(RoutingRules, rules.data if rules else {})[0].applied()["channels"]
    unknown = sorted(set(routing["channels"]) - channels.keys())
    if unknown:
        raise Invalid(
            f"routing.channels: {', '.join(unknown)} does not exist.",
            f"Known: {', '.join(sorted(channels))}.",
            values={"field": "routing.channels", "unknown": unknown},
        )


def _by_skill(skills: list[dict[str, Any]]) -> dict[str, int]:
    levels = {skill["skill_id"]: skill["level"] for skill in skills}
    if len(levels) != len(skills):
        raise Invalid("skills: a skill is named twice.", "Name each skill once.", values={"field": "skills"})
    return levels


async def _refuse_taken_extension(session: AsyncSession, agent_id: str, extension: str | None) -> None:
    if extension is None:
        return
    taken = await session.scalar(select(Agent.name).where(Agent.extension == extension, Agent.id != agent_id))
    if taken:
        raise Conflict(
            f"extension: {extension} is the phone of {taken}.",
            "Choose another extension.",
            values={"field": "extension"},
        )


def _told(agent: Agent) -> AgentTold:
    return AgentTold(
        id=agent.id,
        name=agent.name,
        team_id=agent.team_id,
        extension=agent.extension,
        phone_kind="sip" if agent.phone_kind == "sip" else "browser",
        disabled=agent.disabled,
        skills=[SkillLevel(skill_id=skill.skill_id, level=skill.level) for skill in agent.skills],
        queue_ids=[entry.queue_id for entry in agent.queues],
        routing=stored(AgentRouting, agent.routing)[0],
    )
