"""The whole event alphabet in any order, late, twice and stale: what must hold holds after each event."""

import json
from random import Random
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from acd.codec import from_data, to_data
from acd.config import (
    Agent,
    Blend,
    CallBackRule,
    Channel,
    Overflow,
    OverflowKind,
    Plan,
    PlanStep,
    Queue,
    RoutingConfig,
    Strategy,
    Weights,
    WrapUp,
    WrapUpMode,
)
from acd.effects import Dequeued, Effect, Ignored, InteractionEnded, Offer, Queued
from acd.engine import Engine
from acd.events import (
    AgentAdopted,
    AgentBusy,
    AgentNotReady,
    AgentReady,
    AgentSignedIn,
    AgentSignedOut,
    CallBackAnswered,
    CallBackCancelled,
    CallBackFailed,
    CallBackRequested,
    ConfigChanged,
    ConsultEnded,
    ConsultStarted,
    Event,
    InteractionAdopted,
    InteractionLeft,
    InteractionMoved,
    InteractionPrioritised,
    InteractionQueued,
    OfferAccepted,
    OfferRefused,
    TalkEnded,
    TalkTransferred,
    Tick,
    TransferredToQueue,
    WrapUpEnded,
    WrapUpExtended,
)
from tests.property import invariants
from tests.property.expressions import LANGUAGES, SKILLS, TEAMS, Said, anyone, expressions, skill, team

PEOPLE = tuple(f"a{n}" for n in range(6))
QUEUES = ("q0", "q1", "q2")
CHANNELS = {"voice": Channel(100), "chat": Channel(40), "email": Channel(60, interruptible=True)}

a_person = st.sampled_from(PEOPLE)
a_queue = st.sampled_from(QUEUES)
a_channel = st.sampled_from(["voice", "voice", "voice", "chat", "email"])
a_node = st.sampled_from(["", "n1", "n2"])
a_fence = st.integers(1, 40)
a_number = st.integers(0, 25)
a_pick = st.integers(0, 1000)
a_reason = st.sampled_from(["", "", "", "rejected", "no_answer", "busy", "unreachable", "failed"])
people = st.builds(
    Agent,
    st.just(""),
    st.dictionaries(st.sampled_from(SKILLS), st.integers(1, 10)),
    st.frozensets(st.sampled_from(LANGUAGES)),
    programmes=st.sampled_from([frozenset(), frozenset(), frozenset({"p0"})]),
    team=st.sampled_from(TEAMS),
    node=a_node,
    channels=st.sampled_from([frozenset(), frozenset(), frozenset({"voice"}), frozenset({"chat", "email"})]),
    blend=st.sampled_from([Blend.ALL, Blend.ALL, Blend.INBOUND, Blend.INBOUND_FIRST]),
)
asked = st.one_of(st.just(anyone()), expressions(PEOPLE[:2]))
a_step = st.tuples(
    st.sampled_from([10.0, 45.0]), asked, st.sampled_from(["", "waiting>1", "ready<1"]), st.integers(0, 3)
)
queues = st.tuples(
    asked,
    st.lists(a_step, max_size=2),
    st.sampled_from(list(Strategy)),
    st.sampled_from(
        [WrapUp(seconds=20), WrapUp(WrapUpMode.FIXED, 10), WrapUp(WrapUpMode.MANUAL), WrapUp(WrapUpMode.NONE)]
    ),
    st.sampled_from([0, 0, 0, 1]),
    st.sampled_from([None, None, 3]),
    st.sampled_from(["p0", "p1"]),
)


class World(RuleBasedStateMachine):
    """An engine, its twin restored from a snapshot, and the book of who came and who left."""

    @initialize(
        named=st.lists(people, min_size=6, max_size=6),
        lines=st.lists(queues, min_size=3, max_size=3),
        seed=st.integers(0, 3),
    )
    def start(self, named: list[Agent], lines: list[Any], seed: int) -> None:
        self.meaning: dict[str, Said] = {"": anyone()}
        self.config = self.configuration(named, lines)
        self.engine = Engine(self.config, seed)
        self.twin: Engine | None = None
        self.seed = seed
        self.first = self.config
        self.now = 0.0
        self.book: set[str] = set()
        self.left: dict[str, float] = {}
        self.told: list[Event] = []
        self.answers: list[str] = []

    def configuration(self, named: list[Agent], lines: list[Any]) -> RoutingConfig:
        agents = {
            name: Agent(
                name, a.skills, a.languages, a.programmes, a.segments, a.team, a.node, a.channels, a.capacity, a.blend
            )
            for name, a in zip(PEOPLE, named, strict=True)
        }
        return RoutingConfig(
            {name: self.line(name, *line) for name, line in zip(QUEUES, lines, strict=True)},
            agents,
            channels=CHANNELS,
            seconds_per_priority=10.0,
            max_priority=4,
            crossing_cost=5.0,
        )

    def line(
        self, name: str, first: Said, later: list[Any], strategy: Strategy, wrap_up: WrapUp, reserve: int,
        most: int | None, programme: str,
    ) -> Queue:  # fmt: skip
        for said in (first, *(step[1] for step in later)):
            self.meaning[said.text] = said
        steps = [PlanStep(require=first.text)]
        steps += [PlanStep(after, when, said.text, raise_priority=more) for after, said, when, more in later]
        return Queue(
            name,
            programme_id=programme,
            plan=Plan(tuple(steps)),
            strategy=strategy,
            weights=Weights(1.0, 2.0, 0.5, 30.0),
            wrap_up=wrap_up,
            reserve=reserve,
            max_waiting=most,
            on_full=Overflow(OverflowKind.VOICEMAIL, "box") if most else None,
            call_back=CallBackRule(2, 30.0),
        )

    # --- telling -----------------------------------------------------------------------------------------------

    def tell(self, event: Event) -> list[Effect]:
        """Everything due first, each at its instant; then the event."""
        while (due := self.engine.next_due()) is not None and due <= event.at:
            self.say(Tick(due))
        return self.say(event)

    def say(self, event: Event) -> list[Effect]:
        before = dict(self.engine._state.interactions)
        effects = self.engine.handle(event)
        self.now = max(self.now, event.at)
        self.told.append(event)
        lines = [json.dumps(to_data(effect)) for effect in effects]
        self.answers += lines
        if self.twin is not None:
            twins = [json.dumps(to_data(effect)) for effect in self.twin.handle(event)]
            assert twins == lines, f"restored: {twins}, running on: {lines}"
        self.keep_book(effects)
        self.judge_offers(effects, before)
        return effects

    def keep_book(self, effects: list[Effect]) -> None:
        """Nothing ends silently: who is known has come, and who is no longer known was told to have left."""
        for effect in effects:
            if isinstance(effect, Queued):
                self.book.add(effect.interaction_id)
            elif isinstance(effect, Dequeued | InteractionEnded):
                self.book.discard(effect.interaction_id)
                self.left[effect.interaction_id] = self.now
        for view in self.engine.interactions():
            if view.place == "talking":
                self.book.add(view.interaction_id)
        assert self.book == {view.interaction_id for view in self.engine.interactions()}

    def judge_offers(self, effects: list[Effect], before: dict[str, Any]) -> None:
        """No offer to the unqualified, and nobody is overtaken beyond the aging bound."""
        state = self.engine._state
        for effect in effects:
            if not isinstance(effect, Offer) or state.offers.get(effect.fence) is None:
                continue
            call, agent = state.offers[effect.fence], state.agents[effect.agent_id]
            queue = call.queue.conf
            steps = tuple(n for n in range(len(queue.plan.steps)) if call.mask >> n & 1 or call.preferred)
            conf = self.config
            if queue.queue_id in conf.queues and conf.queues[queue.queue_id] == queue:
                known = invariants.qualified(conf, self.meaning, agent.conf, call, steps)
                assert known, f"{effect.agent_id} is offered {effect.interaction_id}"
            if not call.preferred:
                assert not invariants.overtaken(state, call, agent)

    # --- what happens ------------------------------------------------------------------------------------------

    def later(self, seconds: float) -> float:
        return self.now + seconds

    @rule(seconds=st.sampled_from([0.25, 3.0, 11.0, 31.5, 100.0]))
    def time_passes(self, seconds: float) -> None:
        self.tell(Tick(self.later(seconds)))

    @rule(agent=a_person, ready=st.sampled_from([True, True, True, False]), node=a_node)
    def sign_in(self, agent: str, ready: bool, node: str) -> None:
        self.tell(AgentSignedIn(self.later(0.5), agent, node, ready))

    @rule(agent=a_person, what=st.sampled_from(["ready", "ready", "pause", "out", "wrapped", "more"]))
    def agent_acts(self, agent: str, what: str) -> None:
        at = self.later(0.5)
        events: dict[str, Event] = {
            "ready": AgentReady(at, agent),
            "pause": AgentNotReady(at, agent, "pause"),
            "out": AgentSignedOut(at, agent),
            "wrapped": WrapUpEnded(at, agent),
            "more": WrapUpExtended(at, agent),
        }
        self.tell(events[what])

    @rule(
        number=a_number, queue=a_queue, priority=st.integers(-6, 6), waited=st.sampled_from([0.0, 0.0, 20.0]),
        channel=a_channel, outbound=st.booleans(), node=a_node, agent=st.sampled_from(["", "", *PEOPLE]),
        adopted=st.sampled_from([False, False, False, True]),
    )  # fmt: skip
    def comes(
        self, number: int, queue: str, priority: int, waited: float, channel: str, outbound: bool, node: str,
        agent: str, adopted: bool,
    ) -> None:  # fmt: skip
        at = self.later(0.5)
        kind = InteractionAdopted if adopted else InteractionQueued
        direction = "outbound" if outbound else "inbound"
        self.tell(
            kind(
                at, f"c{number}", queue, at - waited, priority, "", agent, 25.0 if agent else 0.0, channel,
                direction, node, {"segment": "gold"},
            )
        )  # fmt: skip

    @rule(number=a_number, reason=st.sampled_from(["hung_up", "diverted"]))
    def leaves(self, number: int, reason: str) -> None:
        self.tell(InteractionLeft(self.later(0.5), f"c{number}", reason))

    @precondition(lambda self: self.engine._state.offers)
    @rule(pick=a_pick, reason=a_reason)
    def answers_an_offer(self, pick: int, reason: str) -> None:
        live = sorted(self.engine._state.offers)
        fence = live[pick % len(live)]
        at = self.later(0.5)
        self.tell(OfferRefused(at, fence, reason) if reason else OfferAccepted(at, fence))  # type: ignore[arg-type]

    @rule(fence=a_fence, accepted=st.booleans())
    def answers_anything(self, fence: int, accepted: bool) -> None:
        at = self.later(0.5)
        self.tell(OfferAccepted(at, fence) if accepted else OfferRefused(at, fence, "rejected"))

    @precondition(lambda self: any(view.place == "talking" for view in self.engine.interactions()))
    @rule(pick=a_pick, other=a_person, queue=a_queue, what=st.integers(0, 6))
    def in_a_talk(self, pick: int, other: str, queue: str, what: int) -> None:
        talks = [view for view in self.engine.interactions() if view.place == "talking"]
        view = talks[pick % len(talks)]
        at, name, agent = self.later(0.5), view.interaction_id, view.agent_ids[0]
        events: list[Event] = [
            TalkEnded(at, name, agent),
            TalkEnded(at, name, agent, wrap_up=False),
            TalkTransferred(at, name, agent, other),
            ConsultStarted(at, name, other),
            ConsultEnded(at, name, view.agent_ids[-1]),
            TransferredToQueue(at, name, agent, queue, to_head=True),
            TransferredToQueue(at, name, agent, queue, view.waiting_since, priority=2, require="it"),
        ]
        self.meaning.setdefault("it", Said("it", lambda agent: "it" in agent.skills))
        self.tell(events[what])

    @rule(agent=a_person, number=a_number, queue=st.sampled_from(["", *QUEUES]))
    def busy_by_hand(self, agent: str, number: int, queue: str) -> None:
        self.tell(AgentBusy(self.later(0.5), agent, f"c{number}", queue))

    @rule(
        agent=a_person,
        state=st.sampled_from(["ready", "not_ready", "talking", "wrap_up"]),
        number=a_number,
        queue=a_queue,
    )
    def found_after_restart(self, agent: str, state: Any, number: int, queue: str) -> None:
        at = self.later(0.5)
        self.tell(AgentAdopted(at, agent, state, at - 30, "lunch", at + 5, f"c{number}", queue))

    @rule(
        number=a_number, queue=a_queue, priority=st.sampled_from([None, -9, 3]), front=st.booleans(), move=st.booleans()
    )
    def supervised(self, number: int, queue: str, priority: int | None, front: bool, move: bool) -> None:
        at, name = self.later(0.5), f"c{number}"
        self.tell(InteractionMoved(at, name, queue) if move else InteractionPrioritised(at, name, priority, front))

    @rule(number=a_number, what=st.integers(0, 4), attempt=st.integers(1, 2))
    def calls_back(self, number: int, what: int, attempt: int) -> None:
        at, name = self.later(0.5), f"c{number}"
        events: list[Event] = [
            CallBackRequested(at, name, "+390612345"),
            CallBackRequested(at, name, "+390612345"),
            CallBackAnswered(at, name, attempt),
            CallBackFailed(at, name, attempt),
            CallBackCancelled(at, name),
        ]
        self.tell(events[what])

    @rule(named=st.lists(people, min_size=6, max_size=6), which=st.integers(0, 5))
    def agents_change(self, named: list[Agent], which: int) -> None:
        agents = dict(self.config.agents)
        changed = PEOPLE[which]
        a = named[which]
        agents[changed] = Agent(changed, a.skills, a.languages, a.programmes, a.segments, a.team, a.node, a.channels)
        if which == 0:
            agents.pop(PEOPLE[1], None)
        self.change(RoutingConfig(self.config.queues, agents, channels=CHANNELS, seconds_per_priority=10.0,
                                  max_priority=4, crossing_cost=5.0))  # fmt: skip

    @rule(line=queues, name=a_queue)
    def a_queue_changes(self, line: Any, name: str) -> None:
        lines = {**self.config.queues, name: self.line(name, *line)}
        self.change(RoutingConfig(lines, self.config.agents, channels=CHANNELS, seconds_per_priority=10.0,
                                  max_priority=4, crossing_cost=5.0))  # fmt: skip

    def change(self, config: RoutingConfig) -> None:
        while (due := self.engine.next_due()) is not None and due <= self.now:
            self.say(Tick(due))
        self.config = config
        self.say(ConfigChanged(self.now, config))

    @precondition(lambda self: self.told)
    @rule(pick=a_pick)
    def is_told_again(self, pick: int) -> None:
        """Duplicated, late, reordered: any event of the past, with its old instant."""
        event = self.told[-1 - pick % min(30, len(self.told))]
        if isinstance(event, ConfigChanged):
            return
        effects = self.say(event)
        if isinstance(event, InteractionQueued) and event.at <= self.left.get(event.interaction_id, -1.0):
            assert all(isinstance(effect, Ignored) for effect in effects), "a ghost has come back"

    @precondition(lambda self: self.told)
    @rule()
    def the_same_twice_changes_nothing(self) -> None:
        """What has just been said is, said again at once, ignored or without effect."""
        event = self.told[-1]
        if isinstance(event, OfferAccepted | OfferRefused | InteractionQueued | InteractionLeft | TalkEnded):
            # What settled meanwhile may have brought the same id to life only by another event.
            effects = self.say(event)
            assert all(isinstance(effect, Ignored) for effect in effects)

    @rule()
    def is_restored(self) -> None:
        """From a snapshot, through JSON: from here on the twin must say the same, and be the same."""
        data = json.loads(json.dumps(self.engine.snapshot()))
        self.twin = Engine.restore(self.config, data)
        again = json.loads(json.dumps(self.twin.snapshot()))
        other = {name: (again[name], data[name]) for name in again if again[name] != data[name]}
        assert not other, f"restored is other: {other}"
        for told, mine in zip(self.twin.interactions(), self.engine.interactions(), strict=True):
            assert told == mine, f"restored {told}, running on {mine}"
        for told_agent, my_agent in zip(self.twin.agents(), self.engine.agents(), strict=True):
            assert told_agent == my_agent, f"restored {told_agent}, running on {my_agent}"
        for queue in QUEUES:
            told, mine = self.twin.estimate(queue), self.engine.estimate(queue)
            assert told == mine, f"{queue}: restored {told}, running on {mine}"

    # --- what holds --------------------------------------------------------------------------------------------

    @invariant()
    def holds(self) -> None:
        if hasattr(self, "engine"):
            invariants.check(self.engine, self.config, self.meaning)

    def teardown(self) -> None:
        """The journal, written and read back, gives the same answers, byte for byte."""
        if not hasattr(self, "engine"):
            return
        again = Engine(self.first, self.seed)
        journal = [json.dumps(to_data(event)) for event in self.told]
        answers = [
            json.dumps(to_data(effect))
            for line in journal
            for effect in again.handle(from_data(json.loads(line)))  # type: ignore[arg-type]
        ]
        other = next((pair for pair in zip(answers, self.answers, strict=False) if pair[0] != pair[1]), None)
        assert other is None, f"replayed: {other[0]}, then: {other[1]}"
        assert len(answers) == len(self.answers)


TestEngine = World.TestCase


def a_person_like(rng: Random) -> Agent:
    return Agent(
        "",
        {name: rng.randint(1, 10) for name in SKILLS if rng.random() < 0.6},
        frozenset(name for name in LANGUAGES if rng.random() < 0.5),
        programmes=frozenset({"p0"}) if rng.random() < 0.2 else frozenset(),
        team=rng.choice(TEAMS),
        node=rng.choice(["", "n1", "n2"]),
        channels=rng.choice([frozenset(), frozenset(), frozenset({"voice"})]),
        blend=rng.choice([Blend.ALL, Blend.ALL, Blend.INBOUND, Blend.INBOUND_FIRST]),
    )


def a_line_like(rng: Random) -> Any:
    asked = [
        rng.choice([anyone(), skill(rng.choice(SKILLS), rng.randint(1, 6)), team(rng.choice(TEAMS))]) for _ in "123"
    ]
    later = [(10.0, asked[1], rng.choice(["", "waiting>1"]), 1), (45.0, asked[2], rng.choice(["", "ready<1"]), 0)]
    wrap_up = rng.choice([WrapUp(seconds=20), WrapUp(WrapUpMode.FIXED, 10), WrapUp(WrapUpMode.NONE)])
    reserve, most = rng.choice([0, 0, 1]), rng.choice([None, None, 4])
    strategy = rng.choice(list(Strategy))
    return asked[0], later[: rng.randint(0, 2)], strategy, wrap_up, reserve, most, rng.choice(["p0", "p1"])


def a_step_of(world: World, rng: Random) -> None:
    """Something that is likely on a floor where people work, with all that is unlikely mixed in."""
    agent, number, queue, pick = rng.choice(PEOPLE), rng.randrange(26), rng.choice(QUEUES), rng.randrange(1000)
    talking = any(view.place == "talking" for view in world.engine.interactions())
    match rng.randrange(32):
        case 0 | 1 | 2 | 3 | 4 | 5 | 6:
            channel = rng.choice(["voice", "voice", "voice", "chat", "email"])
            preferred, waited = rng.choice(["", "", "", agent]), rng.choice([0.0, 0.0, 20.0])
            node = rng.choice(["", "n1", "n2"])
            world.comes(
                number, queue, rng.randint(-6, 6), waited, channel, rng.random() < 0.2, node, preferred, pick < 90
            )
        case 7 | 8 | 9 | 10 | 11 | 12 if world.engine._state.offers:
            world.answers_an_offer(pick, rng.choice(["", "", "", "", "rejected", "no_answer", "busy", "failed"]))
        case 13 | 14 | 15 | 16 | 17 if talking:
            world.in_a_talk(pick, agent, queue, rng.choice([0, 0, 0, 1, 2, 3, 4, 5, 6]))
        case 18 | 19:
            world.time_passes(rng.choice([0.25, 3.0, 11.0, 31.5]))
        case 20 | 21 | 22:
            world.agent_acts(
                agent, rng.choice(["ready", "ready", "ready", "pause", "out", "wrapped", "wrapped", "more"])
            )
        case 23 | 24:
            world.sign_in(agent, True, "")
        case 25:
            world.leaves(number, rng.choice(["hung_up", "diverted"]))
        case 26:
            world.supervised(number, queue, rng.choice([None, -9, 3]), rng.random() < 0.5, rng.random() < 0.5)
        case 27:
            world.calls_back(number, rng.randrange(5), rng.choice([1, 2]))
        case 28:
            world.is_told_again(pick)
        case 29 if pick < 300:
            world.a_queue_changes(a_line_like(rng), queue)
        case 30 if pick < 300:
            world.agents_change([a_person_like(rng) for _ in PEOPLE], rng.randrange(6))
        case 31:
            rng.choice([world.is_restored, world.the_same_twice_changes_nothing])()
        case _:
            for name in PEOPLE:
                world.tell(WrapUpEnded(world.now, name))
                world.tell(AgentReady(world.now, name))


def test_what_must_hold_holds_on_busy_floors():
    offers = 0
    for seed in range(25):
        rng = Random(seed)
        world = World()
        kinds = [a_person_like(rng) for _ in range(rng.choice([2, 6]))]
        world.start(named=[rng.choice(kinds) for _ in PEOPLE], lines=[a_line_like(rng) for _ in QUEUES], seed=seed)
        for agent in PEOPLE:
            world.sign_in(agent, True, "")
        for _ in range(300):
            a_step_of(world, rng)
            world.holds()
        world.teardown()
        offers += world.engine._state.fence
    assert offers > 25 * 40, "too little happens on these floors to prove anything"
