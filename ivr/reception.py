"""Receives a call: who and what was dialled, which flow, and off it goes."""

from dataclasses import dataclass
from typing import Any, cast, get_args

from core.ids import is_id, new_id
from core.journal import Fact
from core.log import get_logger, interaction
from ivr.agi import Agi, AgiFault
from ivr.call import Call
from ivr.flow import LANGUAGES, Divert, Flow, Language
from ivr.flows import FlowReader
from ivr.identify import read_number
from ivr.ports import Flows, Identification, NumberPlan
from ivr.runner import run_flow
from ivr.talk import Kit, Talk

_log = get_logger(__name__)
# The dialled number comes last: it is the one value here that a caller chooses, and may hold the separator.
_ASKED = "${OC_ID}|${OC_ARRIVED}|${OC_DIVERT}|${OC_LANG}|${OC_CUSTOMER}|${OC_DID}"
_NO_FLOW = Flow.model_validate({"flow": "no-flow", "start": "end", "steps": {"end": {"do": "hang_up"}}})
_SENT_BACK = Flow.model_validate(
    {
        "flow": "sent-back",
        "start": "message",
        "diverts": {"voicemail": "message", "call_back": "call_back", "closed": "message"},
        "steps": {
            "call_back": {"do": "call_back", "next": "end", "otherwise": "message"},
            "message": {"do": "voicemail", "next": "end"},
            "end": {"do": "hang_up"},
        },
    }
)
"""For callers whom routing sends back to a flow that says nothing of it: they shall not hear the menu again."""
_DEFAULT_REGION = "IT"
_LONGEST_CALL = 14_400


@dataclass(frozen=True, slots=True)
class _Channel:
    """What the channel says of the call when it comes to us, for the first time or diverted from a queue."""

    interaction_id: str
    arrived: float | None
    divert: Divert | None
    language: str
    customer_id: str
    did: str


class Reception:
    """The script of the FastAGI server: `serve` is run once a call."""

    def __init__(self, kit: Kit, flows: Flows) -> None:
        self._kit = kit
        self._flows = flows
        self._reader = FlowReader(kit.prompts, kit.alarm)

    async def serve(self, agi: Agi) -> None:
        """From arrival to the end of the flow. Raises CallerGone, or AgiFault when the call falls to survival."""
        channel = _read_channel(await agi.evaluate(_ASKED), agi)
        with interaction(channel.interaction_id):
            # First of all, so that whatever happens from here on has a name and an unfinished IVR is seen as such.
            await agi.set_variable("OC_ID", channel.interaction_id)
            # The sign of life for which the dialplan waits: a call may last four hours from here on.
            await agi.set_variable("TIMEOUT(absolute)", str(_LONGEST_CALL))
            await agi.set_variable("OC_DONE", "")
            if channel.divert is not None:
                await agi.set_variable("OC_DIVERT", "")
            plan = await self._plan(channel.did)
            call = self._call(agi, channel, plan)
            if channel.divert is None:
                self._tell_arrival(call)
            await agi.set_variable("OC_FROM", call.number or "")
            await agi.set_variable("OC_PROGRAMME", call.programme_id)
            await agi.answer()
            await agi.set_variable("CHANNEL(language)", call.language)
            await self._receive(agi, call, plan, channel.divert)

    async def _plan(self, did: str) -> NumberPlan | None:
        try:
            return await self._flows.for_number(did)
        except Exception as error:
            raise AgiFault(f"no plan can be read for the number {did}: {error}") from error

    def _call(self, agi: Agi, channel: _Channel, plan: NumberPlan | None) -> Call:
        region = plan.region if plan else _DEFAULT_REGION
        number = read_number(agi.env.get("agi_callerid", ""), region, agi.env.get("agi_callingpres", "0"))
        spoken = next((one for one in (channel.language, plan.language if plan else "") if one in LANGUAGES), "it")
        identification = Identification("withheld" if number.withheld else "none")
        if channel.customer_id not in ("", "?"):
            identification = Identification("one", (channel.customer_id,))
        return Call(
            interaction_id=channel.interaction_id,
            arrived=self._kit.clock.now() if channel.arrived is None else channel.arrived,
            did=channel.did,
            number=number.e164,
            withheld=number.withheld,
            channel=agi.env.get("agi_channel", ""),
            programme_id=plan.programme_id if plan else "",
            region=region,
            language=cast(Language, spoken),
            identification=identification,
        )

    def _tell_arrival(self, call: Call) -> None:
        data: dict[str, Any] = {
            "did": call.did,
            "number": call.number,
            "withheld": call.withheld,
            "channel": call.channel,
            "direction": "inbound",
            "programme_id": call.programme_id or None,
        }
        self._kit.facts.append(Fact(call.arrived, "call.arrived", call.interaction_id, None, data))

    async def _receive(self, agi: Agi, call: Call, plan: NumberPlan | None, divert: Divert | None) -> None:
        if plan is None:
            _log.error("number is dialled but not set up", did=call.did)
            await self._refuse(Talk(agi, call, _NO_FLOW, {}, self._kit))
            return
        flow = self._reader.flow(plan)
        if divert is not None and divert not in flow.diverts:
            flow = _SENT_BACK
        start = flow.diverts[divert] if divert is not None else flow.start
        await run_flow(Talk(agi, call, flow, self._reader.calendars(plan, flow), self._kit), start)

    async def _refuse(self, talk: Talk) -> None:
        for language in LANGUAGES:
            talk.call.language = language
            await talk.say("number_unknown")
        await talk.leave_for_good()
        await talk.agi.hang_up()


def _read_channel(told: str, agi: Agi) -> _Channel:
    values = told.split("|", 5)
    if len(values) != 6:
        raise AgiFault(f"unreadable channel variables {told[:200]!r}")
    known_id, arrived, divert, language, customer_id, did = values
    return _Channel(
        interaction_id=known_id if is_id(known_id) else new_id(),
        arrived=_seconds(arrived),
        divert=cast(Divert, divert) if divert in get_args(Divert) else None,
        language=language,
        customer_id=customer_id,
        did=did or agi.env.get("agi_dnid", ""),
    )


def _seconds(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
