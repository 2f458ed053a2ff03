"""Call-backs: the agent's phone is rung with nobody on the line, then the customer is dialled into the agent's room.

Until the customer has answered, the call has no channel of its own (`Call.absent`).
"""

from acd.ports import CallFacts, Refusal
from core.errors import Conflict
from cti.calls import PROMISED, Call, Calls, Leg, Line, room_place
from cti.facts import write_facts
from cti.legs import Legs
from cti.tellings import Tellings

_REASONS: dict[Refusal, str] = {"rejected": "rejected", "no_answer": "no_answer", "busy": "busy"}


class CallBacks:
    """From `dial_back` to exactly one `call_back_answered` or `call_back_failed`. Owner of legs of role `customer`."""

    def __init__(self, line: Line, calls: Calls, legs: Legs, tell: Tellings, outside_timeout: float) -> None:
        self._line = line
        self._calls = calls
        self._legs = legs
        self._tell = tell
        self._outside_timeout = outside_timeout

    def expect(self, interaction_id: str) -> None:
        """An agent is about to be rung for a customer who is not on the line."""
        if self._calls.get(interaction_id) is None:
            self._calls.add(Call(interaction_id, f"absent-{interaction_id}", PROMISED, absent=True))

    def dial(self, facts: CallFacts, dial: str, number: str, attempt: int) -> None:
        """Dial the customer. Raises NotFound, and Conflict when no agent waits in the room."""
        call = self._calls.need(facts.interaction_id)
        call.facts = facts
        if not call.absent:
            # Still listening to our promise when the turn came: that one is in the room already.
            self._tell.call_back_answered(facts.interaction_id, attempt)
            return
        if call.party is None or call.party.leg is None:
            raise Conflict(f"No agent waits for {number}.", "Ring the agent first.")
        leg = Leg(
            channel=f"ob-{attempt}-{self._calls.next_number()}-{facts.interaction_id}",
            role="customer",
            interaction_id=facts.interaction_id,
            dial=dial,
            room=call.room,
            fence=attempt,
        )
        variables = write_facts(facts) | {
            "OC_ID": facts.interaction_id,
            "OC_ARRIVED": f"{facts.arrived:.3f}",
            "OC_DID": facts.did,
            "OC_FROM": number,
            "OC_CUSTOMER": "&".join(facts.customer_ids),
            "OC_DONE": "1",
            "OC_ATTEMPT": str(attempt),
            "OC_RECORDED": "1" if facts.recorded else "",
        }
        action = self._legs.originate(
            leg, self._outside_timeout, f'"" <{facts.did}>', {}, context="oc-customer", variables=variables
        )
        call.dialled = leg
        self._line.send(action, refused=lambda why: self._legs.not_originated(leg, why))

    def agent_gone(self, call: Call) -> None:
        """The agent left before the customer answered."""
        leg = call.dialled
        attempt = leg.fence or 0 if leg is not None else 0
        if leg is not None:
            self._legs.cancel(leg)
        call.dialled = call.party = None
        self._calls.remove(call)
        self._tell.call_back_failed(call.interaction_id, attempt, "failed")

    # ---- Owner of legs of role `customer` ----

    def joined(self, call: Call, leg: Leg) -> None:
        """The customer is in the room: from now on this is the caller's channel."""
        if call.dialled is not leg:
            self._legs.cancel(leg)
            return
        self._calls.legs.pop(leg.channel, None)
        self._calls.remove(call)
        call.channel, call.place, call.absent, call.dialled = leg.channel, room_place(leg.room), False, None
        self._calls.add(call)
        self._tell.call_back_answered(call.interaction_id, leg.fence or 0)
        self._tell.view(call)

    def refused(self, call: Call, leg: Leg, reason: Refusal) -> None:
        """The customer was not reached: the agent who waited is let go."""
        if call.dialled is not leg:
            return
        if call.party is not None and call.party.leg is not None:
            self._legs.cancel(call.party.leg)
        call.dialled = call.party = None
        self._calls.remove(call)
        self._tell.call_back_failed(call.interaction_id, leg.fence or 0, _REASONS.get(reason, "failed"))

    def ended(self, call: Call, leg: Leg, *, lost: bool) -> None:
        """Never: once in the room it is the caller's channel, not a leg."""
