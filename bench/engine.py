"""How fast the routing engine decides, and whether it stays so as the floor grows.

A made-up hour on one core: programmes of related queues and skills, teams with nearly equal profiles. In half of the
programmes every queue has a backlog, in the other half some agents are idle. Only the time inside `Engine.handle` is
counted, without what it takes to read the clock around it. The last line of output is one JSON object.
"""

import argparse
import gc
import heapq
import json
import random
import statistics
import sys
import tracemalloc
from collections.abc import Callable
from itertools import accumulate, count
from math import exp
from pathlib import Path
from time import thread_time_ns

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from acd.config import Agent, Plan, PlanStep, Queue, RoutingConfig, WrapUp
from acd.effects import CallBackDue, Offer, OfferWithdrawn
from acd.engine import Engine
from acd.events import (
    AgentNotReady,
    AgentReady,
    AgentSignedIn,
    Event,
    InteractionLeft,
    InteractionQueued,
    OfferAccepted,
    OfferRefused,
    TalkEnded,
    Tick,
    WrapUpEnded,
)
from acd.expressions import parse
from acd.routing.matching import Traits, profile_key

SKILLS, QUEUES, PROGRAMMES = 300, 200, 20
LANGUAGES = ("italian", "english", "french", "german")
TALK, SPREAD, WRAP_UP, RING, PATIENCE, QUIET_LOAD = 240.0, 0.6, 30.0, 4.0, 600.0, 0.8


def world(agents: int, rng: random.Random) -> RoutingConfig:
    """300 skills and 200 queues in 20 programmes; teams of 18 with small differences from person to person."""
    per_programme, queues_each = SKILLS // PROGRAMMES, QUEUES // PROGRAMMES
    queues: dict[str, Queue] = {}
    for programme in range(PROGRAMMES):
        for number in range(queues_each):
            first, second = rng.sample(range(per_programme), 2)
            language = LANGUAGES[0] if rng.random() < 0.7 else rng.choice(LANGUAGES)
            strict = f"p{programme}s{first}>={rng.randint(3, 6)} & {language}>=4"
            if rng.random() < 0.5:
                strict += f" & p{programme}s{second}"
            plan = Plan((PlanStep(require=strict), PlanStep(after=900.0, require=f"p{programme}s{first} & {language}")))
            name = f"q{programme}-{number}"
            queues[name] = Queue(name, programme_id=f"p{programme}", plan=plan, wrap_up=WrapUp(seconds=WRAP_UP))
    people: dict[str, Agent] = {}
    team: dict[str, int] = {}
    for number in range(agents):
        if number % 18 == 0:
            programme = (number // 18) % PROGRAMMES
            chosen = rng.sample(range(per_programme), 7)
            team = {f"p{programme}s{skill}": rng.randint(3, 9) for skill in chosen} | {LANGUAGES[0]: 8}
        skills = dict(team)
        if rng.random() < 0.25:
            skills[rng.choice(LANGUAGES[1:])] = rng.randint(4, 9)
        if rng.random() < 0.2:
            skills[rng.choice([name for name in skills if name.startswith("p")])] = rng.randint(3, 9)
        people[f"a{number}"] = Agent(f"a{number}", skills, team=f"t{number // 18}")
    return RoutingConfig(queues=queues, agents=people, seconds_per_priority=30.0)


def served(config: RoutingConfig) -> dict[str, int]:
    """How many agents meet the first step of each queue that has any."""
    profiles = [Traits(profile_key(agent, "", set())) for agent in config.agents.values()]
    found = {}
    for name, queue in config.queues.items():
        require = parse(queue.plan.steps[0].require or "")
        number = sum(profile.meets(require) for profile in profiles)
        if number:
            found[name] = number
    return found


def clock_cost() -> int:
    """Nanoseconds that a measure of nothing takes."""
    spans = []
    for _ in range(10_000):
        start = thread_time_ns()
        spans.append(thread_time_ns() - start)
    return int(statistics.median(spans))


class Floor:
    """Drives one engine: what it offers is answered, talked and wrapped up.

    In the busy programmes a caller comes for each one served, so their lines stay as long as they are.
    """

    def __init__(self, size: int, seed: int) -> None:
        self.rng = random.Random(seed)
        config = world(size, self.rng)
        self.engine = Engine(config, seed)
        self.now = 0.0
        self.later: list[tuple[float, int, Callable[[], None]]] = []
        self.spent: list[int] = []
        self.clock = clock_cost()
        self.numbers = count()
        self.queue_of: dict[str, str] = {}
        staffed = served(config)
        self.busy = [name for name in staffed if int(config.queues[name].programme_id[1:]) % 2 == 0]
        self.quiet = [name for name in staffed if name not in set(self.busy)]
        self.quiet_weights = list(accumulate(staffed[name] for name in self.quiet))
        self.quiet_rate = QUIET_LOAD * size / 2 / (TALK * exp(SPREAD**2 / 2) + WRAP_UP)
        for agent_id in config.agents:
            self.tell(AgentSignedIn(0.0, agent_id, ready=True))
        waiting = 0
        while waiting < size:
            before = len(self.later)
            self.come(self.busy[next(self.numbers) % len(self.busy)])
            waiting += len(self.later) == before
        self.arrive()

    def arrive(self) -> None:
        """The stream of callers into the quiet programmes."""
        self.come(self.rng.choices(self.quiet, cum_weights=self.quiet_weights)[0])
        self.after(self.rng.expovariate(self.quiet_rate), self.arrive)

    def tell(self, event: Event) -> None:
        """Hand one event to the engine, count the time, and plan what follows from the effects."""
        handle = self.engine.handle
        start = thread_time_ns()
        effects = handle(event)
        self.spent.append(thread_time_ns() - start - self.clock)
        for effect in effects:
            if type(effect) is Offer:
                self._ring(effect)
            elif type(effect) is OfferWithdrawn or type(effect) is CallBackDue:
                raise RuntimeError(f"not expected on this floor: {effect}")

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        heapq.heappush(self.later, (self.now + seconds, next(self.numbers), act))

    def come(self, queue: str) -> None:
        """A caller enters the queue; one in ten has a higher priority, one in fifty may give up."""
        caller = f"c{next(self.numbers)}"
        self.queue_of[caller] = queue
        priority = self.rng.randint(1, 3) if self.rng.random() < 0.1 else 0
        if self.rng.random() < 0.02:
            self.after(self.rng.expovariate(1 / PATIENCE), lambda: self._give_up(caller))
        self.tell(InteractionQueued(self.now, caller, queue, None, priority))

    def _give_up(self, caller: str) -> None:
        view = self.engine.interaction(caller)
        if view is not None and view.place == "waiting":
            self.tell(InteractionLeft(self.now, caller))
            self._served(caller)

    def _served(self, caller: str) -> None:
        queue = self.queue_of.pop(caller)
        if int(queue[1 : queue.index("-")]) % 2 == 0:
            self.come(queue)

    def _ring(self, offer: Offer) -> None:
        seconds = self.rng.uniform(0.5, RING)
        if self.rng.random() < 0.01:
            self.after(seconds, lambda: self._refuse(offer))
        else:
            self.after(seconds, lambda: self._answer(offer))

    def _refuse(self, offer: Offer) -> None:
        self.tell(OfferRefused(self.now, offer.fence, "no_answer"))
        self.after(30.0, lambda: self.tell(AgentReady(self.now, offer.agent_id)))

    def _answer(self, offer: Offer) -> None:
        self.tell(OfferAccepted(self.now, offer.fence))
        self._served(offer.interaction_id)
        talk = self.rng.lognormvariate(0.0, SPREAD) * TALK
        self.after(talk, lambda: self._end(offer))

    def _end(self, offer: Offer) -> None:
        agent = offer.agent_id
        self.tell(TalkEnded(self.now, offer.interaction_id, agent))
        if self.rng.random() < 0.05:
            self.tell(AgentNotReady(self.now, agent, "break"))
            self.after(WRAP_UP / 2, lambda: self.tell(WrapUpEnded(self.now, agent)))
            self.after(300.0, lambda: self.tell(AgentReady(self.now, agent)))
        else:
            self.after(self.rng.uniform(1.0, WRAP_UP - 1), lambda: self.tell(WrapUpEnded(self.now, agent)))

    def run(self, events: int) -> None:
        """Go on until so many events were handled."""
        goal = len(self.spent) + events
        while len(self.spent) < goal:
            due = self.engine.next_due()
            if due is not None and (not self.later or due <= self.later[0][0]):
                self.now = max(self.now, due)
                self.tell(Tick(self.now))
            else:
                self.now, _, act = heapq.heappop(self.later)
                act()


def percentile(sorted_ns: list[int], share: float) -> float:
    """In microseconds."""
    return sorted_ns[min(len(sorted_ns) - 1, int(len(sorted_ns) * share))] / 1000


def bytes_per_agent(size: int) -> float:
    """Memory that each further agent takes, signed in, beside what an empty floor takes."""
    totals = []
    for agents in (0, size):
        config = world(agents, random.Random(1))
        gc.collect()
        tracemalloc.start()
        engine = Engine(config, 1)
        for agent_id in config.agents:
            engine.handle(AgentSignedIn(0.0, agent_id, ready=True))
        gc.collect()
        totals.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        del engine
    return (totals[1] - totals[0]) / size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="fewer events: ends within 50 s")
    parser.add_argument("--agents", type=int, default=10_000)
    asked = parser.parse_args()
    rounds, events = (3, 40_000) if asked.short else (5, 200_000)
    large, small = Floor(asked.agents, 1), Floor(100, 1)
    for one in (large, small):
        one.run(events)
        one.spent.clear()
    gc.collect()
    gc.freeze()
    ratios, spent = [], []
    for number in range(rounds):
        for one in (large, small):
            one.run(events)
        ratios.append(statistics.fmean(large.spent) / statistics.fmean(small.spent))
        spent += large.spent
        waiting = sum(view.place == "waiting" for view in large.engine.interactions())
        print(
            f"round {number + 1}: {statistics.fmean(large.spent) / 1000:.1f} µs an event at {asked.agents} agents"
            f" and {waiting} waiting, {statistics.fmean(small.spent) / 1000:.1f} µs at 100 agents"
        )
        large.spent.clear()
        small.spent.clear()
    spent.sort()
    print(
        json.dumps(
            {
                "decisions_per_s": round(1e9 / statistics.fmean(spent)),
                "p50_us": round(percentile(spent, 0.5), 1),
                "p99_us": round(percentile(spent, 0.99), 1),
                "agents": asked.agents,
                "waiting": waiting,
                "growth_ratio": round(statistics.median(ratios), 2),
                "bytes_per_agent": round(bytes_per_agent(asked.agents)),
                "events": len(spent),
                "skills": SKILLS,
                "queues": QUEUES,
            }
        )
    )


if __name__ == "__main__":
    main()
