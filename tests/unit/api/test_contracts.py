"""What routing really says fits what the API describes, and the published description is the present one."""

from pathlib import Path

import pytest

from acd.floor import floor
from acd.ports import CallFacts, PopAndTicket
from api.commands import COMMANDS
from api.openapi import document
from api.schemas.desk import Desk
from api.schemas.floor import Floor
from tests.unit.acd.conftest import house
from tests.unit.acd.house import House

__all__ = ["house"]
PROJECT = Path(__file__).parents[3]


async def test_a_real_desk_fits_its_schema_and_the_schema_knows_every_field(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nobody(_: CallFacts) -> PopAndTicket:
        return PopAndTicket({"identification": "none"})

    monkeypatch.setattr(house.stories, "pop", nobody)
    await house.cmd("desk.online", connection_id="c1")
    await house.talk()
    assert house.sent
    for message in (desk for _, desk in house.sent):
        shown = Desk.model_validate(message).model_dump(mode="json")
        assert set(shown) == set(message)
        assert set(shown["agent"]) == set(message["agent"])
        assert set(shown["call"] or {}) == set(message["call"] or {})
    assert house.sent[-1][1]["call"] is not None


async def test_a_real_floor_fits_its_schema_and_the_schema_knows_every_field(house: House) -> None:
    await house.talk()
    message = floor(
        house.engine,
        house.board.statistics,
        house.desks.all(),
        {"q": ("Q", "Programme")},
        {
            "recording_disk": {
                "severity": "major",
                "code": "recording_disk",
                "values": {},
                "since": "2026-11-23T08:00:00Z",
            }
        },
        lambda _, thing: thing,
        house.clock.now(),
    )
    shown = Floor.model_validate(message).model_dump(mode="json")
    assert set(shown) == set(message)
    assert set(shown["queues"][0]) == set(message["queues"][0])
    assert set(shown["agents"][0]) == set(message["agents"][0])
    assert set(shown["totals"]) == set(message["totals"])


async def test_every_command_of_a_socket_is_one_that_routing_carries_out(house: House) -> None:
    known = {name.removeprefix("do_").replace("__", ".") for name in dir(house.commands) if name.startswith("do_")}
    assert set(COMMANDS) <= known
    assert known - set(COMMANDS) == {
        "desk.get",
        "desk.offline",
        "desk.online",
        "desk.painted",
        "floor.get",
        "health",
    }


def test_the_published_description_is_the_present_one() -> None:
    published = (PROJECT / "web" / "openapi.json").read_text(encoding="utf-8")
    assert published == document(), "run `python -m api.openapi web/openapi.json`"
