"""Real callers in the real IVR on a real Asterisk: what they hear, what their keys do, what the channel then says."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import ivr
from phones.audio import decode, from_wav, level_at, tone
from phones.call import Call
from tests.e2e.harness.fixtures import Keep
from tests.e2e.harness.manager import TestManager
from tests.e2e.harness.server import TestAsterisk
from tests.e2e.ivr_house import DID, IvrHouse, dial, variables
from tests.patience import PATIENCE

MENU, INVALID, CARE, CHANGED, MESSAGE, TAKEN = 440, 523, 700, 880, 620, 784
TEXTS = {name: {"it": name, "en": name} for name in ("main", "care")}
STEPS: dict[str, Any] = {
    "who": {"do": "identify", "next": "main"},
    "main": {
        "do": "menu",
        "prompt": "main",
        "invalid": "invalid_choice",
        "choices": {
            "1": {"to": "sales", "label": "Sales"},
            "2": {"to": "care_hello", "label": "Care, (all"},
            "3": "message",
        },
        "otherwise": "care_hello",
        "retries": 1,
    },
    "sales": {"do": "queue", "queue": "q-sales"},
    "care_hello": {"do": "play", "prompt": "care", "next": "care"},
    "care": {"do": "queue", "queue": "q-care", "require": "italian>=5 & portability>=3", "priority": 7},
    "message": {"do": "voicemail", "max_seconds": 20, "next": "end"},
    "end": {"do": "hang_up"},
}


@pytest.fixture
async def house(asterisk: TestAsterisk, tmp_path: Path) -> AsyncIterator[IvrHouse]:
    async with IvrHouse(asterisk, tmp_path) as house:
        for prompt, hertz in (("main", MENU), ("invalid_choice", INVALID), ("care", CARE), ("message_taken", TAKEN)):
            house.record_tone(prompt, hertz)
        house.record_tone("leave_message", MESSAGE)
        await house.set_flow(STEPS, prompts=TEXTS)
        yield house


@pytest.fixture
async def manager(asterisk: TestAsterisk) -> AsyncIterator[TestManager]:
    async with asterisk.manager() as manager:
        yield manager


async def until_served(house: IvrHouse) -> None:
    """Wait until no call is in the IVR any more."""
    async with asyncio.timeout(PATIENCE):
        while house.service.calls:
            await asyncio.sleep(0.02)


async def until_recording(house: IvrHouse) -> None:
    """Wait until a message is being recorded: Asterisk then sends nothing that a phone could notice."""
    async with asyncio.timeout(PATIENCE):
        while not list((house.folder / "ivr" / "voicemail").glob("*.wav")):
            await asyncio.sleep(0.02)


async def test_a_caller_hears_the_menu_presses_a_key_and_waits_with_all_routing_facts(
    asterisk: TestAsterisk, phones: Keep, house: IvrHouse, manager: TestManager
) -> None:
    call = await dial(asterisk, phones)
    await call.media.wait_for_tone(MENU)
    await call.media.dial_digits("2")
    await call.media.wait_for_tone(CARE)
    held = await manager.wait_for("UserEvent", UserEvent="OcAt", Stage="hold")
    told = await variables(
        manager, held["Channel"],
        "OC_ID", "OC_DID", "OC_FROM", "OC_PROGRAMME", "OC_QUEUE", "OC_SKILLS", "OC_PRIORITY",
        "OC_CUSTOMER", "OC_LANG", "OC_AGENT", "OC_PATH", "OC_DONE", "OC_STAGE",
    )  # fmt: skip
    assert told == {
        "OC_ID": held["Ref"],
        "OC_DID": DID,
        "OC_FROM": "+393471234567",
        "OC_PROGRAMME": "p-test",
        "OC_QUEUE": "q-care",
        "OC_SKILLS": "italian>=5 & portability>=3",
        "OC_PRIORITY": "7",
        "OC_CUSTOMER": "c-4567",
        "OC_LANG": "it",
        "OC_AGENT": "a-2001",
        "OC_PATH": "Care all",
        "OC_DONE": "1",
        "OC_STAGE": "hold",
    }
    assert (held["OC_PATH"], held["OC_LANG"], held["OC_RECORDING"]) == ("Care all", "it", "")
    kinds = [fact.kind for fact in house.rooms.facts if fact.interaction_id == held["Ref"]]
    assert kinds[:2] == ["call.arrived", "call.identified"]
    await call.media.wait_for_no_tone(CARE)
    await call.media.wait_for_sound()


async def test_a_key_pressed_into_the_prompt_cuts_it_short(
    asterisk: TestAsterisk, phones: Keep, house: IvrHouse, manager: TestManager
) -> None:
    house.record_tone("main", MENU, seconds=30)
    call = await dial(asterisk, phones)
    await call.media.wait_for_tone(MENU)
    await call.media.dial_digits("1")
    held = await manager.wait_for("UserEvent", UserEvent="OcAt", Stage="hold")
    assert (await variables(manager, held["Channel"], "OC_QUEUE", "OC_PATH")) == {
        "OC_QUEUE": "q-sales",
        "OC_PATH": "Sales",
    }


async def test_a_wrong_key_is_told_and_the_menu_said_again(
    asterisk: TestAsterisk, phones: Keep, house: IvrHouse
) -> None:
    call = await dial(asterisk, phones)
    await call.media.wait_for_tone(MENU)
    await call.media.dial_digits("9")
    await call.media.wait_for_tone(INVALID)
    await call.media.wait_for_tone(MENU)


async def test_a_prompt_without_a_recording_is_spoken(asterisk: TestAsterisk, phones: Keep, house: IvrHouse) -> None:
    await house.set_flow({"end": {"do": "hang_up"}})
    call = await dial(asterisk, phones)
    assert await call.wait_until_ended() == "remote"
    goodbye, other = await house.service.prompts.files(["goodbye", "leave_message"], "it")
    assert _likeness(Path(f"{goodbye}.wav"), call) > 0.8
    assert _likeness(Path(f"{other}.wav"), call) < 0.5


def _likeness(wav: Path, call: Call) -> float:
    """How alike (0 to 1) the first second of a file is to the second of the call that is most like it."""
    import numpy as np

    wanted = np.array(decode(from_wav(wav)[:8000]), dtype=float)
    heard = np.array(decode(bytes(call.media.heard)), dtype=float)
    products = np.correlate(heard, wanted, "valid")
    energies = np.correlate(heard**2, np.ones(len(wanted)), "valid")
    return float(np.max(np.abs(products) / np.sqrt(np.maximum(energies, 1e6) * (wanted**2).sum())))


async def test_a_changed_flow_is_live_for_the_next_call(
    asterisk: TestAsterisk, phones: Keep, house: IvrHouse, manager: TestManager
) -> None:
    first = await dial(asterisk, phones)
    await first.media.wait_for_tone(MENU)
    house.record_tone("changed", CHANGED)
    await house.set_flow(
        {"hello": {"do": "play", "prompt": "changed", "next": "new"}, "new": {"do": "queue", "queue": "q-new"}},
        prompts={"changed": {"it": "x", "en": "x"}},
    )
    second = await dial(asterisk, phones)
    await second.media.wait_for_tone(CHANGED)
    held = await manager.wait_for("UserEvent", UserEvent="OcAt", Stage="hold")
    assert (await variables(manager, held["Channel"], "OC_QUEUE"))["OC_QUEUE"] == "q-new"
    # The first caller, still in the old menu, is not disturbed.
    await first.media.dial_digits("2")
    await first.media.wait_for_tone(CARE)


async def test_an_invalid_change_leaves_the_last_good_flow_in_force(
    asterisk: TestAsterisk, phones: Keep, house: IvrHouse
) -> None:
    first = await dial(asterisk, phones)
    await first.media.wait_for_tone(MENU)
    await house.set_flow({"main": {"do": "no_such_step"}})
    second = await dial(asterisk, phones)
    await second.media.wait_for_tone(MENU)


async def test_a_caller_who_hangs_up_in_the_menu_is_let_go_at_once(
    asterisk: TestAsterisk, phones: Keep, house: IvrHouse, manager: TestManager
) -> None:
    call = await dial(asterisk, phones)
    await call.media.wait_for_tone(MENU)
    await call.hang_up()
    bye = await manager.wait_for("UserEvent", UserEvent="OcBye")
    assert bye["Stage"] == "ivr"
    await until_served(house)


async def test_a_caller_redirected_out_of_the_ivr_goes_there_and_the_script_ends(
    asterisk: TestAsterisk, phones: Keep, house: IvrHouse, manager: TestManager
) -> None:
    call = await dial(asterisk, phones)
    await call.media.wait_for_tone(MENU)
    [channel] = [one["Channel"] for one in await manager.channels() if one.get("Context") == "oc-ivr"]
    await manager.action("Redirect", {"Channel": channel, "Context": "oc-hold", "Exten": "s", "Priority": "1"})
    await manager.wait_for("UserEvent", UserEvent="OcAt", Stage="hold")
    await until_served(house)


async def test_a_withheld_number_is_no_number(
    asterisk: TestAsterisk, phones: Keep, house: IvrHouse, manager: TestManager
) -> None:
    call = await dial(asterisk, phones, "anonymous")
    await call.media.wait_for_tone(MENU)
    await call.media.dial_digits("1")
    held = await manager.wait_for("UserEvent", UserEvent="OcAt", Stage="hold")
    assert (await variables(manager, held["Channel"], "OC_FROM", "OC_CUSTOMER")) == {"OC_FROM": "", "OC_CUSTOMER": ""}
    arrived = next(fact for fact in house.rooms.facts if fact.kind == "call.arrived")
    assert arrived.data["withheld"] is True


async def test_the_recording_starts_with_the_consent_and_holds_the_caller(
    asterisk: TestAsterisk, phones: Keep, house: IvrHouse, manager: TestManager
) -> None:
    await house.set_flow(
        {"consent": {"do": "consent", "next": "main"}} | {key: step for key, step in STEPS.items() if key != "who"},
        prompts=TEXTS,
    )
    house.record_tone("recording_notice", 350)
    call = await dial(asterisk, phones)
    await call.media.wait_for_tone(MENU)
    call.media.loop_sound(tone(1000))
    await call.media.wait_for_tone(MENU)
    await call.hang_up()
    bye = await manager.wait_for("UserEvent", UserEvent="OcBye")
    await until_served(house)
    [file] = asterisk.settings.recordings.rglob(f"{bye['Ref']}-caller.wav")
    assert level_at(from_wav(file)[-8000:], 1000) > 2000


@pytest.mark.parametrize("ending", ["key", "hang-up"])
async def test_a_message_left_is_recorded_and_handed_over(
    asterisk: TestAsterisk, phones: Keep, house: IvrHouse, ending: str
) -> None:
    call = await dial(asterisk, phones)
    await call.media.wait_for_tone(MENU)
    await call.media.dial_digits("3")
    await call.media.wait_for_tone(MESSAGE)
    await until_recording(house)
    await call.media.play(tone(1000, 3))
    if ending == "key":
        await call.media.dial_digits("#")
        await call.media.wait_for_tone(TAKEN)
        assert await call.wait_until_ended() == "remote"
    else:
        await call.hang_up()
    message = await asyncio.wait_for(house.rooms.messages.get(), PATIENCE)
    assert (message.number, message.programme_id, message.customer_ids) == ("+393471234567", "p-test", ("c-4567",))
    assert message.seconds > 2.5
    sound = from_wav(message.file)
    middle = len(sound) // 2
    assert level_at(sound[middle - 2000 : middle + 2000], 1000) > 2000


async def test_a_number_that_nobody_set_up_is_told_so_and_ended(
    asterisk: TestAsterisk, phones: Keep, house: IvrHouse
) -> None:
    house.record_tone("number_unknown", CHANGED)
    caller = phones(await asterisk.caller())
    call = await (await caller.dial("+390299999999")).answered()
    await call.media.wait_for_tone(CHANGED)
    assert await call.wait_until_ended() == "remote"


async def _survival_record(house: IvrHouse, held: dict[str, str]) -> dict[str, Any]:
    """The record of the caller that the script left, once the call is over."""
    async with asyncio.timeout(PATIENCE):
        while True:
            for path in house.survival_spool.glob("*.json"):
                record: dict[str, Any] = json.loads(path.read_text())
                if record["interaction_id"] == held["Ref"]:
                    return record
            await asyncio.sleep(0.02)


async def test_without_the_ivr_a_caller_hears_an_apology_keys_a_number_and_is_called_back_later(
    asterisk: TestAsterisk, phones: Keep, house: IvrHouse, manager: TestManager
) -> None:
    await house.survival_prompts_made()
    await house.stop_ivr()
    call = await dial(asterisk, phones)
    survival = await manager.wait_for("UserEvent", UserEvent="OcSurvival")
    await call.media.wait_for_sound()
    await call.media.dial_digits("0612345678#")
    assert await call.wait_until_ended() == "remote"
    record = await _survival_record(house, survival)
    assert (record["wish"], record["keyed"], record["did"]) == ("asked", "0612345678", DID)
    await house.start_ivr()
    request = await asyncio.wait_for(house.rooms.requests.get(), PATIENCE)
    assert (request.number, request.programme_id, request.wish) == ("+390612345678", "p-test", "asked")
    assert request.source == "survival"
    assert not list(house.survival_spool.glob("*.json"))


async def test_without_the_ivr_a_caller_who_hangs_up_while_keying_is_not_lost(
    asterisk: TestAsterisk, phones: Keep, house: IvrHouse, manager: TestManager
) -> None:
    await house.stop_ivr()
    call = await dial(asterisk, phones)
    survival = await manager.wait_for("UserEvent", UserEvent="OcSurvival")
    await call.media.wait_for_sound()
    await call.media.dial_digits("06")
    await call.hang_up()
    record = await _survival_record(house, survival)
    assert (record["wish"], record["caller"]) == ("partial", "+393471234567")
    await house.start_ivr()
    request = await asyncio.wait_for(house.rooms.requests.get(), PATIENCE)
    assert request.number == "+393471234567"


async def test_an_ivr_that_ends_in_mid_menu_leaves_its_caller_to_the_survival_script(
    asterisk: TestAsterisk, phones: Keep, house: IvrHouse, manager: TestManager
) -> None:
    call = await dial(asterisk, phones)
    await call.media.wait_for_tone(MENU)
    await house.stop_ivr()
    survival = await manager.wait_for("UserEvent", UserEvent="OcSurvival")
    await call.media.wait_for_sound()
    await call.hang_up()
    record = await _survival_record(house, survival)
    arrived = next(fact for fact in house.rooms.facts if fact.kind == "call.arrived")
    assert record["interaction_id"] == arrived.interaction_id


async def test_the_demo_companys_flow_leads_an_english_complaint_to_the_line_with_priority(
    asterisk: TestAsterisk, phones: Keep, house: IvrHouse, manager: TestManager
) -> None:
    text = (Path(ivr.__file__).parent / "demo" / "mobile.yaml").read_text(encoding="utf-8")
    await house.set_flow_text(text)
    for prompt, language, hertz in (("choose_language", "en", CHANGED), ("main_menu", "en", INVALID)):
        house.record_tone(prompt, hertz, language=language)
    house.record_tone("welcome", CARE)
    house.record_tone("recording_notice", MESSAGE)
    call = await dial(asterisk, phones)
    await call.media.wait_for_tone(CARE)
    await call.media.wait_for_tone(MESSAGE)
    await call.media.wait_for_tone(CHANGED)
    await call.media.dial_digits("9")
    await call.media.wait_for_tone(INVALID)
    await call.media.dial_digits("5")
    held = await manager.wait_for("UserEvent", UserEvent="OcAt", Stage="hold")
    names = ("OC_QUEUE", "OC_LANG", "OC_SKILLS", "OC_PRIORITY", "OC_PATH")
    told = await variables(manager, held["Channel"], *names)
    assert tuple(told[name] for name in names) == ("q-care", "en", "english>=5", "10", "Complaint")
    assert (await variables(manager, held["Channel"], "OC_RECORDING"))["OC_RECORDING"].endswith(held["Ref"])


async def test_a_waiting_caller_sent_back_for_a_message_leaves_one(
    asterisk: TestAsterisk, phones: Keep, house: IvrHouse, manager: TestManager
) -> None:
    call = await dial(asterisk, phones)
    await call.media.wait_for_tone(MENU)
    await call.media.dial_digits("1")
    held = await manager.wait_for("UserEvent", UserEvent="OcAt", Stage="hold")
    for name, value in (("OC_DIVERT", "voicemail"), ("OC_DONE", ""), ("OC_QUEUE", "")):
        await manager.action("Setvar", {"Channel": held["Channel"], "Variable": name, "Value": value})
    there = {"Context": "oc-ivr", "Exten": "s", "Priority": "1"}
    await manager.action("Redirect", {"Channel": held["Channel"]} | there)
    await call.media.wait_for_tone(MESSAGE)
    await until_recording(house)
    await call.media.play(tone(1000, 2))
    await call.media.dial_digits("#")
    message = await asyncio.wait_for(house.rooms.messages.get(), PATIENCE)
    assert message.interaction_id == held["Ref"]
    assert await call.wait_until_ended() == "remote"


async def test_twenty_callers_at_once_each_get_where_their_own_keys_lead(
    asterisk: TestAsterisk, phones: Keep, house: IvrHouse, manager: TestManager
) -> None:
    house.record_tone("main", MENU, seconds=10)

    async def one(number: int) -> Call:
        call = await dial(asterisk, phones, f"+39347123{number:04d}")
        await call.media.wait_for_tone(MENU)
        await call.media.dial_digits("12"[number % 2])
        return call

    calls = await asyncio.gather(*(one(number) for number in range(20)))
    queues: dict[str, str] = {}
    async with asyncio.timeout(30):
        while len(queues) < len(calls):
            for event in list(manager.events):
                if event.get("UserEvent") == "OcAt" and event["Channel"] not in queues:
                    told = await variables(manager, event["Channel"], "OC_FROM", "OC_QUEUE")
                    queues[event["Channel"]] = f"{told['OC_FROM']} {told['OC_QUEUE']}"
            await asyncio.sleep(0.05)
    expected = {f"+39347123{number:04d} {('q-sales', 'q-care')[number % 2]}" for number in range(20)}
    assert set(queues.values()) == expected
