"""Wires the rooms into one running house: the database, the bus, and the rooms that this process has."""

import asyncio
import contextlib
import time
from collections.abc import Coroutine, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from acd import configuration, presence
from acd.commands import Commands
from acd.configuration import Defaults, Operation
from acd.desks import Desks
from acd.dispatcher import Dispatcher
from acd.engine import Engine
from acd.events import ConfigChanged
from acd.floor import floor
from acd.statistics import Statistics
from acd.switchboard import DispatchRules, Switchboard
from core.bus import Bus, LocalBus, RedisBus
from core.clock import Clock, SystemClock
from core.db import Database
from core.errors import OneCallError
from core.journal import Journal, facts_since
from core.log import get_logger
from cti.bridge import Bridge
from cti.settings import BridgeSettings, ManagerSettings
from ivr.flows import StoredFlows
from ivr.service import IvrPorts, IvrService, IvrSettings
from onecall.adapters import Outlook, Publisher, WaitingVoice
from onecall.callers import TicketCallers, TicketIntake
from onecall.endpoints import endpoints_of, write_endpoints
from onecall.settings import Settings
from tickets import figures, promises
from tickets.projection import project
from tickets.stories import TicketStories
from tickets.unit import CLOCK, Tickets

_log = get_logger(__name__)
_FLOOR_PAUSE = 0.25
_PROMISES_EVERY = 30.0
_FIGURES_EVERY = 900.0
_FLOOR_AT_LEAST = 5.0


def make_bus(settings: Settings) -> Bus:
    """The bus that the settings ask for."""
    return RedisBus(settings.redis_url) if settings.redis_url else LocalBus()


class RoutingHouse:
    """Everything that exists once: journal, engine, dispatcher, bridge, IVR. After `start`, callers are served."""

    def __init__(
        self,
        settings: Settings,
        manager_secret: str,
        database: Database,
        bus: Bus,
        agents_file: Path,
        survival_spool: Path,
    ) -> None:
        self._settings = settings
        self._manager_secret = manager_secret
        self._database = database
        self._bus = bus
        self._agents_file = agents_file
        self._clock: Clock = SystemClock()
        self._publisher = Publisher(bus)
        self._journal = Journal(settings.state / "journal", database, [project])
        self._tickets = Tickets(database, bus, self._clock)
        self._survival_spool = survival_spool
        self._tasks: list[asyncio.Task[None]] = []
        self._operation: Operation

    async def start(self) -> None:
        """Bring everything up, in the order in which it is needed. Raises what makes serving impossible."""
        await self._journal.start()
        await self._journal.settled(60)
        self._operation = await configuration.load(self._database, self._defaults())
        write_endpoints(self._agents_file, await endpoints_of(self._database))
        past = await facts_since(self._database, min(self._day_start(), self._clock.now() - 16 * 3600))
        self._build()
        for fact in past:
            self._board.statistics.apply(fact)
        self._publisher.start()
        await self._bus.serve("acd", self._commands.handle)
        await self._ivr.start()
        self._run(self._bridge.run())
        self._run(self._restore(past))
        for loop in (self._tell_floor(), self._watch_configuration(), self._watch_tickets(), self._watch_time()):
            self._run(loop)
        self._run(self._journal.watch(lambda *alarm: self._dispatcher.alarm(self._clock.now(), *alarm)))

    def _build(self) -> None:
        settings, operation = self._settings, self._operation
        self._bridge = Bridge(_bridge_settings(settings, self._manager_secret), self._journal, self._clock)
        engine = Engine(operation.routing, first_fence=time.time_ns() // 1_000_000)

        desks = Desks(lambda agent_id, desk: self._publisher.say(f"desk.{agent_id}", desk), engine.agent, self._name)
        desks.seats(operation.seats)
        folder = settings.state.resolve()
        ivr_settings = IvrSettings(
            folder=folder / "ivr",
            survival_spool=self._survival_spool,
            recorded=folder / "prompts",
            host=settings.agi_host,
            port=settings.agi_port,
        )
        voice = WaitingVoice()
        self._board = Switchboard(
            engine=engine,
            config=operation.routing,
            telephony=self._bridge,
            stories=TicketStories(self._tickets),
            announcer=voice,
            journal=self._journal,
            desks=desks,
            statistics=Statistics(operation.targets, self._day_start()),
            clock=self._clock,
            rules=DispatchRules(paint_seconds=settings.paint_seconds),
        )
        intake = TicketIntake(self._tickets)
        self._ivr = IvrService(
            ivr_settings,
            IvrPorts(
                facts=self._journal,
                flows=StoredFlows(self._database),
                callers=TicketCallers(self._database, self._clock),
                queues=Outlook(self._board),
                transfers=self._bridge,
                messages=intake,
                call_backs=intake,
            ),
            self._clock,
        )
        voice.prompt_store = self._ivr.prompts
        self._dispatcher = Dispatcher(self._board)
        self._bridge.events = self._dispatcher
        self._commands = Commands(self._dispatcher, self._floor, self._health)

    async def stop(self) -> None:
        """Let go in order; callers and calls stay with Asterisk."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._ivr.stop()
        await self._board.stop()
        await self._publisher.stop()
        await self._journal.stop()

    # --- what runs beside ---------------------------------------------------------------------------------------

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work))

    async def _restore(self, past: list[Any]) -> None:
        await self._dispatcher.bridge_is_up.wait()
        presence.restore(self._dispatcher, past)
        try:
            # An Asterisk that was started before us, or went on without us, has the agents of before.
            await self._reload_phones()
        except OneCallError as error:
            _log.error("Asterisk did not read the agents' phones again", why=str(error))

    async def _tell_floor(self) -> None:
        dirty = self._board.floor_dirty
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_FLOOR_AT_LEAST):
                    await dirty.wait()
            dirty.clear()
            self._publisher.say("floor", self._floor())
            engine = self._board.engine
            lines = {queue: [view.waiting_since for view in engine.waiting(queue)] for queue in self._operation.queues}
            self._board.desks.lines(lines, self._clock.now())
            await asyncio.sleep(_FLOOR_PAUSE)

    async def _watch_configuration(self) -> None:
        async with await self._bus.subscribe("config") as changes:
            async for _, message in changes:
                try:
                    await self._reload()
                except OneCallError as error:
                    _log.error("the changed configuration is not used", change=dict(message), why=str(error))

    async def _reload(self) -> None:
        operation = await configuration.load(self._database, self._defaults())
        self._operation = operation
        self._board.config = operation.routing
        self._board.statistics.targets = operation.targets
        self._board.desks.seats(operation.seats)
        self._board.step(ConfigChanged(self._clock.now(), operation.routing))
        if write_endpoints(self._agents_file, await endpoints_of(self._database)):
            await self._reload_phones()
        for desk in self._board.desks.all():
            self._board.changed(desk)

    async def _reload_phones(self) -> None:
        await self._bridge.manager.ask("Reload", {"Module": "res_pjsip.so"})

    async def _watch_tickets(self) -> None:
        """What an agent sees of a customer or ticket that somebody changed is read again."""
        async with await self._bus.subscribe("ticket") as changes:
            async for _, message in changes:
                for desk in self._board.desks.all():
                    call = desk.call
                    if call is not None and message.get("ticket_id") in {call.ticket_id, None}:
                        self._board.later(self._dispatcher.refresh_pop(desk))

    async def _watch_time(self) -> None:
        """Promises that came due, days whose figures have become final, and midnight."""
        next_freeze = 0.0
        while True:
            await asyncio.sleep(_PROMISES_EVERY)
            if self._day_start() != self._board.statistics.day_start:
                self._board.statistics.new_day(self._day_start())
            try:
                async with self._tickets.unit(CLOCK) as unit:
                    await promises.break_overdue(unit)
                if self._clock.now() >= next_freeze:
                    next_freeze = self._clock.now() + _FIGURES_EVERY
                    await figures.freeze_ripe_days(self._tickets)
            except Exception:
                _log.exception("promises and figures could not be looked at")

    # --- answers ------------------------------------------------------------------------------------------------

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

    def _health(self) -> Mapping[str, Any]:
        return {"asterisk": self._bridge.manager.up, "alarms": list(self._board.alarms)}

    def _name(self, kind: str, thing_id: str) -> str:
        return self._operation.name(kind, thing_id)

    def _defaults(self) -> Defaults:
        return Defaults(self._settings.offer_seconds, self._settings.wrap_up_seconds)

    def _day_start(self) -> float:
        zone = ZoneInfo(self._operation.time_zone if hasattr(self, "_operation") else "UTC")
        now = datetime.fromtimestamp(self._clock.now(), zone)
        return now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


def _bridge_settings(settings: Settings, manager_secret: str) -> BridgeSettings:
    return BridgeSettings(
        manager=ManagerSettings(settings.ami_host, settings.ami_port, settings.ami_user, manager_secret),
        recordings=settings.recordings_folder,
        grace=settings.grace_seconds,
        minimum_free_bytes=settings.recordings_min_free_mb * 1_000_000,
    )
