"""What is wrong with a flow is said with the file, the step and the remedy; all of it at once."""

from typing import Any

import pytest
import yaml

from ivr.flow import Menu
from ivr.flow_check import FlowInvalid, Known, read_calendar, read_flow
from tests.unit.ivr.house import TEXTS

END: dict[str, Any] = {"do": "hang_up"}
CARE: dict[str, Any] = {"do": "queue", "queue": "q-care"}
KNOWN = Known(
    queues=frozenset({"q-care"}),
    prompts=TEXTS.plain,
    calendars=frozenset({"office"}),
    skills=frozenset({"italian", "portability"}),
)


def problems(steps: dict[str, Any], **more: Any) -> list[str]:
    """What is said of a flow of these steps."""
    data = {"flow": "demo", "start": next(iter(steps)), "steps": steps} | more
    try:
        read_flow(yaml.safe_dump(data, sort_keys=False), "demo.yaml", KNOWN)
    except FlowInvalid as error:
        return [str(problem) for problem in error.problems]
    return []


def menu(**changes: Any) -> dict[str, Any]:
    """A menu that is right."""
    return {"do": "menu", "prompt": "no_choice", "choices": {"1": "care"}, "otherwise": "care"} | changes


def test_a_right_flow_has_no_problems() -> None:
    assert problems({"main": menu(), "care": CARE}) == []


def test_short_choices_and_number_keys_are_read_as_written() -> None:
    steps = "{m: {do: menu, prompt: p, choices: {1: e, '*': {to: e}}, otherwise: e}, e: {do: hang_up}}"
    text = f"flow: x\nstart: m\nsteps: {steps}"
    step = read_flow(text, "x.yaml").steps["m"]
    assert isinstance(step, Menu)
    assert {key: choice.to for key, choice in step.choices.items()} == {"1": "e", "*": "e"}


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (
            {"main": menu(otherwise="nowhere"), "care": CARE},
            "demo.yaml, step 'main' (otherwise): there is no step 'nowhere'. Add it, or name one of care, main.",
        ),
        (
            {"main": menu(choices={"1": "lost"}), "care": CARE},
            "demo.yaml, step 'main' (choices.1): there is no step 'lost'. Add it, or name one of care, main.",
        ),
        (
            {"care": CARE, "extra": END},
            "demo.yaml, step 'extra': no way leads here. Point a step at it, or remove it.",
        ),
        (
            {"care": {"do": "queue", "queue": "q-kare"}},
            "demo.yaml, step 'care' (queue): there is no queue 'q-kare'. Create it, or name one of q-care.",
        ),
        (
            {"hi": {"do": "play", "prompt": "helo", "next": "care"}, "care": CARE},
            "demo.yaml, step 'hi' (prompt): there is no prompt 'helo'. "
            "Write its texts under prompts, or correct the name.",
        ),
        (
            {
                "a": {"do": "play", "prompt": "goodbye", "next": "b"},
                "b": {"do": "play", "prompt": "goodbye", "next": "a"},
            },
            "demo.yaml, step 'a': the loop a, b has no exit. Lead it to a queue or hang_up step.",
        ),
        (
            {"main": menu(otherwise="main"), "care": CARE},
            "demo.yaml, step 'main': a caller who presses nothing goes round for ever: main > main. "
            "Let `otherwise` lead on.",
        ),
        (
            {"h": {"do": "hours", "calendar": "ofice", "open": "care", "closed": "care"}, "care": CARE},
            "demo.yaml, step 'h' (calendar): there is no calendar 'ofice'. "
            "Write it under calendars, or correct the name.",
        ),
        (
            {"care": CARE | {"do": "queu"}},
            "demo.yaml, step 'care': there is no step kind 'queu'. Use one of",
        ),
        ({"care": {"queue": "q-care"}}, "Say what the step does: do: play, menu, queue, ..."),
        (
            {"care": CARE | {"prority": 3}},
            "demo.yaml, step 'care' (prority): Extra inputs are not permitted. Remove it",
        ),
        ({"care": {"do": "queue"}}, "demo.yaml, step 'care' (queue): Field required. Add it."),
        ({"main": menu(choices={}), "care": CARE}, "demo.yaml, step 'main' (choices):"),
        ({"main": menu(choices={"12": "care"}), "care": CARE}, "'12' is not acceptable"),
        (
            {"care": CARE | {"require": "portability>>3"}},
            "demo.yaml, step 'care' (require",
        ),
        (
            {"care": CARE | {"require": "portabilty>=3"}},
            "step 'care' (require): unknown skill 'portabilty'. Did you mean portability",
        ),
        (
            {"t": {"do": "transfer", "number": "0612345", "otherwise": "care"}, "care": CARE},
            "step 't' (number): '0612345' is not",
        ),
        (
            {"l": {"do": "language", "next": "care"}, "care": CARE},
            "step 'l': neither or both of set and choices are given. Give set, or give prompt and choices.",
        ),
        (
            {"w": {"do": "identify", "by": "code", "code": "pin", "next": "care"}, "care": CARE},
            "step 'w' (code): no step collects 'pin'. Name the `into` of a collect_digits step.",
        ),
        (
            {
                "c": {
                    "do": "collect_digits",
                    "prompt": "goodbye",
                    "into": "x",
                    "min": 5,
                    "max": 3,
                    "next": "care",
                    "otherwise": "care",
                },
                "care": CARE,
            },
            "step 'c' (max): max 3 is below min 5. Raise it.",
        ),
        (
            {
                "main": menu(choices={"1": "second"}),
                "second": menu(choices={"1": {"to": "care", "complaint": True}}),
                "care": CARE,
            },
            "step 'second' (choices): the complaint option is not at the first menu. Move it to the first menu.",
        ),
    ],
)
def test_a_problem_names_file_step_and_remedy(steps: dict[str, Any], expected: str) -> None:
    told = problems(steps)
    assert any(expected in one for one in told), told


def test_a_flow_that_must_offer_a_complaint_does_so_at_the_first_menu() -> None:
    told = problems({"main": menu(), "care": CARE}, complaint_required=True)
    assert told == [
        "demo.yaml (complaint_required): no first menu offers a complaint. Mark one choice with complaint: true."
    ]
    with_complaint = {"main": menu(choices={"1": "care", "5": {"to": "care", "complaint": True}}), "care": CARE}
    assert problems(with_complaint, complaint_required=True) == []


def test_a_menu_behind_a_silent_way_back_is_found_also_over_several_steps() -> None:
    steps = {
        "main": menu(otherwise="sorry"),
        "sorry": {"do": "play", "prompt": "no_choice", "next": "again"},
        "again": {"do": "set_skill", "priority": 1, "next": "main"},
        "care": CARE,
    }
    assert "goes round for ever: again > main > sorry > again" in problems(steps)[0]


def test_a_way_back_by_a_key_is_allowed() -> None:
    assert problems({"main": menu(choices={"1": "care", "9": "main"}), "care": CARE}) == []


def test_steps_reached_only_by_a_divert_are_reached() -> None:
    steps = {"care": CARE, "message": {"do": "voicemail", "next": "end"}, "end": END}
    assert problems(steps, diverts={"voicemail": "message"}) == []
    assert "(diverts.voicemail): there is no step 'mesage'" in problems(steps, diverts={"voicemail": "mesage"})[0]


def test_every_language_of_the_flow_has_its_texts() -> None:
    steps = {"hi": {"do": "play", "prompt": "hello", "next": "care"}, "care": CARE}
    told = problems(steps, prompts={"hello": {"it": "Ciao"}})
    assert told == ["demo.yaml (prompts.hello): no text for language 'en'. Add it, or drop the language."]
    assert problems(steps, prompts={"hello": {"it": "Ciao"}}, languages=["it"]) == []


def test_all_problems_are_told_at_once() -> None:
    assert len(problems({"main": menu(otherwise="x", prompt="y", choices={"1": "z"})})) == 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("flow: [", "line 1, column 8): not readable"),
        ("- a\n- b", "not a mapping. Begin with the keys flow, start and steps"),
        ("", "not a mapping"),
        (
            "flow: x\nstart: a\nsteps:\n  a: {do: hang_up}\n  a: {do: hang_up}\n",
            "line 5, column 3): not readable: 'a' is given twice",
        ),
        ("a: !!python/object/apply:os.system ['true']", "not readable"),
        ("{[a]: b}", "not readable"),
        ("a: *nobody", "not readable"),
    ],
)
def test_text_that_is_no_flow_is_refused_with_its_place(text: str, expected: str) -> None:
    with pytest.raises(FlowInvalid) as refused:
        read_flow(text, "demo.yaml")
    assert str(refused.value).startswith("demo.yaml")
    assert expected in str(refused.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("week: {mon: ['8:00-18:00']}", "(week.mon.0): '8:00-18:00' is no span of hours. Write it as 08:30-18:00."),
        ("week: {mon: ['22:00-06:00']}", "Split hours that go over midnight"),
        ("week: {mon: ['08:00-24:30']}", "ends after 24:00"),
        ("week: {}\nholidays: ['12-32']", "'12-32' is no holiday. Write 12-25, 2026-12-07, easter or easter+1."),
        ("week: {}\ntime_zone: Europe/Roma", "'Europe/Roma' is no time zone. Write it as Europe/Rome."),
        ("week: {lun: []}", "week.lun"),
    ],
)
def test_a_wrong_calendar_is_refused_with_the_remedy(text: str, expected: str) -> None:
    with pytest.raises(FlowInvalid) as refused:
        read_calendar(text, "office")
    assert expected in str(refused.value)
