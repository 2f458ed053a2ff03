"""A talk: hold, consultation, conference, transfer and who goes when. All of it is who is in which room.

One rule decides every departure: whoever is left keeps a partner or music, and a caller is never dropped because
somebody else went.
"""

from collections.abc import Callable

from acd.ports import CallFacts, EndedBy, Refusal, Target
from core.errors import Conflict
from cti.calls import AFTER, HOLD, IVR, REST, Call, Calls, Expert, Leg, Line, Party, room_place, set_variables
from cti.facts import write_facts
from cti.legs import Legs
from cti.moves import Moves
from cti.tellings import Tellings

_FALLS_OUT = 0.5


class Talk:
    """What can be done in a talk. Commands raise Conflict when its state does not allow them."""

    def __init__(
        self, line: Line, calls: Calls, legs: Legs, moves: Moves, tell: Tellings, outside_timeout: float
    ) -> None:
        self._line = line
        self._calls = calls
        self._legs = legs
        self._moves = moves
        self._tell = tell
        self._outside_timeout = outside_timeout

    # ---- commands ----

    def hang_up(self, call: Call, party: Party) -> None:
        """The agent's part ends; what that means for the others: `_part_over`."""
        if party.leg is None:
            self._part_over(call, party, "agent")
            return
        party.leaving = "agent"
        if call.expert is None and call.place == REST:
            self._moves.want(call, AFTER)
        self._legs.hang_up(party.leg)

    def hold(self, call: Call) -> None:
        """The caller rests with music."""
        self._moves.want(call, REST)

    def resume(self, call: Call) -> None:
        """The caller comes back to the agent."""
        if call.expert is not None and not call.expert.joined:
            raise Conflict("The expert's phone is ringing.", "End the consultation first.")
        if call.party is None or call.party.leg is None:
            raise Conflict("The agent's phone is not connected.", "Wait until it is back.")
        self._moves.want(call, room_place(call.room))

    def consult(self, call: Call, target: Target, dial: str, extension: str, headers: dict[str, str]) -> None:
        """The caller rests, the expert rings into the agent's room."""
        if call.expert is not None:
            raise Conflict("An expert is being consulted already.", "End that consultation first.")
        leg = self._expert_leg(call, target, dial, extension, call.room)
        call.expert = Expert(target, leg)
        self._moves.want(call, REST)
        # The expert must not be heard by the caller: ring only when the caller has left the room.
        self._moves.when_there(call, REST, lambda there: self._ring_expert(call, leg, headers, there))
        self._tell.view(call)

    def complete(self, call: Call, party: Party) -> None:
        """The caller goes to the expert, the agent leaves."""
        expert = self._need_expert(call)
        expert.succeeds = True
        if expert.joined:
            self._moves.want(call, room_place(call.room))
            self._moves.when_there(call, room_place(call.room), lambda there: self._hand_over(call, there))
        else:
            self._drop(call, party, "agent")

    def cancel(self, call: Call) -> None:
        """The expert's leg ends; the caller comes back to the agent."""
        expert = self._need_expert(call)
        call.expert = None
        self._legs.cancel(expert.leg)
        self._moves.want(call, room_place(call.room))
        self._tell.view(call)

    def conference(self, call: Call) -> None:
        """All three in one room."""
        if not self._need_expert(call).joined:
            raise Conflict("The expert has not answered yet.", "Wait for the answer.")
        self._moves.want(call, room_place(call.room))

    def transfer(self, call: Call, party: Party, target: Target, dial: str, extension: str) -> None:
        """The caller rests while the other party rings into a room of its own; the agent leaves at once."""
        if call.expert is not None:
            raise Conflict("An expert is being consulted.", "Complete or end the consultation.")
        self._dial_out(call, target, dial, extension)
        self._moves.when_there(call, REST, lambda there: self._drop(call, party, "agent") if there else None)

    def dial_out(self, call: Call, target: Target, dial: str) -> None:
        """A waiting caller is sent to a number: music until it answers."""
        self._dial_out(call, target, dial, "")

    def connect(
        self, call: Call, target: Target, dial: str, ring_seconds: float, connected: Callable[[bool], None]
    ) -> None:
        """A caller in the IVR is to reach a number. Until it answers, the caller stays there: it may still refuse."""
        leg = self._expert_leg(call, target, dial, "", self._calls.new_room())
        call.expert, call.connected = Expert(target, leg, succeeds=True), connected
        self._ring(call, leg, ring_seconds, {})

    def release(self, call: Call, party: Party, facts: CallFacts) -> None:
        """Back to the waiting place with new routing facts. The agent's part is the dispatcher's to close."""
        if call.expert is not None:
            raise Conflict("An expert is being consulted.", "Complete or end the consultation.")
        self._moves.want(call, HOLD, *set_variables(call.channel, write_facts(facts)))
        call.facts = facts
        self._moves.when_there(call, HOLD, lambda there: self._released(call, party) if there else None)

    def give_up(self, call: Call, party: Party) -> None:
        """The agent's phone has not come back: the caller goes back to the line with the old waiting time."""
        self._close_part(call, party, "system")
        if call.expert is not None:
            self._expert_takes_over(call, call.expert)
        else:
            self._moves.want(call, HOLD)

    # ---- what happens ----

    def settled(self, call: Call) -> None:
        """The caller has arrived somewhere and goes nowhere else."""
        alone = call.party is None and (call.expert is None or not call.expert.joined)
        if call.place.stage == "talk" and alone:
            self._moves.want(call, AFTER if call.expert is None else REST)
        elif call.place == REST and call.party is None and call.expert is None:
            self._moves.want(call, AFTER if call.ended_by else HOLD)
        if call.place.stage == "hold" and call.party is not None and call.party.leg is not None:
            # The room let nobody in: its agent was just leaving, or sits there alone now.
            self._drop(call, call.party, call.party.leaving or "agent")
        self._tell.view(call)
        if call.place == HOLD and call.facts is not None and call.party is None:
            self._tell.waiting(call.facts)

    def diverted(self, call: Call) -> None:
        """The IVR has the caller back: from now on the call is none of ours."""
        self.caller_gone(call, "system")
        self._calls.remove(call)

    def caller_gone(self, call: Call, ended_by: EndedBy) -> None:
        """The caller's channel has ended: no leg stays in a room without its customer."""
        for leg in list(call.legs):
            self._legs.cancel(leg)
        if call.party is not None:
            self._close_part(call, call.party, call.party.leaving or ended_by)
        call.ringing = call.expert = None
        self.answer_ivr(call, False)

    def answer_ivr(self, call: Call, connected: bool) -> None:
        """Tell the IVR, if it waits to hear of it, whether the caller has been connected."""
        tell, call.connected = call.connected, None
        if tell is not None:
            tell(connected)

    def agent_ended(self, call: Call, leg: Leg) -> None:
        """The agent's leg has ended because somebody wanted it."""
        party = call.party
        if party is None or party.leg is not leg:
            return
        self._part_over(call, party, party.leaving or ("agent" if leg.hung_up else "system"))

    # ---- Owner of legs of role `expert` ----

    def joined(self, call: Call, leg: Leg) -> None:
        """The expert has answered."""
        expert = call.expert
        if expert is None or expert.leg is not leg:
            self._legs.cancel(leg)
            return
        expert.joined = True
        if expert.succeeds:
            self._promote(call, expert)
        self._tell.view(call)

    def refused(self, call: Call, leg: Leg, reason: Refusal) -> None:
        """The expert cannot be had: the agent has the caller on hold, or the line takes the caller back."""
        self._expert_over(call, leg)

    def ended(self, call: Call, leg: Leg, *, lost: bool) -> None:
        """The expert has left the room."""
        self._expert_over(call, leg)

    # ---- inside ----

    def _expert_leg(self, call: Call, target: Target, dial: str, extension: str, room: str) -> Leg:
        number = self._calls.next_number()
        agent_id = target.id if target.kind == "agent" else None
        return Leg(
            f"ox-{number}-{call.interaction_id}",
            "expert",
            call.interaction_id,
            dial,
            room,
            agent_id=agent_id,
            extension=extension,
            target=target,
        )

    def _ring_expert(self, call: Call, leg: Leg, headers: dict[str, str], there: bool) -> None:
        if call.expert is None or call.expert.leg is not leg:
            return
        if not there:
            call.expert = None
            self._tell.view(call)
            return
        self._ring(call, leg, self._outside_timeout, headers)

    def _ring(self, call: Call, leg: Leg, seconds: float, headers: dict[str, str]) -> None:
        number = call.facts.number if call.facts else None
        action = self._legs.originate(leg, seconds, f'"" <{number or ""}>', headers)
        self._line.send(action, refused=lambda why: self._legs.not_originated(leg, why))

    def _dial_out(self, call: Call, target: Target, dial: str, extension: str) -> None:
        leg = self._expert_leg(call, target, dial, extension, self._calls.new_room())
        call.expert = Expert(target, leg, succeeds=True)
        self._moves.want(call, REST)
        headers = {"X-OneCall-Id": call.interaction_id} if target.kind == "agent" else {}
        self._ring_expert(call, leg, headers, there=True)

    def _need_expert(self, call: Call) -> Expert:
        if call.expert is None or call.expert.succeeds:
            raise Conflict("Nobody is being consulted.", "Begin a consultation first.")
        return call.expert

    def _released(self, call: Call, party: Party) -> None:
        if call.party is party:
            call.party = None
            if party.leg is not None:
                self._legs.cancel(party.leg)

    def _drop(self, call: Call, party: Party, ended_by: EndedBy) -> None:
        """End the agent's part now; the leg follows."""
        if call.party is not party:
            return
        if party.leg is not None:
            self._legs.cancel(party.leg)
        self._close_part(call, party, ended_by)

    def _close_part(self, call: Call, party: Party, ended_by: EndedBy) -> None:
        if party.grace is not None:
            party.grace.cancel()
            party.grace = None
        self._tell.left(call, party, ended_by)
        call.party = None
        self._tell.view(call)

    def _hand_over(self, call: Call, there: bool) -> None:
        expert = call.expert
        if expert is None or not expert.succeeds:
            return
        if not there:
            expert.succeeds = False
            return
        self._promote(call, expert)
        self._tell.view(call)

    def _promote(self, call: Call, expert: Expert) -> None:
        """The call is the expert's. The order of telling lets the new agent take over before the old one goes."""
        before, agent_id = call.party, expert.target.id if expert.target.kind == "agent" else ""
        self.answer_ivr(call, True)
        expert.leg.role = "agent"
        self._line.send(*set_variables(expert.leg.channel, {"OC_LEG": "agent"}))
        self._tell.joined(call, agent_id)
        if before is not None:
            self._tell.left(call, before, "agent")
        call.expert, call.room = None, expert.leg.room
        call.party = Party(agent_id, expert.leg.extension, None, expert.leg, self._line.now())
        self._moves.want(call, room_place(call.room))
        if before is not None and before.leg is not None and before.leg.channel in self._calls.legs:
            old = before.leg
            old.cancelled = True
            # The caller first: a room that its last agent leaves sends the caller on to the end.
            self._moves.when_there(call, room_place(call.room), lambda there: self._legs.hang_up(old))

    def _part_over(self, call: Call, party: Party, ended_by: EndedBy) -> None:
        """The agent's leg is gone. Those left: an expert takes the call; without one it is over."""
        if call.wanted == HOLD:
            party.leg = None  # on the way back to the line already, with the agent's blessing
            return
        if call.expert is not None:
            expert = call.expert
            if expert.joined:
                self._promote(call, expert)
            else:
                self._close_part(call, party, ended_by)
                self._expert_takes_over(call, expert)
            self._tell.view(call)
            return
        call.ended_by = ended_by
        self._close_part(call, party, ended_by)
        if call.place.stage == "talk" and call.moving is None:
            # The dialplan takes the caller out of a room without an agent by itself.
            self._line.after(_FALLS_OUT, lambda: self._still_there(call))
        elif call.moving is None or call.moving.stage != "talk":
            self._moves.want(call, AFTER)

    def _still_there(self, call: Call) -> None:
        if self._calls.get(call.interaction_id) is call and call.party is None and call.place.stage == "talk":
            self._moves.want(call, AFTER)

    def _expert_takes_over(self, call: Call, expert: Expert) -> None:
        expert.succeeds = True
        if expert.joined:
            self._promote(call, expert)
        else:
            self._moves.want(call, REST)

    def _expert_over(self, call: Call, leg: Leg) -> None:
        expert = call.expert
        if expert is None or expert.leg is not leg:
            return
        call.expert = None
        if call.place == IVR:
            # Never moved: the IVR goes on with its flow, and the call is none of ours.
            self._calls.remove(call)
            self.answer_ivr(call, False)
        elif call.party is None:
            self._moves.want(call, HOLD)
        elif call.party.leaving and call.party.leg is None:
            self._part_over(call, call.party, call.party.leaving)
        self._tell.view(call)
