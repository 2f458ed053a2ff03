"""How long reports, the pop and the lists take on a full database: 10,000 calls a day for 90 days, on SQLite.

Run: python -m bench.reports [--short] [--days N] [--calls N]
The last line is one JSON object; times in milliseconds. `--short` fills 9 days, to end within a minute.
"""

import argparse
import asyncio
import json
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from acd.model import Agent, Programme, Queue
from acd.ports import CallFacts
from core.bus import LocalBus
from core.clock import ManualClock, from_iso
from core.db import Base, Database
from core.migrate import upgrade
from tickets import figures, lists, reports
from tickets.days import local_day
from tickets.model import Customer, CustomerNumber, Interaction, InteractionLeg, Ticket, Topic
from tickets.people import zone
from tickets.stories import TicketStories
from tickets.unit import Actor, Tickets

NOW = from_iso("2026-11-23T12:00:00Z")
DAY, AGENTS, TOPICS, QUEUES = 86_400.0, 180, 24, 6
ROME = zone("Europe/Rome")


async def main(days: int, calls_a_day: int) -> dict[str, Any]:
    """Fill a database, then measure on it."""
    with tempfile.TemporaryDirectory(prefix="onecall-bench-") as folder:
        url = f"sqlite+aiosqlite:///{Path(folder) / 'onecall.db'}"
        await upgrade(url)
        database = Database(url)
        began = time.perf_counter()
        await _fill(database, days, calls_a_day)
        print(f"filled {days} days of {calls_a_day} calls in {time.perf_counter() - began:.1f} s")
        result = await _measure(database, days)
        await database.close()
    return {"calls": days * calls_a_day, "days": days, **result}


async def _measure(database: Database, days: int) -> dict[str, Any]:
    clock = ManualClock(NOW)
    room = Tickets(database, LocalBus(), clock)
    last = local_day(NOW, ROME)
    first = last - timedelta(days=days - 1)
    me = Actor("a-001", "Agent 1")

    async def recall() -> None:
        async with room.reading() as session:
            await reports.recall(session, NOW, first, last, "p-1")

    async def today() -> None:
        async with room.reading() as session:
            await reports.today(session, NOW, "p-1")

    async def my_day() -> None:
        async with room.reading() as session:
            await reports.my_day(session, NOW, me.id)

    async def page() -> None:
        async with room.reading() as session:
            await lists.page(session, "open", me, NOW)

    result = {"recall_uncounted_ms": await _median("recall, no day stored yet", recall, 3)}
    began = time.perf_counter()
    frozen = 0
    while done := await figures.freeze_ripe_days(room):
        frozen += done
    result["freeze_ms_a_day"] = round((time.perf_counter() - began) * 1000 / max(frozen, 1), 1)
    result["recall_ms"] = await _median("recall, final days stored", recall, 5)
    result["today_ms"] = await _median("today", today, 5)
    result["my_day_ms"] = await _median("one agent's day", my_day, 5)
    result["ticket_list_ms"] = await _median("ticket list", page, 5)
    return {**result, **await _pops(TicketStories(room))}


async def _median(name: str, run: Callable[[], Awaitable[None]], times: int) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        await run()
        taken.append((time.perf_counter() - began) * 1000)
    print(f"{name}: {statistics.median(taken):.1f} ms (median of {times})")
    return round(statistics.median(taken), 1)


async def _pops(stories: TicketStories, times: int = 300) -> dict[str, float]:
    draw, taken = random.Random(3), []
    for number in range(times):
        facts = _facts(f"pop-{number}", f"+39347{draw.randrange(100_000):06}")
        began = time.perf_counter()
        await stories.pop(facts)
        taken.append((time.perf_counter() - began) * 1000)
    cuts = statistics.quantiles(taken, n=100)
    print(f"pop: p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms")
    return {"pop_p50_ms": round(cuts[49], 1), "pop_p99_ms": round(cuts[98], 1)}


def _facts(call_id: str, number: str) -> CallFacts:
    return CallFacts(call_id, NOW, "+39011", number, "p-1", "q-1", "", 0, NOW, (), "it", None, "")


async def _fill(database: Database, days: int, calls_a_day: int) -> None:
    customers = max(1000, min(100_000, days * calls_a_day // 4))
    async with database.session() as session:
        session.add(Programme(id="p-1", name="One"))
        await session.flush()
        session.add_all(Queue(id=f"q-{place}", programme_id="p-1", name=f"Queue {place}") for place in range(QUEUES))
        session.add_all(
            Agent(id=f"a-{place:03}", name=f"Agent {place}", extension=f"{3000 + place}", phone_secret="-")
            for place in range(AGENTS)
        )
        session.add_all(Topic(id=f"topic-{place}", name_it="x", name_en="x") for place in range(TOPICS))
    await _insert(database, Customer, _customers(customers))
    await _insert(database, CustomerNumber, _numbers(customers))
    for day in range(days):
        tickets, rows, legs = _day(day, NOW - (days - day) * DAY + DAY / 3, calls_a_day, customers)
        await _insert(database, Ticket, iter(tickets))
        await _insert(database, Interaction, iter(rows))
        await _insert(database, InteractionLeg, iter(legs))


async def _insert(database: Database, table: type[Base], rows: Iterator[dict[str, Any]]) -> None:
    async with database.session() as session:
        while batch := [row for _, row in zip(range(20_000), rows, strict=False)]:
            await session.execute(insert(table), batch)


def _customers(count: int) -> Iterator[dict[str, Any]]:
    for place in range(count):
        name = f"customer {place}"
        yield {"id": f"c-{place}", "code": f"C{place}", "name": name, "name_folded": name, "created_at": 0.0}


def _numbers(count: int) -> Iterator[dict[str, Any]]:
    for place in range(count):
        yield {"number": f"+39347{place:06}", "customer_id": f"c-{place}"}


def _day(
    day: int, start: float, calls: int, customers: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    draw = random.Random(day)
    tickets, rows, legs = [], [], []
    for place in range(calls):
        call_id, at = f"{day:03}-{place:05}", start + draw.random() * DAY / 3
        customer = f"c-{draw.randrange(customers)}"
        abandoned, talk = draw.random() < 0.03, draw.gammavariate(3, 100)
        answered = None if abandoned else at + 45.0
        ended = at + 50.0 if answered is None else answered + talk
        ticket = None if abandoned else f"t-{call_id}"
        agent, topic = f"a-{draw.randrange(AGENTS):03}", f"topic-{draw.randrange(TOPICS)}"
        rows.append(
            {
                "id": call_id, "programme_id": "p-1", "queue_id": f"q-{draw.randrange(QUEUES)}", "number": "+39",
                "identification": "one", "customer_id": customer, "subject": customer, "candidates": [customer],
                "arrived_at": at, "queued_at": at + 30.0, "answered_at": answered, "ended_at": ended,
                "wrap_up_ended_at": None if abandoned else ended + 30.0, "day": local_day(at + 30.0, ROME),
                "abandoned": abandoned, "agent_id": None if abandoned else agent, "ticket_id": ticket,
                "topic_id": None if abandoned else topic, "talk": 0.0 if abandoned else talk, "wrap_up": 30.0,
            }
        )  # fmt: skip
        if answered is not None:
            done = draw.random() < 0.85
            legs.append(
                {"interaction_id": call_id, "position": 1, "agent_id": agent, "answered_at": answered,
                 "left_at": ended, "talk": talk, "wrap_up": 30.0, "wrap_up_ended_at": ended + 30.0}
            )  # fmt: skip
            tickets.append(
                {
                    "id": ticket, "number": f"T-{call_id}", "programme_id": "p-1", "customer_id": customer,
                    "title": "x", "topic_id": topic, "status": "resolved" if done or day % 30 else "open",
                    "owner_id": agent, "owner_name": agent, "opened_by": call_id, "origin_key": call_id,
                    "opened_at": at, "changed_at": ended, "first_resolved_at": ended + 20.0 if done else None,
                    "back_office_at": None if done else ended,
                }
            )  # fmt: skip
    return tickets, rows, legs


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--short", action="store_true", help="9 days only")
    options.add_argument("--days", type=int, default=90)
    options.add_argument("--calls", type=int, default=10_000, help="calls a day")
    given = options.parse_args()
    print(json.dumps(asyncio.run(main(9 if given.short else given.days, given.calls))))
