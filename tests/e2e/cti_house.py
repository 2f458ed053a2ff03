"""The real bridge on a real Asterisk; the dispatcher's place is taken by one who writes down all that is told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from acd.ports import CallFacts, CallView, ReadBack, Ring
from core.journal import Fact
from cti.bridge import Bridge
from cti.settings import BridgeSettings, ManagerSettings
from phones.audio import tone
from phones.call import Call
from phones.phone import Phone
from tests.e2e.harness.fixtures import AGENTS
from tests.e2e.harness.ivr import ScriptedIvr
from tests.e2e.harness.server import TestAsterisk
from tests.patience import PATIENCE

SINCE = 1_790_000_000.25
FACTS = {
    "OC_DID": "+390116180100",
    "OC_FROM": "+393471234567",
    "OC_PROGRAMME": "p-aura",
    "OC_QUEUE": "q-care",
    "OC_SKILLS": "italian>=5 & care>=3",
    "OC_PRIORITY": "4",
    "OC_SINCE": f"{SINCE:.3f}",
    "OC_CUSTOMER": "c-1",
    "OC_LANG": "it",
    "OC_PATH": "2 > 1",
}
IVR = ("ANSWER", *(f'SET VARIABLE {name} "{value}"' for name, value in FACTS.items()), "SET VARIABLE OC_DONE 1")
RECORDING_IVR = (*IVR[:-1], "GOSUB oc-record s 1", IVR[-1])
CALLER, AGENT, EXPERT = 440.0, 700.0, 1000.0
"""The tone of each party: who hears whom is measured."""


@dataclass(frozen=True, slots=True)
class Told:
    """One telling."""

    what: str
    values: tuple[Any, ...]
    at: float


class Book:
    """`acd.ports.CallEvents`, written down; and the facts of the journal."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.facts: list[Fact] = []
        self._news = asyncio.Condition()

    def append(self, fact: Fact) -> None:
        self.facts.append(fact)
        self._notify()

    def names(self, *without: str) -> list[str]:
        return [one.what for one in self.told if one.what not in ("phone_changed", *without)]

    def all(self, what: str) -> list[Told]:
        return [one for one in self.told if one.what == what]

    async def until(self, met: Callable[[], object], timeout: float = PATIENCE) -> None:
        async with self._news:
            try:
                await asyncio.wait_for(self._news.wait_for(lambda: bool(met())), timeout)
            except TimeoutError:
                raise AssertionError(f"not told in time; told so far: {self.told}") from None

    async def next(
        self, what: str, matching: Callable[[Told], object] = lambda told: True, timeout: float = PATIENCE
    ) -> Told:
        """The first telling of that name (past ones too) that matches."""

        def found() -> Told | None:
            return next((one for one in self.told if one.what == what and matching(one)), None)

        await self.until(found, timeout)
        told = found()
        assert told is not None
        return told

    async def phase(self, phase: str) -> CallView:
        """Wait until the last view of a call is in that phase."""

        def last() -> CallView | None:
            views = self.all("call_changed")
            return views[-1].values[0] if views and views[-1].values[0].phase == phase else None

        await self.until(last)
        view = last()
        assert view is not None
        return view

    def _note(self, what: str, at: float, *values: Any) -> None:
        self.told.append(Told(what, values, at))
        self._notify()

    def _notify(self) -> None:
        asyncio.get_running_loop().create_task(self._wake())

    async def _wake(self) -> None:
        async with self._news:
            self._news.notify_all()

    def bridge_up(self, at: float, state: ReadBack) -> None:
        self._note("bridge_up", at, state)

    def bridge_down(self, at: float, why: str, node: str = "") -> None:
        self._note("bridge_down", at, why)

    def caller_waiting(self, at: float, facts: CallFacts) -> None:
        self._note("caller_waiting", at, facts)

    def caller_gone(self, at: float, interaction_id: str, ended_by: str, stage: str, cause: int) -> None:
        self._note("caller_gone", at, interaction_id, ended_by, stage, cause)

    def leg_answered(self, at: float, fence: int) -> None:
        self._note("leg_answered", at, fence)

    def leg_refused(self, at: float, fence: int, reason: str) -> None:
        self._note("leg_refused", at, fence, reason)

    def call_changed(self, at: float, view: CallView) -> None:
        self._note("call_changed", at, view)

    def agent_left(self, at: float, interaction_id: str, agent_id: str, ended_by: str, hold: float) -> None:
        self._note("agent_left", at, interaction_id, agent_id, ended_by, hold)

    def agent_joined(self, at: float, interaction_id: str, agent_id: str) -> None:
        self._note("agent_joined", at, interaction_id, agent_id)

    def phone_changed(self, at: float, extension: str, registered: bool, node: str = "") -> None:
        self._note("phone_changed", at, extension, registered)

    def alarm(self, at: float, alarm_id: str, severity: str, values: Mapping[str, str], raised: bool) -> None:
        self._note("alarm", at, alarm_id, severity, values, raised)


class CtiHouse:
    """``async with CtiHouse(asterisk) as house:`` bridge and IVR run, and the bridge is up."""

    def __init__(self, asterisk: TestAsterisk, ivr: tuple[str, ...] = IVR, **changes: Any) -> None:
        self.asterisk = asterisk
        self.book = Book()
        settings = asterisk.settings
        manager = ManagerSettings(
            settings.manager_address, settings.manager_port, settings.manager_user, settings.manager_secret
        )
        self.settings = replace(BridgeSettings(manager, settings.recordings), **changes)
        self.bridge = self._new_bridge()
        self.phones: list[Phone] = []
        self._ivr = ScriptedIvr(settings.agi_port, ivr)
        self._fence = time.time_ns() // 1_000_000
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> CtiHouse:
        await self._ivr.__aenter__()
        await self.start_bridge()
        return self

    async def __aexit__(self, *_: object) -> None:
        for phone in self.phones:
            await phone.close()
        if self._task is not None:
            await self._until_quiet()
        await self.stop_bridge()
        await self._ivr.__aexit__()

    async def _until_quiet(self) -> None:
        """The next test finds no channel of this one."""
        async with asyncio.timeout(PATIENCE):
            while await self.bridge.manager.listing("Status"):
                await asyncio.sleep(0.05)

    def _new_bridge(self) -> Bridge:
        bridge = Bridge(self.settings, self.book)
        bridge.events = self.book
        return bridge

    async def start_bridge(self) -> ReadBack:
        """Start the bridge (a new life of it, if one was stopped); returns what it read back."""
        before = len(self.book.all("bridge_up"))
        self._task = asyncio.create_task(self.bridge.run())
        await self.book.until(lambda: len(self.book.all("bridge_up")) > before)
        state: ReadBack = self.book.all("bridge_up")[-1].values[0]
        return state

    async def stop_bridge(self) -> None:
        """End it without a farewell to anybody, as a kill would; the next one knows nothing."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        self.bridge = self._new_bridge()

    async def agent(self, index: int = 0) -> Phone:
        """A registered desk phone of which the bridge knows."""
        phone = await self.asterisk.desk_phone(AGENTS[index])
        self.phones.append(phone)
        extension = AGENTS[index].extension
        await self.book.until(lambda: self.registered(extension))
        return phone

    def registered(self, extension: str) -> bool:
        """Whether the bridge has told, as its last word, that the phone is there."""
        ups = [one.values[0].registered for one in self.book.all("bridge_up")[-1:]]
        last = [one.values[1] for one in self.book.all("phone_changed") if one.values[0] == extension]
        return last[-1] if last else bool(ups and extension in ups[0])

    async def caller(self, tone_hertz: float = CALLER) -> tuple[Call, str]:
        """A caller who waits; returns the call and its interaction."""
        phone = await self.asterisk.caller()
        self.phones.append(phone)
        before = len(self.book.all("caller_waiting"))
        call = await phone.dial("+390116180100")
        await call.answered()
        await self.book.until(lambda: len(self.book.all("caller_waiting")) > before)
        call.media.loop_sound(tone(tone_hertz))
        facts: CallFacts = self.book.all("caller_waiting")[-1].values[0]
        return call, facts.interaction_id

    def offer(self, interaction_id: str, index: int = 0, timeout: float = PATIENCE) -> Ring:
        """A new offer to an agent."""
        self._fence += 1
        extension = AGENTS[index].extension
        return Ring(
            self._fence, interaction_id, f"a-{extension}", extension, timeout, "+393471234567", "Nicolò Bianchi"
        )

    async def talk(self, interaction_id: str, phone: Phone, index: int = 0, tone_hertz: float = AGENT) -> Call:
        """Offer the caller to the agent, who answers; returns the agent's leg, once they are in one room."""
        ring = self.offer(interaction_id, index)
        self.bridge.ring(ring)
        leg = await self.leg_of(phone, ring.fence)
        leg.ring()
        await leg.answer()
        leg.media.loop_sound(tone(tone_hertz))
        await self.book.next("leg_answered", lambda told: told.values[0] == ring.fence)
        return leg

    async def leg_of(self, phone: Phone, fence: int) -> Call:
        """The call that an offer makes at the phone; calls of earlier offers are passed over."""
        while True:
            leg = await phone.next_call()
            if leg.header("X-OneCall-Fence") == str(fence):
                return leg
