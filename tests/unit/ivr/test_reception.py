"""A call comes in: its name, its number, its plan, its flow."""

import pytest
import yaml

from core.ids import is_id
from ivr.agi import AgiFault, CallerGone
from ivr.ports import NumberPlan
from ivr.reception import Reception
from tests.unit.ivr.house import House
from tests.unit.ivr.peer import Channel, Connected

ENV = {"agi_callerid": "3471234567", "agi_channel": "PJSIP/trunk-1", "agi_callingpres": "0", "agi_dnid": "unknown"}
ARRIVED = {"OC_DID": "+390116180100", "OC_ARRIVED": "1795420800"}
STEPS = {"care": {"do": "queue", "queue": "q-care"}}


def plan(steps: object = STEPS, *, version: str = "1", language: str = "it", **more: object) -> NumberPlan:
    text = yaml.safe_dump({"flow": "main", "start": "care", "steps": steps} | more)
    return NumberPlan("p-mobile", "IT", "Europe/Rome", language, "main", version, text)


async def receive(house: House, channel: Channel, reception: Reception | None = None, **env: str) -> None:
    async with Connected(channel, ENV | env) as agi:
        await (reception or Reception(house.kit, house)).serve(agi)


async def test_a_call_gets_a_name_before_anything_else_and_arrives_in_the_journal(house: House) -> None:
    house.plan = plan()
    channel = Channel(variables=ARRIVED)
    await receive(house, channel)
    assert is_id(channel.variables["OC_ID"])
    assert next(words[2] for words in channel.commands if words[0] == "SET") == "OC_ID"
    arrived = house.facts[0]
    assert (arrived.kind, arrived.at, arrived.interaction_id) == (
        "call.arrived",
        1795420800.0,
        channel.variables["OC_ID"],
    )
    assert arrived.data == {
        "did": "+390116180100",
        "number": "+393471234567",
        "withheld": False,
        "channel": "PJSIP/trunk-1",
        "direction": "inbound",
        "programme_id": "p-mobile",
    }
    assert (channel.variables["OC_QUEUE"], channel.variables["OC_DONE"]) == ("q-care", "1")


async def test_a_call_that_comes_again_keeps_its_name(house: House) -> None:
    house.plan = plan()
    channel = Channel(variables=ARRIVED | {"OC_ID": "01k0000000000000000000test", "OC_DONE": "1"})
    await receive(house, channel)
    assert channel.variables["OC_ID"] == "01k0000000000000000000test"


async def test_the_dialled_number_may_hold_any_letter(house: House) -> None:
    house.plan = plan()
    channel = Channel(variables=ARRIVED | {"OC_DID": "+39|0|6"})
    await receive(house, channel)
    assert house.facts[0].data["did"] == "+39|0|6"


async def test_an_earlier_done_flag_does_not_count_for_a_caller_lost_now(house: House) -> None:
    house.plan = plan()
    channel = Channel(variables=ARRIVED | {"OC_DONE": "1"})
    channel.hang_up_at = 'SET VARIABLE "OC_QUEUE"'
    with pytest.raises(CallerGone):
        await receive(house, channel)
    assert channel.variables["OC_DONE"] == ""


async def test_a_number_without_a_plan_is_told_in_both_languages_and_ended(house: House) -> None:
    channel = Channel(variables=ARRIVED)
    await receive(house, channel)
    assert channel.played == ["it/number_unknown", "en/number_unknown"]
    assert channel.hung_up
    assert (channel.variables["OC_DONE"], channel.variables["OC_QUEUE"]) == ("1", "")


async def test_a_plan_that_cannot_be_read_leaves_the_caller_to_survival(house: House) -> None:
    house.plan = RuntimeError("database away")
    channel = Channel(variables=ARRIVED)
    with pytest.raises(AgiFault):
        await receive(house, channel)
    assert channel.variables["OC_DONE"] == ""
    assert is_id(channel.variables["OC_ID"])


async def test_a_new_version_of_a_flow_is_in_force_for_the_next_call(house: House) -> None:
    reception = Reception(house.kit, house)
    house.plan = plan()
    await receive(house, Channel(variables=ARRIVED), reception)
    house.plan = plan({"care": {"do": "queue", "queue": "q-new"}}, version="2")
    channel = Channel(variables=ARRIVED)
    await receive(house, channel, reception)
    assert channel.variables["OC_QUEUE"] == "q-new"


async def test_an_invalid_version_leaves_the_last_good_one_in_force_until_it_is_mended(house: House) -> None:
    reception = Reception(house.kit, house)
    house.plan = plan()
    await receive(house, Channel(variables=ARRIVED), reception)
    house.plan = plan({"care": {"do": "no_such"}}, version="2")
    for _ in range(2):
        channel = Channel(variables=ARRIVED)
        await receive(house, channel, reception)
        assert channel.variables["OC_QUEUE"] == "q-care"
    problem = house.alarms["flow:main"]["problem"]
    assert "main, step 'care'" in problem
    assert "Use one of" in problem
    house.plan = plan({"care": {"do": "queue", "queue": "q-mended"}}, version="3")
    channel = Channel(variables=ARRIVED)
    await receive(house, channel, reception)
    assert channel.variables["OC_QUEUE"] == "q-mended"
    assert house.alarms == {}


DIVERTED = ARRIVED | {"OC_LANG": "en", "OC_CUSTOMER": "c-1", "OC_QUEUE": "q-care"}


async def test_a_diverted_caller_goes_to_the_step_named_for_it_with_language_and_customer_kept(house: House) -> None:
    steps = STEPS | {"sorry": {"do": "play", "prompt": "message_empty", "next": "care"}}
    house.plan = plan(steps, diverts={"closed": "sorry"})
    channel = Channel(variables=DIVERTED | {"OC_DIVERT": "closed"})
    await receive(house, channel)
    assert channel.played == ["en/message_empty"]
    assert (channel.variables["OC_CUSTOMER"], channel.variables["OC_DIVERT"]) == ("c-1", "")
    assert not [fact for fact in house.facts if fact.kind == "call.arrived"]


@pytest.mark.parametrize(
    ("divert", "heard"), [("voicemail", "leave_message"), ("call_back", "call_back_offer"), ("closed", "leave_message")]
)
async def test_a_flow_that_says_nothing_of_diverts_still_takes_a_message_or_a_wish(
    house: House, divert: str, heard: str
) -> None:
    house.plan = plan()
    channel = Channel(variables=DIVERTED | {"OC_DIVERT": divert})
    await receive(house, channel)
    assert channel.played[0] == f"en/{heard}"
    assert channel.variables["OC_QUEUE"] == ""
    assert channel.hung_up


async def test_an_unknown_divert_is_an_ordinary_call(house: House) -> None:
    house.plan = plan()
    channel = Channel(variables=ARRIVED | {"OC_DIVERT": "nonsense"})
    await receive(house, channel)
    assert channel.variables["OC_QUEUE"] == "q-care"
