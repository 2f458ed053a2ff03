"""Commands to the `acd` service, from desks and supervisors (docs/contracts.md lists them).

Each command is one method named after it with dots as underscores. They raise `OneCallError`s that a desk can show.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

from acd import events as ev
from acd.desks import Desk, DeskCall
from acd.dispatcher import Dispatcher
from acd.ports import Target
from acd.sites import begins_at
from acd.switchboard import Call
from core.errors import Conflict, Invalid, NotFound
from core.log import interaction
from core.once import Once

Reply = Mapping[str, Any]
_NOTHING: Reply = {}
_PAUSE = "break"
"""The reason of who gives none."""
_HIGHEST = 20


class Commands:
    """What agents and supervisors may ask of the dispatcher.

    `floor` answers `floor.get`, `health` answers `health`. `reasons`: why an agent may say that they are not ready;
    where none are configured, any will do.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        floor: Callable[[], Mapping[str, Any]],
        health: Callable[[], Mapping[str, Any]],
        reasons: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self._d, self._b = dispatcher, dispatcher.board
        self._floor = floor
        self._health = health
        self._reasons = reasons
        self._once: Once[Reply] = Once()
        self._known: dict[str, Callable[[Mapping[str, Any]], Awaitable[Reply]]] = {
            name.removeprefix("do_").replace("__", "."): getattr(self, name)
            for name in dir(self)
            if name.startswith("do_")
        }

    async def handle(self, message: Mapping[str, Any]) -> Reply:
        """Carry out one command. Raises Invalid for an unknown one, else what the command raises.

        A command with a `command_id` is carried out once for its agent, whichever API process brings it again.
        """
        command = self._known.get(str(message.get("cmd")))
        if command is None:
            raise Invalid(f"There is no command {message.get('cmd')!r}.", f"Known: {', '.join(sorted(self._known))}.")
        command_id, who = message.get("command_id"), message.get("agent_id") or message.get("by")
        if command_id is None:
            return await command(message)
        return await self._once.do(str(who), str(command_id), lambda: command(message))

    # --- looking ----------------------------------------------------------------------------------------------

    async def do_desk__get(self, message: Mapping[str, Any]) -> Reply:
        """The agent's desk as it is now."""
        return self._b.desks.message(self._desk(message), self._now())

    async def do_floor__get(self, message: Mapping[str, Any]) -> Reply:
        """The floor as it is now."""
        return self._floor()

    async def do_health(self, message: Mapping[str, Any]) -> Reply:
        """Whether Asterisk is reachable, and the alarms."""
        return self._health()

    # --- the desk's socket ------------------------------------------------------------------------------------

    async def do_desk__online(self, message: Mapping[str, Any]) -> Reply:
        """A browser has opened this agent's desk."""
        desk = self._desk(message)
        desk.online, desk.painted = str(message["connection_id"]), 0
        self._d.desk_back(desk)
        self._d.storyteller.looked_at(desk)
        return self._b.desks.message(desk, self._now())

    async def do_desk__offline(self, message: Mapping[str, Any]) -> Reply:
        """That browser's socket has closed; another one may have taken over meanwhile."""
        desk = self._desk(message)
        if desk.online == message.get("connection_id"):
            desk.online = None
            self._d.desk_lost(desk)
        return _NOTHING

    async def do_desk__painted(self, message: Mapping[str, Any]) -> Reply:
        """The browser has this desk number on screen."""
        self._b.desks.on_painted(self._desk(message), int(message["seq"]))
        return _NOTHING

    # --- the agent's state ------------------------------------------------------------------------------------

    async def do_agent__sign_in(self, message: Mapping[str, Any]) -> Reply:
        """Start work, not ready."""
        desk = self._desk(message)
        self._b.step(ev.AgentSignedIn(self._now(), desk.seat.agent_id, begins_at(desk)))
        return _NOTHING

    async def do_agent__sign_out(self, message: Mapping[str, Any]) -> Reply:
        """Stop work; a call in progress is finished first."""
        desk = self._desk(message)
        self._b.step(ev.AgentSignedOut(self._now(), desk.seat.agent_id))
        return _NOTHING

    async def do_agent__ready(self, message: Mapping[str, Any]) -> Reply:
        """Take calls. Refused while the phone is not registered: it could not ring."""
        desk = self._desk(message)
        if not desk.phone_registered:
            raise Conflict(
                f"Your phone {desk.seat.extension} is not connected.",
                "Reload the page and allow the microphone, or switch the desk phone on.",
                code="phone_not_registered",
                values={"extension": desk.seat.extension},
            )
        self._b.step(ev.AgentReady(self._now(), desk.seat.agent_id))
        self._clear(desk)
        return _NOTHING

    async def do_agent__not_ready(self, message: Mapping[str, Any]) -> Reply:
        """Stop taking calls, with a reason; during a call it takes effect at its end."""
        desk = self._desk(message)
        self._b.step(ev.AgentNotReady(self._now(), desk.seat.agent_id, self._reason(message)))
        self._b.changed(desk)
        return _NOTHING

    async def do_wrap_up__extend(self, message: Mapping[str, Any]) -> Reply:
        """More time to close the ticket, as the queue's rule allows."""
        desk = self._desk(message)
        view = self._b.engine.agent(desk.seat.agent_id)
        if view is None or view.state != "wrap_up" or view.extensions_left < 1:
            raise Conflict("No extension is left for this wrap-up.", "Save what you have, or go not ready.")
        seconds = message.get("seconds")
        self._b.step(ev.WrapUpExtended(self._now(), desk.seat.agent_id, float(seconds) if seconds else None))
        return _NOTHING

    async def do_wrap_up__end(self, message: Mapping[str, Any]) -> Reply:
        """Wrap-up is done; then ready (default) or not ready with a reason."""
        desk, now = self._desk(message), self._now()
        agent_id = desk.seat.agent_id
        if desk.call is not None and desk.call.ended is not None:
            desk.call.saved = True
        if message.get("then") == "not_ready":
            self._b.step(ev.AgentNotReady(now, agent_id, self._reason(message)))
        else:
            self._b.step(ev.AgentReady(now, agent_id))
        self._b.step(ev.WrapUpEnded(now, agent_id))
        self._clear(desk)
        return _NOTHING

    def _clear(self, desk: Desk) -> None:
        """Take a call whose wrap-up is over off the desk."""
        view = self._b.engine.agent(desk.seat.agent_id)
        if desk.call is not None and desk.call.ended is not None and (view is None or view.state != "wrap_up"):
            desk.call = None
            self._b.changed(desk)

    def _reason(self, message: Mapping[str, Any]) -> str:
        """The reason chosen. Those of the system (`rona`) cannot be: the figures of pauses would say what never was."""
        reason, known = message.get("reason"), self._reasons()
        if reason is None:
            return _PAUSE
        if known and reason not in known:
            raise Invalid(
                f"{reason!r} is no reason that an agent may choose.",
                f"Choose one of {', '.join(sorted(known))}.",
                code="reason_unknown",
                values={"reason": reason},
            )
        return str(reason)

    # --- the call ---------------------------------------------------------------------------------------------

    async def do_call__answer(self, message: Mapping[str, Any]) -> Reply:
        """Make the ringing phone pick up."""
        call = self._ringing(self._desk(message))
        with interaction(call.facts.interaction_id):
            await self._b.telephony.answer(call.fence)
        return _NOTHING

    async def do_call__refuse(self, message: Mapping[str, Any]) -> Reply:
        """Send the ringing call back to the head of the line."""
        call = self._ringing(self._desk(message))
        with interaction(call.facts.interaction_id):
            self._d.ringing.stop(call.fence)
            self._b.step(ev.OfferRefused(self._now(), call.fence, "rejected"))
        return _NOTHING

    async def do_call__hang_up(self, message: Mapping[str, Any]) -> Reply:
        """End the conversation."""
        return await self._talk(message, self._b.telephony.hang_up)

    async def do_call__hold(self, message: Mapping[str, Any]) -> Reply:
        """The caller rests with music."""
        return await self._talk(message, self._b.telephony.hold)

    async def do_call__resume(self, message: Mapping[str, Any]) -> Reply:
        """Back to the caller."""
        return await self._talk(message, self._b.telephony.resume)

    async def do_call__mute(self, message: Mapping[str, Any]) -> Reply:
        """Nobody hears the agent: for a desk phone, whose own key the desk cannot press."""
        return await self._talk(message, lambda call, agent: self._b.telephony.mute(call, agent, True))

    async def do_call__unmute(self, message: Mapping[str, Any]) -> Reply:
        """The agent is heard again."""
        return await self._talk(message, lambda call, agent: self._b.telephony.mute(call, agent, False))

    async def do_call__dtmf(self, message: Mapping[str, Any]) -> Reply:
        """Press keys towards the caller."""
        digits = str(message.get("digits", ""))
        if not digits or len(digits) > 40 or set(digits) - set("0123456789*#ABCD"):
            raise Invalid(f"{digits!r} are not telephone keys.", "Use 0-9, * and #.")
        return await self._talk(message, lambda call, agent: self._b.telephony.dtmf(call, agent, digits))

    async def do_call__consult(self, message: Mapping[str, Any]) -> Reply:
        """Ask an expert while the caller rests."""
        target = _target(message)
        extension = target.id
        if target.kind == "agent":
            extension = self._free_agent(target.id).seat.extension
        elif target.kind == "queue":
            raise Invalid("A queue cannot be consulted.", "Choose an agent or a number, or transfer to the queue.")
        return await self._talk(message, lambda call, agent: self._b.telephony.consult(call, agent, target, extension))

    async def do_call__consult_complete(self, message: Mapping[str, Any]) -> Reply:
        """Hand the caller to the expert."""
        return await self._talk(message, self._b.telephony.consult_complete)

    async def do_call__consult_cancel(self, message: Mapping[str, Any]) -> Reply:
        """Drop the expert and come back to the caller."""
        return await self._talk(message, self._b.telephony.consult_cancel)

    async def do_call__conference(self, message: Mapping[str, Any]) -> Reply:
        """Caller, agent and expert together."""
        return await self._talk(message, self._b.telephony.conference)

    async def do_call__record_pause(self, message: Mapping[str, Any]) -> Reply:
        """Silence in the recording while card digits are spoken."""
        return await self._talk(message, lambda call, _: self._b.telephony.record_pause(call, True))

    async def do_call__record_resume(self, message: Mapping[str, Any]) -> Reply:
        """The recording goes on."""
        return await self._talk(message, lambda call, _: self._b.telephony.record_pause(call, False))

    async def do_call__transfer(self, message: Mapping[str, Any]) -> Reply:
        """Blind transfer to an agent, a queue or a number."""
        target, (desk, call) = _target(message), self._talking(self._desk(message))
        interaction_id, agent_id = call.facts.interaction_id, desk.seat.agent_id
        with interaction(interaction_id):
            if target.kind == "number":
                await self._b.telephony.transfer(interaction_id, agent_id, target, None)
            else:
                await self._to_line(desk, call, target)
                self._d.passed_on(desk, interaction_id)
        self._b.tell(
            "call.transferred", self._now(), interaction_id, agent_id, kind=f"blind_{target.kind}", to=target.id
        )
        return _NOTHING

    async def _to_line(self, desk: Desk, call: Call, target: Target) -> None:
        """Back to the waiting place: in another queue, or at the head for one agent."""
        facts, require, personal = call.facts, "", False
        if target.kind == "agent":
            self._free_agent(target.id)
            require, personal = f"agent={target.id}", True
        elif target.id not in self._b.config.queues:
            raise NotFound(f"There is no queue {target.id!r}.", "Choose one from the list.")
        else:
            facts = replace(facts, queue_id=target.id, queued_at=self._now(), skills="", preferred_agent_id=None)
        call.moving = True
        try:
            await self._b.telephony.release_to_queue(facts.interaction_id, desk.seat.agent_id, facts)
        finally:
            call.moving = False
        await self._d.moved_to_line(call, facts, desk.seat.agent_id, require, personal)

    async def do_queue__move(self, message: Mapping[str, Any]) -> Reply:
        """A supervisor moves a waiting caller to the front or to another queue, or gives it a priority (points)."""
        interaction_id = str(message.get("interaction_id"))
        view = self._b.engine.interaction(interaction_id)
        if view is None or view.place == "talking":
            raise NotFound("That caller no longer waits.", "The list shows who waits now.")
        if message.get("queue_id"):
            queue_id = str(message["queue_id"])
            if queue_id not in self._b.config.queues:
                raise NotFound(f"There is no queue {queue_id!r}.", "Choose one from the list.")
            self._d.places.move(self._now(), interaction_id, queue_id)
        priority, front = _priority(message), bool(message.get("front"))
        if priority is not None or front:
            self._d.places.prioritise(self._now(), interaction_id, priority, front)
        return _NOTHING

    # --- shared -----------------------------------------------------------------------------------------------

    def _now(self) -> float:
        return self._b.clock.now()

    def _desk(self, message: Mapping[str, Any]) -> Desk:
        desk = self._b.desks.get(str(message.get("agent_id")))
        if desk is None:
            raise NotFound(
                f"There is no agent {message.get('agent_id')!r}.", "Ask an administrator to add you as an agent."
            )
        return desk

    def _ringing(self, desk: Desk) -> DeskCall:
        if desk.call is None or desk.call.phase != "ringing":
            raise Conflict("No call is ringing for you now.", "The caller may have hung up.", code="not_ringing")
        return desk.call

    def _talking(self, desk: Desk) -> tuple[Desk, Call]:
        shown = desk.call
        call = self._b.calls.get(shown.facts.interaction_id) if shown is not None and shown.ended is None else None
        if call is None or call.agent_id != desk.seat.agent_id:
            raise Conflict("You are not in a call now.", "The call may have ended.", code="no_call")
        return desk, call

    async def _talk(self, message: Mapping[str, Any], act: Callable[[str, str], Awaitable[None]]) -> Reply:
        desk, call = self._talking(self._desk(message))
        with interaction(call.facts.interaction_id):
            await act(call.facts.interaction_id, desk.seat.agent_id)
        return _NOTHING

    def _free_agent(self, agent_id: str) -> Desk:
        desk, view = self._b.desks.get(agent_id), self._b.engine.agent(agent_id)
        if desk is None or view is None:
            raise NotFound(f"There is no agent {agent_id!r}.", "Choose one from the list.")
        if view.state != "ready":
            raise Conflict(
                f"{desk.seat.name} is not ready ({view.state}).",
                "Choose someone who is ready, or transfer to a queue.",
                code="agent_not_ready",
                values={"name": desk.seat.name, "state": view.state},
            )
        return desk


def _priority(message: Mapping[str, Any]) -> int | None:
    priority = message.get("priority")
    if priority is None:
        return None
    if not isinstance(priority, int) or isinstance(priority, bool) or not -_HIGHEST <= priority <= _HIGHEST:
        raise Invalid(f"{priority!r} is no priority.", f"Give a whole number from -{_HIGHEST} to {_HIGHEST}.")
    return priority


def _target(message: Mapping[str, Any]) -> Target:
    to = message.get("to")
    if not isinstance(to, Mapping) or to.get("kind") not in {"agent", "queue", "number"} or not to.get("id"):
        raise Invalid(f"{to!r} is not a target.", 'Give {"kind": "agent" | "queue" | "number", "id": ...}.')
    return Target(to["kind"], str(to["id"]))
