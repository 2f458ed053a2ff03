"""Where routing has a caller wait or go: queues changed, places taken by a supervisor, callers led out of the line."""

from collections.abc import Sequence
from dataclasses import replace

from acd import effects as fx
from acd import events as ev
from acd.ports import CallFacts
from acd.switchboard import Call, Switchboard
from core.errors import OneCallError
from core.log import get_logger

_log = get_logger(__name__)
_GOODBYE = "goodbye"


class Places:
    """Keeps the call's facts, its channel and the journal true to where the engine has put a caller."""

    def __init__(self, board: Switchboard) -> None:
        self._b = board
        self._fronts = 0

    def queued(self, effect: fx.Queued, at: float) -> None:
        """The caller waits in this queue; another one than before is remembered wherever it must survive a restart."""
        call = self._b.calls.get(effect.interaction_id)
        if call is None or call.facts.queue_id == effect.queue_id:
            return
        before, call.facts = call.facts, replace(call.facts, queue_id=effect.queue_id)
        self._b.tell(
            "queue.moved", at, effect.interaction_id, None, queue_id=effect.queue_id, from_queue_id=before.queue_id
        )
        self._b.later(self._write(call.facts))

    def move(self, at: float, interaction_id: str, queue_id: str) -> None:
        """A supervisor sends a waiting caller to another queue, where it keeps its waiting time."""
        self._b.step(ev.InteractionMoved(at, interaction_id, queue_id))

    def prioritise(self, at: float, interaction_id: str, priority: int | None, front: bool) -> None:
        """A supervisor gives a waiting caller another priority, the first place, or both."""
        self._b.step(ev.InteractionPrioritised(at, interaction_id, priority, front))
        self._b.tell("queue.prioritised", at, interaction_id, None, priority=priority, front=front)
        call = self._b.calls.get(interaction_id)
        if call is not None and front:
            self._first(call)
        if call is not None and priority is not None:
            call.facts = replace(call.facts, priority=priority)
            self._b.later(self._write(call.facts))

    def catch_up(self, at: float, call: Call, queue_id: str, priority: int | None) -> None:
        """A restart came between what was decided (told already) and what the caller's channel was to be told."""
        interaction_id, moved = call.facts.interaction_id, queue_id != call.facts.queue_id
        level = call.facts.priority if priority is None else priority
        call.facts = replace(call.facts, queue_id=queue_id, priority=level)
        if moved:
            self._b.step(ev.InteractionMoved(at, interaction_id, queue_id))
        if priority is not None:
            self._b.step(ev.InteractionPrioritised(at, interaction_id, priority))
        self._b.later(self._write(call.facts))

    def first_again(self, at: float, call: Call) -> None:
        """Who was put before all others is so again, after a restart or a cut; nobody has decided it anew."""
        self._b.step(ev.InteractionPrioritised(at, call.facts.interaction_id, to_front=True))
        self._first(call)

    def _first(self, call: Call) -> None:
        self._fronts += 1
        call.fronted = self._fronts

    async def _write(self, facts: CallFacts) -> None:
        try:
            await self._b.telephony.write_facts(facts.interaction_id, facts)
        except OneCallError as error:
            _log.info("the channel could not be told its queue", interaction_id=facts.interaction_id, why=str(error))

    def diverted(self, effect: fx.Overflowed, at: float) -> None:
        """The plan leads this caller out of the line: who is sent away has not given up."""
        call = self._b.calls.get(effect.interaction_id)
        if call is not None:
            call.diverted = True
        self._b.tell(
            "queue.diverted", at, effect.interaction_id, None, queue_id=effect.queue_id, to=effect.kind,
            target=effect.target, reason=effect.reason,
        )  # fmt: skip
        self._b.later(self._lead_out(effect, call))

    async def _lead_out(self, effect: fx.Overflowed, call: Call | None) -> None:
        board, interaction_id = self._b, effect.interaction_id
        try:
            prompts = await self._last_words(effect, call) if call is not None else ()
            if prompts:
                await board.telephony.dismiss(interaction_id, prompts)
            else:
                destination = "voicemail" if effect.kind == "voicemail" else "closed"
                await board.telephony.divert(interaction_id, destination)
        except OneCallError as error:
            _log.error("caller could not be led out of the line", interaction_id=interaction_id, why=str(error))

    async def _last_words(self, effect: fx.Overflowed, call: Call) -> Sequence[str]:
        """What is said before the call ends; nothing for who goes back to the IVR."""
        if effect.kind == "voicemail" or effect.reason == "unknown_queue":
            return ()
        said = effect.target if effect.kind == "announcement" else _GOODBYE
        return await self._b.announcer.prompts(call.facts, 0, None, "none", said)
