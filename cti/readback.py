"""Reads the whole truth off Asterisk after a connect: who waits, who talks to whom, what rings, which phones are there.

The channels are the journal: a caller's variables say what it waits for, a leg's variables say whose it is. So this
works the same after a cut of a second and after the death of every process of ours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from acd.ports import CallFacts, LiveCall, ReadBack, Target
from core.log import get_logger
from cti.calls import AFTER, ANNOUNCE, HOLD, REST, Call, Calls, Expert, Leg, Line, Party, Place, room_place
from cti.facts import FACT_VARIABLES, read_facts
from cti.interpreter import is_leg
from cti.legs import Legs
from cti.moves import Moves
from cti.pauses import recording_of
from cti.phones import Phones
from cti.protocol import Event
from cti.talk import Talk
from cti.tellings import Tellings, view_of

_log = get_logger(__name__)
_CALLER = ("OC_ID", "OC_STAGE", "OC_ROOM", "OC_RECORDING", "OC_PAUSES", "OC_REST_SINCE", "OC_RESTED")
_LEG = ("OC_LEG", "OC_REF", "OC_FENCE", "OC_AGENT_ID", "OC_EXTENSION", "OC_TARGET", "OC_JOINED", "OC_MUTED")
VARIABLES = ",".join(FACT_VARIABLES + _CALLER + _LEG)
_CUSTOMER = "ob-"
_UNSET = "(null)"  # what Asterisk lists for a variable that a channel does not have
_PLACES: dict[str, Place] = {"oc-hold": HOLD, "oc-announce": ANNOUNCE, "oc-rest": REST, "oc-after": AFTER}


@dataclass(slots=True)
class Found:
    """A channel as Asterisk lists it, with our variables."""

    channel: str
    name: str
    context: str
    extension: str
    in_room: bool
    up: bool
    """It has been answered."""
    values: Mapping[str, str]


@dataclass(slots=True)
class _Reading:
    callers: list[Found] = field(default_factory=list)
    legs: list[Found] = field(default_factory=list)


def found(entry: Event) -> Found:
    """One entry of the action Status."""
    lines = (line.partition("=") for line in entry.get("Variable", "").split("\n"))
    return Found(
        channel=entry.get("Uniqueid", ""),
        name=entry.get("Channel", ""),
        context=entry.get("Context", ""),
        extension=entry.get("Exten", ""),
        up=entry.get("ChannelStateDesc") == "Up",
        in_room=bool(entry.get("BridgeID")) and entry.get("Application") == "ConfBridge",
        values={name: "" if value == _UNSET else value for name, _, value in lines},
    )


def contacts_of(entries: Sequence[Event]) -> dict[str, list[str]]:
    """Reachable contacts by extension, from the entries of PJSIPShowContacts."""
    contacts: dict[str, list[str]] = {}
    for entry in entries:
        extension = entry.get("ObjectName", "").partition(";")[0].partition("/")[0]
        if entry.get("Status") != "Unreachable":
            contacts.setdefault(extension, []).append(entry.get("Uri", ""))
    return contacts


class Reader:
    """Makes the model equal to what was found, and tells what that is."""

    def __init__(
        self, line: Line, calls: Calls, legs: Legs, moves: Moves, talk: Talk, phones: Phones, tell: Tellings
    ) -> None:
        self._line = line
        self._calls = calls
        self._legs = legs
        self._moves = moves
        self._talk = talk
        self._phones = phones
        self._tell = tell

    def rebuild(self, channels: Sequence[Event], contacts: Sequence[Event]) -> ReadBack:
        """Replace all that was believed. Legs that ring for an offer of an earlier life are hung up."""
        before = dict(self._calls.legs)
        for call in self._calls:
            self._moves.forget(call)
            self._talk.answer_ivr(call, False)
        for known in before.values():
            self._legs.unguard(known)
        self._calls.clear()
        self._phones.replace(contacts_of(contacts))
        reading = _Reading()
        for one in map(found, channels):
            if one.channel.startswith(_CUSTOMER) and not one.up:
                # The agent for whom this customer is rung is let go with this read-back: another attempt follows.
                self._line.send(("Hangup", {"Channel": one.channel}))
                continue
            (reading.legs if is_leg(one.channel) else reading.callers).append(one)
        for caller in reading.callers:
            self._add_caller(caller)
        for leg in reading.legs:
            self._add_leg(leg, before.get(leg.channel))
        for call in self._calls:
            self._complete(call)
        for caller in reading.callers:
            self._add_rest(caller.values)
        return self._state(frozenset(filter(None, (caller.values.get("OC_ID") for caller in reading.callers))))

    def _add_caller(self, caller: Found) -> None:
        values, interaction_id = caller.values, caller.values.get("OC_ID", "")
        place = room_place(caller.extension) if caller.context == "oc-caller" else _PLACES.get(caller.context)
        if not interaction_id or place is None:
            return
        call = self._calls.add(Call(interaction_id, caller.channel, place))
        call.facts = read_facts(interaction_id, values, self._line.now(), self._tell.node)
        call.room = values.get("OC_ROOM", "")
        call.recording = recording_of(values.get("OC_RECORDING", ""), values.get("OC_PAUSES", ""))

    def _add_leg(self, entry: Found, known: Leg | None) -> None:
        values = entry.values
        call = self._calls.get(values.get("OC_REF", ""))
        cancelled = known is not None and known.cancelled
        stranger = known is None and not entry.in_room and values.get("OC_LEG") != "expert"
        if call is None or cancelled or stranger:
            self._line.send(("Hangup", {"Channel": entry.channel}))
            return
        leg = known or _leg_of(entry, call)
        leg.seen, leg.up, leg.name = True, entry.in_room, entry.name
        self._calls.legs[leg.channel] = leg
        if leg.role == "expert":
            call.expert = Expert(leg.target or Target("number", ""), leg, joined=leg.up)
        elif not leg.up:
            call.ringing = leg if leg.role == "agent" else None
        elif call.party is None or call.party.leg is None or _later(leg, call.party.leg):
            party = self._take_part(call, leg, _seconds(values.get("OC_JOINED")) or self._line.now())
            party.muted = values.get("OC_MUTED") == "1"
        else:
            self._legs.cancel(leg)

    def _take_part(self, call: Call, leg: Leg, joined: float) -> Party:
        if call.party is not None and call.party.leg is not None:
            self._legs.cancel(call.party.leg)
        leg.role, call.room = "agent", leg.room
        contact = self._phones.contact(leg.extension)
        call.party = party = Party(leg.agent_id or "", leg.extension, leg.fence, leg, joined, contact=contact)
        return party

    def _add_rest(self, values: Mapping[str, str]) -> None:
        call = self._calls.get(values.get("OC_ID", ""))
        if call is not None and call.party is not None:
            call.party.rested = _seconds(values.get("OC_RESTED")) or 0.0
            if call.place == REST:
                call.party.resting_since = _seconds(values.get("OC_REST_SINCE")) or self._line.now()

    def _complete(self, call: Call) -> None:
        """Bring each caller to where the legs found say that it belongs."""
        expert = call.expert
        if expert is not None and call.party is None:
            expert.succeeds = True
            if expert.joined:
                agent_id = expert.target.id if expert.target.kind == "agent" else ""
                expert.leg.role, call.expert, call.room = "agent", None, expert.leg.room
                call.party = Party(agent_id, expert.leg.extension, None, expert.leg, self._line.now())
        if call.party is not None:
            if call.place in (HOLD, ANNOUNCE) or (call.place == REST and not call.room):
                self._moves.want(call, room_place(call.room))
        elif call.expert is None and call.place.stage in ("rest", "talk"):
            self._moves.want(call, HOLD)

    def _state(self, there: frozenset[str]) -> ReadBack:
        waiting: list[CallFacts] = []
        talking: list[LiveCall] = []
        for call in self._calls:
            if call.facts is None or call.place == AFTER:
                continue
            if call.party is not None:
                call.told = view_of(call, call.party, self._line.now())
                if call.party.agent_id:
                    talking.append(LiveCall(call.facts, call.told, call.party.joined))
            elif call.expert is None:
                waiting.append(call.facts)
        ringing = {
            leg.fence: leg.interaction_id
            for leg in self._calls.legs.values()
            if leg.role == "agent" and not leg.up and leg.fence is not None
        }
        placed = {facts.interaction_id for facts in waiting} | {one.facts.interaction_id for one in talking}
        phones = self._phones.nodes
        return ReadBack(
            tuple(waiting), tuple(talking), ringing, frozenset(phones), there - placed, self._tell.node, phones
        )


def _leg_of(entry: Found, call: Call) -> Leg:
    values = entry.values
    kind, _, target_id = values.get("OC_TARGET", "").partition(":")
    fence = values.get("OC_FENCE", "")
    return Leg(
        channel=entry.channel,
        role="expert" if values.get("OC_LEG") == "expert" else "agent",
        interaction_id=call.interaction_id,
        dial="",
        room=entry.extension,
        fence=int(fence) if fence.isdigit() else None,
        agent_id=values.get("OC_AGENT_ID") or None,
        extension=values.get("OC_EXTENSION", ""),
        target=Target("agent" if kind == "agent" else "number", target_id) if kind else None,
    )


def _later(leg: Leg, other: Leg) -> bool:
    """Of two legs of one agent, the one rung again is the living one."""
    return leg.channel.count("-") > other.channel.count("-")


def _seconds(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
