"""One routing process on two real Asterisks, which reach each other only as the product lets them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from acd.model import Rules
from acd.profiles import RULES
from core.db import Database
from core.migrate import upgrade
from cti.bridge import Bridge
from cti.nodes import Nodes
from onecall.asterisk_config import NodeTrunk
from onecall.settings import Settings
from phones.call import Call
from phones.phone import Phone
from tests.e2e.harness.server import TestAgent, TestAsterisk
from tests.e2e.routing_house import DID, Floor, _fill
from tests.ports import free_ports

ROME, MILAN = "rome", "milan"
_ADDRESSES = {ROME: "127.0.3.1", MILAN: "127.0.4.1"}
_FLOW = """
flow: straight
start: wait
steps:
  wait: {do: queue, queue: q1}
"""


class Cable:
    """The way to Milan's manager interface, which can be cut."""

    def __init__(self, port: int) -> None:
        (self.port,) = free_ports(1)
        self._to = port
        self._server: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()

    async def mend(self) -> None:
        """Carry what is said from now on."""
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)

    async def cut(self) -> None:
        """End what is carried, and carry no more."""
        if self._server is not None:
            self._server.close()
        for end in tuple(self._ends):
            end.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            other_reader, other = await asyncio.open_connection("127.0.0.1", self._to)
            self._ends |= {writer, other}
            await asyncio.gather(_pour(reader, other), _pour(other_reader, writer))
        writer.close()


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
    writer.close()


class TwoNodes(Floor):
    """Rome is the node of the settings, Milan a further one. Agents may register at either."""

    nodes: Mapping[str, TestAsterisk]
    cable: Cable

    async def agent_at(self, node: str, extension: str, *, ready: bool = True) -> Phone:
        """An agent's phone, registered at that node; signed in and ready."""
        phone = await self.nodes[node].desk_phone(TestAgent(extension, f"secret-of-{extension}"))
        self.phones.append(phone)
        board = self.house._board
        await self.until(lambda: self.desk(extension)["agent"]["phone"]["registered"])
        await self.until(lambda: board.desks.by_extension(extension).phone_node == node)  # type: ignore[union-attr]
        if self.desk(extension)["agent"]["state"] == "signed_out":
            await self.ask("agent.sign_in", extension)
        if ready:
            await self.ask("agent.ready", extension)
        return phone

    async def call_at(self, node: str, number: str = "+393471234567") -> Call:
        """A caller of that node who waits, or is with an agent already."""
        phone = await self.nodes[node].caller(number)
        self.phones.append(phone)
        call = await phone.dial(DID)
        await call.answered()
        await self.until(lambda: self.waits(number))
        return call

    async def stranger(self, who: str, node: str) -> Phone:
        """Who dials at a node without being another one: a `caller`, an `agent`'s phone, or a `liar` about its name."""
        there = self.nodes[node]
        if who == "agent":
            return self.keep(await there.desk_phone(TestAgent("2003", "secret-of-2003")))
        if who == "caller":
            return self.keep(await there.caller())
        return self.keep(await Phone.open(there.sip, f"node-{ROME if node == MILAN else MILAN}"))

    async def neighbour(self, node: str, at: str) -> Phone:
        """One who speaks from the address of one node to the other."""
        return self.keep(await Phone.open(self.nodes[at].sip, "neighbour", address=_ADDRESSES[node]))

    async def outside(self, node: str) -> Phone:
        """Where that node's calls to outside numbers ring."""
        port = int(self.nodes[node].settings.trunk_contact.rpartition(":")[2])
        return self.keep(await self.nodes[node].caller("outside", port=port))

    def keep(self, phone: Phone) -> Phone:
        """Close it after the test."""
        self.phones.append(phone)
        return phone

    async def all_up(self) -> None:
        """Wait until both nodes have been read back."""
        for is_up in self.house._dispatcher.node_is_up.values():
            await self.until(is_up.is_set)

    def bridge(self, node: str) -> Bridge:
        """The bridge of that node."""
        nodes = self.house._bridge
        assert isinstance(nodes, Nodes)
        return nodes._bridges[node]

    def state(self, extension: str) -> str:
        """The agent's state."""
        return str(self.desk(extension)["agent"]["state"])

    def alarms(self) -> set[str]:
        """What is wrong now."""
        return set(self.house._board.alarms)


@asynccontextmanager
async def two_nodes(
    plan: Mapping[str, Any] | None = None, cost: float | None = None, grace: float = 20.0, flow: str = _FLOW
) -> AsyncIterator[TwoNodes]:
    """A floor with agents 2001 to 2004 on two nodes. `cost`: the operation's cost of crossing, in seconds."""
    with tempfile.TemporaryDirectory(prefix="oc-nodes-", ignore_cleanup_errors=True) as folder:
        nodes = _asterisks(Path(folder))
        rome, milan = nodes[ROME].settings, nodes[MILAN].settings
        cable = Cable(milan.manager_port)
        await cable.mend()
        further = {
            "name": MILAN,
            "address": milan.address,
            "sip_port": milan.sip_port,
            "ami_host": milan.manager_address,
            "ami_port": cable.port,
            "ami_secret": milan.manager_secret,
            "home": str(milan.instance),
        }
        settings = Settings(
            state=Path(folder) / "state",
            ami_port=rome.manager_port,
            agi_port=rome.agi_port,
            recordings=rome.recordings,
            node=ROME,
            nodes=json.dumps([further]),
            grace_seconds=grace,
            demo=False,
        )
        settings.state.mkdir()
        await upgrade(settings.database)
        database = Database(settings.database)
        await _fill(database, plan or {}, {str(2001 + n): {} for n in range(4)}, flow, {}, ())
        made = TwoNodes(nodes[ROME], settings, database)
        made.nodes, made.cable = nodes, cable
        if cost is not None:
            async with database.session() as session:
                session.add(Rules(id=RULES, data={"crossing_cost": cost}))
        await made.start()
        for node in nodes.values():
            await node.instance.start()
        try:
            await made.all_up()
            yield made
        finally:
            for phone in made.phones:
                await phone.close()
            try:
                await made.house.stop()
            finally:
                for node in nodes.values():
                    await node.stop()
                await cable.cut()
                await database.close()


def _asterisks(folder: Path) -> dict[str, TestAsterisk]:
    nodes = {
        name: TestAsterisk(folder / name, name=name, address=address, media_address=address)
        for name, address in _ADDRESSES.items()
    }
    rome = nodes[ROME].settings
    for name, other in ((ROME, MILAN), (MILAN, ROME)):
        there = nodes[other].settings
        nodes[name].instance.settings = replace(
            nodes[name].settings,
            nodes=(NodeTrunk(other, there.address, there.sip_port),),
            agi_port=rome.agi_port,
            recordings=rome.recordings if name == ROME else rome.recordings / name,
        )
    return nodes
