"""The routing house without an Asterisk: whatever goes on beside the calls outlives a failure, and that is shown."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from acd import configuration, presence
from acd.model import Programme, Queue
from core.bus import LocalBus, Subscription
from core.db import Database
from core.errors import Unavailable
from core.journal import Fact
from cti.bridge import Bridge
from cti.manager import Manager
from onecall import background
from onecall import house as house_module
from onecall.house import RoutingHouse
from onecall.settings import Settings
from onecall.wiring import Ground
from tests.ports import free_ports

PATIENCE = 20.0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "_LONGEST_PAUSE", 0.05)
    monkeypatch.setattr(house_module, "_PROMISES_EVERY", 0.05)
    monkeypatch.setattr(house_module, "_FLOOR_AT_LEAST", 0.05)


@pytest.fixture
async def ground(tmp_path: Path, migrated_sqlite: Path) -> AsyncIterator[Ground]:
    settings = Settings(state=tmp_path, ami_port=free_ports(1)[0], agi_port=free_ports(1)[0], demo=False)
    shutil.copy(migrated_sqlite, tmp_path / "onecall.db")
    database = Database(settings.database)
    async with database.session() as session:
        session.add(Programme(id="p1", name="Programme"))
        await session.flush()
        session.add(Queue(id="q1", programme_id="p1", name="First", plan={}))
    yield Ground(settings, "secret", database, LocalBus(), tmp_path / "agents.conf", tmp_path / "survival")
    await database.close()


@pytest.fixture
async def house(ground: Ground) -> AsyncIterator[RoutingHouse]:
    """Not started yet."""
    made = await RoutingHouse.open(ground)
    yield made
    await made.stop()


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.005)


class Failing:
    """Stands before `real` and fails while told to; counts how often it was asked."""

    def __init__(self, real: Callable[..., Any]) -> None:
        self._real = real
        self.fails = True
        self.asked = 0

    def __call__(self, *given: Any, **named: Any) -> Any:
        self.asked += 1
        if self.fails:
            raise OperationalError("SELECT", {}, OSError("the database is away"))
        return self._real(*given, **named)


async def alarm_comes_and_goes(house: RoutingHouse, work: str, failing: Failing) -> None:
    alarms = house._board.alarms
    await until(lambda: f"work_failing:{work}" in alarms)
    assert "the database is away" in alarms[f"work_failing:{work}"]["values"]["why"]
    again = failing.asked
    await until(lambda: failing.asked > again)
    failing.fails = False
    await until(lambda: f"work_failing:{work}" not in alarms)


async def test_a_change_that_could_not_be_read_is_read_later_and_so_is_the_next(
    ground: Ground, house: RoutingHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.start()
    failing = Failing(configuration.load)
    monkeypatch.setattr(configuration, "load", failing)
    await _rename(ground, "Renamed")
    await alarm_comes_and_goes(house, "configuration", failing)
    assert house._name("queue", "q1") == "Renamed"
    await _rename(ground, "Renamed again")
    await until(lambda: house._name("queue", "q1") == "Renamed again")


async def _rename(ground: Ground, name: str) -> None:
    async with ground.database.session() as session:
        queue = await session.get_one(Queue, "q1")
        queue.name = name
    await ground.bus.publish("config", {"what": "queues", "id": "q1"})


async def test_a_promise_is_read_back_whatever_its_age_until_it_is_over(ground: Ground, house: RoutingHouse) -> None:
    await house.start()
    now = house._clock.now()
    for name, over in (("open", None), ("kept", "call_back.answered"), ("given", "call_back.given_up")):
        data = {"queue_id": "q1", "programme_id": "p1", "since": now - 90 * 86_400}
        house._journal.append(Fact(now - 90 * 86_400, "queue.entered", name, None, data))
        house._journal.append(Fact(now - 89 * 86_400, "call_back.promised", name, None, {"number": "+39347"}))
        if over:
            house._journal.append(Fact(now - 88 * 86_400, over, name, None, {}))
    await house._journal.settled()
    past = await house._read_past()
    assert [(fact.interaction_id, fact.kind) for fact in past if fact.interaction_id] == [
        ("open", "queue.entered"),
        ("open", "call_back.promised"),
    ]


async def test_a_plan_that_cannot_be_used_raises_an_alarm_until_it_is_corrected(ground: Ground) -> None:
    await _plan(ground, {"announcements": {"every": 0}})
    house = await RoutingHouse.open(ground)
    try:
        await house.start()
        alarms = house._board.alarms
        assert "every = 0" in alarms["configuration_unusable:queue q1"]["values"]["why"]
        assert "q1" in house._board.config.queues
        await _plan(ground, {"announcements": {"every": 30}})
        await until(lambda: "configuration_unusable:queue q1" not in alarms)
    finally:
        await house.stop()


async def test_a_plan_whose_prompt_is_missing_raises_an_alarm_until_the_prompt_is_there(ground: Ground) -> None:
    missing = {"max_waiting": 5, "on_full": {"kind": "announcement", "target": "snowed_in"}}
    await _plan(ground, missing)
    house = await RoutingHouse.open(ground)
    try:
        await house.start()
        alarms = house._board.alarms
        assert "'snowed_in': there is no such prompt" in alarms["configuration_unusable:queue q1"]["values"]["why"]
        recorded = ground.settings.prompts_folder / "it" / "snowed_in.wav"
        recorded.parent.mkdir(parents=True)
        recorded.touch()
        await _plan(ground, missing)
        await until(lambda: "configuration_unusable:queue q1" not in alarms)
        assert house._board.config.queues["q1"].max_waiting == 5
    finally:
        await house.stop()


async def _plan(ground: Ground, plan: dict[str, Any]) -> None:
    async with ground.database.session() as session:
        (await session.get_one(Queue, "q1")).plan = plan
    await ground.bus.publish("config", {"what": "queues", "id": "q1"})


async def test_a_change_made_while_the_house_starts_is_not_lost(ground: Ground, house: RoutingHouse) -> None:
    await _rename(ground, "Renamed early")
    await house.start()
    await until(lambda: house._name("queue", "q1") == "Renamed early")


async def test_a_start_whose_journal_cannot_be_stored_says_so(
    house: RoutingHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(_seconds: float) -> None:
        raise TimeoutError

    monkeypatch.setattr(house._journal, "settled", never)
    with pytest.raises(Unavailable, match="the last run left in the journal was not stored"):
        await house.start()


async def test_the_floor_is_told_again_after_a_failure(house: RoutingHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    failing = Failing(house_module.floor)
    monkeypatch.setattr(house_module, "floor", failing)
    await house.start()
    await alarm_comes_and_goes(house, "floor", failing)


async def test_changed_tickets_are_heard_again_after_a_failure(
    house: RoutingHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe = LocalBus.subscribe
    failing = Failing(subscribe)

    async def of_tickets(bus: LocalBus, *topics: str) -> Subscription:
        heard: Subscription = await (failing if topics == ("ticket",) else subscribe)(bus, *topics)
        return heard

    monkeypatch.setattr(LocalBus, "subscribe", of_tickets)
    await house.start()
    await alarm_comes_and_goes(house, "tickets", failing)


async def test_promises_are_looked_at_again_after_a_failure(
    house: RoutingHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    books = house._rooms.books
    failing = Failing(books.break_promises)
    monkeypatch.setattr(books, "break_promises", failing)
    await house.start()
    await alarm_comes_and_goes(house, "promises", failing)


async def test_presence_is_restored_though_the_first_try_failed(
    house: RoutingHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = Failing(presence.restore)
    monkeypatch.setattr(presence, "restore", failing)
    await house.start()
    house._dispatcher.bridge_is_up.set()
    await alarm_comes_and_goes(house, "presence", failing)


async def test_asterisk_is_told_of_its_phones_until_it_has_heard(
    house: RoutingHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def heard(*_: object) -> None:
        return

    failing = Failing(heard)
    monkeypatch.setattr(Manager, "ask", failing)
    await house.start()
    house._dispatcher.bridge_is_up.set()
    await alarm_comes_and_goes(house, "phones", failing)


async def test_a_bridge_that_broke_is_built_up_again(house: RoutingHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = 0

    async def run(_bridge: Bridge) -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise RuntimeError("an event nobody expected")
        await asyncio.Event().wait()

    monkeypatch.setattr(Bridge, "run", run)
    monkeypatch.setattr(house_module, "_STEADY", 0.2)
    await house.start()
    await until(lambda: runs == 2)
    alarm = house._board.alarms["work_failing:bridge"]
    assert alarm["values"] == {"work": "bridge", "why": "an event nobody expected"}
    await until(lambda: "work_failing:bridge" not in house._board.alarms)
