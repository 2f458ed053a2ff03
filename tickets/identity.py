"""Who is calling, and when that identity is good enough to count. Pure rules, no database."""

from collections.abc import Collection, Sequence
from typing import Literal

Identification = Literal["none", "one", "several", "withheld", "shared"]


def identification_of(number: str | None, candidates: Collection[str], *, shared: bool) -> Identification:
    """What a number tells: nobody known, one customer, several (the agent chooses), or a switchboard."""
    if not number:
        return "withheld"
    if shared:
        return "shared"
    if not candidates:
        return "none"
    return "one" if len(candidates) == 1 else "several"


def customer_by_number(identification: Identification, candidates: Sequence[str]) -> str | None:
    """The customer that the number alone names: only when it names exactly one and is not a switchboard's."""
    return candidates[0] if identification == "one" else None


def subject_of(customer_id: str | None, identification: str, *, confirmed: bool) -> str | None:
    """The identity under which a call counts in recall and FCR; None keeps it out of both sides of the fraction.

    A withheld, unknown, ambiguous or switchboard number counts only once an agent has confirmed the customer.
    """
    return customer_id if confirmed or identification == "one" else None
