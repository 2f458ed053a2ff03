"""Small days for the tests of the simulator."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from acd.config import Agent, Queue, RoutingConfig, WrapUp, WrapUpMode
from acd.simulator.distributions import Distribution, Fixed
from acd.simulator.setup import Behaviour, CallAgain, Duty, RecordedCall, Setup, Topic

HOUR = 3600.0
MANUAL = WrapUp(WrapUpMode.MANUAL)


def topic(
    name: str = "care",
    *,
    talk: float = 100.0,
    wrap_up: float = 0.0,
    patience: Distribution | None = None,
    recall: CallAgain | None = None,
    redial: CallAgain | None = None,
    resolved: float = 1.0,
) -> Topic:
    """A topic of fixed durations in the queue of its own name."""
    made = Topic(name, name, talk=Fixed(talk), wrap_up=Fixed(wrap_up), resolved=resolved)
    if patience is not None:
        made = replace(made, patience=patience)
    if recall is not None:
        made = replace(made, recall=recall)
    return replace(made, redial=redial) if redial is not None else made


def day(
    calls: Sequence[RecordedCall],
    *,
    topics: Sequence[Topic] = (),
    agents: Mapping[str, Mapping[str, int]] | None = None,
    duties: Sequence[Duty] | None = None,
    behaviour: Behaviour | None = None,
    queues: Mapping[str, Queue] | None = None,
    hours: float = 1.0,
) -> Setup:
    """A day of exactly these calls; every agent works from before the start to after the end unless told otherwise."""
    known = {one.topic_id: one for one in topics or (topic(),)}
    team = {name: Agent(name, skills=dict(skills)) for name, skills in (agents or {"ada": {}}).items()}
    return Setup(
        "test",
        RoutingConfig(
            queues=queues
            if queues is not None
            else {one.queue_id: Queue(one.queue_id, wrap_up=MANUAL) for one in known.values()},
            agents=team,
        ),
        known,
        (),
        tuple(duties) if duties is not None else tuple(Duty(name, 0.0, 100 * HOUR) for name in team),
        hours * HOUR,
        epoch=1_764_000_000.0,
        behaviour=behaviour or Behaviour(),
        recorded=tuple(calls),
    )
