"""The caller's number: E.164, withheld, or none."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.identify import CallerNumber, read_number, to_e164


@pytest.mark.parametrize(
    ("raw", "region", "e164"),
    [
        ("3471234567", "IT", "+393471234567"),
        ("00393471234567", "IT", "+393471234567"),
        ("+393471234567", "GB", "+393471234567"),
        ("0612345678", "IT", "+390612345678"),  # the leading zero of an Italian land line stays
        ("020 7946 0018", "GB", "+442079460018"),
        ("+1 (212) 555-0123", "IT", "+12125550123"),
        ("12", "IT", None),
        ("abc", "IT", None),
        ("+999123", "IT", None),
    ],
)
def test_a_number_is_read_in_the_region_of_its_programme(raw: str, region: str, e164: str | None) -> None:
    assert read_number(raw, region) == CallerNumber(e164, withheld=False)


@pytest.mark.parametrize("raw", ["anonymous", "Anonymous", "unknown", "", "  ", "restricted"])
def test_a_name_that_stands_for_no_number_is_withheld(raw: str) -> None:
    assert read_number(raw, "IT") == CallerNumber(None, withheld=True)


@pytest.mark.parametrize("presentation", ["32", "33", "35"])
def test_a_number_not_to_be_shown_is_withheld_although_the_trunk_tells_it(presentation: str) -> None:
    assert read_number("+393471234567", "IT", presentation) == CallerNumber(None, withheld=True)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=30))
def test_whatever_a_caller_sends_gives_a_clean_number_or_none(raw: str) -> None:
    e164 = to_e164(raw, "IT")
    assert e164 is None or (e164[0] == "+" and e164[1:].isascii() and e164[1:].isdigit())
