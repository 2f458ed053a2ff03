"""Stand-ins for the rooms around the IVR, and a quick way to run a flow in them."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import yaml

from core.clock import ManualClock
from core.journal import Fact
from ivr.agi import Agi
from ivr.call import Call
from ivr.flow import Flow
from ivr.flow_check import Known, read_flow
from ivr.ports import CallBackRequest, Identification, NumberPlan, QueueOutlook, Voicemail
from ivr.prompts import SYSTEM_TEXTS, PromptStore, Texts
from ivr.runner import run_flow
from ivr.spool import Spool
from ivr.talk import Kit, Talk
from tests.unit.ivr.peer import Channel, Connected

TEXTS = Texts.read(SYSTEM_TEXTS)


class NamedPrompts:
    """Prompts whose file names are their own names: `it/welcome`."""

    texts = TEXTS

    async def files(self, names: str | list[str], language: str, flow: Flow | None = None) -> list[str]:
        return [f"{language}/{name}" for name in ([names] if isinstance(names, str) else names)]

    async def counted(self, name: str, n: int, language: str) -> str:
        return f"{language}/{name}-{n}"

    def warm(self, flow: Flow | None = None) -> None:
        return None


class House:
    """Everything around the IVR, remembered for the test to look at."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(1_800_000_000.0)
        self.facts: list[Fact] = []
        self.identification: Identification | Exception = Identification("none")
        self.asked: list[tuple[str, ...]] = []
        self.outlook_: QueueOutlook | Exception = QueueOutlook(1, 30)
        self.transfers: list[tuple[str, str]] = []
        self.transfer_error: Exception | None = None
        self.transfer_answered = False
        self.messages: list[Voicemail] = []
        self.requests: list[CallBackRequest] = []
        self.refuse_requests: Exception | None = None
        self.plan: NumberPlan | Exception | None = None
        self.never = asyncio.Event()
        self.alarms: dict[str, Mapping[str, str]] = {}
        self.voicemail_folder = folder / "voicemail"
        self.voicemail_folder.mkdir(parents=True, exist_ok=True)
        self.spooled: list[dict[str, Any]] = []
        self.kit = Kit(
            facts=self,
            clock=self.clock,
            prompts=cast(PromptStore, NamedPrompts()),
            callers=self,
            queues=self,
            transfers=self,
            voicemails=Spool(folder / "spool-v", self._spool),
            call_backs=Spool(folder / "spool-c", self._spool),
            voicemail_folder=self.voicemail_folder,
            voicemail_seen_as="/seen/voicemail",
            patience=0.05,
            alarm=self.alarm,
        )

    def alarm(self, alarm_id: str, severity: str, values: Mapping[str, str], raised: bool) -> None:
        if raised:
            self.alarms[alarm_id] = values
        else:
            self.alarms.pop(alarm_id, None)

    async def _spool(self, record: Any) -> None:
        self.spooled.append(dict(record))

    def append(self, fact: Fact) -> None:
        self.facts.append(fact)

    async def identify(self, number: str, programme_id: str) -> Identification:
        self.asked.append(("number", number, programme_id))
        return await self._identification()

    async def identify_code(self, code: str, programme_id: str) -> Identification:
        self.asked.append(("code", code, programme_id))
        return await self._identification()

    async def _identification(self) -> Identification:
        if isinstance(self.identification, TimeoutError):
            await self.never.wait()
        if isinstance(self.identification, Exception):
            raise self.identification
        return self.identification

    async def outlook(self, queue_id: str, priority: int) -> QueueOutlook:
        if isinstance(self.outlook_, Exception):
            raise self.outlook_
        return self.outlook_

    async def to_number(self, interaction_id: str, number: str, ring_seconds: float) -> bool:
        self.transfers.append((interaction_id, number))
        if self.transfer_error is not None:
            raise self.transfer_error
        return self.transfer_answered

    async def voicemail(self, message: Voicemail) -> None:
        self.messages.append(message)

    async def request(self, request: CallBackRequest) -> None:
        if self.refuse_requests is not None:
            raise self.refuse_requests
        self.requests.append(request)

    async def for_number(self, did: str) -> NumberPlan | None:
        if isinstance(self.plan, Exception):
            raise self.plan
        return self.plan

    def steps_told(self) -> list[tuple[Any, Any]]:
        """(step, choice) of each `ivr.step` fact."""
        return [(fact.data["step"], fact.data["choice"]) for fact in self.facts if fact.kind == "ivr.step"]


def make_call(**changes: Any) -> Call:
    """A caller from an Italian mobile number."""
    plain: dict[str, Any] = {
        "interaction_id": "01k0000000000000000000test",
        "arrived": 1_800_000_000.0,
        "did": "+390612345",
        "number": "+393471234567",
        "withheld": False,
        "channel": "PJSIP/trunk-1",
        "programme_id": "p-aura",
        "region": "IT",
        "language": "it",
        "identification": Identification("none"),
    }
    return Call(**plain | changes)


def make_flow(steps: dict[str, Any], **more: Any) -> Flow:
    """A checked flow of these steps, the first being its start; every prompt named in it has a text."""
    named = {"flow": "test", "start": next(iter(steps)), "steps": steps} | more
    named.setdefault("prompts", {name: {"it": "a", "en": "b"} for name in ("welcome", "main", "other")})
    return read_flow(yaml.safe_dump(named, sort_keys=False), "test.yaml", Known(prompts=TEXTS.plain))


async def run(house: House, flow: Flow, channel: Channel, call: Call | None = None) -> Call:
    """Run the flow from its start over `channel`."""
    call = call or make_call()
    async with Connected(channel) as agi:
        await run_flow(Talk(agi, call, flow, flow.calendars, house.kit), flow.start)
    return call


__all__ = ["Agi", "House", "make_call", "make_flow", "run"]
