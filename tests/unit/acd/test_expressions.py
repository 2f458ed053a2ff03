"""Requirements and conditions as people write them, and what they are told when it makes no sense."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.config import Agent
from acd.expressions import (
    ExpressionError,
    attributes_named,
    bind,
    holds,
    parse,
    parse_condition,
    parse_requirement,
)
from acd.routing.matching import Traits, profile_key, skills_needed, split_by

ANNA = Agent(
    "anna",
    {"roaming": 6, "italian": 8},
    languages=frozenset({"it"}),
    programmes=frozenset({"aura"}),
    team="red",
    node="n1",
    attributes={"site": "rome"},
)


def meets(text: str, agent: Agent = ANNA, **attributes: str) -> bool:
    node = bind(parse_requirement(text), attributes)
    return Traits(profile_key(agent, agent.node, split_by(node))).meets(node)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "roaming>=6 & italian & !trainee",
        "roaming >= 6 and italian and not trainee",
        "adsl | roaming",
        "roaming>5 & roaming<7 & roaming=6 & roaming<=6 & roaming!=7",
        "trainee=0",
        "language=it & programme=aura & segment=gold",
        "team=red & agent=anna & node=n1 & site=rome",
        'team="red"',
        "!(adsl & roaming) & team!=blue",
        "adsl & italian | roaming",
        "language=$language",
        "!language=$language",
    ],
)
def test_anna_meets(text):
    assert meets(text)


@pytest.mark.parametrize(
    "text",
    [
        "roaming>=7",
        "trainee",
        "adsl & (italian | roaming)",
        "!italian",
        "language=en",
        "programme=other",
        "team=blue",
        "agent=bea",
        "site=milan",
        "node!=n1",
    ],
)
def test_anna_does_not_meet(text):
    assert not meets(text)


def test_an_attribute_of_the_interaction_stands_where_it_is_named():
    assert meets("language=$language", language="it")
    assert not meets("language=$language", language="en")
    assert not meets("!language=$language", language="it")
    assert attributes_named(parse("language=$language & (site=$site | roaming)")) == {"language", "site"}


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        ("roaming>=", 9, "a value is missing after >="),
        ("roaming & ", 10, "ends too early"),
        ("(roaming | italian", 18, "a ) is missing"),
        ("roaming italian", 8, "unexpected 'italian'"),
        ("roaming) & italian", 7, "unexpected ')'"),
        ("roaming ~ italian", 8, "unexpected '~'"),
        ("& roaming", 0, "unexpected '&'"),
        ("roaming >= high", 11, ">= needs a number"),
        ('team="red', 5, "unexpected '\"'"),
        ("language", 0, "language needs a value"),
        ("$language", 0, "unexpected '$language'"),
        ("!" * 60 + "x", 50, "more than 50 levels"),
    ],
)
def test_what_cannot_be_read_is_shown_at_its_character(text, position, says):
    with pytest.raises(ExpressionError) as error:
        parse_requirement(text)
    assert error.value.position == position
    assert says in error.value.what
    assert f"character {position + 1} " in error.value.what
    assert error.value.what.endswith("\n  " + " " * position + "^")
    assert error.value.remedy


def test_an_unknown_skill_is_answered_with_the_nearest_one():
    with pytest.raises(ExpressionError) as error:
        parse_requirement("italian & roamin>=6", {"italian", "roaming"})
    assert error.value.position == 10
    assert error.value.remedy == "Did you mean roaming?"


def test_conditions_compare_figures_and_attributes():
    figures = {"waited": 70.0, "ready": 1, "segment": "gold", "expected_wait": None}
    told = figures.get

    def say(text: str) -> bool:
        return holds(parse_condition(text), told)

    assert say("waited>=60 & ready<2 & segment=gold")
    assert say("!(waited<60) | segment=silver")
    assert say("segment!=silver & language!=it")
    assert not say("expected_wait>10")
    assert not say("language=it")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("wated>60", "Did you mean waited?"),
        ("waited", "Write waited>=... or <..."),
        ("waited=long", "Write waited>=... or <..."),
        ("roaming>=6", "Figures are"),
    ],
)
def test_a_condition_on_something_else_is_refused(text, says):
    with pytest.raises(ExpressionError) as error:
        parse_condition(text)
    assert says in error.value.remedy


def test_the_skills_that_every_server_must_have_one_of_are_known():
    def needed(text: str) -> object:
        return skills_needed(parse(text))

    assert needed("a & b>=3") in ({"a"}, {"b"})
    assert needed("a | b") == {"a", "b"}
    assert needed("(a | b) & c") == {"c"}
    assert needed("a | !b") is None
    assert needed("a<3") is None
    assert needed("language=it") is None


@given(st.text(max_size=40))
def test_no_text_whatever_does_anything_but_parse_or_be_refused(text):
    problem = refusal(parse, text)
    assert problem is None or 0 <= problem.position <= len(text)


@given(st.text(alphabet='ab&|!()<>=0 $"', max_size=30))
def test_nearly_right_text_too(text):
    problem = refusal(parse_requirement, text)
    assert problem is None or 0 <= problem.position <= len(text)


def refusal(reader, text):
    """What that reader says against the text; None when it takes it. Anything but an ExpressionError is raised."""
    try:
        reader(text)
    except ExpressionError as error:
        return error
    return None
