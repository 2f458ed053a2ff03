"""The engine and the slow reference router make the same offers, in the same order, in small worlds."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from acd.config import Agent, Blend, Plan, PlanStep, Queue, Refusals, RoutingConfig, Strategy, Weights, WrapUp
from acd.effects import Offer
from acd.engine import Engine
from acd.events import (
    AgentNotReady,
    AgentReady,
    AgentSignedIn,
    ConfigChanged,
    Event,
    InteractionLeft,
    InteractionMoved,
    InteractionPrioritised,
    InteractionQueued,
    OfferAccepted,
    OfferRefused,
    TalkEnded,
    Tick,
    WrapUpEnded,
)
from tests.property.expressions import LANGUAGES, SKILLS, TEAMS, Said, either, expressions, negated, skill, team
from tests.property.expressions import both as both_of
from tests.property.reference import (
    FLEXIBILITY,
    IDLE,
    MAX_PRIORITY,
    OCCUPANCY,
    PROFICIENCY,
    REJECT_LIMIT,
    REJECT_PAUSE,
    RING,
    RONA_LIMIT,
    SECONDS_PER_PRIORITY,
    WRAP_UP,
    Person,
    Reference,
    Rules,
)

PEOPLE, QUEUES = tuple(f"a{n}" for n in range(5)), ("q0", "q1", "q2")
BLENDS = (Blend.ALL, Blend.ALL, Blend.INBOUND_FIRST, Blend.INBOUND, Blend.OUTBOUND)

agents = st.builds(
    lambda skills, languages, team, blend: {"skills": skills, "languages": languages, "team": team, "blend": blend},
    st.dictionaries(st.sampled_from(SKILLS), st.integers(1, 10), max_size=3),
    st.frozensets(st.sampled_from(LANGUAGES)),
    st.sampled_from(TEAMS),
    st.sampled_from(BLENDS),
)
rules = st.builds(
    Rules,
    expressions(),
    expressions(),
    st.sampled_from([0.0, 10.0, 40.0]),
    st.sampled_from(list(Strategy)),
    st.lists(expressions(), max_size=2).map(tuple),
    st.sampled_from([0, 0, 1, 2]),
)
steps = st.lists(
    st.tuples(
        st.sampled_from(
            ["queue"] * 4
            + ["sign_in"] * 2
            + ["accept"] * 3
            + ["end"] * 2
            + ["ready", "not_ready", "refuse", "reject", "leave", "wrapped", "front", "move", "skills", "tick"]
        ),
        st.integers(0, 11),
        st.integers(0, 2),
        st.integers(1, 160),
    ),
    min_size=5,
    max_size=80,
)


@dataclass
class Both:
    """Engine and reference, told the same."""

    config: RoutingConfig
    engine: Engine
    reference: Reference
    made: list[tuple[int, str, str]]

    def tell(self, event: Event, same: Callable[[], None]) -> None:
        now = event.at
        while (due := self.engine.next_due()) is not None and due <= now:
            self.note(Tick(due))
        self.reference.until(now)
        self.note(event)
        same()
        self.reference.settle()

    def note(self, event: Event) -> None:
        for effect in self.engine.handle(event):
            if isinstance(effect, Offer):
                self.made.append((effect.fence, effect.interaction_id, effect.agent_id))
                self.reference.drawn[effect.fence] = (effect.interaction_id, effect.agent_id)


def build(people: list[dict], queues: list[Rules]) -> Both:
    named = {name: Agent(name, **facts) for name, facts in zip(PEOPLE, people, strict=True)}
    config = RoutingConfig(
        agents=named,
        queues={
            name: Queue(
                name,
                plan=Plan(
                    (
                        PlanStep(require=rule.first.text, prefer=tuple(said.text for said in rule.prefer)),
                        PlanStep(
                            after=rule.wider_after,
                            require=rule.wider.text,
                            prefer=tuple(said.text for said in rule.prefer),
                        ),
                    )
                ),
                strategy=rule.strategy,
                weights=Weights(IDLE, PROFICIENCY, FLEXIBILITY, OCCUPANCY),
                reserve=rule.reserve,
                ring_timeout=RING,
                wrap_up=WrapUp(seconds=WRAP_UP),
            )
            for name, rule in zip(QUEUES, queues, strict=True)
        },
        refusals=Refusals(rona_limit=RONA_LIMIT, reject_limit=REJECT_LIMIT, reject_pause=REJECT_PAUSE),
        seconds_per_priority=SECONDS_PER_PRIORITY,
        max_priority=MAX_PRIORITY,
    )
    reference = Reference(
        dict(zip(QUEUES, queues, strict=True)), {name: Person(agent) for name, agent in named.items()}
    )
    return Both(config, Engine(config, seed=7), reference, [])


def comes(both: Both, at: float, number: int, queue: str) -> tuple[Event, Callable[[], None]]:
    name = f"c{number}" if number < 2 else f"n{at}"
    way = "outbound" if number % 4 == 3 else "inbound"
    event = InteractionQueued(at, name, queue, priority=number - 4, direction=way)
    return event, lambda: both.reference.queue(name, queue, number - 4, way == "outbound")


def learns(both: Both, at: float, person: str, skills: dict[str, int]) -> tuple[Event, Callable[[], None]]:
    other = replace(both.config.agents[person], skills=skills)
    both.config = replace(both.config, agents={**both.config.agents, person: other})
    return ConfigChanged(at, both.config), lambda: both.reference.change(other)


def say(both: Both, at: float, what: str, number: int, which: int) -> tuple[Event, Callable[[], None]] | None:
    """The event of one step, and how the reference is told the same."""
    ref, person, call, queue = both.reference, PEOPLE[number % 5], f"c{number}", QUEUES[which]
    live = sorted(c.fence for c in ref.calls.values() if c.place == "offered") or [999]
    fence = live[number % len(live)]
    match what:
        case "queue":
            return comes(both, at, number, queue)
        case "skills":
            return learns(both, at, person, {SKILLS[which]: number, "tv": 5})
        case "sign_in":
            return AgentSignedIn(at, person, ready=True), lambda: ref.sign_in(person)
        case "ready":
            return AgentReady(at, person), lambda: ref.ready(person)
        case "not_ready":
            return AgentNotReady(at, person, "pause"), lambda: ref.not_ready(person)
        case "accept":
            return OfferAccepted(at, fence), lambda: ref.accept(fence)
        case "refuse":
            return OfferRefused(at, fence, "no_answer"), lambda: ref.refuse(fence, "no_answer")
        case "reject":
            return OfferRefused(at, fence, "rejected"), lambda: ref.refuse(fence, "rejected")
        case "wrapped":
            return WrapUpEnded(at, person), lambda: ref.wrapped(person)
        case "tick":
            return Tick(at), lambda: None
    names = sorted(ref.calls)
    call = names[number % len(names)] if names else "c0"
    match what:
        case "leave":
            return InteractionLeft(at, call), lambda: ref.leave(call)
        case "front":
            return InteractionPrioritised(at, call, to_front=True), lambda: ref.front(call)
        case "move":
            return InteractionMoved(at, call, queue), lambda: ref.move(call, queue)
    talking = sorted((c.name, c.person.agent.agent_id) for c in ref.calls.values() if c.place == "talking" and c.person)
    if not talking:
        return None
    ended, by = talking[number % len(talking)]
    return TalkEnded(at, ended, by), lambda: ref.end(ended)


WHAT = ["queue"] * 7 + ["accept"] * 6 + ["end"] * 5 + ["wrapped"] * 3 + ["sign_in", "ready", "ready"]
WHAT += ["not_ready", "refuse", "reject", "leave", "front", "move", "skills", "tick"]


def follow(both: Both, script: Iterable[tuple[str, int, int, int]]) -> None:
    """Play the script, comparing after each step all offers made and at the end where everyone is."""
    at = 0.0
    for what, number, which, pause in script:
        at += pause / 8
        said = say(both, at, what, number, which)
        if said is not None:
            both.tell(*said)
            assert both.made == both.reference.log
    for view in both.engine.agents():
        shown = both.reference.people[view.agent_id].state
        assert view.state == ("not_ready" if shown == "pause" else shown)
    places = {view.interaction_id: view.place for view in both.engine.interactions()}
    assert places == {name: call.place for name, call in both.reference.calls.items()}


@given(st.lists(agents, min_size=5, max_size=5), st.lists(rules, min_size=3, max_size=3), steps)
def test_fast_and_slow_router_make_the_same_offers(people, queues, script):
    follow(build(people, queues), script)


def a_skill(rng: Random) -> Said:
    found = skill(rng.choice(SKILLS), rng.randint(1, 7))
    if rng.random() < 0.4:
        found = rng.choice([both_of, either])(found, skill(rng.choice(SKILLS), rng.randint(1, 7)))
    return both_of(found, negated(team(rng.choice(TEAMS)))) if rng.random() < 0.2 else found


def test_fast_and_slow_router_make_the_same_offers_on_busy_floors():
    offers = 0
    for seed in range(120):
        rng = Random(seed)
        kinds = [
            {"skills": {name: rng.randint(2, 10) for name in SKILLS if rng.random() < 0.8}, "team": rng.choice(TEAMS)}
            | {"blend": rng.choice(BLENDS)}
            for _ in range(rng.choice([2, 5]))
        ]
        people = [rng.choice(kinds) for _ in PEOPLE]
        queues = [
            Rules(
                a_skill(rng),
                a_skill(rng),
                rng.choice([0.0, 10.0, 40.0]),
                rng.choice(list(Strategy)),
                tuple(a_skill(rng) for _ in range(rng.choice([0, 0, 1, 2]))),
                rng.choice([0, 0, 0, 1]),
            )
            for _ in QUEUES
        ]
        script = [("sign_in", number, 0, 3) for number in range(5)]
        script += [(rng.choice(WHAT), rng.randint(0, 11), rng.randint(0, 2), rng.randint(1, 60)) for _ in range(320)]
        both = build(people, queues)
        follow(both, script)
        offers += len(both.made)
    assert offers > 120 * 25, "too little happens on these floors to prove anything"
