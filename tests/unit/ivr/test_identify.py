"""The caller's number: E.164, withheld, or none."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.numbers import to_e164
from ivr.identify import CallerNumber, read_number


@pytest.mark.parametrize(
    ("raw", "region", "e164"),
    [
        ("3471234567", "IT", "+393471234567"),
        ("00393471234567", "IT", "+393471234567"),
        ("+393471234567", "GB", "+393471234567"),
        ("0612345678", "IT", "+390612345678"),  # the leading zero of an Italian land line stays
        ("020 7946 0018", "GB", "+442079460018"),
        ("+1 (212) 555-0123", "IT", "+12125550123"),
        ("390612345678", "IT", "+390612345678"),
        # Italian lengths vary: a land line has 6 to 11 digits with its zero, a mobile 9 or 10, a free number 6 or 9.
        ("066982", "IT", "+39066982"),
        ("0668821", "IT", "+390668821"),
        ("02123456", "IT", "+3902123456"),
        ("347123456", "IT", "+39347123456"),
        ("800123456", "IT", "+39800123456"),
        ("803123", "IT", "+39803123"),
        # A number without its area code is nobody's, or somebody else's.
        ("1234567", "IT", None),
        ("6123456", "IT", None),
        ("5550123", "US", None),
        ("2125550123", "US", "+12125550123"),
        ("79460018", "GB", None),
        ("43214321", "FR", None),
        ("0143214321", "FR", "+33143214321"),
        ("123456", "DE", None),
        # Short service numbers reach something else from here.
        ("112", "IT", None),
        ("187", "IT", None),
        ("4020", "IT", None),
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
