"""A unit of work: one transaction, one moment, one person; what it changed is told on the bus after the commit."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import Clock
from core.db import Database
from core.errors import OneCallError
from core.log import get_logger

_log = get_logger(__name__)
TOPIC = "ticket"


class Publisher(Protocol):
    """The side of the bus that this room needs."""

    async def publish(self, topic: str, message: Mapping[str, Any]) -> None:
        """Tell every subscriber. Raises Unavailable when the bus cannot be reached."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does it. `id` is the agent's id for those who take calls, else the user's."""

    id: str
    name: str
    system: bool = False


CLOCK = Actor("clock", "OneCall", system=True)
"""Who does what nobody did: time passing."""


@dataclass(slots=True)
class Unit:
    """What every use case of this room works with. `at`: epoch seconds, UTC, the moment of all it writes."""

    session: AsyncSession
    at: float
    actor: Actor
    said: list[Mapping[str, Any]] = field(default_factory=list)

    def say(
        self,
        change: str,
        *,
        ticket_id: str | None,
        customer_id: str | None,
        version: int | None = None,
        interaction_id: str | None = None,
    ) -> None:
        """Tell this on topic `ticket` once the unit is committed. `interaction_id`: the call that it is about."""
        about = {"ticket_id": ticket_id, "customer_id": customer_id, "interaction_id": interaction_id}
        self.said.append({**about, "version": version, "change": change})


class Tickets:
    """Front door of this room: opens units of work and readings on its database."""

    def __init__(self, database: Database, bus: Publisher, clock: Clock) -> None:
        self._database = database
        self._bus = bus
        self._clock = clock

    @asynccontextmanager
    async def unit(self, actor: Actor) -> AsyncIterator[Unit]:
        """Commits at the end, then publishes; rolls back and publishes nothing on any exception."""
        async with self._database.session() as session:
            unit = Unit(session, self._clock.now(), actor)
            yield unit
        for message in unit.said:
            try:
                await self._bus.publish(TOPIC, message)
            except OneCallError as error:
                # The change is committed: the screens catch up when they ask, so this must not fail the request.
                _log.warning("ticket change could not be published", error=str(error), **message)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A session that only reads and never waits for a writer."""
        async with self._database.reading() as session:
            yield session

    def now(self) -> float:
        """Epoch seconds, UTC, of this room's clock."""
        return self._clock.now()
