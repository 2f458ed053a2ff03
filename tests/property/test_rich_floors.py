"""What must hold, holds on floors that use everything a configuration can say, while it changes."""

import json
from collections.abc import Callable
from dataclasses import replace
from random import Random

from acd.codec import to_data
from acd.config import Channel
from acd.effects import Dequeued, Effect, InteractionEnded, NobodyQualified, Offer, QualifiedAgain, Queued
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
from acd.routing.demands import targets
from acd.routing.matching import Target, Traits, profile_key, split_by
from acd.routing.state import AgentRecord, InteractionRecord, State, is_available, is_open
from tests.property import invariants
from tests.property.floors import CHANNELS, PEOPLE, QUEUES, REQUIREMENTS, a_configuration, a_queue, an_agent

FLOORS, STEPS = 30, 150


class Floor:
    """An engine on such a floor, and its twin restored from a snapshot, told the same."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.config = a_configuration(self.rng)
        self.engine = Engine(self.config, seed)
        self.twin: Engine | None = None
        self.now = 0.0
        self.known: set[str] = set()
        self.unserved: set[str] = set()
        self.offers = 0
        for name in PEOPLE:
            self.tell(AgentSignedIn(self.now, name, self.rng.choice(["", "n1"]), True))

    # --- telling -----------------------------------------------------------------------------------------------

    def tell(self, event: Event) -> None:
        """Everything due first, each at its instant; then the event."""
        self.until(event.at)
        self.say(event)
        self.now = max(self.now, event.at)

    def until(self, at: float) -> None:
        for _ in range(500):
            due = self.engine.next_due()
            if due is None or due > at:
                return
            self.say(Tick(due))
        raise AssertionError("what is due never ends")

    def say(self, event: Event) -> None:
        effects = self.engine.handle(event)
        if self.twin is not None:
            told = [json.dumps(to_data(effect)) for effect in self.twin.handle(event)]
            assert told == [json.dumps(to_data(effect)) for effect in effects], event
        self.keep_book(effects)
        self.judge_offers(effects)
        state = self.engine._state
        invariants.everyone_is_in_one_place(state)
        invariants.nobody_has_two(state)
        invariants.pools_hold_those_who_are_ready(state)
        invariants.index_is_a_lower_bound(state)
        invariants.removed_queues_are_kept_for_those_in_them(state)
        nobody_is_idle_beside_someone_to_serve(state)
        loads_are_right(state)
        resting_are_resting(state)

    def keep_book(self, effects: list[Effect]) -> None:
        """Nothing ends silently; what is told of queues that nobody can serve is true."""
        for effect in effects:
            match effect:
                case Queued():
                    self.known.add(effect.interaction_id)
                case Dequeued() | InteractionEnded():
                    self.known.discard(effect.interaction_id)
                case NobodyQualified():
                    self.unserved.add(effect.queue_id)
                case QualifiedAgain():
                    self.unserved.remove(effect.queue_id)
        state = self.engine._state
        self.known |= {view.interaction_id for view in self.engine.interactions() if view.place == "talking"}
        assert self.known == set(state.interactions)
        assert self.unserved == {name for name, queue in state.queues.items() if queue.unserved}
        for call in state.interactions.values():
            if call.place == "waiting" and call.mask:
                nobody = not any(meets(state, agent, call, call.mask) for agent in state.agents.values())
                assert nobody == (call.interaction_id in call.queue.unserved), call.interaction_id

    def judge_offers(self, effects: list[Effect]) -> None:
        """To the qualified only, none beyond the reserve, and nobody is overtaken beyond the aging bound."""
        state = self.engine._state
        for effect in effects:
            call = state.offers.get(effect.fence) if isinstance(effect, Offer) else None
            if call is None or not isinstance(effect, Offer):
                continue
            self.offers += 1
            agent = state.agents[effect.agent_id]
            asked_for = call.preferred == effect.agent_id
            assert meets(state, agent, call, call.mask) or (asked_for and meets(state, agent, call, call.plan.full))
            if not asked_for and not call.place_since > state.now:
                assert not invariants.overtaken(state, call, agent)

    # --- what happens ------------------------------------------------------------------------------------------

    def step(self) -> None:
        rng, at = self.rng, self.now + self.rng.choice([0.25, 0.5, 2.0])
        calls, state = self.engine.interactions(), self.engine._state
        talks = [view for view in calls if view.place == "talking"]
        kind = rng.randrange(30)
        if kind < 7:
            self.tell(self.arrival(at))
        elif kind < 14 and state.offers:
            fence = rng.choice(sorted(state.offers))
            refusal = rng.choice(["rejected", "no_answer", "busy", "failed", "unreachable"])
            self.tell(OfferAccepted(at, fence) if rng.random() < 0.7 else OfferRefused(at, fence, refusal))
        elif kind < 19 and talks:
            view = rng.choice(talks)
            self.tell(self.in_talk(at, view.interaction_id, view.agent_ids[0]))
        elif kind == 19:
            self.tell(Tick(self.now + rng.choice([3, 11, 31.5, 100])))
        elif kind < 25:
            self.tell(self.anything(at))
        elif kind == 25:
            self.until(self.now)
            self.change()
        elif kind == 26:
            self.twin = Engine.restore(self.config, json.loads(json.dumps(self.engine.snapshot())))
        else:
            for name in PEOPLE:
                self.tell(WrapUpEnded(self.now, name))
                known = state.agents.get(name)
                back = AgentReady(self.now, name) if known and known.signed_in else AgentSignedIn(self.now, name)
                self.tell(back)

    def arrival(self, at: float) -> Event:
        rng = self.rng
        kind = rng.choice([InteractionQueued, InteractionQueued, InteractionQueued, InteractionAdopted])
        facts = (("language", rng.choice(["it", "en"])), ("segment", "gold"), ("site", "rome"))
        return kind(
            at,
            f"c{rng.randrange(26)}",
            rng.choice([*QUEUES, *QUEUES, "unknown"]),
            at - rng.choice([0, 0, 20]),
            rng.randint(-5, 5),
            rng.choice(["", "", rng.choice(REQUIREMENTS)]),
            rng.choice(["", "", rng.choice(PEOPLE)]),
            25.0,
            rng.choice(["voice", "voice", "chat", "email"]),
            rng.choice(["inbound", "inbound", "outbound"]),
            rng.choice(["", "n1", "n2"]),
            {name: value for name, value in facts if rng.random() < 0.6},
        )

    def in_talk(self, at: float, call: str, agent: str) -> Event:
        rng, other, queue = self.rng, self.rng.choice(PEOPLE), self.rng.choice(QUEUES)
        require = rng.choice([None, rng.choice(REQUIREMENTS)])
        events: list[Callable[[], Event]] = [
            lambda: TalkEnded(at, call, agent),
            lambda: TalkEnded(at, call, agent),
            lambda: TalkEnded(at, call, agent, wrap_up=False),
            lambda: TalkTransferred(at, call, agent, other),
            lambda: ConsultStarted(at, call, other),
            lambda: ConsultEnded(at, call, other),
            lambda: TransferredToQueue(at, call, agent, queue, to_head=rng.random() < 0.5, require=require),
            lambda: CallBackAnswered(at, call, rng.randint(1, 2)),
            lambda: CallBackFailed(at, call, rng.randint(1, 2)),
        ]
        return rng.choice(events)()

    def anything(self, at: float) -> Event:
        rng, agent, call, queue = self.rng, self.rng.choice(PEOPLE), f"c{self.rng.randrange(26)}", ""
        queue = rng.choice(QUEUES)
        found = rng.choice(["ready", "not_ready", "talking", "wrap_up"])
        events: list[Event] = [
            AgentReady(at, agent),
            AgentNotReady(at, agent, "pause"),
            AgentSignedOut(at, agent),
            WrapUpEnded(at, agent),
            WrapUpExtended(at, agent),
            InteractionLeft(at, call),
            InteractionMoved(at, call, queue),
            InteractionPrioritised(at, call, rng.choice([None, 3]), rng.random() < 0.5),
            CallBackRequested(at, call, "+39"),
            CallBackRequested(at, call, "+39"),
            CallBackCancelled(at, call),
            AgentBusy(at, agent, call, queue),
            AgentAdopted(at, agent, found, at - 30, "lunch", at + 5, call, queue),  # type: ignore[arg-type]
        ]
        return rng.choice(events)

    def change(self) -> None:
        rng, config = self.rng, self.config
        queue, agent = rng.choice(QUEUES), rng.choice(PEOPLE)
        match rng.randrange(6):
            case 0:
                config = replace(config, queues={**config.queues, queue: a_queue(rng, queue)})
            case 1:
                config = replace(config, agents={**config.agents, agent: an_agent(rng, agent)})
            case 2:
                config = replace(config, agents={name: one for name, one in config.agents.items() if name != agent})
            case 3 if len(config.queues) > 1:
                config = replace(config, queues={name: one for name, one in config.queues.items() if name != queue})
            case 4:
                units = {"chat": Channel(rng.choice([30, 40, 50])), "email": Channel(60, rng.random() < 0.7)}
                config = replace(config, channels={**CHANNELS, **units})
            case _:
                people = {name: an_agent(rng, name) for name in PEOPLE}
                config = replace(config, agents=people, crossing_cost=rng.choice([0.0, 5.0]))
        self.config = config
        self.say(ConfigChanged(self.now, config))


def meets(state: State, agent: AgentRecord, call: InteractionRecord, mask: int) -> bool:
    """Whether the agent meets a step of these, looked at anew: without indexes, profiles or what was split before."""
    found: tuple[Target, ...] = targets(state, call, mask)
    facts: set[tuple[str, str]] = set()
    for target in found:
        for node in (target.require, *target.prefer):
            facts |= split_by(node)
    traits = Traits(profile_key(agent.conf, agent.node, facts))
    return traits.allows(call.channel, call.direction) and traits.tier(found) is not None


def nobody_is_idle_beside_someone_to_serve(state: State) -> None:
    """No one ready is beside a waiting interaction it could serve; with a reserve there are no more than it keeps."""
    free = [agent for agent in state.agents.values() if is_available(agent)]
    for call in state.interactions.values():
        if call.place == "waiting":
            able = [agent for agent in free if is_open(state, agent, call.channel)]
            idle = [agent.agent_id for agent in able if meets(state, agent, call, call.mask)]
            assert len(idle) <= call.queue.conf.reserve, f"{idle} idle beside {call.interaction_id}"


def loads_are_right(state: State) -> None:
    for agent in state.agents.values():
        rules = [state.channel(work.channel) for work in agent.work.values()]
        assert agent.load == sum(rule.units for rule in rules if not rule.interruptible)
        assert agent.light_load == sum(rule.units for rule in rules if rule.interruptible)


def resting_are_resting(state: State) -> None:
    """Call-backs that rest, and only they, are counted as such."""
    for queue in state.queues.values():
        resting = {key[4] for key in queue.line if state.interactions[key[4]].place_since > state.now}
        assert set(queue.resting) == resting


def test_what_must_hold_holds_on_rich_floors_while_they_change():
    offers = 0
    for seed in range(FLOORS):
        floor = Floor(seed)
        for _ in range(STEPS):
            floor.step()
        offers += floor.offers
    assert offers > FLOORS * 20, "too little happens on these floors to prove anything"
