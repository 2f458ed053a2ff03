"""Agents' phones: which are registered, and what happens when one vanishes in mid-call.

A browser that reloads its page, loses its socket or is closed does not say goodbye. The caller rests with music, the
phone is rung again into the same talk as soon as it is back (it answers by itself), and after the grace time the
caller goes back to the line.
"""

from collections.abc import Mapping, Sequence

from acd.ports import Refusal
from core.log import get_logger
from cti.calls import REST, Call, Calls, Leg, Line, Party, room_place
from cti.legs import Legs
from cti.moves import Moves
from cti.protocol import Event
from cti.registrations import Registrations
from cti.talk import Talk
from cti.tellings import Tellings

_log = get_logger(__name__)
_GONE = {"Removed", "Unreachable"}
_HEARD_PAUSE = 0.7
_AGAIN_PAUSE = 1.0
_AUTO_ANSWER = {"Call-Info": "<sip:onecall>;answer-after=0", "Alert-Info": "<sip:onecall>;info=alert-autoanswer"}


class Phones:
    """One node's part of the registrations, and the way back into a talk. The phone may be at another node."""

    def __init__(
        self,
        line: Line,
        calls: Calls,
        legs: Legs,
        moves: Moves,
        talk: Talk,
        tell: Tellings,
        grace: float,
        node: str,
        registrations: Registrations,
    ) -> None:
        self._line = line
        self._calls = calls
        self._legs = legs
        self._moves = moves
        self._talk = talk
        self._tell = tell
        self._grace = grace
        self._node = node
        self._registrations = registrations
        self._away = False
        registrations.watch(self._look_at)

    # ---- registrations ----

    def contact(self, extension: str) -> str:
        """The identity of the phone's newest registration; empty when there is none."""
        return self._registrations.contact(extension)

    def dial(self, extension: str) -> str:
        """How the phone is rung from here: by itself, or through the node where it is."""
        node = self._registrations.node(extension)
        return f"PJSIP/{extension}" if node in (None, self._node) else f"PJSIP/{extension}@node-{node}"

    @property
    def nodes(self) -> Mapping[str, str]:
        """The extensions that can be rung, at whatever node, and that node."""
        return self._registrations.nodes

    def replace(self, contacts: Mapping[str, Sequence[str]]) -> None:
        """What a read-back found at this node."""
        self._away = False
        for extension in self._registrations.replace(self._node, contacts):
            self._registrations.spread(extension, self._look_at)

    def lost(self) -> None:
        """This node cannot be reached: where there are others, they wait for none of its phones."""
        if not self._registrations.shared:
            return
        self._away, before = True, self._registrations.nodes
        for extension in self._registrations.replace(self._node, {}):
            self._tell_change(extension, before.get(extension))
            self._registrations.spread(extension, self._look_at)

    def contact_changed(self, event: Event) -> None:
        """ContactStatus."""
        extension, uri = event.get("AOR", ""), event.get("URI", "")
        before = self._registrations.node(extension)
        if event.get("ContactStatus") in _GONE:
            self._registrations.went(self._node, extension, uri)
        else:
            self._registrations.came(self._node, extension, uri)
        self._tell_change(extension, before)
        self._look_at(extension)
        self._registrations.spread(extension, self._look_at)

    def _tell_change(self, extension: str, before: str | None) -> None:
        now = self._registrations.node(extension)
        if now != before:
            self._tell.phone(extension, now is not None, now or "")

    def _look_at(self, extension: str) -> None:
        """What the registrations say of this phone may have changed: it may be needed in a talk of ours."""
        if self._away:
            return
        for call in self._calls:
            if call.party is not None and call.party.extension == extension and call.party.leaving is None:
                self._in_talk(call, call.party)

    def _in_talk(self, call: Call, party: Party) -> None:
        contact = self.contact(party.extension)
        if not contact:
            if party.leg is not None:
                self._listen(call, party, party.leg)
        elif party.leg is None or contact != party.contact:
            self._ring_again(call, party)

    # ---- is somebody there? ----

    def _listen(self, call: Call, party: Party, leg: Leg, before: str | None = None) -> None:
        """Whether sound still comes from the leg: a socket may be lost while the page lives and talks on.

        Asked again and again until the phone is back: its last packets may be younger than its registration's end.
        """
        count = ("Getvar", {"Channel": leg.channel, "Variable": "CHANNEL(rtcp,rxcount)"})
        self._line.ask(count, lambda now: self._heard(call, party, leg, before, now))

    def _heard(self, call: Call, party: Party, leg: Leg, before: str | None, now: str | None) -> None:
        known = self._calls.get(call.interaction_id) is call and call.party is party and party.leg is leg
        if not known or party.leaving or self.contact(party.extension):
            return
        if now is None or now != before:
            self._line.after(_HEARD_PAUSE, lambda: self._listen(call, party, leg, now))
            return
        party.leg = None
        _log.warning("agent's phone has vanished", interaction_id=call.interaction_id, extension=party.extension)
        self._wait_for(call, party)
        # The caller first: a room that its last agent leaves sends the caller on to the end.
        self._moves.when_there(call, REST, lambda there: self._legs.cancel(leg))

    # ---- lost ----

    def leg_ended(self, call: Call, leg: Leg, *, lost: bool) -> None:
        """An agent's leg has ended in mid-call."""
        party = call.party
        if party is None or party.leg is not leg:
            return
        if not lost or not party.agent_id or party.leaving:
            self._talk.agent_ended(call, leg)
            return
        party.leg = None
        _log.warning("agent's phone was lost", interaction_id=call.interaction_id, extension=party.extension)
        self._wait_for(call, party)
        if self.contact(party.extension):
            self._ring_again(call, party)

    def _wait_for(self, call: Call, party: Party) -> None:
        if call.expert is not None and call.expert.joined:
            self._talk.give_up(call, party)
            return
        if call.expert is not None:
            self._legs.cancel(call.expert.leg)
            call.expert = None
        party.grace = self._line.after(self._grace, lambda: self._grace_over(call, party))
        self._moves.want(call, REST)
        self._tell.view(call)

    def _grace_over(self, call: Call, party: Party) -> None:
        if call.party is not party or party.leg is not None or self._calls.get(call.interaction_id) is not call:
            return
        for leg in self._again_legs(call):
            self._legs.cancel(leg)
        self._talk.give_up(call, party)

    # ---- and found again ----

    def _ring_again(self, call: Call, party: Party) -> None:
        if any(not leg.cancelled for leg in self._again_legs(call)):
            return
        party.contact = self.contact(party.extension)
        leg = Leg(
            channel=f"oc-{party.fence or 0}-{call.interaction_id}-{self._calls.next_number()}",
            role="again",
            interaction_id=call.interaction_id,
            dial=self.dial(party.extension),
            room=call.room,
            fence=party.fence,
            agent_id=party.agent_id,
            extension=party.extension,
        )
        number = call.facts.number if call.facts else None
        headers = {"X-OneCall-Id": call.interaction_id, "X-OneCall-Fence": str(party.fence or 0), **_AUTO_ANSWER}
        action = self._legs.originate(leg, max(self._grace, 5.0), f'"" <{number or ""}>', headers)
        self._line.send(action, refused=lambda why: self._legs.not_originated(leg, why))

    def _again_legs(self, call: Call) -> list[Leg]:
        return [
            leg
            for leg in self._calls.legs.values()
            if leg.role == "again" and leg.interaction_id == call.interaction_id
        ]

    # ---- Owner of legs of role `again` ----

    def joined(self, call: Call, leg: Leg) -> None:
        """The phone is back in the room."""
        party = call.party
        if party is None or party.leaving:
            self._legs.cancel(leg)
            return
        before, party.leg, leg.role = party.leg, leg, "agent"
        party.muted = False
        if party.grace is not None:
            party.grace.cancel()
            party.grace = None
        if before is not None:
            self._legs.cancel(before)
        elif call.expert is None:
            self._moves.want(call, room_place(call.room))
        self._tell.view(call)

    def refused(self, call: Call, leg: Leg, reason: Refusal) -> None:
        """It did not answer: once more, as long as the grace time lasts and it is registered."""
        self._line.after(_AGAIN_PAUSE, lambda: self._try_again(call))

    def ended(self, call: Call, leg: Leg, *, lost: bool) -> None:
        """Legs that have joined are the agent's own: `leg_ended`."""

    def _try_again(self, call: Call) -> None:
        party = call.party
        known = self._calls.get(call.interaction_id) is call
        if known and party is not None and party.leg is None and self.contact(party.extension):
            self._ring_again(call, party)
