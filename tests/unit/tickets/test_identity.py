"""Who is calling, and when that counts."""

import pytest

from tickets.identity import Identification, customer_by_number, identification_of, subject_of


@pytest.mark.parametrize(
    ("number", "candidates", "shared", "expected"),
    [
        (None, [], False, "withheld"),
        ("", ["c-1"], False, "withheld"),
        ("+39347", [], False, "none"),
        ("+39347", ["c-1"], False, "one"),
        ("+39347", ["c-1", "c-2"], False, "several"),
        ("+39011", ["c-1"], True, "shared"),
        ("+39011", [], True, "shared"),
    ],
)
def test_a_number_tells_one_of_five_things(
    number: str | None, candidates: list[str], shared: bool, expected: Identification
) -> None:
    assert identification_of(number, candidates, shared=shared) == expected


@pytest.mark.parametrize("kind", ["none", "several", "withheld", "shared"])
def test_only_a_number_of_exactly_one_customer_names_that_customer(kind: Identification) -> None:
    assert customer_by_number(kind, ["c-1", "c-2"]) is None
    assert customer_by_number("one", ["c-1"]) == "c-1"


@pytest.mark.parametrize("kind", ["none", "several", "withheld", "shared"])
def test_an_uncertain_number_counts_only_once_an_agent_has_confirmed_the_customer(kind: str) -> None:
    assert subject_of("c-1", kind, confirmed=False) is None
    assert subject_of("c-1", kind, confirmed=True) == "c-1"
    assert subject_of("c-1", "one", confirmed=False) == "c-1"
    assert subject_of(None, kind, confirmed=True) is None
