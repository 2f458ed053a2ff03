"""The switchboard: what the dispatcher's parts share — engine, desks, journal, calls, offers, alarms.

One owner, one event loop: nothing here runs at the same time as anything else, so there are no locks. Whatever needs
waiting (the pop on screen, a command to Asterisk) runs as a task of its own and looks again, before it acts, whether
what it works for still lives.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from acd import effects as fx
from acd import events as ev
from acd.config import RoutingConfig
from acd.desks import Desk, Desks
from acd.engine import Engine
from acd.ports import Announcer, CallFacts, PopAndTicket, Stories, Telephony
from acd.statistics import Statistics
from core.clock import Clock, iso
from core.journal import Fact, Journal
from core.log import get_logger

_log = get_logger(__name__)
NO_HURRY = 0.05
"""Seconds that a story may wait which no screen is waiting for: a phone that can ring at once rings first."""
_READERS, _OPENERS = 8, 4
"""How many stories are read and tickets opened side by side."""


@dataclass(frozen=True, slots=True)
class DispatchRules:
    """How long the dispatcher waits, in seconds, and whom it calls back.

    `paint_seconds`: for the pop to be on screen before the phone rings; `pop_seconds`: for the story to be read;
    `desk_grace_seconds`: for the browser of an agent without one.
    `call_back_countries`: ISO codes of the countries called back; empty: the one of the number dialled.
    """

    paint_seconds: float = 0.15
    pop_seconds: float = 1.0
    desk_grace_seconds: float = 15.0
    call_back_countries: frozenset[str] = frozenset()


@dataclass(slots=True)
class Call:
    """A caller in our hands, from the waiting place to the end of the channel.

    `personal`: handed to one agent, and back to everyone if that one does not take it. `moving`: on the way back to
    the waiting place. `may_call_back`: has been offered a call-back; `promised`: keeps its place without the caller.
    `diverted`: led out of the line by the queue's plan. `story_at`: when its story's reading began.
    `away`: waits at a node that cannot be reached, in no line.
    `fronted`: put before all others by a supervisor, a higher number later than a lower; 0: not.
    """

    facts: CallFacts
    story: "asyncio.Task[PopAndTicket] | None" = None
    agent_id: str | None = None
    answered: bool = False
    personal: bool = False
    moving: bool = False
    may_call_back: bool = False
    promised: bool = False
    diverted: bool = False
    story_at: float = 0.0
    away: bool = False
    fronted: int = 0
    attempt: int = 0


@dataclass(slots=True)
class LiveOffer:
    """An offer that may still be answered. `ringing`: the command went out to Asterisk."""

    fence: int
    interaction_id: str
    agent_id: str
    deadline: float
    ringing: bool = False


@dataclass(slots=True)
class Switchboard:
    """Shared state and the few deeds that every part needs.

    `nodes`: names of the Asterisk nodes, the first one first; `away`: those that cannot be reached, of several.
    """

    engine: Engine
    config: RoutingConfig
    telephony: Telephony
    stories: Stories
    announcer: Announcer
    journal: Journal
    desks: Desks
    statistics: Statistics
    clock: Clock
    rules: DispatchRules = field(default_factory=DispatchRules)
    nodes: tuple[str, ...] = ("",)
    away: set[str] = field(default_factory=set)
    calls: dict[str, Call] = field(default_factory=dict)
    offers: dict[int, LiveOffer] = field(default_factory=dict)
    alarms: dict[str, dict[str, Any]] = field(default_factory=dict)
    floor_dirty: asyncio.Event = field(default_factory=asyncio.Event)
    do: Callable[[fx.Effect, float], None] = field(default=lambda effect, at: None)
    _reading: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_READERS))
    _opening: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_OPENERS))
    _timer: asyncio.TimerHandle | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def step(self, event: ev.Event) -> None:
        """Give the engine one event and have done what it decides, in order."""
        for effect in self.engine.handle(event):
            self.do(effect, event.at)
        self._arm()
        self.floor_dirty.set()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self.engine.next_due()
        if due is not None:
            delay = max(0.0, due - self.clock.now())
            self._timer = asyncio.get_running_loop().call_later(delay, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.step(ev.Tick(self.clock.now()))

    def tell(self, kind: str, at: float, interaction_id: str | None, agent_id: str | None, /, **data: Any) -> None:
        """Tell a fact, and count it."""
        fact = Fact(at, kind, interaction_id, agent_id, data)
        self.journal.append(fact)
        self.statistics.apply(fact)

    def new_call(self, facts: CallFacts) -> Call:
        """Take a caller in."""
        call = self.calls[facts.interaction_id] = Call(facts)
        self.read_early(call)
        return call

    def read_early(self, call: Call) -> None:
        """See that the story of one who still waits in a moment is read: it is there before the next offer."""
        asyncio.get_running_loop().call_later(NO_HURRY, self._begin_story, call)

    def _begin_story(self, call: Call) -> None:
        view = self.engine.interaction(call.facts.interaction_id)
        waits = view is not None and view.place == "waiting" and self.calls.get(call.facts.interaction_id) is call
        if waits and call.story is None:
            self.read_story(call)

    def read_story(self, call: Call) -> "asyncio.Task[PopAndTicket]":
        """Begin to read the caller's story."""
        call.story, call.story_at = asyncio.create_task(self._read(call.facts)), self.clock.now()
        call.story.add_done_callback(_retrieved)
        return call.story

    async def _read(self, facts: CallFacts) -> PopAndTicket:
        async with self._reading:
            return await self.stories.pop(facts)

    def story_so_far(self, call: Call) -> PopAndTicket | None:
        """The story, if it has been read already."""
        task = call.story
        read = task is not None and task.done() and not task.cancelled() and task.exception() is None
        return task.result() if task is not None and read else None

    async def story(self, call: Call) -> PopAndTicket:
        """The story; a slow or absent database must not keep the phone from ringing: then it is empty."""
        if (told := self.story_so_far(call)) is not None:
            return told
        task = call.story or self.read_story(call)
        try:
            async with asyncio.timeout(self.rules.pop_seconds):
                return await asyncio.shield(task)
        except Exception as error:
            _log.error("the caller's story is missing", interaction_id=call.facts.interaction_id, why=repr(error))
            if task.done():
                call.story = None
            return PopAndTicket()

    async def open_ticket(self, facts: CallFacts, agent_id: str, at: float) -> None:
        """Have the call's ticket opened and shown; while the database is away, try again."""
        pause = 0.2
        while True:
            try:
                async with self._opening:
                    ticket_id = await self.stories.open_ticket(facts, agent_id, at)
                break
            except Exception as error:
                _log.error("ticket cannot be opened yet", interaction_id=facts.interaction_id, why=repr(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, 10.0)
        desk = self.desks.get(agent_id)
        if desk is not None and desk.call is not None and desk.call.facts.interaction_id == facts.interaction_id:
            desk.call.ticket_id = ticket_id
            self.desks.changed(desk, self.clock.now())

    def changed(self, desk: Desk) -> int:
        """Send a desk's new state; returns its number."""
        return self.desks.changed(desk, self.clock.now())

    def raise_alarm(self, at: float, alarm_id: str, severity: str, values: Mapping[str, str]) -> None:
        """Show an alarm until it is cleared. Its code is what stands before a colon in its id."""
        if alarm_id not in self.alarms:
            self.tell("alarm.raised", at, None, None, alarm=alarm_id, severity=severity, values=dict(values))
        since = self.alarms.get(alarm_id, {}).get("since", iso(at))
        code = alarm_id.partition(":")[0]
        self.alarms[alarm_id] = {"severity": severity, "code": code, "values": dict(values), "since": since}
        self.floor_dirty.set()

    def clear_alarm(self, at: float, alarm_id: str) -> None:
        """It is over; one that was not raised changes nothing."""
        if self.alarms.pop(alarm_id, None) is not None:
            self.tell("alarm.cleared", at, None, None, alarm=alarm_id)
            self.floor_dirty.set()

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something that waits, as a task of its own; its failure is logged."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a task of the dispatcher failed", exc_info=error)

    async def stop(self) -> None:
        """Let go of timers and tasks; calls go on."""
        if self._timer is not None:
            self._timer.cancel()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _retrieved(task: "asyncio.Task[PopAndTicket]") -> None:
    """Mark a failure as seen: whoever needs the story asks again and logs."""
    if not task.cancelled():
        task.exception()
