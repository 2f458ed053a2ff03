"""The routing house: starts the rooms that exist once, and keeps going what has to go on beside the calls."""

import asyncio
import contextlib
from collections.abc import Mapping
from functools import partial
from typing import Any, Self

from acd import configuration, presence
from acd.commands import Commands
from acd.configuration import Defaults, Operation
from acd.desks import DeskCall
from acd.floor import floor
from core.bus import Bus, LocalBus, RedisBus
from core.clock import Clock, SystemClock
from core.errors import Unavailable
from core.facts import facts_of_open, facts_since
from core.journal import Fact
from cti.bridge import Bridge
from ivr.prompts import SYSTEM_TEXTS, Texts, prompt_names
from onecall.background import Background, Well
from onecall.books import END_WITHIN
from onecall.endpoints import endpoints_of, folders_of, write_endpoints, write_further
from onecall.settings import Settings
from onecall.wiring import Ground, Rooms

_FLOOR_PAUSE = 0.25
_PROMISES_EVERY = 30.0
_FIGURES_EVERY = 900.0
_FLOOR_AT_LEAST = 5.0
_STEADY = 5.0
_SETTLE_SECONDS = 60.0
_UNWRITTEN = "phones_unwritten:"
_PAST = 26 * 3600.0
"""How far back facts are read at the start (seconds): the longest day, and the time before the queue."""


def make_bus(settings: Settings) -> Bus:
    """The bus that the settings ask for."""
    return RedisBus(settings.redis_url) if settings.redis_url else LocalBus()


class RoutingHouse:
    """Everything that exists once: journal, engine, dispatcher, bridge, IVR. After `start`, callers are served."""

    def __init__(self, ground: Ground, operation: Operation) -> None:
        self._ground = ground
        self._operation = operation
        self._clock: Clock = SystemClock()
        self._rooms = rooms = Rooms(ground, operation, self._clock, self._name)
        self._journal, self._board, self._bridge = rooms.journal, rooms.board, rooms.bridge
        self._dispatcher = rooms.dispatcher
        self._commands = Commands(self._dispatcher, self._floor, self.health, lambda: self._operation.reasons)
        self._background = Background(self._alarm)
        self._beneath = Background(self._alarm, patience=2 * END_WITHIN)
        self._folders = folders_of(ground.settings.further_nodes)
        self._past: list[Fact] = []
        self._reading_past = asyncio.Lock()
        self._phones_changed = asyncio.Event()
        self._next_freeze = 0.0

    @classmethod
    async def open(cls, ground: Ground) -> Self:
        """A house for the operation as the database has it now. Raises Invalid when that cannot be used."""
        return cls(ground, await _operation(ground))

    async def start(self) -> None:
        """Bring everything up, in the order in which it is needed. Raises what makes serving impossible."""
        self._beneath.keep("books", self._rooms.books.run)
        await self._journal.start()
        try:
            await self._journal.settled(_SETTLE_SECONDS)
        except TimeoutError:
            raise Unavailable(
                f"What the last run left in the journal was not stored within {_SETTLE_SECONDS:.0f} seconds.",
                "See the log for what the database refuses.",
            ) from None
        await self._rooms.flows.check_files(Texts.read(SYSTEM_TEXTS).plain, self._operation.queues)
        await self._write_phones()
        # An Asterisk that was started before us, or went on without us, has the agents of before.
        self._phones_changed.set()
        self._past, self._journal.overheard = await self._read_past(), []
        for fact in self._past:
            self._board.statistics.apply(fact)
        self._tell_unusable({})
        await self._ground.bus.serve("acd", self._commands.handle)
        await self._rooms.ivr.start()
        for bridge in self._rooms.bridges:
            self._background.keep(_work_of(bridge), partial(self._run_bridge, bridge))
        for name, work in (
            ("journal", self._watch_journal),
            ("publisher", self._rooms.publisher.run),
            ("nodes", self._tell_unreached),
            ("presence", self._restore),
            ("phones", self._tell_phones),
            ("floor", self._tell_floor),
            ("configuration", self._watch_configuration),
            ("tickets", self._watch_tickets),
            ("promises", self._watch_time),
        ):
            self._background.keep(name, work)

    async def stop(self) -> None:
        """Let go in order; callers and calls stay with Asterisk."""
        await self._background.stop()
        await self._rooms.ivr.stop()
        await self._board.stop()
        await self._journal.stop()
        await self._beneath.stop()

    # --- what runs beside ---------------------------------------------------------------------------------------

    def _alarm(self, work: str, why: str | None) -> None:
        now, alarm_id = self._clock.now(), f"work_failing:{work}"
        if why is None:
            self._board.clear_alarm(now, alarm_id)
        else:
            self._board.raise_alarm(now, alarm_id, "major", {"work": work, "why": why})

    async def _watch_journal(self, _well: Well) -> None:
        await self._journal.watch(self._rooms.alarm)

    async def _tell_unreached(self, _well: Well) -> None:
        await self._bridge.tell_unreached()

    async def _run_bridge(self, bridge: Bridge, well: Well) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(bridge.run())
            # It has neither rounds nor an end: to have run for a while is all that it can show.
            await asyncio.sleep(_STEADY)
            well()

    async def _restore(self, _well: Well) -> None:
        """Once for each node: presence and calls as they were. Tried again, it looks at what it told the first time."""
        async with asyncio.TaskGroup() as tasks:
            for node, is_up in self._dispatcher.node_is_up.items():
                tasks.create_task(self._restore_node(node, is_up))
        self._past, self._journal.overheard = [], None

    async def _restore_node(self, node: str, is_up: asyncio.Event) -> None:
        await is_up.wait()
        async with self._reading_past:
            told = self._journal.overheard
            if told is None:
                # A node that comes much later. What is told while this is read is overheard from here on.
                told = self._journal.overheard = []
                await self._journal.settled(_SETTLE_SECONDS)
                self._past = await self._read_past()
        known = {fact.id: fact for fact in (*self._past, *told)}
        presence.restore(self._dispatcher, list(known.values()), node)

    async def _tell_floor(self, well: Well) -> None:
        dirty = self._board.floor_dirty
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_FLOOR_AT_LEAST):
                    await dirty.wait()
            dirty.clear()
            self._rooms.publisher.say("floor", self._floor())
            engine = self._board.engine
            lines = {queue: engine.waiting_since(queue) for queue in self._operation.queues}
            self._board.desks.lines(lines, self._clock.now())
            well()
            await asyncio.sleep(_FLOOR_PAUSE)

    async def _watch_configuration(self, well: Well) -> None:
        """Read all of it after each change; begun (again), also what may have changed while nobody listened."""
        async with await self._ground.bus.subscribe("config") as changes:
            while True:
                await self._reload()
                well()
                await changes.next()

    async def _reload(self) -> None:
        before = self._operation.unusable
        self._operation = operation = await _operation(self._ground)
        self._board.statistics.configure(operation.targets, operation.zones)
        self._board.desks.seats(operation.seats)
        self._dispatcher.configure(operation.routing)
        self._tell_unusable(before)
        if await self._write_phones():
            self._phones_changed.set()
        for desk in self._board.desks.all():
            self._board.changed(desk)

    def _tell_unusable(self, before: Mapping[str, str]) -> None:
        """An alarm for each part of the configuration that cannot be used, for as long as it cannot."""
        now, unusable = self._clock.now(), self._operation.unusable
        for place in before.keys() - unusable.keys():
            self._board.clear_alarm(now, f"configuration_unusable:{place}")
        for place, why in unusable.items():
            self._board.raise_alarm(now, f"configuration_unusable:{place}", "major", {"place": place, "why": why})

    async def _write_phones(self) -> bool:
        endpoints, now = await endpoints_of(self._ground.database), self._clock.now()
        changed, failed = await write_further(self._ground.settings.further_nodes, self._folders, endpoints)
        for node in self._board.nodes:
            if (why := failed.get(node)) is not None:
                self._board.raise_alarm(now, f"phones_unwritten:{node}", "major", {"node": node, "why": why})
            else:
                self._board.clear_alarm(now, f"phones_unwritten:{node}")
        return write_endpoints(self._ground.agents_file, endpoints) or changed

    async def _tell_phones(self, well: Well) -> None:
        """Have Asterisk read the agents' phones again after each change of their file."""
        await self._dispatcher.bridge_is_up.wait()
        while True:
            await self._phones_changed.wait()
            self._phones_changed.clear()
            try:
                await self._bridge.reload_phones()
            except BaseException:
                self._phones_changed.set()
                raise
            well()

    async def _watch_tickets(self, well: Well) -> None:
        """What an agent sees of a customer or ticket that somebody changed is read again."""
        async with await self._ground.bus.subscribe("ticket") as changes:
            well()
            async for _, message in changes:
                for desk in self._board.desks.all():
                    if desk.call is not None and desk.online is not None and concerns(message, desk.call):
                        self._board.later(self._dispatcher.storyteller.refresh(desk))

    async def _watch_time(self, well: Well) -> None:
        """Promises that came due, and days whose figures have become final."""
        books = self._rooms.books
        while True:
            await asyncio.sleep(_PROMISES_EVERY)
            await books.break_promises()
            if self._clock.now() >= self._next_freeze:
                await books.freeze_figures()
                self._next_freeze = self._clock.now() + _FIGURES_EVERY
            if any(alarm.startswith(_UNWRITTEN) for alarm in self._board.alarms) and await self._write_phones():
                self._phones_changed.set()
            well()

    # --- answers ------------------------------------------------------------------------------------------------

    def health(self) -> Mapping[str, Any]:
        """Whether Asterisk is reachable, and the alarms."""
        nodes = self._bridge.up
        told = {"nodes": dict(nodes)} if len(nodes) > 1 else {}
        return {"asterisk": any(nodes.values()), **told, "alarms": list(self._board.alarms)}

    def _floor(self) -> Mapping[str, Any]:
        board = self._board
        return floor(
            board.engine,
            board.statistics,
            board.desks.all(),
            self._operation.queues,
            board.alarms,
            self._name,
            self._clock.now(),
        )

    def _name(self, kind: str, thing_id: str) -> str:
        return self._operation.name(kind, thing_id)

    async def _read_past(self) -> list[Fact]:
        since = self._clock.now() - _PAST
        old = await facts_of_open(self._ground.database, presence.PROMISED, presence.PROMISE_OVER, since)
        recent = await facts_since(self._ground.database, since)
        return sorted({fact.id: fact for fact in (*old, *recent)}.values(), key=lambda fact: fact.id)


def _work_of(bridge: Bridge) -> str:
    return f"bridge:{bridge.node}" if bridge.node else "bridge"


async def _operation(ground: Ground) -> Operation:
    """Everything configured, checked against the prompts that there are."""
    settings = ground.settings
    prompts = await asyncio.to_thread(prompt_names, settings.prompts_folder)
    defaults = Defaults(settings.offer_seconds, settings.wrap_up_seconds)
    return await configuration.load(ground.database, defaults, prompts)


def concerns(change: Mapping[str, Any], call: DeskCall) -> bool:
    """Whether a message of topic `ticket` is about this call, its ticket, or who may be calling."""
    if not change:  # messages were missed (`core.bus.GAP`)
        return True
    if change.get("change") == "opened":
        return False  # each call opens its own, which is no part of its story
    if change.get("interaction_id") == call.facts.interaction_id:
        return True
    if change.get("ticket_id") is not None:
        return bool(change["ticket_id"] == call.ticket_id)
    # A customer was changed: one whom the desk shows, or one who may just have been given the caller's number.
    shown = {customer["id"] for customer in call.pop.get("customers", ())}
    return not shown or change.get("customer_id") in shown
