"""A browser phone's secret, which is replaced as soon as nobody may go on with the old one."""

from sqlalchemy import select

from acd.model import Agent
from api.changing import changing
from api.deps import ApiDeps
from api.model import User
from core.security import new_token


def new_phone_secret() -> str:
    """A secret to register with."""
    return new_token(24)


async def renew_phone(deps: ApiDeps, user_id: str) -> None:
    """Give the user's browser phone another secret; Asterisk learns it within a second, and calls go on.

    A desk phone keeps its own: somebody has typed it in there.
    """
    browser_phone = select(Agent.id).join(User, User.agent_id == Agent.id)
    async with deps.database.reading() as session:
        agent_id = await session.scalar(browser_phone.where(User.id == user_id, Agent.phone_kind == "browser"))
    if agent_id is None:
        return
    async with changing(deps, "agents", agent_id) as session:
        (await session.get_one(Agent, agent_id)).phone_secret = new_phone_secret()
