"""What the floor shows live is what the report of the day says: both count the same facts by the same definitions."""

import random
from zoneinfo import ZoneInfo

import pytest

from acd.model import Programme, Queue
from acd.statistics import Count, Statistics, Target
from core.journal import Fact
from tests.integration.tickets.world import DAY, HOUR, NOON, World
from tickets import reports

QUEUES = {"q-port": "p-aura", "q-care": "p-aura", "q-volt": "p-volt"}
ZONES = {"p-aura": ZoneInfo("Europe/Rome"), "p-volt": ZoneInfo("Asia/Tokyo")}
CALLS = 40


async def _furnish(world: World) -> None:
    async with world.database.session() as session:
        (await session.get_one(Programme, "p-volt")).time_zone = "Asia/Tokyo"
        session.add(Queue(id="q-care", programme_id="p-aura", name="Care"))
        session.add(Queue(id="q-volt", programme_id="p-volt", name="Volt"))


def _facts(chance: random.Random, number: int) -> list[Fact]:
    """A call around noon or one of the midnights: abandoned, under way, transferred, or ended without its wrap-up."""
    call, queue = f"call-{number}", chance.choice(list(QUEUES))
    at = NOON + chance.choice((-20 * HOUR, 0.0, 4 * HOUR, 11.9 * HOUR)) + chance.uniform(-0.2, 0.2) * HOUR

    def fact(kind: str, agent: str | None = None, **data: object) -> Fact:
        return Fact(at, kind, call, agent, data)

    def entered(queue_id: str) -> Fact:
        return fact("queue.entered", queue_id=queue_id, programme_id=QUEUES[queue_id], since=at, path="")

    told = [fact("call.arrived", direction="inbound", number=None, withheld=True, programme_id=QUEUES[queue])]
    at += chance.uniform(1, 30)
    told.append(entered(queue))
    at += chance.uniform(0, 40)
    if chance.random() < 0.4:
        by = chance.choice((True, False))
        return [*told, fact("call.ended", ended_by="caller" if by else "system", abandoned=by, stage="hold")]
    for agent in chance.sample(("a-giulia", "a-marco", "a-expert"), chance.randint(1, 3)):
        told.append(fact("call.answered", agent, fence=1, queue_id=queue, waited=1.0))
        talk, hold = chance.uniform(5, 300), chance.uniform(0, 30)
        at += talk + hold
        told.append(fact("agent.left", agent, talk=talk, hold=hold))
        told.append(fact("wrap_up.ended", agent, seconds=chance.uniform(1, 60), how="saved"))
        at += chance.uniform(0, 20)
        told.append(entered(queue if chance.random() < 0.5 else "q-care" if queue == "q-port" else queue))
    told.append(fact("call.ended", ended_by="agent", abandoned=False, stage="talk"))
    return [one for one in told if one.kind in ("call.arrived", "queue.entered") or chance.random() < 0.9]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("in_order", [True, False])
async def test_live_figures_are_those_of_the_report_of_the_day(world: World, seed: int, in_order: bool) -> None:
    await _furnish(world)
    chance = random.Random(seed)
    facts = [fact for number in range(CALLS) for fact in _facts(chance, number)]
    facts.sort(key=lambda fact: fact.at)
    if not in_order:
        chance.shuffle(facts)
    live = Statistics(dict.fromkeys(QUEUES, Target()), {queue: ZONES[QUEUES[queue]] for queue in QUEUES})
    for fact in facts:
        live.apply(fact)
    await world.tell(*facts)
    for at in (NOON, NOON + 12 * HOUR, NOON + DAY):
        for programme in ZONES:
            told = Count()
            for queue in (queue for queue, owner in QUEUES.items() if owner == programme):
                told.add(live.count(queue, at))
            async with world.database.reading() as session:
                report = (await reports.today(session, at, programme))["figures"]
            figures = told.figures()
            assert {name: figures[name] for name in report} == pytest.approx(dict(report), abs=0.002), (programme, at)
