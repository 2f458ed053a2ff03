"""Which recordings a caller may hear: all of them for quality, those of the own team for a team leader."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from acd.model import Agent
from api.model import User
from api.sessions import Caller
from tickets.hearing import DEAF, Ears


async def ears_of(session: AsyncSession, caller: Caller) -> Ears:
    """Read at each listening, so that a change of team holds for the next one."""
    if "quality" in caller.roles:
        return Ears(every=True)
    if "team_leader" not in caller.roles:
        return DEAF
    team = (
        select(func.coalesce(User.team_id, Agent.team_id))
        .outerjoin(Agent, Agent.id == User.agent_id)
        .where(User.id == caller.user_id)
    )
    return Ears(team_id=await session.scalar(team))
