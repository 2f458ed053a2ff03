"""The worked example of docs/routing.md, played to the engine."""

from acd import effects as fx
from acd import events as ev
from acd.config import Agent, RoutingConfig
from acd.engine import Engine
from acd.plans import queue_from_dict


def test_the_worked_example_of_the_routing_page_goes_as_told() -> None:
    plan = {
        "wrap_up": {"mode": "none"},
        "plan": {"steps": [{"require": "portability>=6"}, {"after": 20, "require": "portability>=3"}]},
    }
    agents = {name: Agent(name, skills={"portability": level}) for name, level in (("A", 8), ("B", 4))}
    engine = Engine(RoutingConfig(queues={"q": queue_from_dict("q", plan)}, agents=agents), first_fence=7)
    for name in agents:
        engine.handle(ev.AgentSignedIn(0.0, name))
        engine.handle(ev.AgentBusy(0.0, name, f"earlier-{name}", "q"))
        engine.handle(ev.AgentReady(0.0, name))
    engine.handle(ev.InteractionQueued(0.0, "C1", "q"))
    engine.handle(ev.InteractionQueued(5.0, "C2", "q"))
    assert _offers(engine, ev.TalkEnded(12.0, "earlier-B", "B")) == []
    assert _offers(engine, ev.Tick(20.0)) == [(7, "C1", "B", 35.0)]
    assert [offer[:3] for offer in _offers(engine, ev.TalkEnded(22.0, "earlier-A", "A"))] == [(8, "C2", "A")]
    engine.handle(ev.OfferAccepted(23.0, 8))
    told = engine.handle(ev.Tick(35.0))
    assert any(isinstance(effect, fx.OfferWithdrawn) and effect.fence == 7 for effect in told)
    view = engine.agent("B")
    assert view is not None
    assert (view.state, view.reason) == ("not_ready", "rona")
    engine.handle(ev.OfferAccepted(36.0, 7))
    assert engine.waiting("q")[0].waiting_since == 0.0
    assert [offer[1:3] for offer in _offers(engine, ev.TalkEnded(70.0, "C2", "A"))] == [("C1", "A")]


def _offers(engine: Engine, event: ev.Event) -> list[tuple[int, str, str, float]]:
    return [
        (effect.fence, effect.interaction_id, effect.agent_id, effect.deadline)
        for effect in engine.handle(event)
        if isinstance(effect, fx.Offer)
    ]
