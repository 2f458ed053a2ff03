"""A dispatcher with the real engine and journal, and doubles where Asterisk, tickets and the browser are."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from acd.commands import Commands
from acd.config import Agent, Plan, PlanStep, Queue, RoutingConfig, WrapUp, WrapUpMode
from acd.desks import Desks, Seat
from acd.dispatcher import Dispatcher
from acd.engine import Engine
from acd.ports import CallFacts, PopAndTicket, Ring
from acd.statistics import Statistics
from acd.statistics import Target as Goal
from acd.switchboard import DispatchRules, Switchboard
from core.clock import ManualClock
from core.db import Database
from core.errors import Unavailable
from core.facts import FactStore, facts_since
from core.journal import Fact, Journal
from tests.patience import PATIENCE


class Telephony:
    """Remembers what it was asked; `fail` makes ringing impossible."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.fail = False
        self.happened = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        def at_once(*arguments: Any) -> None:
            if self.fail and name == "ring":
                raise Unavailable("Asterisk cannot be reached.")
            self.asked.append((name, *arguments))
            self.happened.set()

        async def command(*arguments: Any) -> None:
            at_once(*arguments)

        return at_once if name in {"ring", "stop_ringing"} else command

    async def wait_for(self, name: str) -> tuple[Any, ...]:
        """The first command of that name, now or soon."""
        async with asyncio.timeout(PATIENCE):
            while not (found := [asked for asked in self.asked if asked[0] == name]):
                self.happened.clear()
                await self.happened.wait()
        return found[0]


class Stories:
    """A story for everyone; `gate` holds it back."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.opened: list[str] = []
        self.told: Mapping[str, Any] = {"identification": "one", "recall": {"nth": 2}}

    async def pop(self, facts: CallFacts) -> PopAndTicket:
        await self.gate.wait()
        return PopAndTicket(self.told, caller_name="Chiara")

    async def open_ticket(self, facts: CallFacts, agent_id: str, at: float) -> str:
        self.opened.append(facts.interaction_id)
        return f"t-{facts.interaction_id}"


class Announcer:
    async def prompts(self, *_: Any) -> Sequence[str]:
        return ["place-1"]


class House:
    """One queue, two agents, everything real that needs no server."""

    def __init__(self, folder: Path, database: Database, clock: ManualClock, nodes: tuple[str, ...] = ("",)) -> None:
        self.clock, self.database = clock, database
        self.telephony, self.stories = Telephony(), Stories()
        self.sent: list[tuple[str, Mapping[str, Any]]] = []
        plan = Plan((PlanStep(require=""),))
        config = RoutingConfig(
            queues={
                "q": Queue("q", plan=plan, wrap_up=WrapUp(WrapUpMode.CAPPED, 30.0)),
                "q2": Queue("q2", plan=Plan((PlanStep(require="agent=nobody"),))),
            },
            agents={"a1": Agent("a1"), "a2": Agent("a2")},
        )
        self.engine = Engine(config, first_fence=100)
        self.desks = Desks(
            lambda agent, desk: self.sent.append((agent, desk)), self.engine.agent, lambda _, thing: thing
        )
        self.desks.seats(
            {
                agent: Seat(agent, agent.upper(), extension, "sip", {"q": "Q"})
                for agent, extension in (("a1", "2001"), ("a2", "2002"))
            }
        )
        self.journal = Journal(folder / "journal", FactStore(database))
        self.board = Switchboard(
            self.engine,
            config,
            self.telephony,
            self.stories,
            Announcer(),
            self.journal,
            self.desks,
            Statistics({"q": Goal()}, {}),
            clock,
            DispatchRules(paint_seconds=0.2, pop_seconds=0.2),
            nodes=nodes,
        )
        self.dispatcher = Dispatcher(self.board)
        self.commands = Commands(self.dispatcher, lambda: {}, lambda: {}, lambda: ("break", "lunch"))

    async def cmd(self, cmd: str, agent: str = "a1", **more: Any) -> Mapping[str, Any]:
        return await self.commands.handle({"cmd": cmd, "agent_id": agent, **more})

    def desk(self, agent: str = "a1") -> Mapping[str, Any]:
        desk = self.desks.get(agent)
        assert desk is not None
        return self.desks.message(desk, self.clock.now())

    async def ready(self, agent: str = "a1") -> None:
        extension = {"a1": "2001", "a2": "2002"}[agent]
        self.dispatcher.phone_changed(self.clock.now(), extension, True)
        await self.cmd("agent.sign_in", agent)
        await self.cmd("agent.ready", agent)

    def arrive(self, interaction: str = "i1", **more: Any) -> CallFacts:
        now = self.clock.now()
        facts = CallFacts(
            interaction, now, "+390116180100", "+393471234567", "p", "q", "", 0, now, ("c1",), "it", None, "1"
        )
        facts = replace(facts, **more)
        self.dispatcher.caller_waiting(now, facts)
        return facts

    async def talk(self, interaction: str = "i1") -> int:
        """A call that the first agent has answered; returns its fence."""
        await self.ready()
        self.arrive(interaction)
        ring: Ring = (await self.telephony.wait_for("ring"))[1]
        self.dispatcher.leg_answered(self.clock.advance(2), ring.fence)
        return ring.fence

    def state(self, agent: str = "a1") -> tuple[str, str]:
        view = self.engine.agent(agent)
        assert view is not None
        return view.state, view.reason

    async def kinds(self) -> list[str]:
        await self.journal.settled()
        return [fact.kind for fact in await facts_since(self.database, 0) if fact.kind != "agent.state"]

    async def facts(self, kind: str) -> list[Fact]:
        await self.journal.settled()
        return [fact for fact in await facts_since(self.database, 0) if fact.kind == kind]
