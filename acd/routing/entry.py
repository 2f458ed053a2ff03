"""How an interaction enters a queue, goes through its plan, and overflows out of it."""

from math import ceil, inf

from acd.config import Overflow, OverflowKind, PlanStep
from acd.effects import (
    Dequeued,
    NobodyQualified,
    Overflowed,
    PlanStepTaken,
    PriorityChanged,
    QualifiedAgain,
    Queued,
)
from acd.routing import offers
from acd.routing.demands import can_serve, demand_of, step_out, weigh
from acd.routing.figures import announcement, condition_holds, queue_estimate
from acd.routing.hours import is_open as hours_open
from acd.routing.queues import QueueRecord
from acd.routing.state import InteractionRecord, State, is_available, is_open
from acd.routing.timers import ANNOUNCE, PLAN, RELEASE

_MAX_HOPS = 5


def enter(state: State, call: InteractionRecord, queue: QueueRecord, limits: bool = True) -> None:
    """The interaction begins to wait in this queue, or goes where the queue's limits send it."""
    if call.queue.retired:
        state.vacated = True
    call.queue = queue
    call.plan = queue.plan
    call.mask = call.boost = 0
    call.demand = None
    call.place = "waiting"
    weigh(state, call)
    conf = queue.conf
    if limits and (conf.on_full or conf.on_closed or conf.on_long_wait):
        divert = _limit(state, call)
        if divert is not None and not overflow(state, call, *divert):
            return
    state.out.append(Queued(call.interaction_id, conf.queue_id, call.waiting_since, call.level))
    if conf.at_close is not None and not stays(state, call):
        return
    if not advance(state, call):
        return
    if call.place_since > state.now:
        rest(state, call)
    elif call.preferred and call.preferred_wait > 0:
        _hold_for_preferred(state, call)
    if conf.announcements is not None:
        plan_announcement(state, call)
    state.loose_calls[call.interaction_id] = call


def _limit(state: State, call: InteractionRecord) -> tuple[Overflow, str] | None:
    """The overflow that keeps the interaction out of its queue, and why."""
    queue, conf = call.queue, call.queue.conf
    if conf.hours is not None and conf.on_closed is not None and not hours_open(conf.hours, state.now):
        return conf.on_closed, "closed"
    # A call-back that rests takes nobody's place.
    waiting = len(queue.line) - len(queue.resting)
    if conf.on_full is not None and conf.max_waiting is not None and waiting >= conf.max_waiting:
        return None if _served_at_once(state, call) else (conf.on_full, "full")
    if conf.on_long_wait is not None and conf.max_expected_wait is not None:
        wait = queue_estimate(state, queue, None).expected_wait
        if wait is not None and wait > conf.max_expected_wait and not _served_at_once(state, call):
            return conf.on_long_wait, "long_wait"
    return None


def _served_at_once(state: State, call: InteractionRecord) -> bool:
    """Whether an agent is ready for it, so that it need not wait."""
    agent = state.agents.get(call.preferred)
    free = agent is not None and is_available(agent) and is_open(state, agent, call.channel)
    if agent is not None and free and can_serve(state, agent, call):
        return True
    call.mask = call.plan.first
    demand = demand_of(state, call)
    call.mask, call.demand = 0, None
    return demand.ready() > demand.reserve


def stays(state: State, call: InteractionRecord) -> bool:
    """Whether it may go on waiting here. False: its queue is closed, and it has been sent where the queue says."""
    conf = call.queue.conf
    if conf.at_close is None or conf.hours is None or hours_open(conf.hours, state.now):
        return True
    return overflow(state, call, conf.at_close, "closing")


def judge(state: State) -> None:
    """Tell of those whom no configured agent could serve at their present step, and when that is over."""
    stirred, unsure = state.index.stirred, state.unsure
    found = {key[4] for demand in stirred for key in demand.line} | unsure.keys()
    stirred.clear()
    unsure.clear()
    for interaction_id in sorted(found):
        call = state.interactions.get(interaction_id)
        if call is None or call.standing is None:
            continue
        unserved = call.queue.unserved
        if call.standing.pools or not call.mask:
            settled(state, call)
        elif interaction_id not in unserved:
            unserved[interaction_id] = None
            state.out.append(NobodyQualified(interaction_id, call.queue.conf.queue_id))


def settled(state: State, call: InteractionRecord) -> None:
    """It waits no more for agents that do not exist."""
    unserved = call.queue.unserved
    if call.interaction_id in unserved:
        del unserved[call.interaction_id]
        if not unserved:
            state.out.append(QualifiedAgain(call.queue.conf.queue_id))


def rest(state: State, call: InteractionRecord) -> None:
    """A call-back whose customer was not reached: not again before its new place in the line has come."""
    call.queue.resting[call.interaction_id] = None
    offers.hold(state, call, call.place_since)


def overflow(state: State, call: InteractionRecord, where: Overflow, reason: str) -> bool:
    """Send the interaction there. True when it still waits in its queue (a call-back is only offered, or nowhere
    to go)."""
    here = call.queue.conf.queue_id
    target: QueueRecord | None = None
    if call.number and where.kind not in (OverflowKind.QUEUE, OverflowKind.PROGRAMME):
        # There is no caller on the line to be sent anywhere; the promise to call stands.
        return True
    if where.kind in (OverflowKind.QUEUE, OverflowKind.PROGRAMME):
        target = _queue_of(state, where)
        if target is None or target is call.queue or call.hops >= _MAX_HOPS:
            return True
    state.out.append(Overflowed(call.interaction_id, here, where.kind.value, where.target, reason))
    if where.kind is OverflowKind.CALL_BACK:
        return True
    leave_line(state, call)
    if target is None:
        state.out.append(Dequeued(call.interaction_id, here, call.waiting_since, "overflow"))
        state.close(call)
        return False
    call.hops += 1
    call.plan_since = state.now
    enter(state, call, target)
    return False


def _queue_of(state: State, where: Overflow) -> QueueRecord | None:
    queue_id = where.target
    if where.kind is OverflowKind.PROGRAMME:
        programme = state.config.programmes.get(where.target)
        queue_id = "" if programme is None else programme.overflow_queue
    queue = state.queues.get(queue_id)
    return None if queue is None or queue.retired else queue


def leave_line(state: State, call: InteractionRecord) -> None:
    """The interaction neither waits nor is offered any more."""
    if call.fence:
        offers.withdraw(state, call, "moved")
    if call.line_key is not None and not call.number:
        call.queue.flow.waited_for(state.now - call.plan_since, left=True)
    call.stood_since = None
    call.queue.resting.pop(call.interaction_id, None)
    if call.queue.unserved:
        settled(state, call)
    step_out(state, call)
    call.held_for = ""
    offers.stop_waiting_timers(state, call)
    state.loose_calls.pop(call.interaction_id, None)


def _hold_for_preferred(state: State, call: InteractionRecord) -> None:
    agent = state.agents.get(call.preferred)
    until = call.waiting_since + call.preferred_wait
    if agent is None or not agent.signed_in or agent.leaving or until <= state.now:
        return
    if is_available(agent) and is_open(state, agent, call.channel):
        return
    if can_serve(state, agent, call):
        call.held_for = agent.agent_id
        offers.hold(state, call, until)


def plan_announcement(state: State, call: InteractionRecord) -> None:
    """Arm the next announcement of position and expected wait."""
    rule = call.queue.conf.announcements
    if rule is None:
        return
    due = call.waiting_since + rule.first_after
    if due <= state.now:
        due += max(1, ceil((state.now - due) / rule.every + 1e-9)) * rule.every
    state.timers.set(ANNOUNCE, call.interaction_id, due)


def advance(state: State, call: InteractionRecord) -> bool:
    """Take the plan's steps that are due and whose condition holds. False when one sent the interaction away."""
    now, plan = state.now, call.plan
    due: float | None = None
    if plan.plain_start and not call.mask and (until := call.plan_since + plan.alone) > now:
        # What every entry comes through: the loop below says the same.
        call.mask = 1
        call.demand = None
        if until < inf:
            state.timers.set(PLAN, call.interaction_id, until)
        return True
    prompt = ""
    for number, step in enumerate(plan.steps):
        if call.mask >> number & 1:
            continue
        at = call.plan_since + step.conf.after
        if at <= now:
            if step.when is None or condition_holds(state, call, step.when):
                call.mask |= 1 << number
                call.demand = None
                prompt = step.conf.announce or prompt
                if not _take(state, call, step.conf, number):
                    return False
                continue
            at = now + state.config.recheck
        due = at if due is None else min(due, at)
    if due is not None:
        state.timers.set(PLAN, call.interaction_id, due)
    if prompt:
        state.out.append(announcement(state, call, prompt))
    return True


def follow_plan(state: State, call: InteractionRecord) -> None:
    """Go on under the plan as it is now. A step that does to the caller what one already taken did is taken."""
    plan = call.queue.plan
    if plan is call.plan:
        return
    done = [_doing(step.conf) for number, step in enumerate(call.plan.steps) if call.mask >> number & 1]
    call.mask = call.boost = 0
    for number, step in enumerate(plan.steps):
        doing = _doing(step.conf)
        if doing in done:
            done.remove(doing)
            call.mask |= 1 << number
            call.boost += step.conf.raise_priority
    call.plan, call.demand = plan, None


def _doing(step: PlanStep) -> tuple[object, ...]:
    return step.after, step.when, step.raise_priority, step.announce, step.overflow


def _take(state: State, call: InteractionRecord, step: PlanStep, number: int) -> bool:
    if number:
        state.out.append(PlanStepTaken(call.interaction_id, call.queue.conf.queue_id, number))
    if step.raise_priority:
        call.boost += step.raise_priority
        weigh(state, call)
        state.out.append(PriorityChanged(call.interaction_id, call.level, "plan"))
    return step.overflow is None or overflow(state, call, step.overflow, f"step {number}")


def release(state: State, call: InteractionRecord) -> None:
    """A hold is over: anyone may serve the interaction."""
    step_out(state, call)
    call.queue.resting.pop(call.interaction_id, None)
    call.held_for = ""
    call.place = "waiting"
    call.preferred_wait = 0.0
    state.timers.cancel(RELEASE, call.interaction_id)
    # A call-back took no step of its plan while its customer was dialled.
    if advance(state, call):
        state.loose_calls[call.interaction_id] = call
