"""The caller's number as E.164, or why there is none."""

from dataclasses import dataclass

from core.numbers import to_e164

_WITHHELD_NAMES = frozenset({"anonymous", "private", "restricted", "withheld", "unavailable", "unknown", ""})
_RESTRICTED, _PRESENTATION_BITS = 0x20, 0x60


@dataclass(frozen=True, slots=True)
class CallerNumber:
    """`e164` is None when the number is withheld, or is not one that can be called back (then `withheld` is False)."""

    e164: str | None
    withheld: bool


def read_number(raw: str, region: str, presentation: str = "0") -> CallerNumber:
    """The number that the trunk shows.

    `region` (ISO 3166) is the country in which a number without prefix is read; `presentation` is Asterisk's
    `agi_callingpres`: bits 0x60 hold 0x20 when the caller does not want the number shown (Q.931 presentation).
    """
    if presentation.isdigit() and int(presentation) & _PRESENTATION_BITS == _RESTRICTED:
        return CallerNumber(None, withheld=True)
    if raw.strip().lower() in _WITHHELD_NAMES:
        return CallerNumber(None, withheld=True)
    return CallerNumber(to_e164(raw, region), withheld=False)
