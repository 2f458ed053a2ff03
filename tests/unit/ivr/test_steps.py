"""Each step of a flow, against a channel that answers as Asterisk does."""

from typing import Any

import pytest

from ivr.agi import AgiFault, CallerGone
from ivr.ports import Identification, QueueOutlook, TicketSummary
from tests.unit.ivr.house import House, make_call, make_flow, run
from tests.unit.ivr.peer import HANG_UP, SILENCE, Channel

END: dict[str, Any] = {"do": "hang_up"}
QUEUE: dict[str, Any] = {"do": "queue", "queue": "q-care"}
MENU: dict[str, Any] = {
    "main": {
        "do": "menu",
        "prompt": "main",
        "retries": 1,
        "choices": {"1": {"to": "sales", "label": "Sales"}, "2": "care", "9": {"to": "care", "complaint": True}},
        "otherwise": "care",
    },
    "sales": {"do": "queue", "queue": "q-sales"},
    "care": QUEUE,
}


async def test_a_queued_caller_carries_all_routing_facts_and_the_done_flag_is_written_last(house: House) -> None:
    channel = Channel()
    call = make_call(identification=Identification("one", ("c-1",), "it", "a-giulia", 10, segment="vip"))
    steps = {
        "skill": {
            "do": "set_skill",
            "require": {"it": "italian>=5", "en": "english>=5"},
            "priority": 5,
            "next": "care",
        },
        "care": {"do": "queue", "queue": "q-care", "require": "portability>=3", "priority": 1},
    }
    await run(house, make_flow(steps), channel, call)
    assert channel.variables == {
        "OC_FROM": "+393471234567",
        "OC_PROGRAMME": "p-aura",
        "OC_QUEUE": "q-care",
        "OC_SKILLS": "italian>=5 & portability>=3",
        "OC_PRIORITY": "16",
        "OC_SINCE": "1800000000.000",
        "OC_CUSTOMER": "c-1",
        "OC_LANG": "it",
        "OC_AGENT": "a-giulia",
        "OC_OWNER": "",
        "OC_PATH": "",
        "OC_SEGMENT": "vip",
        "OC_DONE": "1",
    }
    assert channel.commands[-1] == ["SET", "VARIABLE", "OC_DONE", "1"]


async def test_a_caller_lost_while_the_facts_are_written_is_not_marked_as_done(house: House) -> None:
    channel = Channel()
    channel.hang_up_at = 'SET VARIABLE "OC_SINCE"'
    with pytest.raises(CallerGone):
        await run(house, make_flow({"care": QUEUE}), channel)
    assert channel.variables["OC_QUEUE"] == "q-care"
    assert "OC_DONE" not in channel.variables


async def test_alternatives_in_a_requirement_keep_their_meaning_when_more_is_asked(house: House) -> None:
    channel = Channel()
    steps = {
        "a": {"do": "set_skill", "require": "roaming>=6 | network>=8", "next": "care"},
        "care": QUEUE | {"require": "italian"},
    }
    await run(house, make_flow(steps), channel)
    assert channel.variables["OC_SKILLS"] == "(roaming>=6 | network>=8) & italian"


@pytest.mark.parametrize("keys", [["1"], ["!1"]])
async def test_a_menu_choice_leads_on_whether_pressed_after_or_into_the_prompt(house: House, keys: list[str]) -> None:
    channel = Channel(keys)
    call = await run(house, make_flow(MENU), channel)
    assert channel.variables["OC_QUEUE"] == "q-sales"
    assert channel.variables["OC_PATH"] == "Sales"
    assert call.path == ["Sales"]
    assert house.steps_told() == [("main", "1"), ("sales", "q-sales")]


async def test_a_key_pressed_into_a_greeting_answers_the_menu_that_follows_it(house: House) -> None:
    channel = Channel(["!1"])
    greeting = {"hello": {"do": "play", "prompt": "main", "next": "main"}}
    call = await run(house, make_flow(greeting | MENU), channel)
    assert channel.variables["OC_QUEUE"] == "q-sales"
    assert len(channel.played) == 1
    assert call.typed == ""


async def test_a_key_outside_the_menu_is_told_and_asked_again(house: House) -> None:
    channel = Channel(["7", "2"])
    await run(house, make_flow(MENU), channel)
    assert channel.played == ["it/main", "it/invalid_choice", "it/main"]
    assert channel.variables["OC_PATH"] == "2"


async def test_a_caller_who_presses_nothing_is_led_on_after_the_retries(house: House) -> None:
    channel = Channel([SILENCE, SILENCE])
    await run(house, make_flow(MENU), channel)
    assert channel.played == ["it/main", "it/no_choice", "it/main"]
    assert channel.variables["OC_QUEUE"] == "q-care"
    assert house.steps_told()[0] == ("main", None)


async def test_a_complaint_is_marked_in_the_facts(house: House) -> None:
    await run(house, make_flow(MENU), Channel(["9"]))
    assert house.facts[0].data == {"step": "main", "choice": "9", "complaint": True}


async def test_nested_menus_make_a_path_for_people(house: House) -> None:
    steps = {
        "top": {"do": "menu", "prompt": "main", "choices": {"2": "main"}, "otherwise": "care"},
        "main": {
            "do": "menu",
            "prompt": "main",
            "choices": {"1": {"to": "care", "label": "Sales"}},
            "otherwise": "care",
        },
        "care": QUEUE,
    }
    channel = Channel(["2", "1"])
    await run(house, make_flow(steps), channel)
    assert channel.variables["OC_PATH"] == "2 > Sales"


async def test_a_hang_up_in_the_menu_ends_the_flow_at_once(house: House) -> None:
    channel = Channel([HANG_UP])
    with pytest.raises(CallerGone):
        await run(house, make_flow(MENU), channel)
    assert "OC_QUEUE" not in channel.variables


async def test_a_prompt_asterisk_cannot_open_does_not_stop_the_call(house: House) -> None:
    channel = Channel(["1"])
    channel.missing.add("it/main")
    await run(house, make_flow(MENU), channel)
    assert channel.variables["OC_QUEUE"] == "q-sales"


COLLECT: dict[str, Any] = {
    "code": {
        "do": "collect_digits",
        "prompt": "main",
        "into": "code",
        "min": 3,
        "max": 5,
        "retries": 1,
        "next": "who",
        "otherwise": "care",
    },
    "who": {"do": "identify", "by": "code", "code": "code", "next": "care"},
    "care": QUEUE,
}


@pytest.mark.parametrize(
    ("keys", "code"), [(["1", "2", "3", "#"], "123"), (list("12345"), "12345"), (["!4", "5", "6", SILENCE], "456")]
)
async def test_a_code_ends_by_hash_by_its_length_or_by_time(house: House, keys: list[str], code: str) -> None:
    house.identification = Identification("one", ("c-7",))
    channel = Channel(keys)
    await run(house, make_flow(COLLECT), channel)
    assert house.asked == [("code", code, "p-aura")]
    assert channel.variables["OC_CUSTOMER"] == "c-7"


async def test_a_code_too_short_is_asked_again_and_then_given_up(house: House) -> None:
    channel = Channel(["1", "#", "*", "1", "#"])
    await run(house, make_flow(COLLECT), channel)
    assert channel.played == ["it/main", "it/invalid_number", "it/main"]
    assert house.asked == []


async def test_what_is_keyed_is_not_told_to_the_journal(house: House) -> None:
    await run(house, make_flow(COLLECT), Channel(list("48151")))
    assert "48151" not in repr(house.facts)


IDENTIFY: dict[str, Any] = {
    "who": {"do": "identify", "to": {"several": "several", "withheld": "withheld"}, "next": "care"},
    "several": {"do": "queue", "queue": "q-several"},
    "withheld": {"do": "queue", "queue": "q-withheld"},
    "care": QUEUE,
}


@pytest.mark.parametrize(
    ("found", "queue", "customer"),
    [
        (Identification("one", ("c-1",)), "q-care", "c-1"),
        (Identification("several", ("c-1", "c-2")), "q-several", "?"),
        (Identification("shared", ("c-1",)), "q-care", "?"),
        (Identification("none"), "q-care", ""),
    ],
)
async def test_the_caller_found_decides_the_way_and_is_never_guessed(
    house: House, found: Identification, queue: str, customer: str
) -> None:
    house.identification = found
    channel = Channel()
    await run(house, make_flow(IDENTIFY), channel)
    assert (channel.variables["OC_QUEUE"], channel.variables["OC_CUSTOMER"]) == (queue, customer)
    told = next(fact for fact in house.facts if fact.kind == "call.identified")
    assert told.data["customer_ids"] == list(found.customer_ids)


async def test_a_withheld_number_asks_nobody(house: House) -> None:
    channel = Channel()
    await run(house, make_flow(IDENTIFY), channel, make_call(number=None, withheld=True))
    assert house.asked == []
    assert channel.variables["OC_QUEUE"] == "q-withheld"
    assert channel.variables["OC_FROM"] == ""


@pytest.mark.parametrize("trouble", [RuntimeError("database away"), TimeoutError()])
async def test_a_story_that_cannot_be_fetched_in_time_does_not_hold_the_caller(
    house: House, trouble: Exception
) -> None:
    house.identification = trouble
    channel = Channel()
    await run(house, make_flow(IDENTIFY), channel)
    assert channel.variables["OC_QUEUE"] == "q-care"


async def test_the_customers_language_is_spoken_from_identification_on(house: House) -> None:
    house.identification = Identification("one", ("c-1",), "en")
    channel = Channel()
    steps = {
        "who": {"do": "identify", "next": "hello"},
        "hello": {"do": "play", "prompt": "welcome", "next": "care"},
        "care": QUEUE,
    }
    await run(house, make_flow(steps), channel)
    assert channel.played == ["en/welcome"]
    assert channel.variables["CHANNEL(language)"] == "en"
    assert channel.variables["OC_LANG"] == "en"


LANGUAGE: dict[str, Any] = {
    "ask": {"do": "language", "prompt": "welcome", "choices": {"1": "it", "2": "en"}, "next": "care"},
    "care": QUEUE,
}


@pytest.mark.parametrize(
    ("keys", "language"), [(["2"], "en"), (["!2"], "en"), (["1"], "it"), ([SILENCE], "it"), (["5"], "it")]
)
async def test_the_language_is_offered_in_each_language_and_chosen_by_key(
    house: House, keys: list[str], language: str
) -> None:
    channel = Channel(keys)
    await run(house, make_flow(LANGUAGE), channel)
    assert channel.played == (["it/welcome", "en/welcome"] if keys != ["!2"] else ["it/welcome"])
    assert channel.variables["OC_LANG"] == language


@pytest.mark.parametrize(("spans", "queue"), [(["00:00-24:00"], "q-open"), ([], "q-closed")])
async def test_opening_hours_choose_the_way(house: House, spans: list[str], queue: str) -> None:
    steps = {
        "hours": {"do": "hours", "calendar": "shop", "open": "open", "closed": "closed"},
        "open": {"do": "queue", "queue": "q-open"},
        "closed": {"do": "queue", "queue": "q-closed"},
    }
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    flow = make_flow(steps, calendars={"shop": {"week": dict.fromkeys(days, spans)}})
    channel = Channel()
    await run(house, flow, channel)
    assert channel.variables["OC_QUEUE"] == queue


STATUS: dict[str, Any] = {
    "status": {"do": "ticket_status", "next": "end", "otherwise": "care"},
    "end": END,
    "care": QUEUE,
}


async def test_the_state_of_an_open_ticket_is_said_digit_by_digit_with_its_due_day(house: House) -> None:
    channel = Channel()
    ticket = TicketSummary("T-105", "back_office", 3)
    await run(
        house, make_flow(STATUS), channel, make_call(identification=Identification("one", ("c-1",), ticket=ticket))
    )
    said = ["ticket_number", "digit-1", "digit-0", "digit-5", "ticket_back_office", "ticket_due_days-3", "goodbye"]
    assert channel.played == [f"it/{name}" for name in said]


async def test_without_an_open_ticket_the_caller_goes_on(house: House) -> None:
    channel = Channel()
    await run(house, make_flow(STATUS), channel)
    assert channel.variables["OC_QUEUE"] == "q-care"


POSITION: dict[str, Any] = {"where": {"do": "announce_position", "queue": "q-care", "next": "care"}, "care": QUEUE}


@pytest.mark.parametrize(
    ("outlook", "said"),
    [
        (QueueOutlook(4, 170), ["position-4", "wait_minutes-3"]),
        (QueueOutlook(1, 20), ["position-1", "wait_short"]),
        (QueueOutlook(2, None), ["position-2"]),
        (QueueOutlook(80, 4000), ["position_far", "wait_long"]),
        (QueueOutlook(3, 62), ["position-3", "wait_minutes-1"]),
        (RuntimeError("statistics away"), []),
    ],
)
async def test_position_and_wait_are_said_as_far_as_they_are_known(
    house: House, outlook: QueueOutlook | Exception, said: list[str]
) -> None:
    house.outlook_ = outlook
    channel = Channel()
    await run(house, make_flow(POSITION), channel)
    assert channel.played == [f"it/{name}" for name in said]


CONSENT: dict[str, Any] = {"consent": {"do": "consent", "refuse": "3", "next": "care"}, "care": QUEUE}


@pytest.mark.parametrize("keys", [["3"], ["!3"]])
async def test_a_caller_who_refuses_is_not_recorded(house: House, keys: list[str]) -> None:
    channel = Channel(keys)
    await run(house, make_flow(CONSENT), channel)
    assert channel.gosubs == []
    assert house.steps_told()[0] == ("consent", "refused")


async def test_recording_starts_once_the_notice_is_said(house: House) -> None:
    channel = Channel([SILENCE])
    await run(house, make_flow(CONSENT), channel)
    assert channel.played == ["it/recording_notice"]
    assert channel.gosubs == ["oc-record"]


async def test_a_recording_that_runs_already_is_not_started_again(house: House) -> None:
    channel = Channel(variables={"OC_RECORDING": "2026/11/23/x"})
    await run(house, make_flow(CONSENT), channel)
    assert channel.gosubs == []


async def test_a_call_that_cannot_be_recorded_goes_on(house: House) -> None:
    channel = Channel()
    channel._gosub = lambda *_: "503 result=-2 Gosub label not found"  # type: ignore[method-assign]
    await run(house, make_flow(CONSENT), channel)
    assert channel.variables["OC_QUEUE"] == "q-care"


async def test_a_caller_who_goes_round_and_round_by_keys_is_stopped(house: House) -> None:
    steps = {"main": {"do": "menu", "prompt": "main", "choices": {"1": "main"}, "otherwise": "care"}, "care": QUEUE}
    with pytest.raises(AgiFault, match="has not ended after"):
        await run(house, make_flow(steps), Channel(["1"] * 400))


async def test_quotes_and_dollars_in_a_label_cannot_change_a_variable(house: House) -> None:
    steps = {
        "main": {
            "do": "menu",
            "prompt": "main",
            "choices": {"1": {"to": "care", "label": 'a"${X}\\b'}},
            "otherwise": "care",
        },
        "care": QUEUE,
    }
    channel = Channel(["1"])
    await run(house, make_flow(steps), channel)
    assert not set(channel.variables["OC_PATH"]) & set("\"'\\${}")


async def test_a_comma_or_a_parenthesis_in_a_label_cannot_cut_the_event_that_carries_it(house: House) -> None:
    choices = {"1": {"to": "care", "label": "Bills, payments (and; [more"}}
    steps = {"main": {"do": "menu", "prompt": "main", "choices": choices, "otherwise": "care"}, "care": QUEUE}
    channel = Channel(["1"])
    await run(house, make_flow(steps), channel)
    assert channel.variables["OC_PATH"] == "Bills payments and more"
