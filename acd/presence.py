"""Presence after a restart: who was signed in, in what state, with which call — read back from the facts.

Asterisk has told by then who talks and who waits (`Dispatcher.bridge_up`); this fills in what Asterisk cannot know,
and closes in the journal what ended while nobody listened.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from acd import events as ev
from acd.config import RoutingConfig, WrapUp, WrapUpMode
from acd.desks import Desk, DeskCall
from acd.dispatcher import UNFINISHED, Dispatcher
from acd.ports import CallFacts
from acd.ringing import queued_fields
from acd.sites import begins_at
from acd.switchboard import Switchboard
from core.journal import Fact

PROMISED = "call_back.promised"
PROMISE_OVER = frozenset({"call_back.answered", "call_back.given_up", "call.ended"})
"""What a promise begins and ends with: one without an end is read back whatever its age."""


@dataclass(slots=True)
class PastCall:
    """What the facts say of one call."""

    entered: Fact | None = None
    offered: Fact | None = None
    arrived: Fact | None = None
    identified: Fact | None = None
    answered: Fact | None = None
    left: Fact | None = None
    ended: Fact | None = None
    promised: Fact | None = None
    attempts: int = 0
    """How often an agent has been there for the promised call-back, so that the customer was dialled."""
    dialled_by: str | None = None
    """The agent of the last attempt, while nothing is known of what came of it."""
    given_up: bool = False
    """A call-back that reached nobody: a ticket is due."""
    recorded: bool = False
    diverted: bool = False
    """Led out of the line by the queue's plan, or back in the IVR (voicemail, closed) after a queue."""
    queue_id: str = ""
    """The queue in which the caller waits now, where that is not the one first entered."""
    came_from: str = ""
    """The queue before that one."""
    priority: int | None = None
    """As a supervisor has set it."""
    fronted: Fact | None = None
    """The last time a supervisor put the caller before all others; an answer has used it up."""


@dataclass(slots=True)
class Past:
    """The last state of each agent and every call of the facts read."""

    states: dict[str, Fact] = field(default_factory=dict)
    calls: dict[str, PastCall] = field(default_factory=dict)
    last_call: dict[str, str] = field(default_factory=dict)


def read(facts: Iterable[Fact]) -> Past:
    """Fold facts, oldest first."""
    past = Past()
    for fact in facts:
        if fact.kind == "agent.state" and fact.agent_id:
            past.states[fact.agent_id] = fact
        elif fact.interaction_id:
            call = past.calls.setdefault(fact.interaction_id, PastCall())
            match fact.kind:
                case "queue.entered":
                    call.entered, call.diverted = fact, False
                    call.queue_id, call.priority, call.fronted = "", None, None
                case "queue.moved":
                    call.queue_id, call.came_from = str(fact.data["queue_id"]), str(fact.data.get("from_queue_id"))
                case "queue.prioritised":
                    _prioritised(call, fact)
                case "queue.diverted":
                    call.diverted = True
                case "ivr.step":
                    call.diverted = call.entered is not None
                case "offer.made":
                    call.offered = fact
                case "call.arrived":
                    call.arrived = fact
                case "call.identified":
                    call.identified = fact
                case "call.answered":
                    call.answered, call.left, call.fronted = fact, None, None
                    if call.promised is not None:
                        call.attempts, call.dialled_by = call.attempts + 1, fact.agent_id
                    past.last_call[fact.agent_id or ""] = fact.interaction_id
                case "agent.left":
                    call.left = fact
                case "call.ended" | "call_back.given_up":
                    call.ended = fact
                    call.given_up = call.given_up or fact.kind == "call_back.given_up"
                case "call_back.promised":
                    call.promised, call.attempts = fact, 0
                case "recording.closed":
                    call.recorded = True
                case "call_back.answered":
                    call.promised = call.dialled_by = None
                case "call_back.failed":
                    call.dialled_by = None
    return past


def _prioritised(call: PastCall, fact: Fact) -> None:
    if fact.data.get("priority") is not None:
        call.priority = int(fact.data["priority"])
    if fact.data.get("front"):
        call.fronted = fact


def call_facts(interaction_id: str, call: PastCall) -> CallFacts | None:
    """The routing facts of a past call, or None when it never entered a queue."""
    if call.entered is None:
        return None
    entered: dict[str, Any] = dict(call.entered.data)
    arrived: dict[str, Any] = dict(call.arrived.data) if call.arrived else {}
    identified: dict[str, Any] = dict(call.identified.data) if call.identified else {}
    return CallFacts(
        interaction_id=interaction_id,
        arrived=call.arrived.at if call.arrived else call.entered.at,
        did=str(arrived.get("did") or ""),
        number=arrived.get("number"),
        programme_id=str(entered.get("programme_id") or ""),
        queue_id=call.queue_id or str(entered["queue_id"]),
        skills=str(entered.get("skills") or ""),
        priority=int(entered.get("priority") or 0) if call.priority is None else call.priority,
        queued_at=float(entered["since"]),
        customer_ids=tuple(identified.get("customer_ids") or ()),
        language=str(identified.get("language") or "it"),
        preferred_agent_id=entered.get("preferred_agent_id"),
        prefers_owner=bool(entered.get("prefers_owner")),
        path=str(entered.get("path") or ""),
        recorded=call.recorded,
        segment=str(entered.get("segment") or ""),
        node=str(entered.get("node") or ""),
    )


def restore(dispatcher: Dispatcher, facts: Sequence[Fact], node: str = "") -> None:
    """Give every agent the state it had, and end in the journal the calls that are no longer on Asterisk.

    Where there are several nodes, this is for the calls of one, which has been read back, and for the agents who were
    not in a call of another that is still away.
    """
    board, node = dispatcher.board, dispatcher.sites.of(node)
    past, now = read(facts), board.clock.now()
    here = {name: call for name, call in past.calls.items() if _node(dispatcher, call) == node}
    for interaction_id, call in here.items():
        if interaction_id in board.calls and call.answered is None:
            _tell_unheard_answer(board, interaction_id, call)
        if interaction_id in board.calls and not board.calls[interaction_id].answered:
            _resume_waiting(dispatcher, interaction_id, call, now)
        if call.given_up:
            _hand_over(dispatcher, interaction_id, call)
        elif call.promised is not None and call.ended is None and interaction_id not in board.calls:
            _keep_promise(board, interaction_id, call, now, node)
        elif call.entered is not None and call.ended is None and interaction_id not in board.calls:
            _end_past(board, interaction_id, call, now, gone=interaction_id not in dispatcher.adoption.elsewhere)
    _restore_fronts(dispatcher, here, now)
    for agent_id, state in past.states.items():
        desk, view = board.desks.get(agent_id), board.engine.agent(agent_id)
        if desk is None or view is None or view.state != "signed_out" or state.data.get("state") == "signed_out":
            continue
        last = past.calls.get(past.last_call.get(agent_id, ""))
        talks = state.data.get("state") == "talking"
        if talks and last is not None and not dispatcher.node_is_up[_node(dispatcher, last)].is_set():
            continue
        _restore_agent(dispatcher, desk, state, past, now)
        board.changed(desk)


def _end_past(board: Switchboard, interaction_id: str, past: PastCall, now: float, *, gone: bool) -> None:
    """What ended while nobody of ours listened: the talk, and the call where its channel is `gone`."""
    agent_id = past.answered.agent_id if past.answered else None
    if past.answered is not None and past.left is None:
        talk = round(now - past.answered.at, 3)
        board.tell("agent.left", now, interaction_id, agent_id, talk=talk, hold=0.0, ended_by="system")
    if not gone:
        return
    waited = past.answered is None and not past.diverted
    board.tell(
        "call.ended", now, interaction_id, agent_id,
        ended_by="caller" if waited else "system", stage="unknown", cause=0, abandoned=waited,
    )  # fmt: skip


def _tell_unheard_answer(board: Switchboard, interaction_id: str, past: PastCall) -> None:
    """An agent picked up while nobody of ours listened: the journal shall know, as of that moment."""
    call, offered = board.calls[interaction_id], past.offered
    desk = board.desks.get(call.agent_id or "")
    if offered is None or offered.agent_id != call.agent_id or desk is None or desk.call is None:
        return
    at, facts, fence = max(desk.call.answered or 0.0, offered.at), call.facts, offered.data.get("fence")
    board.tell("offer.ended", at, interaction_id, call.agent_id, fence=fence, result="answered")
    waited = round(at - facts.queued_at, 3)
    board.tell("call.answered", at, interaction_id, call.agent_id, fence=fence, queue_id=facts.queue_id, waited=waited)


def _resume_waiting(dispatcher: Dispatcher, interaction_id: str, past: PastCall, now: float) -> None:
    """A caller found on Asterisk, as the facts have it: just being told goodbye (the place promised is kept, or none
    was left), or moved or given a priority a moment before the channel could be told."""
    board = dispatcher.board
    call = board.calls[interaction_id]
    if past.promised is not None and past.ended is None:
        number = str(past.promised.data.get("number") or call.facts.number or "")
        call.promised = True
        board.step(ev.CallBackRequested(now, interaction_id, number))
    elif past.diverted:
        call.diverted = True
        board.step(ev.InteractionLeft(now, interaction_id, "diverted"))
    elif past.answered is None:
        missed = past.queue_id and past.came_from == call.facts.queue_id and past.queue_id in board.config.queues
        priority = past.priority if past.priority != call.facts.priority else None
        if missed or priority is not None:
            dispatcher.places.catch_up(now, call, past.queue_id if missed else call.facts.queue_id, priority)


def _node(dispatcher: Dispatcher, call: PastCall) -> str:
    """Where the caller of a past call was."""
    return dispatcher.sites.of(str(call.entered.data.get("node") or "") if call.entered is not None else "")


def _restore_fronts(dispatcher: Dispatcher, calls: Mapping[str, PastCall], now: float) -> None:
    """Who was put before all others is before them again, in the same order."""
    live = dispatcher.board.calls
    fronted = [(call.fronted.id, name) for name, call in calls.items() if call.fronted and name in live]
    for _, interaction_id in sorted(fronted):
        dispatcher.places.first_again(now, live[interaction_id])


def _keep_promise(board: Switchboard, interaction_id: str, past: PastCall, now: float, node: str) -> None:
    """A call-back in queue: nobody is on the line, the place is only in the facts."""
    facts = call_facts(interaction_id, past)
    number = past.promised.data.get("number") if past.promised else None
    if facts is None or not number:
        return
    facts = replace(facts, number=str(number), node=node)
    if past.dialled_by is not None:
        # The read-back has stopped that phone. It is one of the attempts: nobody is rung without end.
        board.tell("call_back.failed", now, interaction_id, past.dialled_by, attempt=past.attempts, reason="failed")
    board.new_call(facts).promised = True
    board.step(ev.InteractionAdopted(now, **queued_fields(facts, board.config)))
    board.step(ev.CallBackRequested(now, interaction_id, str(number), past.attempts))


def _hand_over(dispatcher: Dispatcher, interaction_id: str, past: PastCall) -> None:
    """Whether its ticket was opened before we ended, the facts do not tell; asked twice it is one ticket."""
    facts = call_facts(interaction_id, past)
    number = past.promised.data.get("number") if past.promised else None
    if facts is not None and number:
        dispatcher.board.later(dispatcher.call_backs.hand_over(facts, str(number)))


def _restore_agent(dispatcher: Dispatcher, desk: Desk, state: Fact, past: Past, now: float) -> None:
    board, agent_id, name = dispatcher.board, desk.seat.agent_id, str(state.data["state"])
    since, reason = float(state.data.get("since") or state.at), str(state.data.get("reason") or "")
    interaction_id = past.last_call.get(agent_id, "")
    call = past.calls.get(interaction_id)
    meant = call is not None and call.promised is None and not (name == "talking" and _over_before(call, since))
    if name in {"talking", "wrap_up"} and meant and call is not None and (facts := call_facts(interaction_id, call)):
        rule = _wrap_up(board.config, facts.queue_id)
        began = call.left.at if call.left else now
        until = state.data.get("until") if name == "wrap_up" else began + rule.seconds
        if rule.mode is not WrapUpMode.NONE:
            _show_ended(dispatcher, desk, facts, call, began)
            board.step(
                ev.AgentAdopted(
                    now,
                    agent_id,
                    "wrap_up",
                    began,
                    until=until,
                    interaction_id=interaction_id,
                    queue_id=facts.queue_id,
                    node=begins_at(desk),
                )
            )
            board.step(ev.AgentNotReady(now, agent_id, UNFINISHED))
            return
    if name == "not_ready":
        if reason == UNFINISHED and call is not None and (facts := call_facts(interaction_id, call)):
            _show_ended(dispatcher, desk, facts, call, call.left.at if call.left else since).wrapped_up = True
        board.step(ev.AgentAdopted(now, agent_id, "not_ready", since, reason=reason, node=begins_at(desk)))
    elif desk.phone_registered:
        ready_since = since if name == "ready" else now
        board.step(ev.AgentAdopted(now, agent_id, "ready", ready_since, node=begins_at(desk)))
    else:
        board.step(ev.AgentAdopted(now, agent_id, "not_ready", now, reason="phone_lost", node=begins_at(desk)))


def _over_before(call: PastCall, at: float) -> bool:
    """Whether the agent talks since then in another call, of which the journal names no answer: a consultation."""
    return any(end is not None and end.at <= at for end in (call.left, call.ended))


def _show_ended(dispatcher: Dispatcher, desk: Desk, facts: CallFacts, call: PastCall, ended: float) -> DeskCall:
    """Put a call whose ticket is still to be closed back on the desk; its story and ticket come a moment later."""
    answered = call.answered.at if call.answered else ended
    shown = DeskCall(facts, 0, "ended", answered, None, answered=answered, ended=ended, ended_by="system")
    desk.call = shown
    dispatcher.adoption.reread(desk, facts)
    return shown


def _wrap_up(config: RoutingConfig, queue_id: str) -> WrapUp:
    queue = config.queues.get(queue_id)
    return queue.wrap_up if queue is not None else WrapUp()
