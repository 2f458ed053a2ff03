"""The bookkeeper: a process beside the routing house that does the database's work of calls.

It stores and projects facts, reads callers' stories, opens tickets and looks after what time does to them. It keeps
nothing: whoever asks asks again. It lives as long as the other end of its socket is open (`onecall.books`).
"""

import asyncio
import json
import os
import signal
import socket
from collections.abc import Mapping
from typing import Any

from acd.ports import CallFacts
from core import log
from core.clock import Clock, SystemClock
from core.db import Database
from core.facts import FactStore
from core.journal import Fact
from core.pipe import Pipe
from onecall.memory import settle_memory
from tickets import figures, promises
from tickets.projection import project
from tickets.stories import TicketStories
from tickets.unit import CLOCK, Publisher, Tickets

TOLD = "ONECALL_BOOKKEEPER"
"""Variable with what the process is told at its birth, as JSON: `socket`, `database`, `log_form`, `log_level`."""
_COURTESY = 10
"""How much it gives way to calls for the processor (`nice`)."""


class _Told:
    """The side of the bus that the bookkeeper needs: what it publishes is published by the routing house."""

    def __init__(self) -> None:
        self.pipe: Pipe | None = None

    async def publish(self, topic: str, message: Mapping[str, Any]) -> None:
        """Publish. Raises Unavailable when nobody is there any more."""
        if self.pipe is not None:
            self.pipe.tell("publish", {"topic": topic, "message": dict(message)})


class Bookkeeper:
    """Answers by name of the question; see `onecall.books.Books` for who asks.

    `database` is for calls, whose statements are small; `patient` for work of the clock, which may take seconds.
    """

    def __init__(self, database: Database, patient: Database, bus: Publisher, clock: Clock) -> None:
        self._store = FactStore(database, [project])
        self._stories = TicketStories(Tickets(database, bus, clock))
        self._clockwork = Tickets(patient, bus, clock)
        self.answers = {
            "ping": self._ping,
            "store": self._facts,
            "pop": self._pop,
            "open_ticket": self._open_ticket,
            "call_back_given_up": self._given_up,
            "promises": self._promises,
            "figures": self._figures,
        }

    async def _ping(self, _: Any) -> None:
        return None

    async def _facts(self, data: Any) -> Mapping[str, str]:
        return await self._store.store([Fact(*row) for row in data])

    async def _pop(self, data: Any) -> Mapping[str, Any]:
        story = await self._stories.pop(call_facts(data))
        return {"pop": dict(story.pop), "ticket_id": story.ticket_id, "caller_name": story.caller_name}

    async def _open_ticket(self, data: Any) -> str:
        return await self._stories.open_ticket(call_facts(data["facts"]), data["agent_id"], data["at"])

    async def _given_up(self, data: Any) -> None:
        await self._stories.call_back_given_up(call_facts(data["facts"]), data["number"], data["at"])

    async def _promises(self, _: Any) -> None:
        async with self._clockwork.unit(CLOCK) as unit:
            await promises.break_overdue(unit)

    async def _figures(self, _: Any) -> None:
        await figures.freeze_ripe_days(self._clockwork)


def call_facts(told: Mapping[str, Any]) -> CallFacts:
    """The facts as they were before they became JSON."""
    return CallFacts(**{**told, "customer_ids": tuple(told["customer_ids"])})


async def keep(end: socket.socket, database_url: str) -> None:
    """Serve at this end of the socket until the other one is closed."""
    database, patient = Database(database_url, at_once=True), Database(database_url, pool_size=1)
    told = _Told()
    try:
        told.pipe = await Pipe.on(end, Bookkeeper(database, patient, told, SystemClock()).answers)
        settle_memory()
        await told.pipe.run()
    finally:
        await database.close()
        await patient.close()


def main() -> None:
    """Begin as `onecall.books` says it in the environment."""
    # Whoever stops OneCall stops the house first: it still has facts to store here, and closes the socket then.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.nice(_COURTESY)
    told = json.loads(os.environ[TOLD])
    log.configure(told["log_form"], told["log_level"])
    asyncio.run(keep(socket.socket(fileno=told["socket"]), told["database"]))


if __name__ == "__main__":
    main()
