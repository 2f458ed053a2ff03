"""What the survival script left becomes a call-back with a number that can be called."""

from typing import Any

import pytest

from core.errors import Invalid
from ivr.ports import NumberPlan
from ivr.survivors import take_survivor
from tests.unit.ivr.house import House

RECORD: dict[str, Any] = {
    "id": "1795420800.17",
    "at": 1_795_420_800.5,
    "did": "+390116180100",
    "caller": "3471234567",
    "presentation": "0",
    "keyed": "",
    "wish": "asked",
    "language": "en",
    "interaction_id": "01k0000000000000000000test",
}
PLAN = NumberPlan("p-mobile", "IT", "Europe/Rome", "it", "mobile", "1", "")


async def take(house: House, **changes: Any) -> None:
    house.plan = PLAN
    await take_survivor(house, house)(RECORD | changes)


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({}, "+393471234567"),
        ({"keyed": "0612345678"}, "+390612345678"),
        ({"keyed": "99"}, "+393471234567"),  # what was keyed is no number: the one shown is better than none
        ({"keyed": "99", "caller": "anonymous"}, "99"),  # as keyed: people may make something of it
        ({"wish": "partial", "keyed": "0612345678"}, "+393471234567"),  # half keyed: the shown one is surer
        ({"wish": "partial", "keyed": "0612345678", "presentation": "32"}, "+390612345678"),
        ({"wish": "missed"}, "+393471234567"),
        ({"wish": "missed", "caller": ""}, None),
    ],
)
async def test_the_surest_number_is_taken(house: House, changes: dict[str, Any], number: str | None) -> None:
    await take(house, **changes)
    [request] = house.requests
    assert request.number == number
    assert request.wish == changes.get("wish", "asked")


async def test_the_call_back_belongs_to_the_programme_that_was_dialled_and_to_the_same_interaction(
    house: House,
) -> None:
    await take(house)
    [request] = house.requests
    assert (request.id, request.programme_id) == ("survival-1795420800.17", "p-mobile")
    assert (request.interaction_id, request.at, request.language) == (RECORD["interaction_id"], RECORD["at"], "en")


@pytest.mark.parametrize(
    "changes", [{"id": "../x"}, {"wish": "maybe"}, {"at": "yesterday"}, {"caller": "1" * 500}, {"language": "xx"}]
)
async def test_a_record_out_of_shape_is_refused_for_good(house: House, changes: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        await take(house, **changes)
    assert house.requests == []


async def test_while_numbers_cannot_be_looked_up_the_record_waits(house: House) -> None:
    house.plan = RuntimeError("database away")
    with pytest.raises(RuntimeError):
        await take_survivor(house, house)(RECORD)
