"""Wires the rooms of the routing process: what each one needs from another, it gets here. Nothing runs yet."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from acd.configuration import Operation
from acd.desks import Desks
from acd.dispatcher import Dispatcher
from acd.engine import Engine
from acd.statistics import Statistics
from acd.switchboard import DispatchRules, Switchboard
from core.bus import Bus
from core.clock import Clock
from core.db import Database
from core.errors import Invalid
from core.journal import Journal
from cti.bridge import Bridge
from cti.nodes import Nodes
from cti.registrations import Registrations
from cti.settings import BridgeSettings, ManagerSettings
from ivr.flows import StoredFlows
from ivr.service import IvrPorts, IvrService, IvrSettings
from onecall.adapters import Outlook, Publisher, WaitingVoice
from onecall.books import Books
from onecall.callers import TicketCallers, TicketIntake
from onecall.nodes import Node
from onecall.settings import Settings
from tickets.unit import Tickets


@dataclass(frozen=True, slots=True)
class Ground:
    """What the rooms stand on. The two paths are shared with Asterisk."""

    settings: Settings
    manager_secret: str
    database: Database
    bus: Bus
    agents_file: Path
    survival_spool: Path


class Rooms:
    """The rooms, each made once. `name` tells the name of a thing by its kind and id."""

    def __init__(self, ground: Ground, operation: Operation, clock: Clock, name: Callable[[str, str], str]) -> None:
        settings = ground.settings
        self._clock = clock
        self.books = Books(ground.database.url, settings, ground.bus)
        self.journal = Journal(settings.state / "journal", self.books)
        self.flows = StoredFlows(ground.database, settings.flows_folder)
        self.tickets = Tickets(ground.database, ground.bus, clock)
        self.publisher = publisher = Publisher(ground.bus)
        registrations = Registrations()
        nodes = [_bridge_settings(ground), *map(partial(_further_node, settings), settings.further_nodes)]
        self.bridges = bridges = [Bridge(node, self.journal, clock, registrations) for node in nodes]
        self.bridge: Bridge | Nodes = bridges[0] if len(bridges) == 1 else Nodes(bridges)
        engine = Engine(operation.routing, first_fence=time.time_ns() // 1_000_000)
        desks = Desks(lambda agent_id, desk: publisher.say(f"desk.{agent_id}", desk), engine.agent, name)
        desks.seats(operation.seats)
        voice = WaitingVoice()
        self.board = Switchboard(
            engine=engine,
            config=operation.routing,
            telephony=self.bridge,
            stories=self.books,
            announcer=voice,
            journal=self.journal,
            desks=desks,
            statistics=Statistics(operation.targets, operation.zones),
            clock=clock,
            rules=DispatchRules(
                paint_seconds=settings.paint_seconds, call_back_countries=settings.called_back_countries
            ),
            nodes=tuple(node.node for node in nodes),
        )
        self.ivr = IvrService(_ivr_settings(ground), self._ivr_ports(ground, clock), clock)
        voice.prompt_store = self.ivr.prompts
        self.dispatcher = Dispatcher(self.board)
        self.bridge.tell(self.dispatcher)

    def alarm(self, alarm_id: str, severity: str, values: Mapping[str, str], raised: bool) -> None:
        """Something an operator must know, from a room that has no clock."""
        self.dispatcher.alarm(self._clock.now(), alarm_id, severity, values, raised)

    def _ivr_ports(self, ground: Ground, clock: Clock) -> IvrPorts:
        intake = TicketIntake(self.tickets)
        return IvrPorts(
            facts=self.journal,
            flows=self.flows,
            callers=TicketCallers(ground.database, clock),
            queues=Outlook(self.board),
            transfers=self.bridge,
            messages=intake,
            call_backs=intake,
            alarm=self.alarm,
        )


def _bridge_settings(ground: Ground) -> BridgeSettings:
    settings = ground.settings
    return BridgeSettings(
        manager=ManagerSettings(settings.ami_host, settings.ami_port, settings.ami_user, ground.manager_secret),
        recordings=settings.recordings_folder,
        grace=settings.grace_seconds,
        minimum_free_bytes=settings.recordings_min_free_mb * 1_000_000,
        node=settings.node,
    )


def _further_node(settings: Settings, node: Node) -> BridgeSettings:
    if not node.ami_secret:
        what = f"The node {node.name} has neither ami_secret nor home in ONECALL_NODES."
        raise Invalid(what, "The process that routes calls needs both for each node.")
    return BridgeSettings(
        manager=ManagerSettings(node.ami_host, node.ami_port, node.ami_user, node.ami_secret),
        recordings=settings.recordings_folder / node.name,
        grace=settings.grace_seconds,
        minimum_free_bytes=settings.recordings_min_free_mb * 1_000_000,
        node=node.name,
        recordings_told=f"{node.name}/",
    )


def _ivr_settings(ground: Ground) -> IvrSettings:
    folder = ground.settings.state.resolve()
    return IvrSettings(
        folder=folder / "ivr",
        survival_spool=ground.survival_spool,
        recorded=ground.settings.prompts_folder,
        host=ground.settings.agi_host,
        port=ground.settings.agi_port,
        further_spools=tuple(node.survival_spool for node in ground.settings.further_nodes),
    )
