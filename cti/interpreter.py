"""Reads Asterisk's events, one method a kind, and says them to those whom they concern."""

from collections.abc import Callable

from acd.ports import EndedBy
from core.log import get_logger
from cti.calls import AFTER, ANNOUNCE, HOLD, IVR, PROMISED, REST, Call, Calls, Leg, Line, Place, room_place
from cti.facts import read_facts
from cti.legs import Legs
from cti.moves import Moves
from cti.phones import Phones
from cti.protocol import Event
from cti.talk import Talk
from cti.tellings import Tellings

_log = get_logger(__name__)
_PLACES: dict[str, Place] = {place.stage: place for place in (IVR, HOLD, ANNOUNCE, PROMISED, REST, AFTER)}
_LEG_PREFIXES = ("oc-", "ox-")
_REMEMBERED = 1000


def is_leg(channel: str) -> bool:
    """Whether a channel id is one that we preset."""
    return channel.startswith(_LEG_PREFIXES)


class Interpreter:
    """From an event to what it means."""

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
        self._goodbyes: dict[str, None] = {}
        self._gone_before: dict[str, None] = {}
        self.guests: dict[int, str] = {}
        """Phones that ring or talk here for callers of another node: fence → channel name."""
        self._guests: dict[str, int] = {}
        self.recording_ended: Callable[[str, str, str], None] = lambda interaction_id, path, pauses: None
        self._kinds: dict[str, Callable[[Event], None]] = {
            "UserEvent": self._user_event,
            "ConfbridgeJoin": self._joined,
            "Hangup": self._hangup,
            "HangupRequest": self._hangup_request,
            "DialBegin": legs.dialled,
            "DialState": legs.progressed,
            "OriginateResponse": legs.originated,
            "ContactStatus": phones.contact_changed,
            "DTMFEnd": self._key,
            "Hold": lambda event: self._phone_key(event, hold=True),
            "Unhold": lambda event: self._phone_key(event, hold=False),
        }

    def event(self, event: Event) -> None:
        """One event."""
        meaning = self._kinds.get(event.get("Event", ""))
        if meaning is not None:
            meaning(event)

    # ---- the caller ----

    def _user_event(self, event: Event) -> None:
        interaction_id, kind = event.get("Ref", ""), event.get("UserEvent")
        if not interaction_id:
            return
        if kind == "OcAt":
            self._at(event, interaction_id)
        elif kind == "OcBye":
            self._bye(event, interaction_id)
        elif kind == "OcStale":
            self._stale(interaction_id)
        elif kind == "OcSurvival":
            self._survival(interaction_id)
        elif kind == "OcGuest":
            self._guest(event)

    def _at(self, event: Event, interaction_id: str) -> None:
        place = _PLACES.get(event.get("Stage", ""))
        if place is None:
            self._recorded(interaction_id, event)
            return
        call = self._calls.get(interaction_id)
        if call is None or call.channel != event["Uniqueid"]:
            call = self._calls.add(Call(interaction_id, event["Uniqueid"], IVR))
        if place == HOLD:
            call.facts = read_facts(interaction_id, event, self._line.now(), self._tell.node)
            call.recording.path = event.get("OC_RECORDING", "")
        self._moves.arrived(call, place)

    def _recorded(self, interaction_id: str, event: Event) -> None:
        """On the way into a room: one who is called back is recorded from here on.

        Asterisk may tell the join first: the two come on different ways through it.
        """
        call = self._calls.get(interaction_id)
        if call is not None and event.get("OC_RECORDING"):
            call.recording.path = event["OC_RECORDING"]
            self._tell.view(call)

    def _bye(self, event: Event, interaction_id: str) -> None:
        if event.get("OC_RECORDING"):
            self.recording_ended(interaction_id, event["OC_RECORDING"], event.get("OC_PAUSES", ""))
        call = self._calls.get(interaction_id)
        stage, cause = event.get("Stage", ""), _whole(event.get("Cause"))
        if call is not None and call.channel == event.get("Uniqueid"):
            self._gone(call, stage or call.place.stage, cause)
        elif call is None and interaction_id not in self._gone_before:
            by_caller = event.get("Uniqueid") in self._goodbyes
            self._tell.gone(interaction_id, "caller" if by_caller else "system", stage or "ivr", cause)

    def _guest(self, event: Event) -> None:
        """A phone is about to ring here for a caller of another node."""
        fence = _whole(event.get("Fence"))
        self.guests[fence], self._guests[event["Uniqueid"]] = event["Channel"], fence

    def forget_guests(self) -> None:
        """What was told before a cut may have ended in it."""
        self.guests.clear()
        self._guests.clear()

    def _stale(self, interaction_id: str) -> None:
        """Nobody came for ten minutes: we are alive, so the caller may wait on."""
        call = self._calls.get(interaction_id)
        if call is not None:
            self._moves.renew(call)

    def _survival(self, interaction_id: str) -> None:
        """The dialplan has taken the caller out of our hands."""
        call = self._calls.get(interaction_id)
        if call is not None:
            self._gone(call, "survival", 0)

    def stuck(self, call: Call) -> None:
        """A channel that Asterisk does not move: whoever is in it is let go, and so is an agent who waits for it."""
        _log.error("caller cannot be moved and is hung up", interaction_id=call.interaction_id, place=str(call.place))
        self._line.send(("Hangup", {"Channel": call.channel}))
        self._gone(call, call.place.stage, 0)

    def _gone(self, call: Call, stage: str, cause: int) -> None:
        self._calls.remove(call)
        _remember(self._gone_before, call.interaction_id)
        ended_by: EndedBy = call.ended_by or ("caller" if call.left_by_caller else "system")
        self._moves.gone(call)
        self._talk.caller_gone(call, ended_by)
        self._tell.gone(call.interaction_id, ended_by, stage, cause)

    # ---- channels and rooms ----

    def _joined(self, event: Event) -> None:
        channel, room = event.get("Uniqueid", ""), event.get("Conference", "")
        leg = self._calls.legs.get(channel)
        if leg is not None:
            if not leg.up:
                self._legs.joined(leg)
        elif is_leg(channel):
            # A leg that nobody knows: its call is over, or its life was an earlier one.
            self._line.send(("Hangup", {"Channel": channel}))
        elif (call := self._calls.on_channel(channel)) is not None:
            self._moves.arrived(call, room_place(room))

    def _hangup_request(self, event: Event) -> None:
        """The far end said goodbye (BYE, or a refusal); the first one to do so ended the call."""
        channel = event.get("Uniqueid", "")
        leg = self._calls.legs.get(channel)
        if leg is not None:
            leg.hung_up = leg.hung_up or event.get("Cause", "16") in ("", "0", "16")
            return
        call = self._calls.on_channel(channel)
        if call is not None:
            call.left_by_caller = True
            return
        _remember(self._goodbyes, channel)

    def _hangup(self, event: Event) -> None:
        channel, cause = event.get("Uniqueid", ""), event.get("Cause", "0")
        leg = self._calls.legs.get(channel)
        call = self._calls.on_channel(channel)
        if leg is not None:
            self._legs.hung_up(leg, cause)
        elif call is not None:
            # Its own goodbye was not told: the hang-up handler did not run.
            self._gone(call, call.place.stage, _whole(cause))
        self._goodbyes.pop(channel, None)
        if (fence := self._guests.pop(channel, None)) is not None:
            self.guests.pop(fence, None)

    def _key(self, event: Event) -> None:
        """A key of a caller who waits is a choice; one of a caller in talk is for the other side."""
        call = self._calls.on_channel(event.get("Uniqueid", ""))
        if call is not None and call.place in (HOLD, ANNOUNCE) and event.get("Direction") == "Received":
            self._tell.key(call.interaction_id, event.get("Digit", ""))

    def _phone_key(self, event: Event, *, hold: bool) -> None:
        """The hold key of a phone would leave the caller in silence: it becomes our hold."""
        leg: Leg | None = self._calls.legs.get(event.get("Uniqueid", ""))
        call = self._calls.get(leg.interaction_id) if leg is not None else None
        if call is None or call.party is None or call.party.leg is not leg or call.expert is not None:
            return
        if hold:
            self._talk.hold(call)
        elif call.place == REST or call.moving == REST:
            self._talk.resume(call)


def _remember(names: dict[str, None], name: str) -> None:
    """Keep the newest thousand."""
    names[name] = None
    if len(names) > _REMEMBERED:
        names.pop(next(iter(names)))


def _whole(text: str | None) -> int:
    try:
        return int(text or 0)
    except ValueError:
        return 0
