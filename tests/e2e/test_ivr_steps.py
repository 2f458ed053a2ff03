"""Each kind of step with a real caller on a real Asterisk: what is heard, what keys do, what the channel then says."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cti.bridge import Bridge
from cti.settings import BridgeSettings, ManagerSettings
from ivr.ports import QueueOutlook
from phones.audio import tone
from tests.e2e.cti_house import Book
from tests.e2e.harness.fixtures import Keep
from tests.e2e.harness.manager import TestManager
from tests.e2e.harness.server import TestAsterisk
from tests.e2e.ivr_house import FILE_DID, IvrHouse, dial, variables

MENU, CARE, ASK = 440, 700, 880
END: dict[str, Any] = {"do": "hang_up"}
QUEUE: dict[str, Any] = {"do": "queue", "queue": "q-care"}
TEXTS = {name: {"it": name, "en": name} for name in ("main", "care", "shut")}


@pytest.fixture
async def house(asterisk: TestAsterisk, tmp_path: Path) -> AsyncIterator[IvrHouse]:
    async with IvrHouse(asterisk, tmp_path) as house:
        for prompt, hertz in (("main", MENU), ("care", CARE), ("shut", ASK)):
            house.record_tone(prompt, hertz)
        yield house


@pytest.fixture
async def manager(asterisk: TestAsterisk) -> AsyncIterator[TestManager]:
    async with asterisk.manager() as manager:
        yield manager


async def test_a_flow_that_is_a_file_is_heard_by_the_next_caller_and_a_broken_one_changes_nothing(
    asterisk: TestAsterisk, phones: Keep, house: IvrHouse
) -> None:
    file = house.folder / "flows" / "from-file.yaml"
    file.parent.mkdir()
    text = "flow: from-file\nstart: hello\nsteps:\n  hello: {do: play, prompt: care, next: end}\n  end: {do: hang_up}\n"
    text += "prompts: {care: {it: a, en: a}, main: {it: b, en: b}}\n"
    file.write_text(text)
    first = await dial(asterisk, phones, did=FILE_DID)
    await first.media.wait_for_tone(CARE)
    file.write_text(text.replace("prompt: care", "prompt: main"))
    second = await dial(asterisk, phones, did=FILE_DID)
    await second.media.wait_for_tone(MENU)
    file.write_text(text.replace("do: play", "do: sing"))
    third = await dial(asterisk, phones, did=FILE_DID)
    await third.media.wait_for_tone(MENU)
    problem = house.rooms.alarms["flow:from-file"]["problem"]
    assert problem.startswith("from-file.yaml, step 'hello'")
    assert "Use one of" in problem
    file.write_text(text)
    fourth = await dial(asterisk, phones, did=FILE_DID)
    await fourth.media.wait_for_tone(CARE)
    assert house.rooms.alarms == {}


@pytest.mark.parametrize(("span", "heard"), [(["00:00-24:00"], CARE), ([], ASK)])
async def test_opening_hours_decide_what_the_caller_hears(
    asterisk: TestAsterisk, phones: Keep, house: IvrHouse, span: list[str], heard: float
) -> None:
    week = dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), span)
    await house.set_flow(
        {
            "hours": {"do": "hours", "calendar": "desk", "open": "open", "closed": "shut"},
            "open": {"do": "play", "prompt": "care", "next": "end"},
            "shut": {"do": "play", "prompt": "shut", "next": "end"},
            "end": END,
        },
        prompts=TEXTS,
        calendars={"desk": {"week": week, "time_zone": "Europe/Rome"}},
    )
    call = await dial(asterisk, phones)
    await call.media.wait_for_tone(heard)


async def test_the_language_chosen_by_key_is_spoken_from_then_on(
    asterisk: TestAsterisk, phones: Keep, house: IvrHouse, manager: TestManager
) -> None:
    house.record_tone("care", CARE, language="en")
    house.record_tone("care", ASK, language="it")
    choices = {"1": "it", "2": "en"}
    await house.set_flow(
        {
            "language": {"do": "language", "prompt": "main", "choices": choices, "next": "hello"},
            "hello": {"do": "play", "prompt": "care", "next": "care"},
            "care": QUEUE,
        },
        prompts=TEXTS,
    )
    call = await dial(asterisk, phones)
    await call.media.wait_for_tone(MENU)
    await call.media.dial_digits("2")
    await call.media.wait_for_tone(CARE)
    held = await manager.wait_for("UserEvent", UserEvent="OcAt", Stage="hold")
    assert await variables(manager, held["Channel"], "OC_LANG", "CHANNEL(language)") == {
        "OC_LANG": "en",
        "CHANNEL(language)": "en",
    }


async def test_a_keyed_code_finds_the_customer_whose_ticket_place_and_wait_are_said(
    asterisk: TestAsterisk, phones: Keep, house: IvrHouse, manager: TestManager
) -> None:
    said = (
        "ticket_number",
        "digit-3",
        "digit-1",
        "ticket_back_office",
        "ticket_due_days-2",
        "position-3",
        "wait_minutes-4",
    )
    for number, prompt in enumerate(said):
        house.record_tone(prompt, 500 + 150 * number)
    house.rooms.queue = QueueOutlook(3, 240)
    await house.set_flow(
        {
            "code": {
                "do": "collect_digits",
                "prompt": "main",
                "into": "code",
                "min": 4,
                "max": 6,
                "next": "who",
                "otherwise": "end",
            },
            "who": {"do": "identify", "by": "code", "code": "code", "to": {"one": "status"}, "next": "end"},
            "status": {"do": "ticket_status", "next": "skill", "otherwise": "end"},
            "skill": {"do": "set_skill", "require": "italian>=5", "priority": 5, "next": "place"},
            "place": {"do": "announce_position", "queue": "q-care", "next": "care"},
            "care": QUEUE,
            "end": END,
        },
        prompts=TEXTS,
    )
    call = await dial(asterisk, phones)
    await call.media.wait_for_tone(MENU)
    await call.media.dial_digits("1234#")
    for number in range(len(said)):
        await call.media.wait_for_tone(500 + 150 * number)
    held = await manager.wait_for("UserEvent", UserEvent="OcAt", Stage="hold")
    assert {name: held[name] for name in ("OC_CUSTOMER", "OC_SKILLS", "OC_PRIORITY", "OC_QUEUE")} == {
        "OC_CUSTOMER": "c-1234",
        "OC_SKILLS": "italian>=5",
        "OC_PRIORITY": "5",
        "OC_QUEUE": "q-care",
    }


async def test_a_caller_who_refuses_is_not_recorded(
    asterisk: TestAsterisk, phones: Keep, house: IvrHouse, manager: TestManager
) -> None:
    house.record_tone("recording_notice", MENU, seconds=5)
    house.record_tone("recording_refused", CARE)
    await house.set_flow({"consent": {"do": "consent", "refuse": "3", "next": "care"}, "care": QUEUE})
    call = await dial(asterisk, phones)
    await call.media.wait_for_tone(MENU)
    await call.media.dial_digits("3")
    await call.media.wait_for_tone(CARE)
    held = await manager.wait_for("UserEvent", UserEvent="OcAt", Stage="hold")
    assert held["OC_RECORDING"] == ""
    assert not list(asterisk.settings.recordings.rglob(f"{held['Ref']}*"))


@pytest.mark.parametrize(("keys", "number"), [("1", "+393471234567"), ("20612345678#", "+390612345678")])
async def test_a_caller_asks_to_be_called_back(
    asterisk: TestAsterisk, phones: Keep, house: IvrHouse, keys: str, number: str
) -> None:
    house.record_tone("call_back_offer", MENU)
    house.record_tone("call_back_taken", CARE)
    await house.set_flow({"offer": {"do": "call_back", "next": "end", "otherwise": "care"}, "end": END, "care": QUEUE})
    call = await dial(asterisk, phones)
    await call.media.wait_for_tone(MENU)
    await call.media.dial_digits(keys)
    await call.media.wait_for_tone(CARE)
    request = await asyncio.wait_for(house.rooms.requests.get(), 10)
    assert (request.number, request.programme_id, request.wish) == (number, "p-test", "asked")
    assert await call.wait_until_ended(20) == "remote"


async def test_a_transfer_connects_the_caller_with_the_number_outside(
    asterisk: TestAsterisk, phones: Keep, house: IvrHouse
) -> None:
    settings, book = asterisk.settings, Book()
    server = settings.manager_address, settings.manager_port, settings.manager_user, settings.manager_secret
    house.rooms.bridge = Bridge(BridgeSettings(ManagerSettings(*server), settings.recordings), book)
    house.rooms.bridge.events = book
    running = asyncio.create_task(house.rooms.bridge.run())
    await book.next("bridge_up")
    outside = phones(await asterisk.caller("outside", port=int(settings.trunk_contact.rpartition(":")[2])))
    await house.set_flow({"away": {"do": "transfer", "number": "+390299999999", "otherwise": "end"}, "end": END})
    call = await dial(asterisk, phones)
    leg = await outside.next_call()
    assert "+390299999999" in leg.request.start_line
    leg.ring()
    await leg.answer()
    leg.media.loop_sound(tone(CARE))
    call.media.loop_sound(tone(MENU))
    await asyncio.gather(call.media.wait_for_tone(CARE), leg.media.wait_for_tone(MENU))
    await leg.hang_up()
    await call.wait_until_ended()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
