"""Callers, legs and who is in which room: the state that the bridge keeps, and nothing else."""

import asyncio
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from acd.ports import CallFacts, CallView, EndedBy, Target
from core.errors import Conflict, NotFound
from cti.manager import Fields

Stage = Literal["ivr", "hold", "announce", "promised", "talk", "rest", "after", "survival"]
Role = Literal["agent", "again", "expert", "customer"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the dialplan has a caller."""

    stage: Stage
    room: str = ""

    @property
    def context(self) -> str:
        """The dialplan context that is this place."""
        return "oc-caller" if self.stage == "talk" else f"oc-{self.stage}"

    @property
    def extension(self) -> str:
        """The extension in that context."""
        return self.room or "s"


IVR, HOLD, ANNOUNCE, REST, AFTER = (Place(stage) for stage in ("ivr", "hold", "announce", "rest", "after"))

PROMISED = Place("promised")


def room_place(room: str) -> Place:
    """In that room."""
    return Place("talk", room)


class Timer(Protocol):
    """Something that will happen unless cancelled."""

    def cancel(self) -> None:
        """It shall not happen."""


class Line(Protocol):
    """The way out of the model: actions to Asterisk, and time."""

    def send(self, *actions: tuple[str, Fields], refused: Callable[[str], None] | None = None) -> None:
        """Send in one write. Without a connection nothing is sent: the read-back sets all right.

        `refused` is told why when Asterisk answers one of them with an error.
        """

    def ask(self, action: tuple[str, Fields], answered: Callable[[str | None], None]) -> None:
        """Send and be told the answer's `Value`; None when there is none."""

    def after(self, seconds: float, do: Callable[[], None]) -> Timer:
        """Do it later, unless cancelled."""

    def now(self) -> float:
        """Epoch seconds, UTC."""

    def doubt(self, why: str) -> None:
        """What we believe and what Asterisk does disagree: read everything back."""


@dataclass(slots=True, eq=False)
class Leg:
    """A channel that we originated into a room: an agent's, an expert's or an outside party's."""

    channel: str
    """The channel id that we preset (docs/contracts.md)."""
    role: Role
    interaction_id: str
    dial: str
    room: str
    fence: int | None = None
    agent_id: str | None = None
    extension: str = ""
    target: Target | None = None
    name: str = ""
    """Asterisk's own name of the channel, once it is known: PJSIPNotify takes no id."""
    seen: bool = False
    """Asterisk has told something of this channel."""
    rang: bool = False
    up: bool = False
    """It is in the room."""
    cancelled: bool = False
    """It shall end, and nobody waits to hear of it."""
    hung_up: bool = False
    """The party itself has ended it (BYE)."""
    guard: Timer | None = None


@dataclass(slots=True, eq=False)
class Party:
    """The agent of a talk. Without a leg, the phone was lost and is waited for."""

    agent_id: str
    extension: str
    fence: int | None
    leg: Leg | None
    joined: float
    resting_since: float | None = None
    rested: float = 0.0
    """Seconds for which the caller heard music in this agent's part."""
    contact: str = ""
    """The phone's registration when it was rung: another one means that the page was loaded anew."""
    muted: bool = False
    """Asterisk lets nothing of what the agent says through."""
    leaving: EndedBy | None = None
    """Who has decided that this part ends; the leg's end is on its way."""
    grace: Timer | None = None

    def rest(self, now: float) -> float:
        """Seconds of rest so far."""
        return self.rested + (now - self.resting_since if self.resting_since is not None else 0.0)


@dataclass(slots=True, eq=False)
class Expert:
    """Who is asked during a talk, or to whom the caller goes."""

    target: Target
    leg: Leg
    joined: bool = False
    succeeds: bool = False
    """The agent has left or is leaving: on joining, the call is theirs."""


@dataclass(slots=True)
class Recording:
    """What is known of a call's recording while it runs."""

    path: str = ""
    """Under the recordings folder, without ending; empty: none."""
    paused_since: float | None = None
    pauses: list[tuple[float, float]] = field(default_factory=list)
    """From and to, epoch seconds."""
    problem: str | None = None
    size: int = -1
    """Bytes at the last look; -1: not looked at yet."""
    pausing: asyncio.Lock = field(default_factory=asyncio.Lock, compare=False)
    """One pause or resume at a time: the one pressed last is the one that counts."""


@dataclass(slots=True, eq=False)
class Call:
    """A caller's channel and all that belongs to it."""

    interaction_id: str
    channel: str
    place: Place
    facts: CallFacts | None = None
    moving: Place | None = None
    """The one Redirect in flight."""
    wanted: Place | None = None
    """Where the caller shall be; None: where it is."""
    tries: int = 0
    watch: Timer | None = None
    arrivals: list[tuple[Place, Callable[[bool], None]]] = field(default_factory=list)
    to_say: list[Sequence[tuple[str, Fields]]] = field(default_factory=list)
    """Announcements that wait for the end of the one being said."""
    room: str = ""
    ringing: Leg | None = None
    party: Party | None = None
    expert: Expert | None = None
    told: CallView | None = None
    left_by_caller: bool = False
    ended_by: EndedBy | None = None
    """Who ended the talk, once it is over."""
    recording: Recording = field(default_factory=Recording)
    absent: bool = False
    """A call-back: nobody is on the line yet, `channel` is only a name."""
    dialled: Leg | None = None
    """The customer who is being called back."""
    connected: Callable[[bool], None] | None = None
    """Told once what became of the number that the IVR asked for, while the caller is still there."""

    @property
    def legs(self) -> Iterator[Leg]:
        """The legs that belong to it now."""
        for leg in (
            self.ringing,
            self.party.leg if self.party else None,
            self.expert.leg if self.expert else None,
            self.dialled,
        ):
            if leg is not None:
                yield leg


class Calls:
    """All of them, found by interaction, channel or fence."""

    def __init__(self, start: int) -> None:
        """`start`: epoch seconds; makes room ids of this life differ from those of an earlier one."""
        self._by_id: dict[str, Call] = {}
        self._by_channel: dict[str, Call] = {}
        self.legs: dict[str, Leg] = {}
        self._prefix = str(start % 10_000_000_000).zfill(10)
        self._numbers = itertools.count(1)

    def __iter__(self) -> Iterator[Call]:
        return iter(list(self._by_id.values()))

    def clear(self) -> None:
        """Forget all: a read-back follows."""
        self._by_id.clear()
        self._by_channel.clear()
        self.legs.clear()

    def add(self, call: Call) -> Call:
        """A caller appeared, or is found on another channel."""
        before = self._by_id.get(call.interaction_id)
        if before is not None:
            self._by_channel.pop(before.channel, None)
        self._by_id[call.interaction_id] = call
        self._by_channel[call.channel] = call
        return call

    def remove(self, call: Call) -> None:
        """The caller's channel has ended."""
        self._by_id.pop(call.interaction_id, None)
        self._by_channel.pop(call.channel, None)

    def get(self, interaction_id: str) -> Call | None:
        """The call of an interaction, if it is up."""
        return self._by_id.get(interaction_id)

    def on_channel(self, channel: str) -> Call | None:
        """The call whose caller has that channel id."""
        return self._by_channel.get(channel)

    def need(self, interaction_id: str) -> Call:
        """The call of an interaction. Raises NotFound."""
        call = self._by_id.get(interaction_id)
        if call is None:
            raise NotFound(f"There is no call {interaction_id}.", "The caller has hung up; nothing is to be done.")
        return call

    def talk(self, interaction_id: str, agent_id: str) -> tuple[Call, Party]:
        """The call and that agent's part of it. Raises NotFound, and Conflict when the call is another agent's."""
        call = self.need(interaction_id)
        if call.party is None or call.party.agent_id != agent_id or call.party.leaving:
            raise Conflict(f"Agent {agent_id} is not in the call {interaction_id}.", "Look at the call's state.")
        return call, call.party

    def ringing(self, fence: int) -> Leg | None:
        """The leg that rings or has joined for an offer."""
        legs = (leg for leg in self.legs.values() if leg.role == "agent" and leg.fence == fence)
        return next(legs, None)

    def next_number(self) -> int:
        """A number never used before in this life."""
        return next(self._numbers)

    def new_room(self) -> str:
        """A room id never used before. It is all digits, so that it matches no special extension."""
        return f"{self._prefix}{self.next_number():08d}"


def redirect(call: Call, place: Place) -> tuple[str, Fields]:
    """The action that takes the caller to a place."""
    return "Redirect", {
        "Channel": call.channel,
        "Context": place.context,
        "Exten": place.extension,
        "Priority": "1",
    }


def set_variables(channel: str, values: dict[str, str]) -> Sequence[tuple[str, Fields]]:
    """The actions that write channel variables."""
    return [("Setvar", {"Channel": channel, "Variable": name, "Value": value}) for name, value in values.items()]
