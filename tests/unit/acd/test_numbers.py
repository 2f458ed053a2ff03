"""Which numbers are dialled for whom: a call-back dials what a caller shows, and some earn by being called."""

import pytest

from acd.numbers import check_call_back, check_number
from core.errors import Invalid

DID = "+390116180100"


@pytest.mark.parametrize("number", ["+393471234567", "+390655555", "+34600000101", "+39800123456", "2001", "4242"])
def test_ordinary_numbers_are_dialled(number: str) -> None:
    check_number(number)


@pytest.mark.parametrize(
    "number", ["+39899123456", "+39848800800", "+39199123456", "+8821612345", "+883510001", "0039899123456"]
)
def test_numbers_that_earn_by_the_call_or_belong_to_no_country_are_not_dialled(number: str) -> None:
    with pytest.raises(Invalid, match="special cost"):
        check_number(number)
    with pytest.raises(Invalid, match="special cost"):
        check_call_back(number, DID, {"IT", "ES"})


def test_a_caller_of_the_dialled_numbers_country_is_called_back() -> None:
    check_call_back("+393471234567", DID, ())
    check_call_back("+34600000101", "+34910000001", ())


@pytest.mark.parametrize("number", ["+34600000101", "+39347", "4242", "+3940916"])
def test_a_caller_from_elsewhere_or_with_half_a_number_is_not_called_back(number: str) -> None:
    with pytest.raises(Invalid, match="not called back"):
        check_call_back(number, DID, ())


def test_the_countries_called_back_can_be_set() -> None:
    check_call_back("+34600000101", DID, {"IT", "ES"})
    with pytest.raises(Invalid, match="no number of ES, IT"):
        check_call_back("+4915112345678", DID, {"IT", "ES"})


def test_nobody_is_called_back_while_it_is_not_known_which_number_was_dialled() -> None:
    with pytest.raises(Invalid):
        check_call_back("+393471234567", "", ())
