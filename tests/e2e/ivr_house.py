"""The real IVR in front of a real Asterisk, with its own database; the rooms around it are remembered, not real."""

from __future__ import annotations

import asyncio
import wave
from array import array
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import update

from acd.model import Programme
from core.clock import SystemClock
from core.db import Base, Database
from core.journal import Fact
from cti.bridge import Bridge
from ivr.flows import StoredFlows
from ivr.model import DialledNumber, FlowRow
from ivr.ports import CallBackRequest, Identification, QueueOutlook, TicketSummary, Voicemail
from ivr.service import IvrPorts, IvrService, IvrSettings
from phones.audio import decode, tone
from phones.call import Call
from tests.e2e.harness.fixtures import Keep
from tests.e2e.harness.manager import TestManager
from tests.e2e.harness.server import TestAsterisk
from tests.patience import PATIENCE

DID = "+390116180100"
FILE_DID = "+390116180101"
"""A number whose flow is the file `flows/from-file.yaml`."""


async def dial(asterisk: TestAsterisk, phones: Keep, number: str = "+393471234567", did: str = DID) -> Call:
    caller = phones(await asterisk.caller(number))
    return await (await caller.dial(did)).answered()


async def variables(manager: TestManager, channel: str, *names: str) -> dict[str, str]:
    """Variables of a channel, as Asterisk holds them."""
    return {
        name: (await manager.action("Getvar", {"Channel": channel, "Variable": name})).get("Value", "")
        for name in names
    }


class Rooms:
    """What the IVR asks and tells."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.queue = QueueOutlook(1, None)
        self.bridge: Bridge | None = None
        self.alarms: dict[str, Mapping[str, str]] = {}
        self.messages: asyncio.Queue[Voicemail] = asyncio.Queue()
        self.requests: asyncio.Queue[CallBackRequest] = asyncio.Queue()

    def append(self, fact: Fact) -> None:
        self.facts.append(fact)

    def alarm(self, alarm_id: str, severity: str, values: Mapping[str, str], raised: bool) -> None:
        if raised:
            self.alarms[alarm_id] = values
        else:
            self.alarms.pop(alarm_id, None)

    async def identify(self, number: str, programme_id: str) -> Identification:
        return Identification("one", (f"c-{number[-4:]}",), preferred_agent_id="a-2001")

    async def identify_code(self, code: str, programme_id: str) -> Identification:
        return Identification("one", (f"c-{code}",), ticket=TicketSummary("T-31", "back_office", 2))

    async def outlook(self, queue_id: str, priority: int) -> QueueOutlook:
        return self.queue

    async def to_number(self, interaction_id: str, number: str, ring_seconds: float) -> bool:
        if self.bridge is None:
            raise RuntimeError("there is no bridge here")
        return await self.bridge.to_number(interaction_id, number, ring_seconds)

    async def voicemail(self, message: Voicemail) -> None:
        await self.messages.put(message)

    async def request(self, request: CallBackRequest) -> None:
        await self.requests.put(request)


class IvrHouse:
    """``async with IvrHouse(asterisk, folder) as house:`` the IVR answers at the port Asterisk expects."""

    def __init__(self, asterisk: TestAsterisk, folder: Path) -> None:
        self.rooms = Rooms()
        self.recorded = folder / "recorded"
        self.folder = folder
        self.database = Database(f"sqlite+aiosqlite:///{folder / 'ivr.db'}")
        self.survival_spool = asterisk.settings.instance / "spool" / "survival"
        self._asterisk = asterisk
        self.service = self._new_service()

    def _new_service(self) -> IvrService:
        settings = IvrSettings(
            folder=self.folder / "ivr",
            survival_spool=self.survival_spool,
            recorded=self.recorded,
            port=self._asterisk.settings.agi_port,
            spool_seconds=0.1,
        )
        flows, rooms = StoredFlows(self.database, self.folder / "flows"), self.rooms
        ports = IvrPorts(rooms, flows, rooms, rooms, rooms, rooms, rooms, rooms.alarm)
        return IvrService(settings, ports, SystemClock())

    async def __aenter__(self) -> IvrHouse:
        async with self.database.engine.begin() as connection:
            tables = [Base.metadata.tables[name] for name in ("programme", "dialled_number", "flow", "calendar")]
            await connection.run_sync(lambda sync: Base.metadata.create_all(sync, tables=tables))
        async with self.database.session() as session:
            session.add(Programme(id="p-test", name="Test"))
            session.add(FlowRow(id="main", yaml="flow: main", version=0))
            await session.flush()
            session.add(DialledNumber(did=DID, programme_id="p-test", flow_id="main"))
            session.add(DialledNumber(did=FILE_DID, programme_id="p-test", flow_id="from-file"))
        await self.service.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.service.stop()
        await self.database.close()

    async def stop_ivr(self) -> None:
        """From now on nobody answers Asterisk."""
        await self.service.stop()

    async def start_ivr(self) -> None:
        """A new life of the IVR on the same folders."""
        self.service = self._new_service()
        await self.service.start()

    async def survival_prompts_made(self) -> None:
        """Wait until the survival script's sounds are there."""
        async with asyncio.timeout(PATIENCE):
            while len(list((self.survival_spool / "prompts").glob("*/*.wav"))) < 8:
                await asyncio.sleep(0.05)

    async def set_flow(self, steps: dict[str, Any], **more: Any) -> None:
        """Save a new version of the flow, as an administrator does. Its start is the first step."""
        text = yaml.safe_dump({"flow": "main", "start": next(iter(steps)), "steps": steps} | more, sort_keys=False)
        await self.set_flow_text(text)

    async def set_flow_text(self, text: str) -> None:
        """Save a new version of the flow, as it stands in a file."""
        async with self.database.session() as session:
            await session.execute(update(FlowRow).values(yaml=text, version=FlowRow.version + 1))

    def record_tone(self, prompt: str, hertz: float, seconds: float = 1.0, language: str = "it") -> None:
        """Give a prompt a recorded file that is one clear tone."""
        path = self.recorded / language / f"{prompt}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(array("h", decode(tone(hertz, seconds))).tobytes())
