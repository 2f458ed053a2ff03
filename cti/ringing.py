"""Offers: an agent's phone rings into a new room; when it answers, the caller follows."""

import re

from acd.ports import Refusal, Ring
from core.errors import Conflict
from cti.callback import CallBacks
from cti.calls import ANNOUNCE, HOLD, PROMISED, Call, Calls, Leg, Line, Party, room_place
from cti.legs import Legs
from cti.moves import Moves
from cti.phones import Phones
from cti.tellings import Tellings

_UNSAFE = re.compile(r'[\x00-\x1f\x7f"<>\\]')
_LONGEST_NAME = 60


def caller_id(name: str | None, number: str | None) -> str:
    """What the phone shows. The name comes from outside: nothing in it may change the header it stands in."""
    shown = _UNSAFE.sub(" ", name or "").strip()[:_LONGEST_NAME]
    digits = re.sub(r"[^+0-9]", "", number or "")
    return f'"{shown}" <{digits}>'


class Ringing:
    """From `ring` to exactly one `leg_answered` or `leg_refused`, or to a stop after which nothing follows."""

    def __init__(
        self,
        line: Line,
        calls: Calls,
        legs: Legs,
        moves: Moves,
        tell: Tellings,
        phones: Phones,
        call_backs: CallBacks,
    ) -> None:
        self._line = line
        self._calls = calls
        self._legs = legs
        self._moves = moves
        self._tell = tell
        self._phones = phones
        self._call_backs = call_backs

    def ring(self, ring: Ring) -> None:
        """Make the phone ring: one write. Raises NotFound (no such caller) and Conflict (the caller is not free)."""
        if ring.call_back:
            self._call_backs.expect(ring.interaction_id)
        call = self._calls.need(ring.interaction_id)
        if call.ringing is not None or call.party is not None:
            raise Conflict(
                f"The caller of {ring.interaction_id} is with an agent already.", "Withdraw that offer first."
            )
        if (call.wanted or call.moving or call.place) not in (HOLD, ANNOUNCE, PROMISED):
            raise Conflict(f"The caller of {ring.interaction_id} does not wait.", "Look at the call's state.")
        leg = Leg(
            channel=f"oc-{ring.fence}-{ring.interaction_id}",
            role="agent",
            interaction_id=ring.interaction_id,
            dial=self._phones.dial(ring.extension),
            room=self._calls.new_room(),
            fence=ring.fence,
            agent_id=ring.agent_id,
            extension=ring.extension,
        )
        if leg.channel in self._calls.legs:
            raise Conflict(f"Offer {ring.fence} rings already.", "Each offer has its own fencing number.")
        headers = {"X-OneCall-Id": ring.interaction_id, "X-OneCall-Fence": str(ring.fence)}
        action = self._legs.originate(leg, ring.timeout, caller_id(ring.caller_name, ring.caller_number), headers)
        call.ringing = leg
        self._line.send(action, refused=lambda why: self._legs.not_originated(leg, why))

    def stop(self, fence: int) -> None:
        """Make that offer void, whatever it has come to; one that is over is left alone.

        A phone that was picked up in the same moment is put down again and the caller goes back to the line: whoever
        stops an offer does not expect its agent to be in a talk.
        """
        leg = self._calls.ringing(fence)
        if leg is None:
            return
        call = self._calls.get(leg.interaction_id)
        self._legs.cancel(leg)
        if call is not None and call.ringing is leg:
            call.ringing = None
        elif call is not None and call.party is not None and call.party.leg is leg:
            call.party = None
            if not call.absent:
                self._moves.want(call, HOLD)

    # ---- Owner of legs of role `agent` until they are in their room ----

    def joined(self, call: Call, leg: Leg) -> None:
        """The agent has answered: the caller follows."""
        if call.ringing is not leg:
            self._legs.cancel(leg)
            return
        now = self._line.now()
        call.ringing, call.room, call.ended_by = None, leg.room, None
        call.party = Party(
            leg.agent_id or "", leg.extension, leg.fence, leg, now, contact=self._phones.contact(leg.extension)
        )
        if not call.absent:
            self._moves.want(call, room_place(leg.room))
        self._tell.answered(leg)
        self._tell.view(call)

    def refused(self, call: Call, leg: Leg, reason: Refusal) -> None:
        """The phone did not take it."""
        if call.ringing is leg:
            call.ringing = None
            self._tell.refused(leg.fence or 0, reason)

    def ended(self, call: Call, leg: Leg, *, lost: bool) -> None:
        """The agent's leg has ended in mid-call."""
        if call.absent:
            self._call_backs.agent_gone(call)
        else:
            self._phones.leg_ended(call, leg, lost=lost)
