"""A small world to say things to an engine in few words."""

from dataclasses import replace
from typing import Any

from acd.config import Agent, Plan, PlanStep, Queue, RoutingConfig, WrapUp
from acd.effects import AgentStateChanged, Effect, Ignored, Offer
from acd.engine import Engine
from acd.events import (
    AgentSignedIn,
    ConfigChanged,
    Event,
    InteractionQueued,
    OfferAccepted,
    TalkEnded,
    Tick,
    WrapUpEnded,
)


def agent(agent_id: str, *, skills: str = "", **facts: Any) -> Agent:
    """`skills` in short: `it=6 tv=3`."""
    levels = {name: int(level) for name, _, level in (part.partition("=") for part in skills.split())}
    return Agent(agent_id, levels, **facts)


def queue(queue_id: str = "care", require: str = "", **facts: Any) -> Queue:
    """A queue whose plan is one step, unless `plan` is given."""
    facts.setdefault("plan", Plan((PlanStep(require=require),)))
    facts.setdefault("wrap_up", WrapUp(seconds=30))
    return Queue(queue_id, **facts)


class World:
    """An engine with all agents signed in and ready at instant 0 (in order of id), and what it has said."""

    def __init__(
        self,
        queues: list[Queue] | None = None,
        agents: list[Agent] | None = None,
        *,
        ready: bool = True,
        seed: int = 0,
        **rules: Any,
    ) -> None:
        self.config = RoutingConfig(
            queues={q.queue_id: q for q in ([queue()] if queues is None else queues)},
            agents={a.agent_id: a for a in ([] if agents is None else agents)},
            **rules,
        )
        self.engine = Engine(self.config, seed)
        self.said: list[Effect] = []
        if ready:
            for agent_id in sorted(self.config.agents):
                self.tell(AgentSignedIn(0.0, agent_id, ready=True))

    def tell(self, event: Event) -> list[Effect]:
        self.said = self.engine.handle(event)
        return self.said

    def call(self, at: float, interaction_id: str, queue_id: str = "care", **facts: Any) -> list[Effect]:
        return self.tell(InteractionQueued(at, interaction_id, queue_id, **facts))

    def tick(self, at: float) -> list[Effect]:
        return self.tell(Tick(at))

    def change(self, at: float, **rules: Any) -> list[Effect]:
        """The configuration is other from now on: `queues` and `agents` are lists, other rules as they are."""
        for name, key in (("queues", "queue_id"), ("agents", "agent_id")):
            if name in rules:
                rules[name] = {getattr(one, key): one for one in rules[name]}
        self.config = replace(self.config, **rules)
        return self.tell(ConfigChanged(at, self.config))

    def accept(self, at: float, interaction_id: str) -> list[Effect]:
        return self.tell(OfferAccepted(at, self.fence(interaction_id)))

    def finish(self, at: float, interaction_id: str, agent_id: str) -> list[Effect]:
        """The talk ends and wrap-up is ended at once."""
        said = list(self.tell(TalkEnded(at, interaction_id, agent_id)))
        return said + list(self.tell(WrapUpEnded(at, agent_id)))

    def fence(self, interaction_id: str) -> int:
        view = self.engine.interaction(interaction_id)
        assert view is not None
        assert view.fence is not None, f"{interaction_id} is {view.place}"
        return view.fence

    def offers(self) -> dict[str, str]:
        """Interaction → agent of the offers in the last answer."""
        return {e.interaction_id: e.agent_id for e in self.said if isinstance(e, Offer)}

    def kinds(self) -> list[str]:
        return [type(effect).__name__ for effect in self.said]

    def of(self, kind: type) -> list[Any]:
        return [effect for effect in self.said if isinstance(effect, kind)]

    def state(self, agent_id: str) -> tuple[str, str]:
        view = self.engine.agent(agent_id)
        assert view is not None
        return view.state, view.reason

    def place(self, interaction_id: str) -> str:
        view = self.engine.interaction(interaction_id)
        return "gone" if view is None else view.place

    def with_agent(self, interaction_id: str) -> str:
        """The agent whom it is offered to or who talks with it; empty when it waits."""
        view = self.engine.interaction(interaction_id)
        return view.agent_ids[0] if view is not None and view.agent_ids else ""

    def ignored(self) -> bool:
        return bool(self.said) and all(isinstance(effect, Ignored) for effect in self.said)

    def states_said(self) -> list[tuple[str, str]]:
        return [(e.agent_id, e.state) for e in self.said if isinstance(e, AgentStateChanged)]
