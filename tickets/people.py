"""Names of those who act, and the programme's clock, read from the configuration that acd owns."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from acd.model import Agent, Programme
from acd.zones import zone as zone

_DEFAULT_ZONE = "Europe/Rome"


async def agent_names(session: AsyncSession, ids: Iterable[str | None]) -> dict[str, str]:
    """Names of these agents; one who is gone has none."""
    wanted = {agent_id for agent_id in ids if agent_id}
    if not wanted:
        return {}
    rows = await session.execute(select(Agent.id, Agent.name).where(Agent.id.in_(wanted)))
    return dict(rows.all())


async def team_mates(session: AsyncSession, agent_id: str) -> list[str]:
    """Ids of all agents of that agent's team, itself included; only itself when it has no team."""
    team_id = await session.scalar(select(Agent.team_id).where(Agent.id == agent_id))
    if team_id is None:
        return [agent_id]
    return list(await session.scalars(select(Agent.id).where(Agent.team_id == team_id)))


async def programme(session: AsyncSession, programme_id: str | None) -> Programme:
    """The programme; one that is not configured (any more) gets the defaults, so that its calls still count."""
    known = await session.get(Programme, programme_id) if programme_id else None
    return known or Programme(
        id=programme_id or "",
        name=programme_id or "",
        region="IT",
        time_zone=_DEFAULT_ZONE,
        language="it",
        recall_hours=72,
    )


async def programmes(session: AsyncSession) -> list[Programme]:
    """All programmes."""
    return list(await session.scalars(select(Programme).order_by(Programme.id)))
