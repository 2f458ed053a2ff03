"""The demo company: seeded once, whole, and plausible."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from acd.model import Agent, Programme
from acd.statistics import Statistics
from core.clock import ManualClock
from core.db import Database
from core.facts import facts_since
from tests.integration.tickets.world import NOON
from tickets import customers, demo, lists, reports
from tickets.days import local_day
from tickets.model import Customer, Interaction, Ticket
from tickets.numbering import next_number
from tickets.people import zone
from tickets.unit import Actor


async def _organisation(database: Database) -> None:
    async with database.session() as session:
        session.add_all([Programme(id="p-mobile", name="Mobile"), Programme(id="p-energy", name="Energy")])
        await session.flush()
        session.add(Agent(id="a-2001", name="Giulia Bassi", extension="2001", phone_secret="not used here"))


async def test_the_demo_is_seeded_once_and_what_was_changed_since_stays(database: Database) -> None:
    await _organisation(database)
    await demo.seed(database, ManualClock(NOON))
    async with database.session() as session:
        (await session.get_one(Customer, "c-demo-01")).name = "Changed by hand"
        before = await session.scalar(select(func.count()).select_from(Interaction))
    await demo.seed(database, ManualClock(NOON))
    async with database.reading() as session:
        assert (await session.get_one(Customer, "c-demo-01")).name == "Changed by hand"
        assert await session.scalar(select(func.count()).select_from(Interaction)) == before


async def test_the_demo_shows_every_situation_and_believable_figures(database: Database) -> None:
    await _organisation(database)
    await demo.seed(database, ManualClock(NOON))
    today = local_day(NOON, zone("Europe/Rome"))
    async with database.reading() as session:
        report = await reports.recall(session, NOON, today - timedelta(days=14), today)
        page = await lists.page(session, "all", Actor("a-2001", "Giulia Bassi"), NOON)
        family = await customers.by_number(session, demo.FAMILY, "p-mobile")
        switchboard = await customers.by_number(session, demo.SWITCHBOARD, "p-mobile")
        latest = await session.scalar(select(func.max(Interaction.ended_at)))
    assert report["recall"]["base"] > 300
    assert 0.08 < (report["recall"]["share"] or 0.0) < 0.25
    assert 0.6 < (report["fcr"]["gross"] or 0.0) < 0.85
    assert {cause["id"] for cause in report["causes"]} >= {"promise-broken", "not-solved"}
    assert min(page["counts"][view] for view in ("mine", "handed_over", "open")) > 0
    assert (family.identification, switchboard.identification) == ("several", "shared")
    assert latest is not None
    assert latest < NOON


async def test_new_tickets_are_numbered_after_those_of_the_demo(database: Database) -> None:
    await _organisation(database)
    await demo.seed(database, ManualClock(NOON))
    async with database.session() as session:
        last = await session.scalar(select(func.max(Ticket.number)))
        assert await next_number(session) > (last or "")


async def test_the_floor_of_the_demo_counts_what_its_report_of_the_day_says(database: Database) -> None:
    await _organisation(database)
    await demo.seed(database, ManualClock(NOON))
    rome = zone("Europe/Rome")
    facts = await facts_since(database, NOON - 26 * 3600)
    queues = {str(fact.data["queue_id"]) for fact in facts if fact.kind == "queue.entered"}
    live = Statistics({}, dict.fromkeys(queues, rome))
    for fact in facts:
        live.apply(fact)
    async with database.reading() as session:
        report = (await reports.today(session, NOON))["figures"]
    figures = live.total(NOON).figures()
    assert report["answered"] > 0
    assert {name: figures[name] for name in report} == pytest.approx(dict(report), abs=0.002)
