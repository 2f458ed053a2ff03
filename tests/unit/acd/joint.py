"""The dispatcher and the bridge's own call model together, on an Asterisk that is only pretended.

What one of them tells and the other one makes of it is tested here: each alone may be right and both together wrong.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from acd.presence import restore
from core.clock import ManualClock
from core.db import Database
from core.facts import facts_since
from core.journal import Fact
from cti.bridge import Bridge
from cti.protocol import Event
from cti.settings import BridgeSettings
from tests.patience import PATIENCE
from tests.unit.acd.house import House
from tests.unit.cti.fake_asterisk import Channel, FakeAsterisk
from tests.unit.cti.replay import SETTINGS

EXTENSIONS = {"a1": "2001", "a2": "2002"}


class _Clock(ManualClock):
    """Asterisk's time is everybody's."""

    def __init__(self, asterisk: FakeAsterisk) -> None:
        self._asterisk = asterisk

    def now(self) -> float:
        return self._asterisk.time

    def advance(self, seconds: float) -> float:
        self._asterisk.time += seconds
        return self._asterisk.time


class _Manager:
    """What the bridge asks of a manager connection besides sending."""

    def __init__(self, asterisk: FakeAsterisk) -> None:
        self._asterisk = asterisk
        self.asked: list[tuple[str, Mapping[str, Any]]] = []

    @property
    def up(self) -> bool:
        return self._asterisk.connected

    async def ask(self, action: str, fields: Mapping[str, Any] | None = None) -> list[Event]:
        self.asked.append((action, fields or {}))
        return []

    async def listing(self, action: str, fields: Mapping[str, Any] | None = None) -> list[Event]:
        return self._asterisk.contact_listing() if action == "PJSIPShowContacts" else self._asterisk.listing()


class Joint:
    """One life of our processes; `after_a_kill` is the next one, on the same Asterisk and journal."""

    def __init__(self, folder: Path, database: Database, asterisk: FakeAsterisk | None = None) -> None:
        self.folder = folder
        self.asterisk = asterisk or FakeAsterisk()
        self.house = house = House(folder, database, _Clock(self.asterisk))
        self.bridge = bridge = Bridge(BridgeSettings(SETTINGS.manager, folder), house.journal, house.clock)
        for name in ("send", "ask", "after", "doubt"):
            setattr(bridge._line, name, getattr(self.asterisk, name))
        bridge.manager = _Manager(self.asterisk)  # type: ignore[assignment]
        bridge.events = house.dispatcher
        house.board.telephony = bridge
        self._over = False

    async def start(self) -> None:
        await self.house.journal.start()
        past = await facts_since(self.house.database, 0)
        await self.bridge.read_back()
        await self.until(self.house.dispatcher.bridge_is_up.is_set)
        restore(self.house.dispatcher, past)

    async def stop(self) -> None:
        if self._over:
            return
        self._over = True
        await self.house.board.stop()
        await self.house.journal.stop()

    async def after_a_kill(self) -> Joint:
        """Another life begins; of the last one only the journal and what Asterisk does remain."""
        await self.house.journal.settled()
        await self.stop()
        self._forget_events()
        later = Joint(self.folder / "later", self.house.database, self.asterisk)
        await later.start()
        return later

    # ---- the connection ----

    def cut(self) -> None:
        self.asterisk.connected = False
        self.house.dispatcher.bridge_down(self.house.clock.now(), "cut")

    async def reconnect(self) -> None:
        self._let_asterisk_work()
        self._forget_events()
        self.asterisk.connected = True
        await self.bridge.read_back()
        await self.settle()

    def _forget_events(self) -> None:
        self.asterisk.answers.clear()
        for queue in self.asterisk.queues.values():
            queue.clear()

    # ---- people ----

    async def ready(self, *agents: str) -> None:
        for agent in agents:
            extension = EXTENSIONS[agent]
            self.asterisk.contact(extension, f"sip:{agent}@127.0.0.1:5", "NonQualified")
            desk = self.house.desks.by_extension(extension)
            assert desk is not None
            await self.until(lambda desk=desk: desk.phone_registered)
            await self.house.cmd("agent.sign_in", agent)
            await self.house.cmd("agent.ready", agent)

    async def leg_at(self, agent: str) -> Channel:
        """The phone of that agent rings."""

        def rings() -> list[Channel]:
            extension = EXTENSIONS[agent]
            legs = [one for one in self.asterisk.channels.values() if one.variables.get("OC_EXTENSION") == extension]
            return [one for one in legs if not one.up and one.created]

        await self.until(rings)
        return rings()[0]

    async def talk(self) -> Channel:
        """Caller i1 talks with a1; returns the agent's leg."""
        self.asterisk.arrive(1)
        leg = await self.leg_at("a1")
        self.asterisk.answer(leg)
        await self.until(lambda: self.call("a1").get("phase") == "talking" and self.caller.room)
        return leg

    async def consult(self, *, answered: bool = False) -> Channel:
        """a1 asks a2; returns the expert's leg."""
        await self.house.cmd("call.consult", to={"kind": "agent", "id": "a2"})
        leg = await self.leg_at("a2")
        await self.until(lambda: self.call("a2").get("role") == "expert")
        if answered:
            self.asterisk.answer(leg)
            await self.until(lambda: self.call("a2")["phase"] == "talking")
        return leg

    @property
    def caller(self) -> Channel:
        return self.asterisk.channels["caller-1"]

    # ---- what is so ----

    def call(self, agent: str) -> Mapping[str, Any]:
        """The call on that agent's desk; empty without one."""
        return self.house.desk(agent)["call"] or {}

    def customers(self) -> list[str]:
        """The channels of customers who are called back."""
        return [name for name, one in self.asterisk.channels.items() if name.startswith("ob-") and one.created]

    def state(self, agent: str) -> str:
        return self.house.state(agent)[0]

    def place(self) -> str:
        """Where the engine has the caller."""
        view = self.house.engine.interaction("i1")
        return "gone" if view is None else view.place

    async def facts(self, kind: str) -> list[Fact]:
        await self.house.journal.settled()
        return [fact for fact in await facts_since(self.house.database, 0) if fact.kind == kind]

    # ---- time ----

    async def until(self, holds: Callable[[], object]) -> None:
        """Let everything sent arrive until it is so."""
        async with asyncio.timeout(PATIENCE):
            while not holds():
                await self._turn()

    async def settle(self) -> None:
        """Until nothing is on its way any more."""
        for _ in range(20):
            await self._turn()
        while any(self.asterisk.queues.values()):
            await self._turn()

    async def _turn(self) -> None:
        asterisk = self.asterisk
        if asterisk.connected:
            while asterisk.answers:
                asterisk.answers.popleft()()
            for queue in list(asterisk.queues.values()):
                while queue:
                    self.bridge.event(queue.popleft())
                    await asyncio.sleep(0)  # as the manager does
        self._let_asterisk_work()
        await asyncio.sleep(0)

    def _let_asterisk_work(self) -> None:
        for channel in list(self.asterisk.channels.values()):
            if channel.redirect:
                self.asterisk.move(channel)
            elif not channel.created:
                self.asterisk.create(channel)
