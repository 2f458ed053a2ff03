"""The routing side of the product in the test's own process, on a real Asterisk."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from acd.model import Agent, AgentQueue, AgentSkill, Programme, Queue, Skill
from core.bus import LocalBus
from core.db import Database
from core.facts import facts_since
from core.journal import Fact
from core.migrate import upgrade
from ivr.model import DialledNumber, FlowRow
from onecall.house import RoutingHouse
from onecall.settings import Settings
from onecall.wiring import Ground
from phones.phone import Phone
from tests.e2e.harness.server import TestAsterisk
from tests.patience import PATIENCE
from tickets import customers
from tickets.unit import CLOCK

DID = "+390116180100"
_FLOW = """
flow: straight
start: identify
steps:
  identify: {do: identify, next: wait}
  wait: {do: queue, queue: q1}
"""


class Floor:
    """Callers dial `DID` and come straight into queue q1. Agents are desk phones 2001, 2002, ..."""

    def __init__(self, asterisk: TestAsterisk, settings: Settings, database: Database) -> None:
        self.asterisk = asterisk
        self.database = database
        self.phones: list[Phone] = []
        self.bus = LocalBus()
        self.house: RoutingHouse
        self._settings = settings

    async def start(self) -> None:
        """Start the routing process's rooms."""
        server, self.bus = self.asterisk.settings, LocalBus()
        spool = server.instance / "spool" / "survival"
        files = server.agents_file, spool
        ground = Ground(self._settings, server.manager_secret, self.database, self.bus, *files)
        self.house = await RoutingHouse.open(ground)
        await self.house.start()

    async def connected(self) -> None:
        """Wait until Asterisk has been read back."""
        await asyncio.wait_for(self.house._dispatcher.bridge_is_up.wait(), PATIENCE)

    async def restart(self) -> None:
        """The routing rooms end, and others take their place; Asterisk goes on."""
        await self.house.stop()
        await self.start()
        await self.connected()

    async def agent(self, extension: str, *, ready: bool = True) -> Phone:
        """An agent's phone, registered; signed in and ready."""
        phone = await Phone.open(self.asterisk.sip, extension, f"secret-of-{extension}")
        self.phones.append(phone)
        await phone.register()
        await self.until(lambda: self.desk(extension)["agent"]["phone"]["registered"])
        await self.ask("agent.sign_in", extension)
        if ready:
            await self.ask("agent.ready", extension)
        return phone

    async def caller(self, number: str = "+393471234567") -> Phone:
        """A phone outside."""
        phone = await self.asterisk.caller(number)
        self.phones.append(phone)
        return phone

    async def ask(self, command: str, extension: str = "2001", **more: Any) -> Mapping[str, Any]:
        """A command to the routing service, as a desk gives it."""
        return await self.bus.request("acd", {"cmd": command, "agent_id": f"a-{extension}", **more})

    def desk(self, extension: str) -> Mapping[str, Any]:
        """The agent's desk as it is now."""
        board = self.house._board
        desk = board.desks.get(f"a-{extension}")
        assert desk is not None
        return board.desks.message(desk, board.clock.now())

    async def until(self, holds: Callable[[], Any], patience: float = PATIENCE) -> None:
        """Wait until something is so; raises TimeoutError."""
        async with asyncio.timeout(patience):
            while not holds():
                await asyncio.sleep(0.01)

    async def waiting(self, count: int) -> None:
        """Wait until so many callers wait in q1."""
        await self.until(lambda: len(self.house._board.engine.waiting("q1")) == count)

    def waits(self, number: str) -> str | None:
        """The interaction of the caller with that number, once it is known to routing."""
        calls = self.house._board.calls.values()
        return next((call.facts.interaction_id for call in calls if call.facts.number == number), None)

    async def change(self, row: type[Any], row_id: str, **values: Any) -> None:
        """Change a row of the configuration as an administrator does: stored, then told."""
        async with self.database.session() as session:
            found = await session.get_one(row, row_id)
            for name, value in values.items():
                setattr(found, name, value)
        await self.bus.publish("config", {"what": "all", "id": row_id})

    async def customer(self, number: str, **facts: str) -> str:
        """A customer of the programme with that number; the id."""
        async with self.house._rooms.tickets.unit(CLOCK) as unit:
            made = await customers.create(unit, name="Chiara", programme_id="p1", **facts)
            await customers.attach_number(unit, made.id, number)
        return made.id

    async def facts(self) -> list[Fact]:
        """All facts told so far."""
        await self.house._journal.settled()
        return await facts_since(self.database, 0)


@asynccontextmanager
async def floor(
    plan: Mapping[str, Any] | None = None,
    agents: Mapping[str, Mapping[str, int]] | None = None,
    flow: str = _FLOW,
    trunk_port: int | None = None,
    profiles: Mapping[str, Mapping[str, Any]] | None = None,
    only_second: Collection[str] = (),
) -> AsyncIterator[Floor]:
    """A running floor. `plan` is queue q1's; `agents`: extension → skills; `trunk_port`: where outside numbers ring.

    `profiles`: extension → routing facts (`acd.profiles.AgentRouting`); `only_second`: those who serve q2, not q1.
    """
    # A prompt that is being spoken in this moment cannot be stopped: its file may come while the folder is removed.
    with tempfile.TemporaryDirectory(prefix="oc-floor-", ignore_cleanup_errors=True) as folder:
        changes = {"trunk_contact": f"sip:127.0.1.1:{trunk_port}"} if trunk_port else {}
        asterisk = TestAsterisk(Path(folder) / "a", **changes)
        server = asterisk.settings
        settings = Settings(
            state=Path(folder) / "state",
            ami_port=server.manager_port,
            agi_port=server.agi_port,
            recordings=server.recordings,
            demo=False,
        )
        settings.state.mkdir()
        await upgrade(settings.database)
        database = Database(settings.database)
        await _fill(database, plan or {}, agents or {"2001": {}, "2002": {}}, flow, profiles or {}, only_second)
        made = Floor(asterisk, settings, database)
        await made.start()
        await asterisk.instance.start()
        try:
            await made.connected()
            yield made
        finally:
            for phone in made.phones:
                await phone.close()
            try:
                await made.house.stop()
            finally:
                await asterisk.stop()
                await database.close()


async def _fill(
    database: Database,
    plan: Mapping[str, Any],
    agents: Mapping[str, Mapping[str, int]],
    flow: str,
    profiles: Mapping[str, Mapping[str, Any]],
    only_second: Collection[str],
) -> None:
    async with database.session() as session:
        session.add(Programme(id="p1", name="Programme"))
        session.add_all(Skill(id=skill, name=skill) for skill in {skill for one in agents.values() for skill in one})
        await session.flush()
        session.add_all(
            [
                Queue(id="q1", programme_id="p1", name="First", plan={"wrap_up": {"mode": "none"}, **plan}),
                Queue(id="q2", programme_id="p1", name="Second", plan={"wrap_up": {"mode": "none"}}),
                FlowRow(id="straight", name="straight", yaml=flow),
                DialledNumber(did=DID, programme_id="p1", flow_id="straight"),
            ]
        )
        await session.flush()
        session.add_all(
            Agent(
                id=f"a-{extension}",
                name=f"Agent {extension}",
                extension=extension,
                phone_kind="sip",
                phone_secret=f"secret-of-{extension}",
                skills=[AgentSkill(skill_id=skill, level=level) for skill, level in skills.items()],
                queues=[AgentQueue(queue_id="q2" if extension in only_second else "q1")],
                routing=dict(profiles.get(extension, {})),
            )
            for extension, skills in agents.items()
        )
