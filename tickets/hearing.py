"""Whose recordings a person may hear. Every way to a recording, and every list that offers one, asks here."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from acd.model import Agent
from tickets.model import InteractionLeg, Recording


@dataclass(frozen=True, slots=True)
class Ears:
    """What somebody may hear: `every` call, or those in which an agent of the team `team_id` spoke; else nothing."""

    every: bool = False
    team_id: str | None = None


DEAF = Ears()
"""Of those who may hear no recording."""


async def audible(session: AsyncSession, interaction_ids: Collection[str | None], ears: Ears) -> set[str]:
    """Which of these calls have a recording that they may hear. A team is made of its agents as they are now."""
    within = _within(ears)
    if within is None or not interaction_ids:
        return set()
    wanted = {interaction_id for interaction_id in interaction_ids if interaction_id}
    found = await session.scalars(select(Recording.interaction_id).where(Recording.interaction_id.in_(wanted), within))
    return set(found)


def _within(ears: Ears) -> ColumnElement[bool] | None:
    if ears.every:
        return true()
    if ears.team_id is None:
        return None
    return exists().where(
        InteractionLeg.interaction_id == Recording.interaction_id,
        InteractionLeg.agent_id == Agent.id,
        Agent.team_id == ears.team_id,
    )
