"""The engine's memory as JSON-able data, and back.

Only what cannot be worked out again is kept: lines, pools, demands and profiles follow from agents and interactions.
"""

from collections.abc import Mapping
from typing import Any

from acd.codec import agent_from_data, encode, queue_from_data
from acd.config import RoutingConfig
from acd.routing import changes
from acd.routing.agents import move_to_node
from acd.routing.demands import stand
from acd.routing.queues import QueueRecord
from acd.routing.state import AgentRecord, InteractionRecord, State, Work, has_room, is_available, put_load
from acd.routing.timers import WRAP_UP, Timers
from core.errors import Invalid

FORM = 3
_AGENT = (
    "signed_in", "leaving", "leaving_reason", "wants_ready", "reason", "pause_until", "pause_reason", "state",
    "shown_reason", "since", "until", "interaction_id", "ready_since", "counted", "idle", "busy", "last_offer",
    "ronas", "rejections", "failures", "node",
)  # fmt: skip
_WORK = ("channel", "queue_id", "phase", "since", "until", "extensions", "resting")
_CALL = (
    "waiting_since", "place_since", "plan_since", "channel", "direction", "node", "require", "priority",
    "boost", "level", "rank", "front", "mask", "place", "preferred", "preferred_wait", "held_for", "retry_at",
    "stood_since", "offered_to", "fence", "deadline", "failures", "hops", "number", "attempt", "dialling",
)  # fmt: skip


def take(state: State) -> dict[str, Any]:
    """Everything that decides what the engine does next."""
    config = state.config
    queues = state.queues
    return {
        "form": FORM,
        "seed": state.seed,
        "now": state.now,
        "fence": state.fence,
        "fronts": state.fronts,
        "closed": [[name, state.closed[name]] for name in state.closed_order],
        "due": [[kind, *(name if kind == WRAP_UP else (name, "")), at] for kind, name, at in state.timers.all()],
        "queues": {name: _queue(queues[name]) for name in sorted(queues)},
        "agents": {name: _agent(state.agents[name], config) for name in sorted(state.agents)},
        "interactions": {name: _call(state.interactions[name]) for name in sorted(state.interactions)},
    }


def _queue(queue: QueueRecord) -> dict[str, Any]:
    flow = queue.flow
    data: dict[str, Any] = {
        "filled_at": queue.filled_at,
        "samples": [list(sample) for sample in flow.samples],
        "last": flow.last,
        "handling": flow.handling,
        "leavers": flow.leavers,
        "waited": flow.waited,
        "unserved": list(queue.unserved),
        "resting": list(queue.resting),
    }
    return data | {"conf": encode(queue.conf)} if queue.retired else data


def _agent(agent: AgentRecord, config: RoutingConfig) -> dict[str, Any]:
    data = {name: getattr(agent, name) for name in _AGENT}
    data["work"] = [[name, *(getattr(work, item) for item in _WORK)] for name, work in agent.work.items()]
    if agent.agent_id not in config.agents:
        data["conf"] = encode(agent.conf)
    return data


def _call(call: InteractionRecord) -> dict[str, Any]:
    data = {name: getattr(call, name) for name in _CALL}
    data["queue_id"] = call.queue.conf.queue_id
    data["in_line"] = call.line_key is not None
    data["attributes"] = dict(call.attributes)
    data["agents"] = list(call.agents)
    return data


def put_back(config: RoutingConfig, data: Mapping[str, Any]) -> State:
    """The state of the snapshot. Raises `Invalid` for a snapshot of another form or of another configuration."""
    if data.get("form") != FORM:
        raise Invalid(
            f"This snapshot has form {data.get('form')!r}, this version reads form {FORM}.",
            "Start without it: waiting callers and talks are found again on Asterisk.",
            code="snapshot",
        )
    state = State(RoutingConfig(), data["seed"], data["fence"] + 1)
    state.now = data["now"]
    changes.load(state, config)
    state.fronts = data["fronts"]
    state.closed = dict(data["closed"])
    state.closed_order.extend(state.closed)
    for name, item in data["queues"].items():
        _put_queue(state, name, item)
    for name, item in data["agents"].items():
        _put_agent(state, name, item)
    for name, item in data["interactions"].items():
        _put_call(state, name, item)
    for name, item in data["queues"].items():
        state.queues[name].filled_at = item["filled_at"]
    state.timers = Timers()
    for kind, name, other, at in data["due"]:
        state.timers.set(kind, (name, other) if kind == WRAP_UP else name, at)
    for agent in state.agents.values():
        # While lines were filled, not everybody's offer was known yet.
        state.unpool(agent)
        if is_available(agent) and has_room(state, agent):
            state.pool(agent)
    state.loose_agents.clear()
    state.loose_calls.clear()
    state.index.stirred.clear()
    state.unsure.clear()
    state.vacated = False
    return state


def _put_queue(state: State, name: str, data: Mapping[str, Any]) -> None:
    queue = state.queues.get(name)
    if queue is None:
        if "conf" not in data:
            raise Invalid(f"The snapshot has a queue {name!r} that the configuration lacks.", code="snapshot")
        queue = state.queues[name] = QueueRecord(queue_from_data(data["conf"]))
        queue.retired = True
    queue.flow.samples = [(at, interval) for at, interval in data["samples"]]
    queue.flow.last, queue.flow.handling = data["last"], data["handling"]
    queue.flow.leavers, queue.flow.waited = data["leavers"], data["waited"]
    queue.unserved, queue.resting = dict.fromkeys(data["unserved"]), dict.fromkeys(data["resting"])


def _put_agent(state: State, name: str, data: Mapping[str, Any]) -> None:
    agent = state.agents.get(name)
    if agent is None:
        if "conf" not in data:
            raise Invalid(f"The snapshot has an agent {name!r} whom the configuration lacks.", code="snapshot")
        changes.add_agent(state, agent_from_data(data["conf"]))
        agent = state.agents[name]
    move_to_node(state, agent, data["node"])
    for item in _AGENT:
        setattr(agent, item, data[item])
    agent.profile.signed_in += agent.signed_in
    for interaction_id, *values in data["work"]:
        work = agent.work[interaction_id] = Work("", "", "", 0.0)
        for item, value in zip(_WORK, values, strict=True):
            setattr(work, item, value)
    put_load(state, agent)


def _put_call(state: State, name: str, data: Mapping[str, Any]) -> None:
    queue = state.queues.get(data["queue_id"], state.no_queue)
    call = InteractionRecord(name, queue, 0.0, state.draw(name))
    for item in _CALL:
        setattr(call, item, data[item])
    call.attributes = data["attributes"]
    call.plan = queue.plan
    call.agents = tuple(data["agents"])
    state.interactions[name] = call
    if call.fence:
        state.offers[call.fence] = call
        state.agents[call.offered_to].offer = call
        queue.offered[name] = None
    if data["in_line"]:
        stand(state, call)
