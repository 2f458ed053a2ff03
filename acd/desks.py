"""Desks: the server's whole truth for each agent, told as one numbered message that replaces the last one.

The form of a desk is in docs/contracts.md. A desk's `seq` grows by one with each change; `epoch` names this life of
the process, so that a browser can tell a missed message from a restarted server.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from acd.ports import CallFacts, CallView
from acd.views import AgentView
from core.clock import iso
from core.ids import new_id

_NOTICES = 20


@dataclass(frozen=True, slots=True)
class Seat:
    """What is known of an agent besides the engine's state: person, phone, queues served (id → name)."""

    agent_id: str
    name: str
    extension: str
    phone_kind: str
    queues: Mapping[str, str]
    team: str = ""


@dataclass(slots=True)
class DeskCall:
    """A call as one agent sees it, from the offer to the end of wrap-up. Instants are epoch seconds.

    `passed_on`: this agent handed the caller to a colleague or a queue, and the call went on.

    `reading`: number of the one that read `pop` again; an older one that ends later changes nothing.

    `saved`: the agent has said that the wrap-up is done; `wrapped_up`: it is over, saved or not.
    """

    facts: CallFacts
    fence: int
    phase: str
    offered: float
    deadline: float | None
    answered: float | None = None
    ended: float | None = None
    ended_by: str | None = None
    passed_on: bool = False
    view: CallView | None = None
    hold: float = 0.0
    pop: Mapping[str, Any] = field(default_factory=dict)
    reading: int = 0
    ticket_id: str | None = None
    recording_on: bool = True
    role: str = "agent"
    saved: bool = False
    wrapped_up: bool = False


@dataclass(slots=True)
class Desk:
    """One agent's desk."""

    seat: Seat
    seq: int = 0
    painted: int = 0
    online: str | None = None
    phone_registered: bool = False
    phone_node: str = ""
    """The Asterisk at which the phone is or was last registered, where there are several."""
    told_node: str = ""
    """Where the engine believes it to be; empty: at the node of the agent's profile."""
    call: DeskCall | None = None
    notices: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_NOTICES))
    painters: list[tuple[int, asyncio.Future[None]]] = field(default_factory=list)


class Desks:
    """All desks, and the messages they send.

    `publish(agent_id, desk)` hands a message over at once.
    """

    def __init__(
        self,
        publish: Callable[[str, Mapping[str, Any]], None],
        view: Callable[[str], AgentView | None],
        names: Callable[[str, str], str],
    ) -> None:
        self.epoch = new_id()
        self._publish = publish
        self._view = view
        self._names = names
        self._lines: Mapping[str, Sequence[float]] = {}
        self._desks: dict[str, Desk] = {}
        self._by_extension: dict[str, Desk] = {}

    def seats(self, seats: Mapping[str, Seat]) -> None:
        """Take the configured agents; desks of those who stay are kept."""
        for agent_id, seat in seats.items():
            desk = self._desks.get(agent_id)
            if desk is None:
                self._desks[agent_id] = Desk(seat)
            else:
                desk.seat = seat
        for agent_id in [agent_id for agent_id in self._desks if agent_id not in seats]:
            if self._desks[agent_id].call is None:
                del self._desks[agent_id]
        # Those configured come last: an extension may have passed to them from an agent who still talks.
        desks = sorted(self._desks.values(), key=lambda desk: desk.seat.agent_id in seats)
        self._by_extension = {desk.seat.extension: desk for desk in desks}

    def get(self, agent_id: str) -> Desk | None:
        """One desk, or None when the agent is unknown."""
        return self._desks.get(agent_id)

    def all(self) -> list[Desk]:
        """Every desk."""
        return list(self._desks.values())

    def by_extension(self, extension: str) -> Desk | None:
        """The desk whose phone has this number."""
        return self._by_extension.get(extension)

    def holding(self, interaction_id: str) -> Desk | None:
        """The desk of the agent who answers for this call (rings or talks), if any."""
        return next((desk for desk in self._desks.values() if _answers_for(desk, interaction_id)), None)

    def changed(self, desk: Desk, at: float) -> int:
        """Number the desk's new state, send it if a browser shows it, and return its number."""
        desk.seq += 1
        if desk.online is not None:
            self._publish(desk.seat.agent_id, self.message(desk, at))
        return desk.seq

    def lines(self, lines: Mapping[str, Sequence[float]], at: float) -> None:
        """Take who waits now, queue id → since when (epoch seconds), and tell the desks whose lines look different."""
        before, self._lines = self._lines, lines
        for desk in self._desks.values():
            queues = desk.seat.queues
            if desk.online is not None and any(before.get(queue) != lines.get(queue) for queue in queues):
                self.changed(desk, at)

    def notice(self, desk: Desk, kind: str, code: str, **values: str) -> None:
        """Add a notice; it goes out with the next change."""
        desk.notices.append({"seq": desk.seq + 1, "kind": kind, "code": code, "values": values})

    async def painted(self, desk: Desk, seq: int, within: float) -> bool:
        """Wait until the browser has this number on screen; False when it did not say so in time (seconds)."""
        if desk.painted >= seq:
            return True
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        desk.painters.append((seq, done))
        try:
            async with asyncio.timeout(within):
                await done
        except TimeoutError:
            return False
        finally:
            desk.painters = [entry for entry in desk.painters if entry[1] is not done]
        return True

    def on_painted(self, desk: Desk, seq: int) -> None:
        """The browser says it."""
        desk.painted = max(desk.painted, min(seq, desk.seq))
        for wanted, done in desk.painters:
            if wanted <= desk.painted and not done.done():
                done.set_result(None)

    def message(self, desk: Desk, at: float) -> dict[str, Any]:
        """The desk as docs/contracts.md has it."""
        return {
            "seq": desk.seq,
            "epoch": self.epoch,
            "at": iso(at),
            "agent": self._agent(desk),
            "call": self._call(desk, desk.call) if desk.call else None,
            "waiting": self._line(desk),
            "notices": list(desk.notices),
        }

    def _agent(self, desk: Desk) -> dict[str, Any]:
        seat, view = desk.seat, self._view(desk.seat.agent_id)
        return {
            "id": seat.agent_id,
            "name": seat.name,
            "extension": seat.extension,
            "state": view.state if view else "signed_out",
            "reason": (view.reason or None) if view else None,
            "since": iso(view.since) if view and view.since else None,
            "until": _iso(view.until) if view else None,
            "next_state": view.next_state if view else None,
            "next_reason": (view.next_reason or None) if view else None,
            "phone": {"kind": seat.phone_kind, "registered": desk.phone_registered},
            "queues": [{"id": queue_id, "name": name} for queue_id, name in seat.queues.items()],
        }

    def _line(self, desk: Desk) -> dict[str, Any]:
        """Who waits in the queues this agent serves."""
        since = [moment for queue in desk.seat.queues for moment in self._lines.get(queue, ())]
        return {"count": len(since), "longest_since": iso(min(since)) if since else None}

    def _call(self, desk: Desk, call: DeskCall) -> dict[str, Any]:
        facts, view, agent = call.facts, call.view, self._view(desk.seat.agent_id)
        recording = view.recording if view else None
        return {
            "interaction_id": facts.interaction_id,
            "fence": call.fence,
            "direction": facts.direction,
            "role": call.role,
            "phase": call.phase,
            "number": facts.number,
            "programme": {"id": facts.programme_id, "name": self._names("programme", facts.programme_id)},
            "queue": {"id": facts.queue_id, "name": self._names("queue", facts.queue_id)},
            "language": facts.language,
            "path": facts.path,
            "arrived": iso(facts.arrived),
            "queued": iso(facts.queued_at),
            "offered": iso(call.offered),
            "deadline": _iso(call.deadline),
            "answered": _iso(call.answered),
            "held_since": _iso(view.held_since) if view else None,
            "hold_total": view.hold_total if view else call.hold,
            "muted": view.muted if view else False,
            "ended": _iso(call.ended),
            "ended_by": call.ended_by,
            "passed_on": call.passed_on,
            "recording": {
                "on": recording.on if recording else call.recording_on,
                "paused": recording.paused if recording else False,
                "problem": recording.problem if recording else None,
            },
            "consult": self._consult(view) if view and view.consult else None,
            "customer_ids": list(facts.customer_ids),
            "ticket_id": call.ticket_id,
            "recall": bool(call.pop.get("recall")),
            "wrap_up_extensions_left": agent.extensions_left if agent else 0,
            "pop": call.pop,
        }

    def _consult(self, view: CallView) -> dict[str, Any] | None:
        if view.consult is None:
            return None
        target = view.consult.target
        name = self._names(target.kind, target.id)
        return {"kind": target.kind, "to": target.id, "name": name, "state": view.consult.state}


def _answers_for(desk: Desk, interaction_id: str) -> bool:
    call = desk.call
    return (
        call is not None and call.facts.interaction_id == interaction_id and call.ended is None and call.role == "agent"
    )


def _iso(at: float | None) -> str | None:
    return None if at is None else iso(at)
