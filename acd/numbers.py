"""Which outside numbers may be dialled: a call-back dials what a caller shows, and some earn by being called."""

from collections.abc import Collection

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType

from core.errors import Invalid

_COSTLY = {
    PhoneNumberType.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST,
    PhoneNumberType.PAGER,
    PhoneNumberType.PERSONAL_NUMBER,
}
"""Types whose owner may have a part of what a call costs."""
_NO_COUNTRY = "001"
"""Region of numbers without a country (satellites, international networks): among them the most expensive ones."""


def check_number(number: str) -> None:
    """Whether a number may be dialled at all, by whoever asks. One that is not in E.164 is of this house or its trunk.

    Raises Invalid for one whose owner earns by the call, or that belongs to no country.
    """
    parsed = _parsed(number)
    if parsed is None:
        return
    if phonenumbers.number_type(parsed) in _COSTLY or _region(parsed) == _NO_COUNTRY:
        raise Invalid(f"{number} is a number of special cost and is not dialled.", "Use the party's ordinary number.")


def check_call_back(number: str, did: str, countries: Collection[str]) -> None:
    """Whether a caller may be called back. `did`: the number dialled; `countries`: ISO codes, empty: that number's own.

    Raises Invalid as `check_number` does, and for what is no whole number of such a country.
    """
    check_number(number)
    parsed, dialled = _parsed(number), _parsed(did)
    allowed = set(countries) or {_region(dialled)} - {""}
    if parsed is None or not phonenumbers.is_valid_number(parsed) or _region(parsed) not in allowed:
        raise Invalid(
            f"{number} is not called back: it is no number of {', '.join(sorted(allowed)) or 'a known country'}.",
            "Add its country to ONECALL_CALL_BACK_COUNTRIES if such customers shall be called back.",
        )


def _parsed(number: str) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(f"+{number[2:]}" if number.startswith("00") else number)
    except phonenumbers.NumberParseException:
        return None


def _region(number: PhoneNumber | None) -> str:
    """ISO code of the country; empty for no number."""
    if number is None:
        return ""
    of_country = phonenumbers.region_code_for_country_code(number.country_code or 0)
    return str(phonenumbers.region_code_for_number(number) or of_country)
