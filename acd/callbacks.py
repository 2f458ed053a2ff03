"""Call-back in queue: the caller keeps the place and hangs up; the customer is dialled when the turn comes.

The queue's plan decides when a waiting caller may choose it (overflow `call_back`); the key is said to the caller and
counts while that one waits. The agent's phone is rung first; the customer is dialled into the agent's room.
"""

import asyncio

from acd import effects as fx
from acd import events as ev
from acd.numbers import check_call_back
from acd.ports import CallFacts
from acd.switchboard import Call, Switchboard
from core.errors import OneCallError
from core.log import get_logger

_log = get_logger(__name__)
KEY = "1"
_OFFER_PROMPT = "call_back_in_queue"
_KEPT_PROMPT = "call_back_kept"
_AGAIN, _LONGEST_PAUSE = 0.5, 30.0


class CallBacks:
    """Offers, keeps and dials call-backs."""

    def __init__(self, board: Switchboard) -> None:
        self._b = board

    def offered(self, effect: fx.Overflowed) -> None:
        """The plan lets this caller choose a call-back, if the number is known and may be dialled."""
        call = self._b.calls.get(effect.interaction_id)
        if call is None or not call.facts.number or call.promised:
            return
        try:
            check_call_back(call.facts.number, call.facts.did, self._b.rules.call_back_countries)
        except OneCallError as error:
            _log.info("call-back not offered", interaction_id=effect.interaction_id, why=str(error))
            return
        call.may_call_back = True
        self._b.later(self._say(call))

    async def _say(self, call: Call) -> None:
        prompts = await self._b.announcer.prompts(call.facts, 0, None, "none", _OFFER_PROMPT)
        try:
            await self._b.telephony.announce(call.facts.interaction_id, prompts)
        except OneCallError as error:
            _log.info("call-back not offered", interaction_id=call.facts.interaction_id, why=str(error))

    def key_pressed(self, at: float, interaction_id: str, key: str) -> None:
        """A waiting caller has pressed a key."""
        call = self._b.calls.get(interaction_id)
        if call is None or not call.may_call_back or call.promised or call.answered or key != KEY:
            return
        # While a phone rings for this caller the engine keeps no place: the caller is next, and is promised nothing.
        self._b.step(ev.CallBackRequested(at, interaction_id, call.facts.number or ""))
        if not call.promised:
            view = self._b.engine.interaction(interaction_id)
            _log.info("no call-back promised", interaction_id=interaction_id, place=view.place if view else "gone")

    def scheduled(self, effect: fx.CallBackScheduled, at: float) -> None:
        """The engine keeps the place: from now on it is promised, and the caller may hang up."""
        call = self._b.calls.get(effect.interaction_id)
        if call is None or call.promised:
            return
        call.promised = True
        facts = call.facts
        self._b.tell("call_back.promised", at, facts.interaction_id, None, number=facts.number, queue_id=facts.queue_id)
        self._b.later(self._let_go(call))

    async def _let_go(self, call: Call) -> None:
        prompts = await self._b.announcer.prompts(call.facts, 0, None, "none", _KEPT_PROMPT)
        try:
            await self._b.telephony.promise_call_back(call.facts.interaction_id, prompts)
        except OneCallError as error:
            _log.warning("the caller could not be told", interaction_id=call.facts.interaction_id, why=str(error))

    def due(self, effect: fx.CallBackDue) -> None:
        """The agent waits in the room: dial the customer, once for this attempt."""
        call = self._b.calls.get(effect.interaction_id)
        if call is not None:
            call.attempt = effect.attempt
            self._b.later(self._dial(call.facts, effect))

    async def _dial(self, facts: CallFacts, effect: fx.CallBackDue) -> None:
        try:
            await self._b.telephony.dial_back(facts, effect.number, effect.attempt)
        except OneCallError as error:
            _log.warning("customer cannot be dialled", interaction_id=effect.interaction_id, why=str(error))
            self.failed(self._b.clock.now(), effect.interaction_id, effect.attempt, "failed")

    def answered(self, at: float, interaction_id: str, attempt: int) -> None:
        """The customer is in the room."""
        call = self._b.calls.get(interaction_id)
        if call is not None:
            call.promised = False
        self._b.tell("call_back.answered", at, interaction_id, call.agent_id if call else None, attempt=attempt)
        self._b.step(ev.CallBackAnswered(at, interaction_id, attempt))

    def failed(self, at: float, interaction_id: str, attempt: int, reason: str) -> None:
        """The customer was not reached: the agent is free again, the engine decides when to try again.

        `attempt` 0: nobody was dialled yet, the agent had left before.
        """
        call = self._b.calls.get(interaction_id)
        if call is not None and not call.answered:
            return  # told already
        attempt = attempt or (call.attempt if call is not None else 0)
        agent_id = call.agent_id if call is not None else None
        self._b.tell("call_back.failed", at, interaction_id, agent_id, attempt=attempt, reason=reason)
        if call is not None:
            call.agent_id, call.answered = None, False
        desk = self._b.desks.get(agent_id) if agent_id else None
        if desk is not None and desk.call is not None and desk.call.facts.interaction_id == interaction_id:
            desk.call = None
            self._b.desks.notice(desk, "info", "call_back_failed")
        self._b.step(ev.CallBackFailed(at, interaction_id, attempt, reason))

    def given_up(self, effect: fx.CallBackGivenUp, at: float) -> None:
        """A promise that needs a person: it becomes a ticket, and the interaction is over."""
        call = self._b.calls.pop(effect.interaction_id, None)
        self._b.tell(
            "call_back.given_up", at, effect.interaction_id, None, attempts=effect.attempts, reason=effect.reason
        )
        if call is not None:
            self._b.later(self.hand_over(call.facts, effect.number))

    async def hand_over(self, facts: CallFacts, number: str) -> None:
        """Ask for its ticket until there is one: asked twice it is one ticket."""
        pause, at = _AGAIN, self._b.clock.now()
        while True:
            try:
                await self._b.stories.call_back_given_up(facts, number, at)
                return
            except Exception as error:
                _log.error(
                    "no ticket yet of a call-back given up", interaction_id=facts.interaction_id, why=repr(error)
                )
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
