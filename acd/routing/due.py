"""What happens when an instant has come."""

from collections.abc import Callable, Mapping
from typing import Any

from acd.routing import agents, answers, entry
from acd.routing.demands import key_of
from acd.routing.figures import announcement
from acd.routing.hours import is_open, next_close
from acd.routing.state import State
from acd.routing.timers import ANNOUNCE, CLOSING, OFFER, PAUSE, PLAN, RELEASE, WRAP_UP, Name
from acd.routing.waiting import restand

_WEEK = 7 * 86400.0


def run(state: State, kind: int, name: Name) -> None:
    """Do what was due."""
    _DO[kind](state, name)


def _offer(state: State, interaction_id: str) -> None:
    answers.expire(state, state.interactions[interaction_id])


def _pause(state: State, agent_id: str) -> None:
    agent = state.agents[agent_id]
    agent.pause_until, agent.pause_reason = None, ""
    agents.refresh(state, agent)


def _wrap_up(state: State, both: tuple[str, str]) -> None:
    agent_id, interaction_id = both
    agents.finish(state, state.agents[agent_id], interaction_id)


def _release(state: State, interaction_id: str) -> None:
    entry.release(state, state.interactions[interaction_id])


def _plan(state: State, interaction_id: str) -> None:
    call = state.interactions[interaction_id]
    if call.place == "offered":
        # Not now that an agent rings: `requeue` looks at the plan again.
        return
    before, key = call.mask, call.line_key
    if not entry.advance(state, call):
        return
    if call.mask != before or key_of(state, call) != key:
        restand(state, call)


def _announce(state: State, interaction_id: str) -> None:
    call = state.interactions[interaction_id]
    if call.place != "offered" and not call.number:
        state.out.append(announcement(state, call))
    entry.plan_announcement(state, call)


def _closing(state: State, queue_id: str) -> None:
    queue = state.queues[queue_id]
    where, hours = queue.conf.at_close, queue.conf.hours
    if where is not None and hours is not None and not is_open(hours, state.now):
        for key in list(queue.line):
            entry.overflow(state, state.interactions[key[4]], where, "closing")
    arm_closing(state, queue_id)


def arm_closing(state: State, queue_id: str) -> None:
    """Be woken when the queue closes next, if that concerns those who wait."""
    conf = state.queues[queue_id].conf
    if conf.hours is not None and conf.at_close is not None:
        at = next_close(conf.hours, state.now)
        state.timers.set(CLOSING, queue_id, state.now + _WEEK if at is None else at)


_DO: Mapping[int, Callable[[State, Any], None]] = {
    OFFER: _offer,
    PAUSE: _pause,
    WRAP_UP: _wrap_up,
    RELEASE: _release,
    PLAN: _plan,
    CLOSING: _closing,
    ANNOUNCE: _announce,
}
