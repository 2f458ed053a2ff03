"""A change of the configuration: a unit of work that tells the other rooms after the commit."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession

from api.deps import ApiDeps
from core.errors import OneCallError
from core.log import get_logger

TOPIC = "config"
_log = get_logger(__name__)


@asynccontextmanager
async def changing(deps: ApiDeps, what: str, thing_id: str) -> AsyncIterator[AsyncSession]:
    """One change of the configuration: committed, then told as `{what, id}`."""
    async with deps.database.session() as session:
        yield session
    try:
        await deps.bus.publish(TOPIC, {"what": what, "id": thing_id})
    except OneCallError as error:
        # The change is stored; the rooms read it at their next start if they cannot be told now.
        _log.error("configuration change could not be told", what=what, id=thing_id, error=str(error))
